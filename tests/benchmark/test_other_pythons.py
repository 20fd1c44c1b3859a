"""`--python METHOD=PATH`: a method in the environment of another Python, as part of a run."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import benchmark
from methods.errors import InputError
from methods.images import read_rgb
from tests.benchmark.conftest import Bench

# Imports what only the other environment has, and paints the hole with that environment's NumPy.
MINE = """
import importlib.util
from dataclasses import dataclass

import numpy as np
import onlythere
from methods import Inpainter

@dataclass(kw_only=True)
class Mine(Inpainter):
    name = "mine"
    summary = "as grey as NumPy is old"
    requires = {"onlythere": "onlythere"}
    seed: int = 5

    def fill(self, image, mask):
        assert importlib.util.find_spec("torch") is None, "packages from around are here"
        print('{"status": "noise"}', flush=True)
        major, minor = np.__version__.split(".")[:2]
        raw = image.copy()
        raw[mask] = int(major), int(minor), self.seed
        return raw
"""
PYTHON_2 = '#!/bin/sh\nif [ "$1" = -c ]; then echo Python 2.7; else exit 9; fi\n'


def program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def release(environment: Path, version: str) -> None:
    """Install a version of the library that only this environment has."""
    [site] = environment.glob("lib/python*/site-packages")
    (site / "onlythere.py").write_text("")
    info = site / "onlythere.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: onlythere\nVersion: {version}\n")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with what methods need, and another NumPy than this one."""
    folder = tmp_path_factory.mktemp("other") / "environment"
    venv.create(folder)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "-q"]
    packages = [f"numpy!={np.__version__}", "opencv-python-headless", "pydantic"]
    done = subprocess.run([*pip, *packages], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"pip cannot make another environment: {done.stderr[-200:]}")
    return folder


def method_entry(bench: Bench, label: str) -> dict[str, Any]:
    entries = json.loads((bench.out / "run.json").read_text())["methods"]
    return next(entry for entry in entries if entry["label"] == label)


@pytest.mark.slow
def test_a_method_in_an_environment_with_another_numpy(
    environment: Path, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(environment, "1.0")
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    python = environment / "bin" / "python"
    words = ["--methods", "telea,mine:Mine", "--python", f"mine:Mine={python}", "--resolutions",
             "48", "--seed", "7"]  # fmt: skip
    done = bench.run(*words)
    assert done.returncode == 0, done.stderr
    assert {row["status"] for row in bench.rows().values()} == {"ok"}
    there = subprocess.run(
        [python, "-c", "import numpy; print(numpy.__version__)"], capture_output=True, text=True
    ).stdout.strip()
    assert there != np.__version__
    image = read_rgb(bench.out / "outputs/48/mine/cliff.png")
    major, minor = map(int, there.split(".")[:2])
    assert image[24, 24].tolist() == [major, minor, 7]

    entry = method_entry(bench, "mine")
    assert entry["python"] == str(python)
    assert entry["environment"]["numpy"] == there
    assert entry["environment"]["onlythere"] == "1.0"
    assert entry["environment"]["python"].startswith("3.")
    usual = method_entry(bench, "telea")
    assert "python" not in usual and "environment" not in usual
    assert "8 finished before, 0 to run" in bench.run(*words).stderr

    release(environment, "2.0")
    assert "4 finished before, 4 to run" in bench.run(*words).stderr
    # Named without it, the method stays, as one of an earlier command.
    again = bench.run("--methods", "telea", "--resolutions", "48")
    assert "kept from before: mine, 4 cases" in again.stderr
    assert method_entry(bench, "mine")["environment"]["onlythere"] == "2.0"


@pytest.mark.slow
def test_a_method_file_and_a_call_from_python(
    environment: Path, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(environment, "1.0")
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    python = environment / "bin" / "python"
    file = tmp_path / "mine.toml"
    file.write_text(f'["In a file"]\nmethod = "mine:Mine"\npython = "{python}"\nseed = 1\n')
    done = bench.run("--method-file", str(file), "--resolutions", "48")
    assert done.returncode == 0, done.stderr
    assert method_entry(bench, "In a file")["python"] == str(python)
    assert method_entry(bench, "In a file")["options"] == {"seed": 1}
    rows = benchmark.run(
        bench.photos, ["mine:Mine"], 48, bench.out, protocol=bench.protocol,
        python={"mine:Mine": python},
    )  # fmt: skip
    assert set(rows[rows.method == "mine"].status) == {"ok"}


@pytest.mark.slow
def test_a_library_that_is_missing_there_is_a_skipped_row(environment: Path, bench: Bench) -> None:
    python = environment / "bin" / "python"
    words = ["--python", f"biharmonic={python}", "--resolutions", "48"]
    done = bench.run("--methods", "biharmonic", *words)
    assert done.returncode == 0, done.stderr
    errors = {(row["status"], row["error"]) for row in bench.rows().values()}
    assert errors == {
        (
            "skipped",
            "biharmonic needs scikit-image: pip install scikit-image "
            f"(in the environment of {python})",
        )
    }


@pytest.mark.slow
def test_what_the_module_of_a_method_lacks_there(environment: Path, bench: Bench) -> None:
    python = environment / "bin" / "python"
    done = bench.run("--methods", "dfnet", "--python", f"dfnet={python}")
    assert done.returncode == 2 and not bench.out.exists()
    assert done.stderr == (
        f"error: python dfnet={python}: lacks safetensors: {python} -m pip install safetensors\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "not an executable file"),
        ("#!/bin/sh\necho no such option\n", "is no Python"),
        ("not even a script", "is no Python"),
        (PYTHON_2, "is Python 2.7; 3.11 or newer is needed"),
    ],
)
def test_what_is_no_python_is_refused_before_anything_runs(
    bench: Bench, tmp_path: Path, text: str | None, said: str
) -> None:
    path = tmp_path / "python"
    if text is not None:
        program(path, text)
    done = bench.run("--methods", "telea", "--python", f"telea={path}")
    assert done.returncode == 2 and not bench.out.exists()
    assert done.stderr.startswith(f"error: python telea={path}: ") and said in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_environment_without_what_methods_need_is_told_what_to_install(
    bench: Bench, tmp_path: Path
) -> None:
    venv.create(tmp_path / "empty")
    python = tmp_path / "empty/bin/python"
    done = bench.run("--methods", "telea", "--python", f"telea={python}")
    assert done.returncode == 2 and not bench.out.exists()
    packages = ["numpy", "opencv-python-headless", "pydantic"]
    assert done.stderr == (
        f"error: python telea={python}: lacks {', '.join(packages)}: "
        f"{python} -m pip install {' '.join(packages)}\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--python", "telea"], "write it as METHOD=PATH"),
        (["--python", f"tela={sys.executable}"], "not in this run (telea)"),
        (["--python", f"telea={sys.executable}", "--option", "telea.radius=x"], "radius"),
        (["--python", f"telea={sys.executable}", "--cluster", "local:1"], "leave out --python"),
        (["--external", "PS=.", "--python", f"PS={sys.executable}"], "run in no Python"),
    ],
)
def test_bad_input_is_one_line(bench: Bench, words: list[str], said: str) -> None:
    done = bench.run("--methods", "telea", *words)
    assert done.returncode == 2 and not bench.out.exists()
    [line] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert said in line


def test_a_table_whose_python_is_no_path(bench: Bench) -> None:
    with pytest.raises(InputError, match="python = 3"):
        benchmark.run(bench.photos, {"t": {"method": "telea", "python": 3}}, out=bench.out)
