"""Which files a pipeline is, and what is said about those that are missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import methods
from methods.base import MissingRequirementError
from methods.errors import InputError
from tests.methods.diffusers.conftest import COMMIT, Pipeline, create


def case(folder: Path | str, **options: Any) -> dict[str, Any]:
    return create(folder, **options).identity(256, "a")


def test_cases_are_those_of_the_content(folder: Path, tmp_path: Path, hub: Path) -> None:
    first = case(folder)
    assert first == case("own/tiny") == case("own/tiny", revision="main")
    assert first["libraries"]["diffusers"] == "9.9"
    for option, value in (("prompt", "a"), ("steps", 3), ("dtype", "float16"), ("seed", 1)):
        assert case(folder, **{option: value}) != first
    unet = folder / "unet"
    for unread in ("model.bin", "model.ckpt", "model.fp16.safetensors", "x.bin.index.json"):
        (unet / unread).write_text("other weights")
    (folder / "README.md").write_text("read me")
    assert case(folder) == first
    assert case(folder, variant="fp16") != first
    (unet / "config.json").write_text('{"other": 1}')
    changed = case(folder)
    assert changed != first
    (unet / "model.safetensors").write_text("other weights")
    assert case(folder) not in (first, changed)


def test_shards_of_a_variant(folder: Path) -> None:
    first = case(folder, variant="fp16")
    (folder / "unet" / "model.fp16.safetensors").unlink()
    for name in ("model.fp16-00001-of-00002.safetensors", "model-00001-of-00002.bin"):
        (folder / "unet" / name).write_text(name)
    sharded = case(folder, variant="fp16")
    (folder / "unet" / "model-00001-of-00002.bin").write_text("other")
    (folder / "unet" / "model.safetensors").write_text("other")
    assert case(folder, variant="fp16") == sharded != first


def test_the_cache_names_large_files_by_their_sha256(folder: Path, hub: Path) -> None:
    weights = hub / "unet" / "model.safetensors"
    text = weights.read_text()
    digest = "2b8ef8b4ea3f2e5de8ae58d2f9dfcb2e9b9f2c9ea34c8bd5c7d6c9a3a1d80b7e"
    weights.unlink()
    weights.symlink_to(hub.parent / digest)
    (hub.parent / digest).write_text(text)
    renamed = case("own/tiny")
    assert renamed != case(folder)
    # Not read: the file may be of ten gigabytes.
    (hub.parent / digest).write_text("changed")
    assert case("own/tiny") == renamed


def test_a_repository_is_settled_to_the_commit_that_was_downloaded(
    diffusers: Any, hub: Path
) -> None:
    method = create("own/tiny")
    assert method.settled_options() == {"revision": COMMIT}
    assert method.note == "model own/tiny at 01234567, prompt '', float32"
    assert method.weights_used().keys() == {"own/tiny"}
    method.load()
    assert Pipeline.loaded["folder"] == str(hub)


def test_what_has_not_been_downloaded_says_how(diffusers: Any, hub: Path) -> None:
    with pytest.raises(MissingRequirementError) as caught:
        create("own/other", revision="v2", variant="fp16")
    assert str(caught.value) == (
        "model 'own/other' is no folder here, and has not been downloaded: python -c \"from "
        "diffusers import DiffusionPipeline as P; P.download('own/other', revision='v2', "
        "variant='fp16')\""
    )


def test_files_that_are_missing_in_the_cache(
    diffusers: Any, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise OSError("no file named model.bin")

    monkeypatch.setattr(Pipeline, "from_pretrained", failing)
    with pytest.raises(MissingRequirementError, match=r"model.bin; to download what is missing: p"):
        create("own/tiny").load()
    (hub / "unet").rename(hub / "elsewhere")
    with pytest.raises(
        MissingRequirementError, match=r"the folder unet, .*; to download what is m"
    ):
        create("own/tiny").check()


def test_models_that_are_none(folder: Path, hub: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither a folder nor the name of a repository"):
        create("a/b/c")
    with pytest.raises(ValueError, match=r"holds no pipeline: model_index.json is missing"):
        create(tmp_path)
    with pytest.raises(ValueError, match="a folder has no revisions"):
        create(folder, revision="main")
    with pytest.raises(ValueError, match="'model' is missing"):
        methods.create("diffusers")
    (folder / "tokenizer" / "vocab.json").unlink()
    (folder / "tokenizer").rmdir()
    said = r"the folder tokenizer, which model_index.json names, is missing; save or copy"
    with pytest.raises(InputError, match=said):
        create(folder).check()
    (folder / "model_index.json").write_text("[")
    with pytest.raises(InputError, match=r"model_index.json cannot be read.*; save or copy"):
        create(folder).check()
