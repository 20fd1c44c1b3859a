"""Names in any script, and output whose encoding lacks them: nothing ends in a UnicodeError."""

from __future__ import annotations

import io
import json
import os
import sys
import unicodedata
from pathlib import Path

import pytest
import typer

from analysis.runs.run import load
from methods.errors import run_command_line
from methods.terminal import plain_console
from tests.benchmark.conftest import PROTOCOL, Bench, save, scene

# As unpacked from a ZIP file of a Russian Windows: no UTF-8.
NAME = os.fsdecode(b"\xe1\xf3\xeb")


def folder_of(tmp_path: Path) -> Path:
    folder = tmp_path / NAME
    try:
        folder.mkdir()
    except (OSError, UnicodeError):
        pytest.skip("this file system takes no such name")
    return folder


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp1251"])
def test_output_shows_what_its_encoding_lacks_as_escapes(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typer.Typer()

    @app.command()
    def show() -> None:
        print("中 L1↓")
        plain_console(width=80).print("中 L1↓")

    printed = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    monkeypatch.setattr("sys.stdout", printed)
    monkeypatch.setattr("sys.argv", ["show"])
    with pytest.raises(SystemExit) as end:
        run_command_line(app)
    sys.stdout.flush()
    assert not end.value.code
    shown = printed.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    assert shown == "\\u4e2d L1\\u2193\n" * 2


def test_a_photograph_whose_name_is_no_utf_8_is_refused_by_name(bench: Bench) -> None:
    folder_of(bench.photos)
    (bench.photos / "cliff.png").rename(bench.photos / f"{NAME}.png")
    done = bench.run("--methods", "telea")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "invalid UTF-8" in done.stderr
    assert "\\udce1\\udcf3\\udceb.png" in done.stderr
    assert not bench.out.exists()


def test_names_as_macos_writes_them_are_those_of_other_systems(tmp_path: Path) -> None:
    protocol = tmp_path / "random.toml"
    hole = 'kind = "free-form"\nthickness = "thick"'
    protocol.write_text(PROTOCOL.replace('kind = "middle-third"', hole))
    scores = []
    for form in ("NFC", "NFD"):
        name = unicodedata.normalize(form, "été à Ålesund")
        bench = Bench(tmp_path / form, protocol, tmp_path / f"run {form}")
        save(bench.photos / f"{name}.png", scene(3, 96, 96))
        done = bench.run("--methods", "telea", "--resolutions", "96")
        assert done.returncode == 0, done.stderr
        scores.append({slot: row["psnr"] for slot, row in bench.rows().items()})
    assert list(scores[0]) == [("telea", 96, "été à Ålesund")]
    assert scores[0] == scores[1]


@pytest.mark.slow
def test_folders_whose_names_are_no_utf_8_can_be_used(bench: Bench, tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    bench.photos.rename(folder / "photos")
    own = Bench(folder / "photos", bench.protocol, folder / "run", page=True)
    done = own.run("--methods", "telea", "--resolutions", "48")
    assert done.returncode == 0, done.stderr
    info = json.loads((own.out / "run.json").read_text(encoding="utf-8"))
    assert info["dataset"]["path"] == str(own.photos)
    assert "\\udce1" in (own.out / "report.html").read_text(encoding="utf-8")
    assert len(load(own.out).cases) == 4
    again = own.run("--methods", "telea", "--resolutions", "48")
    assert "4 finished before, 0 to run" in again.stderr
