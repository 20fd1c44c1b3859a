"""IOPaint's models: here with a package of the same interface, in an environment of its own."""

from __future__ import annotations

import os
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmark.execution.inference import Outcome, close_all, infer
from benchmark.planning.described import describe
from benchmark.planning.interpreters import ask
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.request import Limits
from methods.errors import InputError

pytestmark = pytest.mark.slow

# Paints with its settings, blue first as IOPaint does, and spoils the image that it is given.
STAND_IN = {
    "__init__.py": "",
    "model.py": 'models = {"cv2": None, "lama": None, "small": None}\n',
    "download.py": """
from types import SimpleNamespace

def scan_models():
    return [SimpleNamespace(name=name) for name in ("cv2", "small", "owner/diffusion")]
""",
    "schema.py": """
from pydantic import BaseModel

class InpaintRequest(BaseModel):
    image: str | None = None
    mask: str | None = None
    hd_strategy: str = "Crop"
    hd_strategy_crop_trigger_size: int = 800
    hd_strategy_crop_margin: int = 128
    hd_strategy_resize_limit: int = 1280
    sd_seed: int = 42
    sd_steps: int = 50
    prompt: str = ""
""",
    "model_manager.py": """
print("loading")

class ModelManager:
    def __init__(self, name, device):
        self.name, self.device = name, str(device)

    def __call__(self, image, mask, config):
        assert self.device == "cpu" and image.dtype == mask.dtype == "uint8"
        assert set(mask.ravel().tolist()) == {0, 255} and mask.shape == image.shape[:2]
        result = image[:, :, ::-1]
        strategy = ("Original", "Resize", "Crop").index(config.hd_strategy)
        result[mask == 255] = strategy, config.hd_strategy_crop_margin, config.sd_steps
        return result[:-1] if self.name == "small" else result
""",
}
IMAGE = np.full((40, 48, 3), (200, 100, 0), np.uint8)
MASK = np.zeros((40, 48), bool)
MASK[10:20, 10:30] = True


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of an environment with the libraries of this one, and what stands for IOPaint."""
    folder = tmp_path_factory.mktemp("iopaint") / "environment"
    venv.create(folder)
    [site] = folder.glob("lib/python*/site-packages")
    (site / "iopaint").mkdir()
    for name, text in STAND_IN.items():
        (site / "iopaint" / name).write_text(text)
    info = site / "IOPaint-1.6.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: IOPaint\nVersion: 1.6.0\n")
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "libraries.pth").write_text(f"{libraries}\n")
    return str(folder / "bin" / "python")


@pytest.fixture
def here(stand_in: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What stands for IOPaint in this process too: to start the other Python takes seconds."""
    [site] = Path(stand_in).parents[1].glob("lib/python*/site-packages")
    monkeypatch.syspath_prepend(site)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "iopaint"]:
        del sys.modules[name]


@pytest.fixture(autouse=True)
def _no_process_left() -> Iterator[None]:
    yield
    close_all()


def fill(python: str, name: str, image: np.ndarray = IMAGE, **options: Any) -> Outcome:
    spec = MethodSpec(name, name, options, "cpu", python)
    return infer(spec, 40, "boat", image, MASK, Limits(300))


def question(name: str, options: dict[str, Any]) -> dict[str, Any]:
    about = {"label": name, "method": name, "options": options, "device": "cpu"}
    return {**about, "resolutions": [40], "cases": [(40, "boat")]}


def described(python: str, name: str, **options: Any) -> dict[str, Any]:
    answer = ask(name, python, "describe", question(name, options))
    assert isinstance(answer, dict)
    return answer


def test_strategy_sizes_and_settings_reach_iopaint(stand_in: str) -> None:
    outcome = fill(
        stand_in, "iopaint:cv2", strategy="resize", crop_margin=9, settings={"sd_steps": 30}
    )
    assert outcome.status == "ok", outcome.error
    assert outcome.raw is not None
    # Blue first there, red first here.
    assert outcome.raw[15, 20].tolist() == [30, 9, 1]
    assert (outcome.raw[~MASK] == (200, 100, 0)).all()
    again = fill(stand_in, "iopaint:cv2", strategy="original")
    assert again.raw is not None and again.raw[15, 20].tolist() == [50, 128, 0]


