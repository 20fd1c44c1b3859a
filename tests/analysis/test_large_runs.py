"""Report and figures of more photographs and cases than a page or an evening can hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analysis import gallery, publish, report
from tests.analysis.conftest import INFO, SCORES, write_pictures, write_run
from tests.analysis.test_report import data_of


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two photographs and twelve cases, where one and ten are already many."""
    monkeypatch.setattr(publish, "MOST_FIGURES", 1)
    monkeypatch.setattr(gallery, "MOST_PHOTOS", 1)
    monkeypatch.setattr(report, "MOST_CASES", 10)
    folder = write_run(tmp_path / "run", INFO, SCORES)
    write_pictures(folder, ["[a]", "b|ar"], ["x", "y"], 128)
    return folder


def test_figures_are_drawn_of_the_gallery_alone(large: Path) -> None:
    publish.publish(large)
    drawn = {path.stem for path in (large / "figures").glob("side-by-side-*.png")}
    assert drawn == {"side-by-side-128-x"}


def test_the_page_lists_the_gallery_and_what_failed_and_says_so(large: Path) -> None:
    page = publish.publish(large).read_text()
    rows = data_of(page)["table"]["rows"]
    listed = {(row["image"], row["status"]) for row in rows}
    assert listed == {("x", "ok"), ("x", "skipped"), ("y", "failed"), ("y", "skipped")}
    text = re.sub(r"\s+", " ", page)
    assert "Of 12 cases, those of the gallery's photographs and those without a result" in text
    assert "7 of 12 cases have a result" in text


def test_a_small_run_is_shown_whole(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", INFO, SCORES)
    write_pictures(folder, ["[a]", "b|ar"], ["x", "y"], 128)
    page = publish.publish(folder).read_text()
    assert len(data_of(page)["table"]["rows"]) == 12
    assert "Of 12 cases" not in page
    assert len(list((folder / "figures").glob("side-by-side-*.png"))) == 2
