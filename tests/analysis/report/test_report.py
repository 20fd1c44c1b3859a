"""report.html and what `publish` leaves in a run folder."""

from __future__ import annotations

import base64
import csv
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from analysis.figures import gallery
from analysis.figures.case_images import CaseImages
from analysis.report.publish import publish
from analysis.runs import published
from methods.errors import InputError
from tests.analysis.conftest import INFO, SCORES, write_pictures, write_run
from tests.analysis.figures.test_figures import command
from tests.analysis.own_sizes import native_info, write_native, write_native_pictures

AUDIT = """\
method,resolution,image,file,verdict,stored_as,known_pixels_changed,share_changed,largest_change,reach,remarks
[a],64,x,res/64/x.jpg,drift,64x64 RGB 8-bit JPEG,9,0.1,4,12.0,9 known pixels differ
[a],64,y,res/64/y.png,ok,64x64 RGB 8-bit PNG,0,,,,
"""


def data_of(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert found
    return json.loads(found[1])


def decoded(url: str) -> np.ndarray:
    content = np.frombuffer(base64.b64decode(url.split(",", 1)[1]), np.uint8)
    return cv2.imdecode(content, cv2.IMREAD_UNCHANGED)


@pytest.mark.usefixtures("undrawn")
def test_the_page_is_self_contained_and_tells_everything(pictured: Path) -> None:
    (pictured / "audit.csv").write_text(AUDIT)
    page = publish(pictured).read_text()
    # Nothing is loaded from elsewhere, and the sender's folders stay private.
    assert not re.search(r'(src|href)="(?!data:|#)', page.split("<script>")[0])
    assert "url(" not in page and "/home/someone" not in page
    text = re.sub(r"<[^>]+>", " ", page)
    for said in (
        "3 methods on 2 photographs at 64, 128 px, protocol tiny. 7 of 12 cases have a result.",
        "[a]: 1 of 4 cases without a result (failed: boom, twice)",
        "run_benchmark.py --seed 7",
        "c0ffee",
        "abacus",
        " 64/x.jpg ",
        "9 known pixels differ",
    ):
        assert said in text
    assert "64/y.png" not in text
    data = data_of(page)
    assert [photo["image"] for photo in data["gallery"]["photos"]] == ["x", "y"]
    assert [row["status"] for row in data["table"]["rows"]].count("skipped") == 4
    psnr = [column["key"] for column in data["table"]["columns"]].index("psnr")
    row = next(row for row in data["table"]["rows"] if row["values"][psnr] == "inf")
    assert (row["method"], row["resolution"], row["image"]) == ("[a]", 128, "x")


@pytest.mark.slow
def test_figures_and_tables_are_written(pictured: Path) -> None:
    publish(pictured)
    names = {path.name for path in (pictured / "figures").iterdir()}
    for stem in (
        "l1-against-resolution",
        "psnr-against-resolution",
        "l1-against-seconds",
        "psnr-against-seconds",
        "differences",
        "side-by-side-128-x",
        "side-by-side-128-y",
    ):
        assert {f"{stem}.png", f"{stem}.pdf"} <= names
    assert {path.name for path in (pictured / "tables").iterdir()} >= {
        "objective.tex",
        "differences.csv",
        "across_resolutions.csv",
    }


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_an_up_to_date_report_is_left_alone_and_a_stale_one_is_not(pictured: Path) -> None:
    page = publish(pictured)
    before = page.stat().st_mtime_ns
    mine = pictured / "figures" / "mine.png"
    mine.write_bytes(b"not to be touched")
    differences = pictured / "tables" / "differences.csv"
    there = differences.read_bytes()
    differences.unlink()
    assert publish(pictured).stat().st_mtime_ns == before
    assert differences.read_bytes() == there
    (pictured / "scores.csv").write_text(SCORES.replace("24.0", "23.0"))
    stale = pictured / "figures" / "side-by-side-128-gone.png"
    stale.write_bytes(b"of an earlier run")
    assert publish(pictured).stat().st_mtime_ns > before
    assert mine.exists() and not stale.exists()
    # Of a report that was killed while it drew, and of somebody else.
    names = (".side-by-side-128-x.png.part", ".differences.pdf.part", ".mine.png.part")
    parts = [pictured / "figures" / name for name in names]
    for part in parts:
        part.write_bytes(b"half")
    publish(pictured)
    assert [part.exists() for part in parts] == [False, False, True]
    again = page.stat().st_mtime_ns
    assert publish(pictured, force=True).stat().st_mtime_ns > again


@pytest.mark.usefixtures("undrawn")
def test_names_cannot_break_out_of_the_page(tmp_path: Path) -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    info = {**INFO, "methods": [{"label": evil, "method": "telea", "options": {}, "note": "<b>"}]}
    scores = SCORES.split("\n")[0] + f'\n"{evil}",64,x,failed,,,,,,,<script>\n'
    page = publish(write_run(tmp_path / "run", info, scores)).read_text()
    assert "<img src=x" not in page and "<b>" not in page
    assert page.count("</script>") == 2


@pytest.mark.usefixtures("undrawn")
def test_a_run_without_any_result_still_has_a_report(tmp_path: Path) -> None:
    scores = SCORES.split("\n")[0] + "\ngone,64,x,skipped,,,,,,,gone needs coal\n"
    page = publish(write_run(tmp_path / "run", scores=scores)).read_text()
    assert "0 of 1 case have a result" in page or "0 of 1 case has a result" in page
    assert "There are no pictures to show" in page and "There is nothing to compare" in page


@pytest.mark.usefixtures("undrawn")
def test_where_nothing_can_be_compared_the_page_names_methods_and_images(tmp_path: Path) -> None:
    scores = SCORES.replace("[a],64,y,ok", "[a],64,y,timeout").replace(
        "b|ar,128,x,ok,3.0", "b|ar,128,x,failed,"
    )
    page = publish(write_run(tmp_path / "run", scores=scores)).read_text()
    assert (
        "<p>There is nothing to compare: fewer than two methods have a finite score on every image "
        "(b|ar lacks x at 128 px; [a] lacks y at 64 px and every image at 128 px; "
        "gone lacks every image at 64 px and every image at 128 px).</p>"
    ) in page
    info = {**INFO, "methods": INFO["methods"][:1]}
    rows = [row for row in SCORES.splitlines() if row.startswith(("method", "b|ar"))]
    alone = publish(write_run(tmp_path / "alone", info, "\n".join(rows) + "\n")).read_text()
    assert "There is nothing to compare: the run has one method." in alone


@pytest.mark.usefixtures("undrawn")
def test_published_numbers_stand_beside_runs_of_the_papers_protocol(tmp_path: Path) -> None:
    info = {
        **INFO,
        "resolutions": [1024, 1536],
        "protocol": {**INFO["protocol"], "name": "moskalenko2020"},
    }
    scores = SCORES.replace(",64,", ",1024,").replace(",128,", ",1536,")
    page = publish(write_run(tmp_path / "run", info, scores)).read_text()
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "published (other photographs)" in text
    assert "Two-stage 3.524 25.175 3.474 25.311" in text
    assert "Photoshop 2020 4.115 23.789 13.320‡ 23.756" in text
    assert "the paper does not state its SSIM window" in text
    assert "published (other" not in publish(write_run(tmp_path / "other")).read_text()
    # At other sizes there is nothing to show.
    small = write_run(tmp_path / "small", {**info, "resolutions": [64, 128]})
    assert "published (other" not in publish(small).read_text()


@pytest.mark.usefixtures("undrawn")
def test_object_removal_at_native_size_has_a_page(tmp_path: Path) -> None:
    info = native_info({"x": 0.05, "y": 0.25}, photographs=["x.png", "x.png"], reference=False)
    info["dataset"]["notes"] = ["Two masks were soft."]
    folder = write_native(tmp_path, info)
    sizes = {"x": (60, 120), "y": (150, 90)}
    write_native_pictures(folder, sizes)
    page = publish(folder).read_text()
    text = " ".join(re.sub(r"<[^>]+>", " ", page.split("<script")[0]).split())
    assert "2 methods on 1 photograph with 2 masks at native size, protocol native." in text
    for said in (
        "By the hole's share of the image Method 0–10 % (1) 20–30 % (1)",
        "No L1, PSNR: they compare with the original, which shows the object",
        "Gallery, native size",
        "intervals over photographs, each drawn with all its masks",
    ):
        assert said in text
    # Below the first table only, and not again below the others.
    assert text.count("Two masks were soft.") == 1
    assert "native px" not in page
    data = data_of(page)
    assert data["gallery"]["reference"] == "original, with the object to be removed"
    assert {p["image"]: (p["height"], p["width"]) for p in data["gallery"]["photos"]} == sizes
    assert [c["key"] for c in data["table"]["columns"] if c["key"] in info["metrics"]] == ["blur"]
    share = [column["key"] for column in data["table"]["columns"]].index("hole_share")
    row = data["table"]["rows"][0]
    assert (row["image"], row["resolution"], row["values"][share]) == ("x", "native", 0.05)


def test_the_papers_table_is_complete() -> None:
    with (published.FOLDER / "moskalenko2020_table1.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20 and len({(row["method"], row["resolution"]) for row in rows}) == 20
    (table,) = published.for_protocol("moskalenko2020")
    assert table.methods == ["DeepFill v2", "DFNet", "HiFill", "Photoshop 2020", "Two-stage"]
    # The paper's headline: 2 dB lost by stage one alone, none by two stages.
    psnr = {(row["method"], row["resolution"]): float(row["psnr"]) for row in rows}
    assert psnr["DFNet", "2048"] - psnr["DFNet", "1024"] == pytest.approx(-1.995)
    assert psnr["Two-stage", "2048"] - psnr["Two-stage", "1024"] == pytest.approx(0.237)
    assert list(table.remarks) == [("Photoshop 2020", 1536)]
    assert "misprint" in table.remarks["Photoshop 2020", 1536]


@pytest.mark.usefixtures("undrawn")
def test_gallery_shows_the_very_pixels_of_the_hole(pictured: Path) -> None:
    photo = data_of(publish(pictured).read_text())["gallery"]["photos"][0]
    crop = photo["crop"]
    assert (crop["left"], crop["top"], crop["width"], crop["height"]) == (0, 0, 128, 128)
    hole = decoded(crop["hole"])[..., 3] > 0
    assert hole.sum() == (2 * 128 // 3 - 128 // 3) ** 2
    # Of two results the first is darker by its third of the range: WebP is off by a few levels.
    means = [decoded(crop["pictures"][name])[hole].mean() for name in ("[a]", "b|ar")]
    assert means == pytest.approx([85, 170], abs=4)
    changed = photo["overview"]["changed"]["[a]"]["box"]
    assert changed == pytest.approx([100 * 42 / 128] * 2 + [100 * 43 / 128] * 2, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("photos", "methods", "size", "share"), [(1, 7, 700, 1 / 34), (1, 2, 900, 1 / 3)]
)
def test_the_gallery_keeps_to_its_budget_even_for_noise(
    photos: int, methods: int, size: int, share: float
) -> None:
    """Noise takes six times the bytes of photographs: the worst that can come. 34 and 3 photographs
    are tested by one of them with its share of the budget."""
    rng = np.random.default_rng(0)
    reference = rng.integers(0, 256, (size, size, 3), np.uint8)
    mask = np.zeros((size, size), bool)
    mask[size // 3 : 2 * size // 3, size // 3 : 2 * size // 3] = True
    results = {
        f"m{i}": np.where(mask[..., None], 255 - reference, reference) for i in range(methods)
    }
    gathered = gallery.Gallery(photos, methods, int(gallery.BUDGET * share))
    for i in range(photos):
        gathered.add(CaseImages(f"p{i}", size, reference, mask, results))
    entries = gathered.entries()
    assert len(entries) == photos and len(json.dumps(entries)) < 14_000_000 * share
    assert all(entry["crop"]["width"] >= 64 for entry in entries)


def test_large_datasets_show_forty_photographs_of_all_the_names() -> None:
    names = [f"{i:03}" for i in range(200)]
    assert gallery.chosen(names) == names[::5]
    assert gallery.chosen(names[:7]) == names[:7]


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_report_on_the_command_line(pictured: Path) -> None:
    done = command("report", pictured)
    assert done.returncode == 0 and done.stdout.strip() == str(pictured / "report.html")
    bad = command("report", pictured / "outputs")
    assert bad.returncode == 2 and f"is {pictured / 'outputs'} a run folder?" in bad.stderr
    (pictured / "outputs/128/[a]/x.png").write_bytes(b"no picture")
    broken = command("report", pictured)
    assert broken.returncode == 2 and "x.png: is not an image" in broken.stderr


@pytest.mark.usefixtures("undrawn")
def test_a_picture_of_another_size_is_refused(pictured: Path) -> None:
    write_pictures(pictured, ["[a]"], ["x"], 64)
    (pictured / "outputs/64/[a]/x.png").replace(pictured / "outputs/128/[a]/x.png")
    with pytest.raises(InputError, match=r"\[a\] of x at 128 px is 64x64, the reference 128x128"):
        publish(pictured)


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_the_check_of_the_metrics_is_told_where_there_was_one(pictured: Path) -> None:
    assert "Checked against" not in publish(pictured).read_text()
    info = json.loads((pictured / "run.json").read_text())
    info["metrics_checked"] = {
        **{"method": "telea", "resolution": 64, "image": "x <1>"},
        "versions": {"scikit-image": "0.26.0", "numpy": "2.3.1"},
        **{"tolerance": 1e-6, "largest_difference": 2.13e-10},
        "scores": {"l1": {"value": 3.0, "witness": 3.0, "difference": 2.13e-10}},
    }
    (pictured / "run.json").write_text(json.dumps(info))
    assert (
        "Checked against scikit-image 0.26.0 and numpy 2.3.1 on telea, 64 px, x &lt;1&gt;: "
        "largest difference 2e-10." in publish(pictured).read_text()
    )
    info["metrics_checked"] = {"remark": "no case with a result and a reference was scored"}
    (pictured / "run.json").write_text(json.dumps(info))
    assert "Checked against" not in publish(pictured).read_text()
