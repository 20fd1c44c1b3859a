"""Methods are found by name, without loading what they need."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from torch import nn
from typer.testing import CliRunner

import methods
from methods import readiness
from methods.__main__ import app
from methods.base import Image, Inpainter, Mask, MissingRequirementError
from tests.command_line import run
from tests.paths import ROOT


def test_the_names_of_the_blueprint() -> None:
    expected = {"telea", "navier-stokes", "shiftmap", "patchmatch", "external", "command"}
    assert expected | {"two-stage"} <= set(methods.available())
    assert methods.available() == sorted(methods.available())


def test_every_name_leads_to_a_documented_class() -> None:
    for name in methods.available():
        cls = methods.method_class(name)
        assert issubclass(cls, Inpainter) and cls.name == name and cls.summary and cls.__doc__


def loaded_after(code: str) -> str:
    """Which heavy libraries are imported after running `code` in a new process."""
    tell = "import sys; print([m for m in ('patchmatch', 'torch', 'gdown') if m in sys.modules])"
    command = [sys.executable, "-c", f"{code}; {tell}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "declared",
    [
        "    name = 'own'",
        "\tname: ClassVar[str] = 'own'",
        "    name: str = ('own')",
        "    name: str = (\n        'own'\n    )",
        '    name = \'own\'\n    text = """\n    name = \'other\'\n    """',
    ],
)
def test_a_file_is_found_however_it_declares_its_name(
    declared: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.py").write_text(f"class Own(Inpainter):\n{declared}\n")
    monkeypatch.setattr(methods, "__file__", str(tmp_path / "__init__.py"))
    methods._bundled.cache_clear()
    try:
        assert methods._bundled() == {"own": ("own", "Own")}
    finally:
        methods._bundled.cache_clear()


def test_the_names_and_classes_of_all_methods_need_no_library() -> None:
    classes = "import methods; [methods.method_class(name) for name in methods.available()]"
    assert loaded_after(classes) == "[]"


@pytest.mark.slow
def test_the_list_of_methods_does_not_wait_for_pytorch() -> None:
    listing = "from typer.testing import CliRunner; from methods.__main__ import app"
    assert loaded_after(f"{listing}; CliRunner().invoke(app, ['list'])") == "['patchmatch']"


def test_a_network_without_its_library_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods.method_class("two-stage"), "requires", {"no_such": "torch"})
    state = readiness.check("two-stage").state
    assert state == "no: two-stage needs torch: pip install torch"


