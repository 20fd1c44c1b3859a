"""Everything that is made from a run folder and written into it: tables, figures and report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from analysis import style
from analysis.figures import FIGURES, case_images, composition, gallery, strips
from analysis.figures.case_images import CaseImages
from analysis.ranking import files as ranking_files
from analysis.report import page as report
from analysis.report.people import People
from analysis.runs import differences, plots, run, table_formats, tables
from analysis.runs.differences import Difference
from analysis.runs.run import Run
from analysis.style import HOUSE, Style
from methods.errors import InputError
from methods.files import write_atomically

_RANKING = "ranking"
# What `publish` draws; other files in figures/ belong to the user.
_DRAWN = ("*-against-*", "differences.*", "side-by-side-*")
# What a report that was killed while it drew has left of them.
_LEFTOVERS = tuple(f".{name}.part" for name in _DRAWN)
# Each figure takes a second; with more photographs, only those in the gallery are drawn.
MOST_FIGURES = 100
# Entries of run.json that differ between two starts of the same run.
_VOLATILE = ("written", "command", "workers", "threads")
# Code whose change can change the page.
_PACKAGE = Path(__file__).resolve().parents[1]
_CODE_SUFFIXES = {".py", ".html", ".css", ".js"}

Progress = Callable[[int, int], None]


def publish(
    path: Path,
    force: bool = False,
    progress: Progress = lambda done, total: None,
    people: People | None = None,
    plot_style: Style = HOUSE,
) -> Path:
    """Write tables/, figures/ and report.html into a run folder; return the path of the report.

    Raises InputError if it is not a run folder or a file cannot be read or written.

    Parameters
    ----------
    force
        Whether to draw figures and report even if scores, settings and code are unchanged.
    progress
        Called with the number of photographs drawn and their total.
    people
        People's preferences, for the report and a folder ranking/.
    """
    loaded = run.load(path)
    page = path / report.FILE_NAME
    fingerprint = _fingerprint(loaded)
    try:
        _remove(path, _LEFTOVERS)
        table_formats.write(loaded)
        up_to_date = not force and _is_up_to_date(page, fingerprint)
        # The intervals of 100,000 cases take half a minute.
        if up_to_date and differences.are_written(path):
            return page
        to_best, across = differences.write(loaded)
        if not up_to_date:
            # Photographs or metrics of an earlier run may be gone.
            _remove(path, _DRAWN)
            with style.styled(plot_style):
                text = _draw(loaded, to_best, across, fingerprint, progress, people)
                write_atomically(page, text)
                if people:
                    ranking_files.write(people.study, path / _RANKING, plot_style)
    except OSError as error:
        raise InputError(
            f"{error.filename or path} cannot be written ({error.strerror}): free space or "
            "permissions are needed; then give the command again"
        ) from None
    return page


def _remove(path: Path, patterns: Sequence[str]) -> None:
    """Remove what the patterns match of the figures in a run folder."""
    for pattern in patterns:
        for drawn in (path / FIGURES).glob(pattern):
            drawn.unlink()


def _draw(
    loaded: Run,
    to_best: list[Difference],
    across: list[Difference],
    fingerprint: str,
    progress: Progress,
    people: People | None,
) -> str:
    """Write the figures and return the page."""
    drawn = list(plots.all_plots(loaded, tables.objective(loaded), to_best))
    for plot in drawn:
        style.save(plot.figure, loaded.path / FIGURES / plot.name)
    render = report.prepare(loaded, drawn, to_best, across, fingerprint, people)
    rest = render(photos=[]).encode(errors="backslashreplace")
    room = report.MOST_BYTES - report.GALLERY_MARKUP - len(rest)
    return render(photos=_side_by_side(loaded, room, progress))


def _side_by_side(loaded: Run, room: int, progress: Progress) -> list[dict[str, object]]:
    """Draw photographs at the highest resolution; return the gallery, of at most `room` bytes."""
    resolution = run.highest(loaded.resolutions)
    in_gallery = gallery.chosen(loaded.images)
    collected = gallery.Gallery(len(in_gallery), len(loaded.methods), min(room, gallery.BUDGET))
    names = loaded.images if len(loaded.images) <= MOST_FIGURES else in_gallery

    def prepared(name: str) -> CaseImages | None:
        images = case_images.load(loaded, name, resolution, loaded.methods)
        if images is None or not images.results:
            return None
        if name in in_gallery:
            collected.add(images)
        return images

    for done, (name, images) in enumerate(_ahead(prepared, names)):
        progress(done, len(names))
        if images is not None:
            box = case_images.edge_box(images, strips.crop_side(images))
            figure = composition.side_by_side(images, box)
            style.save(figure, loaded.path / FIGURES / f"side-by-side-{resolution}-{name}")
    progress(len(names), len(names))
    return collected.entries()


def _ahead(
    prepared: Callable[[str], CaseImages | None], names: Sequence[str]
) -> Iterator[tuple[str, CaseImages | None]]:
    """Yield names and what is prepared of them, while the next one is prepared by a thread."""
    with ThreadPoolExecutor(1) as thread:
        following = [thread.submit(prepared, name) for name in names[:1]]
        for number, name in enumerate(names, 1):
            images = following.pop().result()
            following += [thread.submit(prepared, name) for name in names[number : number + 1]]
            yield name, images


def _fingerprint(loaded: Run) -> str:
    """Return a hash of what determines the report: scores, settings, audit, code of the package."""
    settings = {key: value for key, value in loaded.info.items() if key not in _VOLATILE}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update((loaded.path / "scores.csv").read_bytes())
    digest.update(json.dumps(loaded.audit).encode())
    for source in sorted(path for path in _PACKAGE.rglob("*") if path.suffix in _CODE_SUFFIXES):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _is_up_to_date(page: Path, fingerprint: str) -> bool:
    if not page.exists() or not (page.parent / FIGURES).is_dir():
        return False
    with page.open(encoding="utf-8") as file:
        return fingerprint in file.read(2000)
