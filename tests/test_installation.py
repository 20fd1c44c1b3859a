"""The suite installed with pip, away from its checkout, and beside a user's files of its names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.paths import ROOT

PACKAGES = ("methods", "benchmark", "analysis", "survey")
Command = Callable[..., subprocess.CompletedProcess[str]]
# The command without drawing, which takes most of the time of a run; a ranking is drawn.
UNDRAWN = """
from analysis import style
import inpainting_suite

def touch(figure, path, suffixes=("png", "pdf")):
    path.parent.mkdir(parents=True, exist_ok=True)
    for suffix in suffixes:
        path.with_name(f"{path.name}.{suffix}").touch()

style.save, style.write = touch, lambda *_: None
inpainting_suite.main()
"""


def test_every_folder_with_code_is_packaged() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    mapped = set(declared["package-dir"])
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }
    assert set(declared["packages"]) == folders | mapped
    assert all((ROOT / folder).is_dir() for folder in declared["package-dir"].values())


@pytest.mark.parametrize("words", [["--help"], ["frobnicate"]])
def test_the_console_command_says_what_there_is(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "inpainting_suite", *words],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == (0 if words == ["--help"] else 2)
    for command in ("run", "methods", "survey", "analysis"):
        assert command in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["methods.py", "analysis/__init__.py"])
def test_a_package_of_the_users_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    own = tmp_path / name
    own.parent.mkdir(exist_ok=True)
    own.write_text("")
    # As where the suite is installed: the current folder comes first, then its packages.
    done = subprocess.run(
        [sys.executable, "-m", "survey", "--help"], capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
    )  # fmt: skip
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert str(own) in done.stderr and "rename it" in done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Run `inpainting-suite`, installed by pip into an environment of its own, in some folder, with
    or without drawing."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, tracked):
        if not name.startswith(("tests/", "datasets/", "docs/")) and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    # The libraries, and pip, are those of the tests; only the suite itself is installed.
    venv.create(folder / "venv")
    python = folder / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps"]
    done = subprocess.run([*pip, str(source)], capture_output=True, text=True)
    if done.returncode != 0 and "No matching distribution" in done.stderr:
        pytest.skip("pip cannot get setuptools: no network")
    assert done.returncode == 0, done.stderr
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    site = next((folder / "venv" / "lib").glob("python*/site-packages"))
    (site / "libraries.pth").write_text(f"{libraries}\n")
    shutil.rmtree(source)

    def command(*words: str, cwd: Path, draw: bool = True) -> subprocess.CompletedProcess[str]:
        # -P: as for the console command, the current folder holds no modules.
        program = [python.with_name("inpainting-suite")] if draw else [python, "-Pc", UNDRAWN]
        return subprocess.run([*program, *words], cwd=cwd, capture_output=True, text=True)

    return command


@pytest.mark.slow
def test_everything_works_when_installed(installed: Command, tmp_path: Path) -> None:
    # Names of the suite's packages, which the console command does not even see.
    (tmp_path / "methods.py").write_text("raise SystemExit('imported')")
    (tmp_path / "analysis").mkdir()
    refused = installed("run", cwd=tmp_path)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
    assert "--dataset" in refused.stderr

    (tmp_path / "photos").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "photos/photo.png"), cv2.resize(noise, (1024, 1024)))
    run = ["run", "--dataset", "photos", "--resolutions", "1024",
           "--methods", "telea,navier-stokes", "--out", "mine"]  # fmt: skip
    done = installed(*run, cwd=tmp_path, draw=False)
    assert done.returncode == 0, done.stderr
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    suite = json.loads((tmp_path / "mine/run.json").read_text())["suite"]
    assert suite == {"version": version, "commit": None, "modified": None}
    report = (tmp_path / "mine/report.html").read_text()
    assert f"version {version}" in report and "Moskalenko et al. 2020, Table 1" in report

    listed = installed("methods", "list", cwd=tmp_path)
    assert listed.returncode == 0 and "two-stage" in listed.stdout
    study = ["survey", "create", "--run", "mine", "--resolution", "1024", "--reference", "--check",
             "telea", "--pairs", "2", "--checks", "1", "--out", "study"]  # fmt: skip
    for words in (
        study,
        ["survey", "simulate", "study", "--people", "4"],
        ["survey", "export", "study", "votes.csv"],
        ["analysis", "rank", "votes.csv", "--prior", "1", "--out", "ranking"],
    ):
        done = installed(*words, cwd=tmp_path)
        assert done.returncode == 0, (words, done.stderr)
    assert (tmp_path / "ranking/ranking.csv").is_file()
