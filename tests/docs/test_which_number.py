"""The commands of docs/which_number.md work one after the other, on small photographs."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import cv2
import pytest

from analysis.agreement import correlate
from tests.analysis.conftest import undrawn  # noqa: F401, a fixture
from tests.benchmark.conftest import save, scene
from tests.command_line import run
from tests.paths import DEMO, ROOT

TEXT = (ROOT / "docs/which_number.md").read_text(encoding="utf-8")


def commands() -> list[list[str]]:
    """Return the commands of the page, with the simulated people of its example."""
    blocks = re.findall(r"```\n(.*?)```", TEXT, re.DOTALL)
    lines = "".join(blocks).replace("\\\n", "").splitlines()
    [simulate] = re.findall(r"`(python -m survey simulate .*?)`", TEXT)
    return [shlex.split(simulate if " serve " in line else line) for line in lines]


def write_photographs(folder: Path) -> None:
    """Write five photographs at 96 px, and three with an object to be removed."""
    for path in sorted(DEMO.glob("*.jpg"))[:5]:
        small = cv2.resize(cv2.imread(str(path)), (96, 96), interpolation=cv2.INTER_AREA)
        assert cv2.imwrite(str(folder / f"photos/{path.stem}.png"), small)
    for seed in range(3):
        image = scene(seed, 60, 80)
        save(folder / f"removal/images/{seed}.png", image)
        mask = image[..., 0] * 0
        mask[20:40, 30:50] = 255
        save(folder / f"removal/masks/{seed}.png", mask)
    (folder / "removal/dataset.toml").write_text("reference = false\n")


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_every_command_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 48 and 96 instead of 256 and 512 px, with fewer people, without files of figures."""
    # Of methods on images, where thirty are needed.
    monkeypatch.setattr(correlate, "_MIN_RESULTS", 15)
    (tmp_path / "photos").mkdir()
    write_photographs(tmp_path)
    truth = "docs/simulated_abilities.csv"
    smaller = {"256,512": "48,96", "256": "48", "512": "96", "40": "12", truth: str(ROOT / truth)}
    for python, *words in commands():
        assert python == "python"
        words = [smaller.get(word, word) for word in words]
        if words[0] == "-m":
            del words[0]
        elif "--dataset" not in words:
            words += ["--dataset", "photos"]
        if "power" in words:
            words += ["--simulations", "20"]
        done = run(words[0].removesuffix(".py"), *words[1:], cwd=tmp_path)
        assert done.returncode == 0, (words, done.stderr)
    results = tmp_path / "results"
    for name in re.findall(r"`(tables/\w+\.\w+)`", TEXT):
        folder = "strokes" if "hole_share" in name else "which"
        assert (results / folder / name).stat().st_size > 0, name
    for name in ("which_ranking/pairs.csv", "which_ranking/by_image.csv", "removal/report.html",
                 "which_metrics/correlate.csv"):  # fmt: skip
        assert (results / name).stat().st_size > 0, name
    removal = json.loads((results / "removal/run.json").read_text())
    assert removal["dataset"]["description"]["reference"] is False


def test_sections_are_those_of_the_table() -> None:
    """Each question of the table has its section, with a sentence to fill in and what not to do."""
    questions = re.findall(r"^\| \[.*?\]\(#([\w-]+)\)", TEXT, re.MULTILINE)
    sections = {
        re.sub(r"[^\w -]", "", title).lower().replace(" ", "-"): text
        for title, text in re.findall(
            r"^## (.*?)\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE
        )
    }
    assert len(questions) == 10
    assert list(sections)[:-1] == questions
    for question in questions:
        assert "**Not**" in sections[question], question
        if question != "is-an-object-gone-well":
            assert "\n> " in sections[question] and "‹" in sections[question], question
