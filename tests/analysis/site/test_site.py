"""Static pages about several runs."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import cv2
import pytest
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.site import build as building
from analysis.site.pictures import SIDE
from methods.errors import InputError
from tests.analysis.conftest import journaled, save_case
from tests.analysis.merging.runs import make_run

EVIL = '"><script>alert(1)</script>: α'


class Page(HTMLParser):
    """Ids, links and sources of a page, and its numbers' links by (row, column)."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.tags.append((tag, found))
        if found.get("id"):
            self.ids.append(found["id"] or "")
        self.links += [found[key] or "" for key in ("href", "src") if key in found]

    def handle_data(self, data: str) -> None:
        self.text += data


def site(*paths: Path, out: Path, resolution: str | None = None, full: bool = False) -> Path:
    return building.build(paths, out, resolution, full, "Ours & theirs", ["x"], lambda *_: None)


@pytest.fixture
def pictured(pictured: Path) -> Path:
    """The run folder with pictures at 128 px, and its journal."""
    return journaled(pictured)


def check_links(out: Path) -> None:
    """Every link leads to a file of the site and, where it names one, to a place in it."""
    pages = {path.name: Page(path) for path in out.glob("*.html")}
    for name, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), name
        for link in page.links:
            if link.startswith("data:,"):
                continue
            file, _, place = link.partition("#")
            target = unquote(file) or name
            assert (out / target).is_file(), f"{name}: {link}"
            assert not place or unquote(place) in pages[target].ids, f"{name}: {link}"


def test_every_link_leads_somewhere_and_nowhere_outside(pictured: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path / "Ночь: run", ["telea", EVIL.replace("/", "")], ["x", "фото <b>"])
    first = site(pictured, other, out=tmp_path / "site")
    assert first == tmp_path / "site/index.html"
    check_links(first.parent)
    for path in first.parent.glob("*.html"):
        assert "<script>alert" not in path.read_text(encoding="utf-8")
    assert all(path.name.isascii() for path in first.parent.rglob("*"))


def test_numbers_are_those_of_the_tables_with_interval_and_definition(
    pictured: Path, tmp_path: Path
) -> None:
    out = site(pictured, out=tmp_path / "site").parent
    text = (out / "index.html").read_text(encoding="utf-8")
    # L1 of the first method at 64 px, (1.501 + 1.5) / 2, whose digits are those of the best.
    cell = re.search(r'<td class="place1" data-value="1.5005"><a href="(.*?)">1.50</a>', text)
    assert cell and cell[1] == "run-run.html#m1c1"
    page = Page(out / "run-run.html")
    assert "as defined" in page.text and "run_benchmark.py --seed 7" in page.text
    assert "abacus" in page.text
    assert "3 of 4 cases with a result, 1 failed" in page.text
    assert "0 of 4 cases with a result, 4 skipped; not run" in " ".join(page.text.split())


