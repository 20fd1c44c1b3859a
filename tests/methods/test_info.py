"""`python -m methods info` of a class of the user's, and of names that set an option."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import ClassVar

import pytest

from methods.base import Image, Inpainter, Mask, MissingRequirementError
from tests.command_line import run


@dataclass(kw_only=True)
class Own(Inpainter):
    """Return the image.

    Parameters
    ----------
    reach
        In pixels.
    """

    name: ClassVar[str] = "own"
    summary: ClassVar[str] = "for tests"
    requires: ClassVar[dict[str, str]] = {"cv2": "opencv-contrib-python"}

    reach: int = 16
    tone: float

    def fill(self, image: Image, mask: Mask) -> Image:
        return image


@dataclass(kw_only=True)
class Plain(Own):
    name: ClassVar[str] = "plain"
    summary: ClassVar[str] = ""
    tone: float = 0.5

    def load(self) -> None:
        sys.stdout.close()
        raise MissingRequirementError("weights are not here: ask for them")


class Ending(Plain):
    def load(self) -> None:
        sys.exit(0)


def info(cls: str) -> str:
    done = run("methods", "info", f"{__name__}:{cls}")
    assert (done.returncode, done.stderr) == (0, "")
    return " ".join(done.stdout.split())


def test_a_class_of_the_users_is_told_of_as_those_of_the_suite() -> None:
    told = info("Own")
    assert told.startswith(f"{__name__}:Own for tests needs opencv-contrib-python, option tone ")
    assert "ready yes, with the option tone options device 'auto' reach 16 tone must be giv" in told
    assert told.endswith("Return the image. Parameters ---------- reach In pixels.")


def test_what_its_load_lacks_is_told_and_no_docstring_is_lent() -> None:
    told = info("Plain")
    assert "ready no: weights are not here: ask for them" in told
    assert told.endswith("reach 16 tone 0.5")
    ending = info("Ending")
    assert "ready no: SystemExit: 0 options" in ending and ending.endswith("tone 0.5")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (f"{__name__}:Owl", "has no attribute 'Owl'"),
        ("json:JSONDecoder", "JSONDecoder is not a subclass of methods.Inpainter"),
        ("no_such_module:X", "No module named 'no_such_module'"),
        ("telea:5", "telea takes nothing after ':'"),
    ],
)
def test_names_that_lead_nowhere_are_one_line(name: str, said: str) -> None:
    done = run("methods", "info", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and len(done.stderr.splitlines()) == 1


def test_what_a_name_sets_need_not_be_given() -> None:
    told = " ".join(run("methods", "info", "two-stage:telea").stdout.split())
    assert "stage_one 'telea'" in told and "runs as stage one telea at 512 px" in told
    assert "CC BY-NC 4.0" in told and "weights refinement" in told
    model = " ".join(run("methods", "info", "iopaint:cv2").stdout.split())
    assert "needs torch, IOPaint ready" in model and "model 'cv2'" in model