def test_all_options_and_versions_are_what_a_case_depends_on(stand_in: str) -> None:
    [identity] = described(stand_in, "iopaint:cv2", strategy="original", seed=4)["identities"]
    assert identity["options"] == {
        "model": "cv2", "strategy": "original", "crop_trigger": 800, "crop_margin": 128,
        "resize_limit": 1280, "seed": 4, "settings": {},
    }  # fmt: skip
    assert identity["libraries"]["IOPaint"] == "1.6.0" and "torch" in identity["libraries"]
    assert {"python", "numpy", "opencv"} == identity["environment"].keys()


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        (
            "iopaint:lamma",
            {},
            "no model 'lamma', and diffusion models are OWNER/NAME, did you mean 'l",
        ),
        ("iopaint:cv2", {"strategy": "tile"}, "strategy"),
        ("iopaint:cv2", {"settings": {"sd_step": 3}}, "no 'sd_step', did you mean 'sd_steps'?"),
        ("iopaint:cv2", {"settings": {"sd_steps": "many"}}, "settings: sd_steps: "),
        ("iopaint:cv2", {"settings": {"sd_seed": 3}}, "sd_seed is set by an option"),
        ("iopaint", {}, "'model' is missing"),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_iopaint_does_not_have_is_refused_before_a_run(
    name: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as refused:
        describe(**question(name, options))
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_a_refusal_by_the_other_python_names_it(stand_in: str) -> None:
    with pytest.raises(InputError) as refused:
        described(stand_in, "iopaint:lamma")
    assert "did you mean 'lama'?" in str(refused.value)
    assert str(refused.value).endswith(f"(said by {stand_in})")


@pytest.mark.usefixtures("here")
def test_weights_that_are_not_there_are_skipped_with_the_command_that_fetches_them(
    stand_in: str,
) -> None:
    [reason] = described(stand_in, "iopaint:lama")["identities"]
    assert f"{stand_in} -m iopaint download --model lama" in reason
    [reason] = describe(**question("iopaint:owner/other", {})).identities
    assert isinstance(reason, str) and "download --model owner/other" in reason
    [identity] = describe(**question("iopaint:owner/diffusion", {})).identities
    assert isinstance(identity, dict) and identity["options"]["model"] == "owner/diffusion"
    outcome = fill(stand_in, "iopaint:lama")
    assert outcome.status == "skipped" and "download --model lama" in outcome.error


def test_a_result_of_another_size_is_a_failed_case(stand_in: str) -> None:
    outcome = fill(stand_in, "iopaint:small")
    assert outcome.status == "failed"
    assert "returned uint8 (39, 48, 3) where uint8 (40, 48, 3) was expected" in outcome.error


def test_without_iopaint_it_is_told_how_to_have_it(tmp_path: Path) -> None:
    [reason] = described(sys.executable, "iopaint:cv2")["identities"]
    assert "pip install IOPaint in an environment of its own" in reason
    # What there is for a run, and for `fill`, which has no --python.
    assert "to a run with --python" in reason and "ITS_PYTHON -m methods fill" in reason


# IOPaint itself is some gigabytes with its libraries: the Python of an environment that has it.
if IOPAINT := os.environ.get("IOPAINT_PYTHON"):

    @pytest.mark.parametrize("strategy", ["original", "resize", "crop"])
    def test_iopaint_itself_with_its_model_cv2(strategy: str) -> None:
        image = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
        sizes = {"crop_trigger": 44, "crop_margin": 8, "resize_limit": 24}
        outcome = fill(str(IOPAINT), "iopaint:cv2", image, strategy=strategy, **sizes)
        assert outcome.status == "ok" and outcome.raw is not None, outcome.error
        assert (outcome.raw[~MASK] == image[~MASK]).all()
        whole = cv2.inpaint(image, MASK.astype(np.uint8) * 255, 4, cv2.INPAINT_NS)
        same = bool((outcome.raw[MASK] == whole[MASK]).all())
        assert same == (strategy != "resize")
