"""`python -m methods gimp install | uninstall | status`, on the plug-in of this checkout."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import environment
from methods.__main__ import app
from methods.errors import InputError
from methods.gimp import install as installer
from tests.methods.gimp.conftest import PLUG_IN
from tests.paths import ROOT

NAME = "inpaint_selection"


def gimp(command: str, folder: Path) -> Result:
    result = CliRunner().invoke(app, ["gimp", command, "--folder", str(folder)])
    assert result.exception is None or isinstance(result.exception, SystemExit | InputError)
    return result


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def refused(result: Result) -> str:
    """The message of bad input."""
    assert isinstance(result.exception, InputError), result.output
    message = str(result.exception)
    assert "\n" not in message
    return message


@pytest.fixture
def plug_ins(tmp_path: Path) -> Path:
    """An empty plug-ins folder that does not exist yet."""
    return tmp_path / "GIMP" / "3.0" / "plug-ins"


def test_installed_files_are_those_of_the_plug_in(plug_ins: Path) -> None:
    result = gimp("install", plug_ins)
    assert result.exit_code == 0 and str(plug_ins / NAME) in result.stdout
    assert "Inpaint selection" in result.stdout
    installed = content(plug_ins / NAME)
    del installed[installer.RECORD]
    assert installed == {path.name: path.read_bytes() for path in PLUG_IN.glob("*.py")}
    assert os.access(plug_ins / NAME / f"{NAME}.py", os.X_OK)
    assert [path.name for path in plug_ins.iterdir()] == [NAME]


def test_the_plug_in_reads_what_install_records(plug_ins: Path) -> None:
    gimp("install", plug_ins)
    found = environment.read(plug_ins / NAME / installer.RECORD)
    assert found.python == Path(sys.executable) and found.root == ROOT
    assert found.suite_version == installer.suite_version()


def test_installing_again_replaces_what_changed_and_keeps_what_is_others(plug_ins: Path) -> None:
    gimp("install", plug_ins)
    first = content(plug_ins)
    target = plug_ins / NAME
    (target / "region.py").write_text("spoilt")
    (target / "notes.txt").write_text("mine")
    assert gimp("install", plug_ins).exit_code == 0
    assert content(plug_ins) == {**first, f"{NAME}/notes.txt": b"mine"}


def test_files_of_an_earlier_version_go(plug_ins: Path) -> None:
    gimp("install", plug_ins)
    old = plug_ins / NAME / "old_module.py"
    old.write_text("")
    record = json.loads((plug_ins / NAME / installer.RECORD).read_text())
    record["files"]["old_module.py"] = ""
    (plug_ins / NAME / installer.RECORD).write_text(json.dumps(record))
    gimp("install", plug_ins)
    assert not old.exists()


def test_a_failure_half_way_leaves_the_earlier_one(
    plug_ins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gimp("install", plug_ins)
    before = content(plug_ins)
    monkeypatch.setattr(installer, "files", lambda: {"a.py": b"", f"{'x' * 300}.py": b""})
    assert str(plug_ins) in refused(gimp("install", plug_ins))
    assert content(plug_ins) == before and [p.name for p in plug_ins.iterdir()] == [NAME]


def test_what_a_power_failure_left_is_cleaned(plug_ins: Path) -> None:
    (plug_ins / NAME).mkdir(parents=True)
    (plug_ins / NAME / ".region.py.part").write_text("half")
    assert gimp("install", plug_ins).exit_code == 0
    assert not list((plug_ins / NAME).glob(".*"))


def test_a_folder_of_somebody_else_is_left_alone(plug_ins: Path) -> None:
    (plug_ins / NAME).mkdir(parents=True)
    (plug_ins / NAME / f"{NAME}.py").write_text("other")
    assert "move it away" in refused(gimp("install", plug_ins))
    assert content(plug_ins) == {f"{NAME}/{NAME}.py": b"other"}


def test_a_linked_checkout_is_left_alone(plug_ins: Path, tmp_path: Path) -> None:
    gimp("install", tmp_path / "other")
    plug_ins.mkdir(parents=True)
    (plug_ins / NAME).symlink_to(tmp_path / "other" / NAME)
    assert "move it away" in refused(gimp("install", plug_ins))


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in refused(gimp("install", tmp_path / "file" / "plug-ins"))


def test_uninstall_removes_what_install_and_python_wrote(plug_ins: Path) -> None:
    gimp("install", plug_ins)
    cache = plug_ins / NAME / "__pycache__"
    cache.mkdir()
    (cache / "region.cpython-313.pyc").touch()
    (plug_ins / "other.py").touch()
    assert gimp("uninstall", plug_ins).exit_code == 0
    assert [path.name for path in plug_ins.iterdir()] == ["other.py"]


def test_uninstall_leaves_files_of_others_and_names_them(plug_ins: Path) -> None:
    gimp("install", plug_ins)
    (plug_ins / NAME / "notes.txt").write_text("mine")
    result = gimp("uninstall", plug_ins)
    assert "notes.txt" in result.stdout and content(plug_ins) == {f"{NAME}/notes.txt": b"mine"}


def test_uninstall_where_nothing_is(plug_ins: Path) -> None:
    result = gimp("uninstall", plug_ins)
    assert result.exit_code == 0 and "nothing is installed" in result.stdout


def test_a_record_that_leads_elsewhere_removes_nothing(plug_ins: Path, tmp_path: Path) -> None:
    gimp("install", plug_ins)
    precious = tmp_path / "precious.py"
    precious.touch()
    record = plug_ins / NAME / installer.RECORD
    told = json.loads(record.read_text())
    told["files"] = {str(precious): "", "../../../../precious.py": ""}
    record.write_text(json.dumps(told))
    assert "nothing is installed" in gimp("uninstall", plug_ins).stdout and precious.exists()


@pytest.mark.slow
def test_status_of_a_working_one(plug_ins: Path) -> None:
    gimp("install", plug_ins)
    result = gimp("status", plug_ins)
    assert result.exit_code == 0 and "problem" not in result.stdout
    assert "telea" in result.stdout and "two-stage" in result.stdout
    assert sys.executable in result.stdout


def test_status_where_nothing_is(plug_ins: Path) -> None:
    result = gimp("status", plug_ins)
    assert result.exit_code == 1 and "gimp install" in result.stdout


def test_status_names_what_is_wrong(plug_ins: Path) -> None:
    gimp("install", plug_ins)
    (plug_ins / NAME / "region.py").write_text("spoilt")
    record = plug_ins / NAME / installer.RECORD
    told = json.loads(record.read_text())
    told["python"] = "/nowhere/python"
    record.write_text(json.dumps(told))
    result = gimp("status", plug_ins)
    assert result.exit_code == 1 and "region.py" in result.stdout
    assert "/nowhere/python" in result.stdout and "install` again" in result.stdout


def test_status_asks_the_recorded_environment(plug_ins: Path) -> None:
    """An environment that has lost the suite is found out."""
    gimp("install", plug_ins)
    record = plug_ins / NAME / installer.RECORD
    told = json.loads(record.read_text())
    told["root"] = str(plug_ins)
    record.write_text(json.dumps(told))
    result = gimp("status", plug_ins)
    assert result.exit_code == 1 and "No module named 'methods'" in result.stdout


@pytest.mark.parametrize(
    ("system", "variables", "there", "expected"),
    [
        ("linux", {}, [], ".config/GIMP/3.0"),
        ("linux", {"XDG_CONFIG_HOME": "{home}/c"}, [], "c/GIMP/3.0"),
        ("linux", {}, [".config/GIMP/2.10"], ".config/GIMP/3.0"),
        ("linux", {}, [".config/GIMP/3.2"], ".config/GIMP/3.2"),
        (
            "linux",
            {},
            [".config/GIMP/3.0", ".config/GIMP/3.2", ".config/GIMP/3.10", ".config/GIMP/2.99"],
            ".config/GIMP/3.0 .config/GIMP/3.2 .config/GIMP/3.10",
        ),
        (
            "linux",
            {},
            [".var/app/org.gimp.GIMP/config/GIMP/3.0"],
            ".var/app/org.gimp.GIMP/config/GIMP/3.0",
        ),
        (
            "linux",
            {},
            [".config/GIMP/3.0", "snap/gimp/current/.config/GIMP/3.0"],
            ".config/GIMP/3.0 snap/gimp/current/.config/GIMP/3.0",
        ),
        ("darwin", {}, [], "Library/Application-Support/GIMP/3.0"),
        (
            "darwin",
            {},
            ["Library/Application-Support/GIMP/3.2"],
            "Library/Application-Support/GIMP/3.2",
        ),
        ("win32", {"APPDATA": "{home}/Roaming"}, ["Roaming/GIMP/3.0"], "Roaming/GIMP/3.0"),
        ("win32", {}, [], "AppData/Roaming/GIMP/3.0"),
        ("linux", {"GIMP3_DIRECTORY": "{home}/g"}, [".config/GIMP/3.0"], "g"),
    ],
)
def test_plug_ins_folders(
    tmp_path: Path, system: str, variables: dict[str, str], there: list[str], expected: str
) -> None:
    def path(name: str) -> Path:
        return tmp_path / name.replace("Application-Support", "Application Support")

    for name in there:
        path(name).mkdir(parents=True)
    given = {name: value.format(home=tmp_path) for name, value in variables.items()}
    found = installer.plug_ins(system, given, tmp_path)
    assert found == [path(name) / "plug-ins" for name in expected.split()]


def test_a_sandboxed_gimp_is_warned_of(tmp_path: Path) -> None:
    inside = tmp_path / ".var" / "app" / "org.gimp.GIMP" / "config" / "GIMP" / "3.0" / "plug-ins"
    assert "Flatpak" in gimp("install", inside).stdout
    assert "Flatpak" not in gimp("install", tmp_path / "plug-ins").stdout
