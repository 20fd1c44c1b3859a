"""Report and figures of more photographs and cases than a page or an evening can hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analysis.figures import composition, gallery
from analysis.report import case_table, publish
from analysis.report import page as report
from analysis.runs import run
from tests.analysis.conftest import HEADER, INFO, SCORES, write_pictures, write_run
from tests.analysis.report.test_report import AUDIT, data_of

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two photographs and twelve cases, where one and ten are already many."""
    monkeypatch.setattr(publish, "MOST_FIGURES", 1)
    monkeypatch.setattr(gallery, "MOST_PHOTOS", 1)
    monkeypatch.setattr(case_table, "MOST_CASES", 10)
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
    assert (
        "Of 12 cases 9 are listed: 6 of 6 of the photographs in the gallery, and 3 of 3 others"
        in text
    )
    assert "7 of 12 cases have a result" in text


def test_a_small_run_is_shown_whole(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", INFO, SCORES)
    write_pictures(folder, ["[a]", "b|ar"], ["x", "y"], 128)
    page = publish.publish(folder).read_text()
    assert len(data_of(page)["table"]["rows"]) == 12
    assert "Of 12 cases" not in page and "are listed; all are in" not in page
    assert len(list((folder / "figures").glob("side-by-side-*.png"))) == 2


def described(images: list[str], methods: list[str]) -> dict[str, object]:
    """run.json of so many photographs and methods."""
    kind = INFO["dataset"]["images"][0]
    photos = [
        {**kind, "name": name, "file": f"{name}.png", "sha256": f"{number:064x}"}
        for number, name in enumerate(images)
    ]
    named = [{"label": name, "method": "telea", "options": {}, "note": ""} for name in methods]
    dataset = {**INFO["dataset"], "images": photos}
    return {**INFO, "dataset": dataset, "methods": named, "resolutions": [256]}


@pytest.mark.slow
def test_the_largest_page_is_under_fifteen_megabytes_and_says_what_it_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More photographs, audited files and failed cases than are listed, and pictures of noise."""
    images, methods = [f"i{i:05}" for i in range(5400)], ["a", "b", "c", "d"]
    shown = gallery.chosen(images)
    write_pictures(tmp_path, methods, shown, 256)
    rows = [
        f"{m},256,{i}," + ("ok,1.5,20.25,0,0,1,9," if i in shown else "failed,,,,,,," + "x'" * 40)
        for m in methods
        for i in images
    ]
    write_run(tmp_path, described(images, methods), HEADER + "\n".join(rows) + "\n")
    drift = AUDIT.splitlines()[1]
    (tmp_path / "audit.csv").write_text(AUDIT + f"{drift}\n" * 4999)
    # The figures are not what is looked at, and would take a minute.
    monkeypatch.setattr(composition, "side_by_side", lambda shown, box: None)
    path = publish.publish(tmp_path)
    page = path.read_text()
    data = data_of(page)
    assert 13e6 < path.stat().st_size < report.MOST_BYTES
    assert len(data["gallery"]["photos"]) == gallery.MOST_PHOTOS
    listed = len(data["table"]["rows"])
    assert 160 < listed < 20_000
    text = re.sub(r"<[^>]+>|\s+", " ", page)
    assert (
        f"Of 21,600 cases {listed:,} are listed: 160 of 160 of the photographs in the gallery, and "
        f"{listed - 160:,} of 21,440 others without a result"
    ) in text
    assert page.count("<code>" + "0" * 32) == report.MOST_ROWS == page.count("64/x.jpg")
    assert "The first 1,000 are listed; all are in run.json of the run folder" in text
    assert "Of the 5,000 others the first 1,000 are listed here; all are in audit.csv" in text


def test_so_many_methods_that_the_smallest_pictures_do_not_fit(tmp_path: Path) -> None:
    folder = write_run(tmp_path, INFO, SCORES)
    write_pictures(folder, ["[a]", "b|ar"], ["x", "y"], 128)
    shown = publish.case_images.load(run.load(folder), "x", 128, ["[a]", "b|ar"])
    assert shown
    for budget, kept in ((12_000, 1), (3_000, 0), (-1, 0)):
        gathered = gallery.Gallery(3, 2, budget)
        for _ in range(3):
            gathered.add(shown)
        entries = gathered.entries()
        assert len(entries) == kept and sum(map(gallery.json_length, entries)) <= max(0, budget)
