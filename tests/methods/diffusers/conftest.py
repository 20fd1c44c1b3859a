"""A stand-in of diffusers and of Hugging Face's cache, and a folder with a pipeline in it."""

from __future__ import annotations

import json
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

import methods
from methods.base import Inpainter
from tests.methods.conftest import box, scene

IMAGE = scene(2, 97, 130)
MASK = box(97, 130, slice(20, 61), slice(33, 70))
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Pipeline:
    """Fills with the brightness of its own columns, whatever it is given."""

    calls: ClassVar[list[dict[str, Any]]] = []
    loaded: ClassVar[dict[str, Any]] = {}
    is_black: ClassVar[bool] = False
    value: ClassVar[float] = 1.0
    vae_scale_factor = 8

    def __init__(self) -> None:
        self.unet = types.SimpleNamespace(config=types.SimpleNamespace(block_out_channels=(1, 2)))

    @classmethod
    def from_pretrained(cls, folder: str, **options: Any) -> Pipeline:
        cls.loaded = {"folder": folder, **options}
        return cls()

    def to(self, device: torch.device) -> Pipeline:
        self.device = device
        return self

    def set_progress_bar_config(self, disable: bool) -> None:
        assert disable

    def __call__(
        self, prompt: Any = None, image: Any = None, mask_image: Any = None,
        height: int = 512, width: int = 512, strength: float = 0.6,
        num_inference_steps: int = 50, guidance_scale: float = 7.5, negative_prompt: Any = None,
        generator: Any = None, output_type: str = "pil", clip_skip: int = 0,
    ) -> Any:  # fmt: skip
        self.calls.append({key: value for key, value in locals().items() if key != "self"})
        columns = np.tile(np.arange(width) / 255, (height, 1)) * self.value
        images = np.repeat(columns[None, ..., None], 3, axis=3)
        return types.SimpleNamespace(images=images, nsfw_content_detected=[self.is_black])


class Transformer(Pipeline):
    """Has patches in place of levels, and fewer arguments."""

    def __init__(self) -> None:
        pass

    def __call__(  # type: ignore[override]
        self, prompt: Any, image: Any, mask_image: Any, height: int, width: int, generator: Any,
        output_type: str,
    ) -> Any:  # fmt: skip
        return super().__call__(prompt, image, mask_image, height, width, generator=generator)


class NotDownloadedError(Exception):
    pass


class BadNameError(ValueError):
    pass


def silent(name: str) -> Any:
    module: Any = types.ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    names = ("set_verbosity_error", "disable_progress_bar")
    quiet = types.SimpleNamespace(**{name: lambda: None for name in names})
    module.utils = types.SimpleNamespace(logging=quiet)
    return module


@pytest.fixture
def diffusers(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stand-in of the library, and of those that it comes with."""
    library = silent("diffusers")
    library.AutoPipelineForInpainting = Pipeline
    monkeypatch.setitem(sys.modules, "diffusers", library)
    monkeypatch.setitem(sys.modules, "transformers", silent("transformers"))
    monkeypatch.setattr("methods.libraries.distribution", lambda name: None)
    monkeypatch.setattr("methods.base.installed_version", lambda name: "9.9")
    monkeypatch.setattr(Pipeline, "calls", [])
    return library


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A stand-in of Hugging Face's cache with the repository own/tiny."""
    cache = tmp_path / "snapshots" / COMMIT

    def hf_hub_download(name: str, file: str, revision: str | None, local_files_only: bool) -> str:
        assert local_files_only
        if name.count("/") > 1:
            raise BadNameError
        if name != "own/tiny" or revision not in (None, "main", COMMIT):
            raise NotDownloadedError
        return str(cache / file)

    library: Any = types.ModuleType("huggingface_hub")
    errors: Any = types.ModuleType("huggingface_hub.errors")
    library.hf_hub_download = hf_hub_download
    errors.HFValidationError, errors.LocalEntryNotFoundError = BadNameError, NotDownloadedError
    monkeypatch.setitem(sys.modules, "huggingface_hub", library)
    monkeypatch.setitem(sys.modules, "huggingface_hub.errors", errors)
    return pipeline_folder(cache)


def pipeline_folder(folder: Path) -> Path:
    """A folder as `save_pretrained` makes it, with weights of several kinds."""
    index = {
        "_class_name": "StableDiffusionPipeline",
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
        "feature_extractor": [None, None],
        "requires_safety_checker": True,
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
    }
    (folder / "unet").mkdir(parents=True)
    (folder / "tokenizer").mkdir()
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "tokenizer" / "vocab.json").write_text("{}")
    (folder / "unet" / "config.json").write_text("{}")
    for name in ("model.safetensors", "model.fp16.safetensors", "model.bin", "model.ckpt"):
        (folder / "unet" / name).write_text(f"weights in {name}")
    return folder


@pytest.fixture
def folder(diffusers: Any, tmp_path: Path) -> Path:
    return pipeline_folder(tmp_path / "tiny")


def create(folder: Path | str, **options: Any) -> Inpainter:
    return methods.create(f"diffusers:{folder}", device="cpu", **options)


def fill(folder: Path, **options: Any) -> tuple[np.ndarray, dict[str, Any]]:
    """The result, and what the pipeline was called with."""
    result = create(folder, **options).inpaint(IMAGE, MASK)
    return result, Pipeline.calls[-1]