def test_pictures_are_small_and_the_whole_ones_come_when_asked(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", ["telea", "gone"], ["x"], [600], {"gone": "failed"})
    save_case(run, 600, "x", ["telea"], (600, 400))
    out = site(run, out=tmp_path / "site").parent
    folder = out / "data-run/0001"
    assert sorted(p.name for p in folder.iterdir()) == ["m01.webp", "masked.webp", "reference.webp"]
    picture = cv2.imread(str(folder / "m01.webp"))
    assert picture.shape == (SIDE, SIDE * 2 // 3, 3)
    # The grey that the test's method fills holes with.
    assert picture[SIDE // 2, SIDE // 3].tolist() == pytest.approx([127] * 3, abs=6)
    page = Page(out / "pictures-run.html")
    images = [found for tag, found in page.tags if tag == "img"]
    assert len(images) == 3 and {image["loading"] for image in images} == {"lazy"}
    assert "failed: boom" in page.text and "L1 5.00" in page.text
    site(run, out=out, full=True)
    whole = out / "data-run/0001/m01.png"
    assert whole.read_bytes() == (run / "outputs/600/telea/x.png").read_bytes()
    check_links(out)


def test_the_size_of_the_pictures_is_chosen(tmp_path: Path) -> None:
    a = make_run(tmp_path / "a", ["telea"], sizes=[32, 64])
    b = make_run(tmp_path / "b", ["telea"], sizes=[48])
    out = site(a, b, out=tmp_path / "site", resolution="32").parent
    assert "Pictures of a, 32 px" in Page(out / "pictures-a.html").text
    assert "Pictures of b, 48 px" in Page(out / "pictures-b.html").text
    with pytest.raises(InputError, match=r"--resolution 77: not in these runs \(32, 64, 48\)"):
        site(a, b, out=out, resolution="77")


def test_a_site_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    a, b = (make_run(tmp_path / name, ["telea"]) for name in "ab")
    out = site(a, out=tmp_path / "site").parent
    (out / "CNAME").write_text("example.org")
    site(b, out=out)
    assert sorted(path.name for path in out.iterdir()) == [
        "CNAME", "data-b", "index.html", "pictures-b.html", "run-b.html", "site.css", "site.js",
        "site.json",
    ]  # fmt: skip
    check_links(out)
    (out / "run-a.html").write_text("mine")
    with pytest.raises(InputError, match="is not the site's own"):
        site(a, out=out)
    assert (out / "run-a.html").read_text() == "mine" and (out / "run-b.html").exists()


def test_what_cannot_be_a_site_is_refused(pictured: Path, tmp_path: Path) -> None:
    out = tmp_path / "site"
    with pytest.raises(InputError, match="given twice"):
        site(pictured, pictured, out=out)
    with pytest.raises(InputError, match=r"is .* a run folder"):
        site(tmp_path, out=out)
    with pytest.raises(InputError, match="no site of this command"):
        site(pictured, out=tmp_path)
    with pytest.raises(InputError, match="is a file"):
        site(pictured, out=pictured / "run.json")
    with pytest.raises(InputError, match="Not a directory"):
        site(pictured, out=pictured / "run.json/site")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_nothing_is_left_of_a_site_that_was_stopped(
    pictured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> list[object]:
        raise KeyboardInterrupt

    monkeypatch.setattr(building.pictures, "write", stop)
    with pytest.raises(KeyboardInterrupt):
        site(pictured, out=tmp_path / "site")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_runs_that_are_named_alike_have_pages_of_their_own(tmp_path: Path) -> None:
    names = ["index", "x/demo", "y/demo", "Demo", "демо", "дема", "a-b", "a b", "n" * 200]
    runs = [make_run(tmp_path / name, ["telea"]) for name in names]
    out = site(*runs, out=tmp_path / "site").parent
    manifest = json.loads((out / "site.json").read_text())
    assert len(manifest["runs"]) == len(list(out.glob("run-*.html"))) == len(names)
    assert "Ours & theirs" in Page(out / "index.html").text
    check_links(out)


def test_an_unfinished_run_says_so(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", ["telea"], finished=False)
    out = site(run, out=tmp_path / "site").parent
    assert "The run was not finished" in Page(out / "index.html").text


@pytest.mark.parametrize(
    "name", ["outputs/128/reference", "outputs/128/b|ar/x.png", "masks/128/y.png"]
)
def test_pictures_that_are_gone_are_named(pictured: Path, tmp_path: Path, name: str) -> None:
    path = pictured / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(InputError) as caught:
        site(pictured, out=tmp_path / "site")
    message = str(caught.value)
    assert message.startswith(str(path)) and "no such file, though scores.csv has its" in message
    assert "the benchmark's command of that run makes it again" in message
    assert not (tmp_path / "site").exists()


def test_pictures_of_other_sizes_are_not_needed(pictured: Path, tmp_path: Path) -> None:
    # Those at 64 px were never there.
    assert (
        "Pictures of run, 128 px"
        in Page(site(pictured, out=tmp_path / "site").parent / "pictures-run.html").text
    )
    with pytest.raises(InputError, match=r"outputs/64/\[a\]/x.png: no such file"):
        site(pictured, out=tmp_path / "small", resolution="64")


def test_a_journal_that_lacks_a_case_is_refused_as_in_merging(
    pictured: Path, tmp_path: Path
) -> None:
    lines = (pictured / "cases.jsonl").read_text().splitlines(keepends=True)
    (pictured / "cases.jsonl").write_text("".join(lines[:-1]))
    with pytest.raises(InputError, match=r"cases.jsonl lacks b\|ar, 128, y, which scores.csv has"):
        site(pictured, out=tmp_path / "site")


def test_the_command_prints_the_first_page(pictured: Path, tmp_path: Path) -> None:
    words = ["site", str(pictured), "--out", str(tmp_path / "site"), "--title", "<b>"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and done.output.strip() == str(tmp_path / "site/index.html")
    assert "&lt;b&gt;" in (tmp_path / "site/index.html").read_text()