def test_a_broken_library_is_named_when_the_method_is_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken_library.py").write_text("raise OSError('libc10.so: not found')")
    monkeypatch.syspath_prepend(tmp_path)
    method = methods.create("two-stage:telea")
    monkeypatch.setattr(type(method), "requires", {"broken_library": "torch"})
    assert readiness.check("two-stage").ready
    with pytest.raises(MissingRequirementError, match=r"libc10.so: not found\): pip install torch"):
        method.load()


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("tela", {}, "did you mean 'telea'"),
        ("", {}, "known: "),
        ("telea:patchmatch", {}, "telea takes nothing after"),
        ("two-stage:tela", {}, "did you mean 'telea'"),
        ("two-stage:two-stage", {}, "cannot be two-stage itself"),
        ("telea", {"radios": 3}, "unknown key 'radios'; valid keys: device, radius"),
        ("telea", {"radius": "wide"}, "radius"),
        ("telea", {"radius": 0}, "greater than 0"),
        ("telea", {"weights": "x.pth"}, "unknown key 'weights'"),
        ("telea", {"device": "gpu"}, "'gpu': there is none; write auto, cpu, cuda or cuda:1"),
        ("telea", {"device": "cuda1"}, "device 'cuda1': there is none"),
        ("two-stage:telea", {"device": "CPU"}, "device 'CPU': there is none"),
        ("telea", {"device": 1}, "device: input should be a valid string"),
        ("patchmatch", {"seed": -1}, "seed"),
        ("external", {}, "'folder' is missing"),
        ("json:JSONDecoder", {}, "not a subclass"),
        ("no_such_module:Class", {}, "no_such_module"),
        ("methods.network:NetworkInpainter", {}, "does not define build, fill"),
    ],
)
def test_mistakes_are_named(name: str, options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        methods.create(name, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


SCRIPT = "put its script part under if __name__ == '__main__'"
PARSING = "import argparse\nparser = argparse.ArgumentParser()\nparser.parse_args(['--no-such'])"


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("import nothere", "mine:X", "importing mine failed: nothere is not installed"),
        ("import nothere.part", "mine:X", "importing mine failed: nothere is not installed"),
        ("from os import nope", "mine:X", "importing mine failed: cannot import name 'nope' from"),
        ("x = 1\ndef (", "mine:X", "mine.py, line 2: invalid syntax"),
        ("import sys; sys.exit(0)", "mine:X", f"importing mine ended with SystemExit: {SCRIPT}"),
        ("import sys; sys.exit(5)", "mine:X", f"importing mine ended with SystemExit: {SCRIPT}"),
        (PARSING, "mine:X", f"importing mine ended with SystemExit: {SCRIPT}"),
        ("raise ValueError('no\\nwords')", "mine:X", "importing mine failed: ValueError: no words"),
        ("raise BaseException('odd')", "mine:X", "importing mine failed: BaseException: odd"),
        ("import sys; sys.nope", "mine:X", "AttributeError: module 'sys' has no attribute 'nope'"),
        ("", "mine.py:X", "method 'mine.py:X': write mine:X"),
        ("", "./mine.py:X", "method './mine.py:X': write mine:X"),
        ("", "sub/mine.py:X", "method 'sub/mine.py:X': write sub.mine:X"),
        ("", "/there/mine.py:X", "write (in the folder /there) mine:X"),
        ("", ":X", "Empty module name"),
        ("", "mine:X", "unknown method 'mine:X': module 'mine' has no attribute 'X'; known: "),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_line(
    text: str,
    name: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "mine.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    # Of the tests before, which other modules of this name may have left behind.
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        methods.create(name)
    sys.modules.pop("mine", None)
    assert "\n" not in str(caught.value) and capsys.readouterr() == ("", "")


class Nameless(Inpainter):
    def fill(self, image: Image, mask: Mask) -> Image:
        return image


def test_a_class_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Nameless does not define name; .* name = 'nameless'"):
        methods.create(f"{__name__}:Nameless")


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1", "mps", "xpu:0"])
def test_devices_that_a_machine_may_have(device: str) -> None:
    assert methods.create("telea", device=device).device == device


def test_what_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cls = methods.method_class("telea")
    monkeypatch.setattr(cls, "requires", {"no_such": "no-such-package"})
    with pytest.raises(MissingRequirementError, match="pip install no-such-package"):
        methods.create("telea")


def test_a_library_that_another_package_brings_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite's own cv2 is that of opencv-contrib-python."""
    cls = methods.method_class("telea")
    monkeypatch.setattr(cls, "requires", {"cv2": "opencv-python"})
    methods.create("telea")
    assert cls.libraries() == {"opencv-contrib-python": version("opencv-contrib-python")}


def test_list_on_the_command_line() -> None:
    done = run("methods", "list")
    assert done.returncode == 0
    assert all(name in done.stdout for name in methods.available())
    assert "with the option folder" in done.stdout


def test_the_command_line_alone_shows_help() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "methods"], capture_output=True, text=True, cwd=ROOT
    )
    assert "list" in done.stdout + done.stderr and "Traceback" not in done.stderr


def test_a_native_library_that_does_not_load_is_seen_in_the_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("patchmatch.patch_match.patchmatch_available", False)
    done = CliRunner().invoke(app, ["list"])
    assert done.exit_code == 0 and "no: patchmatch" in done.stdout


def test_networks_are_imported_from_the_modules_of_their_methods() -> None:
    from methods.deepfillv2 import DeepFillV2
    from methods.dfnet import DFNet
    from methods.hifill import HiFill
    from methods.two_stage import RefinementNet

    for network in (DFNet, RefinementNet, DeepFillV2, HiFill):
        assert issubclass(network, nn.Module)
    assert callable(DeepFillV2.from_tensorflow) and callable(HiFill.from_tensorflow)
    with pytest.raises(ImportError, match="cannot import name 'DFNeet'"):
        from methods.dfnet import DFNeet  # noqa: F401
