"""Methods are found by name, without loading what they need."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

import methods
from methods.__main__ import app
from methods.base import Inpainter, MissingRequirementError
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


def test_listing_methods_loads_none_of_them() -> None:
    code = (
        "import sys, methods; methods.available(); methods.method_class('telea');"
        "print([m for m in ('patchmatch', 'torch', 'methods.patchmatch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("tela", {}, "did you mean 'telea'"),
        ("", {}, "known: "),
        ("telea:patchmatch", {}, "takes no stage one"),
        ("two-stage:tela", {}, "did you mean 'telea'"),
        ("two-stage:two-stage", {}, "cannot be two-stage itself"),
        ("telea", {"radios": 3}, "unknown key 'radios'; valid keys: device, radius"),
        ("telea", {"radius": "wide"}, "radius"),
        ("telea", {"radius": 0}, "greater than 0"),
        ("telea", {"weights": "x.pth"}, "unknown key 'weights'"),
        ("patchmatch", {"seed": -1}, "seed"),
        ("external", {}, "'folder' is missing"),
        ("json:JSONDecoder", {}, "not a subclass"),
        ("no_such_module:Class", {}, "no_such_module"),
    ],
)
def test_mistakes_are_named(name: str, options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        methods.create(name, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_what_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cls = methods.method_class("telea")
    monkeypatch.setattr(cls, "requires", {"no_such": "no-such-package"})
    with pytest.raises(MissingRequirementError, match="pip install no-such-package"):
        methods.create("telea")


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
