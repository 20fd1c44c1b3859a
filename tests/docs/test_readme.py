"""The README's commands work line by line, on photographs that are not square."""

from __future__ import annotations

import csv
import re
import shlex
import shutil
from pathlib import Path

import cv2
import pytest

from tests.analysis.conftest import undrawn  # noqa: F401, a fixture
from tests.command_line import run
from tests.paths import DEMO, ROOT


def block(title: str, number: int = 0) -> list[str]:
    """Return the lines of a block of commands below a heading of the README."""
    section = (ROOT / "README.md").read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    return re.findall(r"```\n(.*?)```", section, re.DOTALL)[number].strip().splitlines()


def test_it_fits_two_screens() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_the_results_are_those_of_the_whole_table() -> None:
    """README.md repeats cells of docs/results.md, which repeats objective.md."""
    whole = (ROOT / "docs/results.md").read_text().splitlines()
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in whole if "|" in line]
    heading, rows = table[0], {row[0].split(" (")[0]: row for row in table[2:]}
    metrics = ("PSNR (dB) ↑", "EfficientNet distance ↓")
    columns = [heading.index(f"{size} {name}") for name in metrics for size in (1024, 2048)]
    section = (ROOT / "README.md").read_text().split("## Results\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(lines) == 7
    for line in lines:
        name, *cells = (cell.strip() for cell in line.split("|")[1:-1])
        plain = [re.sub(r"[*]|</?u>", "", rows[name.split(" (")[0]][column]) for column in columns]
        assert [cell.strip("*") for cell in cells] == plain


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_own_photographs_line_by_line(tmp_path: Path) -> None:
    """At 192 instead of 1024 px, and without the files of figures."""
    (tmp_path / "my_photos").mkdir()
    for name in ("sea_rocks", "boats_river"):
        wide = cv2.resize(cv2.imread(str(DEMO / f"{name}.jpg"))[300:1400], (410, 220))
        cv2.imwrite(str(tmp_path / f"my_photos/{name}.png"), wide)
    cv2.imwrite(str(tmp_path / "boat.jpg"), wide)
    cv2.imwrite(str(tmp_path / "mask.png"), cv2.circle(0 * wide[..., 0], (90, 90), 30, 255, -1))
    protocol = (ROOT / "benchmark/protocols/centre-crop.toml").read_text()
    small = re.sub(r"resolutions = .*", "resolutions = [192]", protocol)
    (tmp_path / "small.toml").write_text(small)
    for line in block("Your own photographs, methods, results"):
        smaller = line.replace("--protocol centre-crop", "--protocol small.toml")
        smaller = smaller.replace("--resolutions 1024", "--resolutions 192")
        python, *words = shlex.split(smaller)
        assert python == "python"
        if words[0] == "-m":
            del words[0]
        if "--external" in line:
            # What somebody does by hand: the holes are filled, names and sizes kept.
            shutil.copytree(
                tmp_path / "for_photoshop/images", tmp_path / "for_photoshop/results",
                dirs_exist_ok=True,
            )  # fmt: skip
        done = run(words[0].removesuffix(".py"), *words[1:], cwd=tmp_path)
        assert done.returncode == 0, (line, done.stderr)
    table = (tmp_path / "results/mine/tables/objective.md").read_text()
    assert "192 PSNR" in table
    assert all(name in table for name in ("telea", "two-stage", "Photoshop"))
    with (tmp_path / "results/mine/scores.csv").open(newline="") as file:
        assert {row["status"] for row in csv.DictReader(file)} == {"ok"}
    assert cv2.imread(str(tmp_path / "result.png")).shape == (220, 410, 3)
