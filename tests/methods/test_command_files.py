"""Which files a command's results depend on: all that its template names, and those in folders."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import methods
from methods.files import sha256


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def of(arguments: str) -> tuple[dict[str, Any], dict[str, str]]:
    method = methods.create(
        "command", template=f"{sys.executable} {arguments} {{image}} {{mask}} {{result}}"
    )
    used = method.weights_used()
    return method.identity(64, "cliff"), {k: v for k, v in used.items() if "python" not in k}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_files_of_one_name_are_recorded_each(at: Path) -> None:
    files = [write(at / f"{folder}/m.pth", folder) for folder in ("wa", "wb", "wa/in", "wb/in")]
    other = write(at / "run.py", "")
    _, used = of("run.py wa/m.pth --second=wb/m.pth wa/in/m.pth wb/in/m.pth")
    names = ("wa/m.pth", "wb/m.pth", "wa/in/m.pth", "wb/in/m.pth")
    expected = {name: sha256(file) for name, file in zip(names, files, strict=True)}
    assert used == {**expected, "run.py": sha256(other)}


def test_a_change_in_a_folder_of_the_template_is_noticed(at: Path) -> None:
    write(at / "run.py", "")
    weights = write(at / "net/deep/w.bin", "one")
    identity, used = of("run.py --model net/")
    assert set(used) == {"run.py", "net/"}
    write(weights, "three")
    changed, also = of("run.py --model net/")
    assert changed != identity and also["net/"] != used["net/"]
    weights.rename(at / "net/deep/v.bin")
    assert of("run.py --model net/")[0] not in (identity, changed)
    (at / "net/deep/v.bin").rename(weights)
    # What running it leaves behind changes nothing.
    write(at / "net/__pycache__/x.pyc", "")
    write(at / "net/.cache/x", "")
    assert of("run.py --model net/") == (changed, also)


def test_a_folder_of_very_many_files_is_not_read(at: Path) -> None:
    write(at / "run.py", "")
    for number in range(1001):
        write(at / f"data/{number}", "")
    identity, used = of("run.py --data data/")
    assert set(used) == {"run.py"} and "folders" not in identity
