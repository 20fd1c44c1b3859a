"""Everything that is made from a run folder, written into it: tables, figures, report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from analysis import style
from analysis.figures import figures, gallery, pictures
from analysis.ranking import files
from analysis.report import page as report
from analysis.report import people
from analysis.report.people import People
from analysis.runs import differences, plots, run, tables
from analysis.runs.differences import Difference
from analysis.runs.run import Run
from analysis.style import HOUSE, Style
from methods.errors import InputError
from methods.files import write_atomically

FIGURES = "figures"
# What `publish` draws; other files in figures/ are the user's.
DRAWN = ("*-against-*", "differences.*", "side-by-side-*")
# A second each; of more photographs a command draws those that are wanted.
MOST_FIGURES = 100
# Parts of run.json that change from one start of the same run to the next.
VOLATILE = ("written", "command", "workers", "threads")
PACKAGE = Path(__file__).resolve().parents[1]
# Files whose change can change the page.
DRAWN_BY = {".py", ".html", ".css", ".js"}


def publish(
    path: Path,
    force: bool = False,
    done: Callable[[int, int], None] = lambda done, total: None,
    preferences: People | None = None,
    look: Style = HOUSE,
) -> Path:
    """Write tables/, figures/ and report.html of a run folder; the path of the report.

    Figures and report are left alone when they were made from the same scores by the same code,
    unless `force`. preferences: people's, for the report and RUN/ranking; look: of plots and
    figures. done: called with photographs drawn and their number.
    Raises InputError when it is no run folder, a picture in it cannot be read, or nothing can be
    written into it."""
    loaded = run.load(path)
    page = path / report.FILE_NAME
    fingerprint = _fingerprint(loaded)
    try:
        tables.write(loaded)
        fresh = not force and _is_up_to_date(page, fingerprint)
        # Their intervals take half a minute of 100,000 cases.
        if fresh and differences.are_written(path):
            return page
        compared = differences.write(loaded)
        if not fresh:
            _remove_drawn(path / FIGURES)
            with style.styled(look):
                write_atomically(page, _drawn(loaded, compared, fingerprint, done, preferences))
                if preferences:
                    files.write(preferences.study, path / people.FOLDER, look)
    except OSError as error:
        raise InputError(
            f"{error.filename or path} cannot be written ({error.strerror}): free space or "
            f"permissions are needed; then: python -m analysis report {path}"
        ) from None
    return page


def _drawn(
    loaded: Run,
    compared: tuple[list[Difference], list[Difference]],
    fingerprint: str,
    done: Callable[[int, int], None],
    preferences: People | None,
) -> str:
    to_best, across = compared
    objective = tables.objective(loaded)
    drawn = list(plots.all_plots(loaded, objective, to_best))
    for plot in drawn:
        style.save(plot.figure, loaded.path / FIGURES / plot.name)
    page = report.prepared(loaded, drawn, to_best, across, fingerprint, preferences)
    shown = {
        "resolution": max(loaded.resolutions),
        "total": len(loaded.images),
        "methods": loaded.methods,
        "photos": [],
    }
    room = report.MOST_BYTES - report.GALLERY_MARKUP - len(page(shown).encode())
    return page({**shown, "photos": _side_by_side(loaded, room, done)})


def _side_by_side(
    loaded: Run, room: int, done: Callable[[int, int], None]
) -> list[dict[str, object]]:
    """Draw figures of photographs at the highest resolution, of all or, of very many, of those in
    the gallery, and gather the gallery, of at most `room` bytes."""
    resolution = max(loaded.resolutions)
    in_gallery = gallery.chosen(loaded.images)
    gathered = gallery.Gallery(len(in_gallery), len(loaded.methods), min(room, gallery.BUDGET))
    images = loaded.images if len(loaded.images) <= MOST_FIGURES else in_gallery
    for place, image in enumerate(images):
        done(place, len(images))
        shown = pictures.load(loaded, image, resolution, loaded.methods)
        if shown is None or not shown.results:
            continue
        box = pictures.edge_box(shown, figures.crop_side(shown))
        figure = figures.side_by_side(shown, box)
        style.save(figure, loaded.path / FIGURES / f"side-by-side-{resolution}-{image}")
        if image in in_gallery:
            gathered.add(shown)
    done(len(images), len(images))
    return gathered.entries()


def _remove_drawn(folder: Path) -> None:
    """Remove what an earlier run drew: of photographs or metrics that are no longer there."""
    for pattern in DRAWN:
        for path in folder.glob(pattern):
            path.unlink()


def _fingerprint(loaded: Run) -> str:
    """Of what the report is made from: scores, settings, audit, and the code of this package."""
    settings = {key: value for key, value in loaded.info.items() if key not in VOLATILE}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update((loaded.path / "scores.csv").read_bytes())
    digest.update(json.dumps(loaded.audit).encode())
    for source in sorted(path for path in PACKAGE.rglob("*") if path.suffix in DRAWN_BY):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _is_up_to_date(page: Path, fingerprint: str) -> bool:
    if not page.exists() or not (page.parent / FIGURES).is_dir():
        return False
    with page.open(encoding="utf-8") as file:
        return fingerprint in file.read(2000)
