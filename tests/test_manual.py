"""The manual as a site: built without a warning, without a broken link or another host."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

import pytest

import analysis
import benchmark
import methods
from tests.paths import ROOT
from tests.shared import made_once

pytestmark = pytest.mark.slow


class Page(HTMLParser):
    """What a page links to, what it loads, and the places in it that links can lead to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if "href" in given:
            (self.links if tag == "a" else self.loaded).append(given["href"])
        self.loaded += [given[name] for name in ("src", "srcset", "data") if name in given]


def build(folder: Path) -> None:
    """Build the manual as the Makefile does."""
    if shutil.which("make") is None:
        pytest.skip("needs make")
    # Also within `make test`, whose options would be inherited.
    own = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "docs", f"SITE={folder / 'html'}", f"RUN={sys.executable}", "VENV=.", "-o",
         "./installed-dev"],
        cwd=ROOT, capture_output=True, text=True, env=own,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "manual", build) / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html")}


def local(path: Path, links: list[str]) -> Iterator[tuple[Path, str]]:
    """Return file and place of the links that lead to no other host."""
    for link in links:
        parts = urlsplit(link)
        if not parts.scheme and not parts.netloc:
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            yield target, unquote(parts.fragment)


def test_every_document_is_a_page(pages: dict[Path, Page], site: Path) -> None:
    names = {path.relative_to(site).with_suffix("").as_posix() for path in pages}
    written = {f"docs/{path.stem}" for path in (ROOT / "docs").glob("*.md")}
    assert written | {"README", "CONTRIBUTING", "CHANGELOG", "datasets/README"} <= names


def test_every_link_leads_somewhere(pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for target, place in local(path, page.links + page.loaded):
            there = target.is_file() and (
                not place or target not in pages or place in pages[target].places
            )
            broken += [] if there else [f"{path.name}: {target}#{place}"]
    assert broken == []
    assert sum(len(page.links) for page in pages.values()) > 1000


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Page], site: Path) -> None:
    for path, page in pages.items():
        loaded = [urlsplit(address) for address in page.loaded]
        assert {part.netloc for part in loaded} <= {""}, path
        assert {part.scheme for part in loaded} <= {"", "data"}, path
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"""(?:url\(\s*|@import\s*)["']?(?:https?:)?//""", styles) == []


@pytest.mark.parametrize("package", [methods, benchmark, analysis])
def test_the_public_interface_is_documented(
    package: ModuleType, pages: dict[Path, Page], site: Path
) -> None:
    page = pages[site / f"docs/api/{package.__name__}.html"]
    for name in getattr(package, "__all__", []):
        item = getattr(package, name)
        places = {f"{package.__name__}.{name}", f"{item.__module__}.{item.__qualname__}"}
        assert places & page.places, name
