"""A folder of static pages about several runs, which a browser opens from disk or a server."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from analysis.report import page as report
from analysis.runs import complete, run, tables
from analysis.runs.hole_shares import by_hole_share
from analysis.runs.metric_info import ARROWS
from analysis.runs.origins import check_provenance
from analysis.runs.run import Run, highest
from analysis.site import pictures
from analysis.site.entry import Entry
from methods.base import Resolution
from methods.errors import InputError
from methods.files import shortest_names
from methods.resolutions import size_text
from methods.shown_text import counted

INDEX = "index.html"
# Says which files of a folder are the site's, so that they can be replaced.
MANIFEST = "site.json"
_FOLDER = Path(__file__).parent

# Called with the run's name, the images done and their total.
Progress = Callable[[str, int, int], None]


def build(
    paths: Sequence[Path],
    out: Path,
    resolution: str | None,
    full: bool,
    title: str,
    command: list[str],
    progress: Progress,
) -> Path:
    """Write the site; return its first page.

    A site that is there already is replaced; other files in the folder stay.

    Raises InputError if a path is no run folder, or the folder holds something else or cannot be
    written; then it is as before.

    Parameters
    ----------
    resolution
        Size of the pictures; by default the highest of each run.
    full
        Whether to copy the PNG files that were scored, too.
    command
        For the record.
    """
    earlier = _earlier(out)
    entries = _entries(paths, resolution)
    part = out.resolve().with_name(f".{out.resolve().name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        _write(entries, part, full, title, progress)
        manifest = {
            "title": title,
            "command": command,
            "written": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "runs": {entry.page: str(entry.run.path) for entry in entries},
            "files": sorted(path.name for path in part.iterdir()),
        }
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        (part / MANIFEST).write_text(text, encoding="utf-8")
        _replace(part, out, earlier)
    except OSError as error:
        raise InputError(
            f"--out {out}: {error.filename or out} cannot be written or read "
            f"({error.strerror or error}); free space or permissions are needed"
        ) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return out / INDEX


def _earlier(out: Path) -> list[str]:
    """Return the names of an earlier site's files. Raises InputError if there is something else."""
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out}: is a file; name another folder")
    if not out.is_dir() or not any(out.iterdir()):
        return []
    try:
        files = json.loads((out / MANIFEST).read_text(encoding="utf-8"))["files"]
        names = [str(name) for name in files]
    except (OSError, KeyError, TypeError, ValueError):
        raise InputError(
            f"--out {out}: is not empty and no site of this command; name another folder"
        ) from None
    return [name for name in names if Path(name).name == name and name != ".."]


def _entries(paths: Sequence[Path], resolution: str | None) -> list[Entry]:
    resolved = [path.resolve() for path in paths]
    for path, place in zip(paths, resolved, strict=True):
        if resolved.count(place) > 1:
            raise InputError(f"{path} is given twice: name each run once")
    names = shortest_names(resolved)
    runs = [run.load(path) for path in paths]
    for loaded in runs:
        check_provenance(loaded.info, loaded.path / "run.json")
    sizes = dict.fromkeys(str(size) for loaded in runs for size in loaded.resolutions)
    if resolution is not None and resolution not in sizes:
        raise InputError(f"--resolution {resolution}: not in these runs ({', '.join(sizes)})")
    entries = [
        Entry(loaded, names[place], _size(loaded, resolution))
        for loaded, place in zip(runs, resolved, strict=True)
    ]
    for entry in entries:
        ran = [case for case in entry.run.cases if case.status != "skipped"]
        complete.recorded(entry.run.path, ((it.method, it.resolution, it.image) for it in ran))
        complete.check_pictures(entry.run, entry.resolution)
    return entries


def _size(loaded: Run, resolution: str | None) -> Resolution:
    """Return the size of a run's pictures: the one asked for if it has it."""
    asked = [size for size in loaded.resolutions if str(size) == resolution]
    return asked[0] if asked else highest(loaded.resolutions)


def _write(entries: Sequence[Entry], out: Path, full: bool, title: str, progress: Progress) -> None:
    styles = [report.TEMPLATES / "report.css", _FOLDER / "site.css"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in styles)
    (out / "site.css").write_text(text, encoding="utf-8")
    shutil.copyfile(_FOLDER / "site.js", out / "site.js")
    environment = report.environment(_FOLDER)
    environment.globals.update(title=title, arrows=ARROWS, size_text=size_text)

    def render(template: str, file: str, **context: object) -> None:
        html = environment.get_template(template).render(**context)
        (out / file).write_text(html, encoding="utf-8", errors="replace")

    methods = len({label for entry in entries for label in entry.run.methods})
    render(
        INDEX,
        INDEX,
        entries=entries,
        counted=f"{counted(len(entries), 'run')}, {counted(methods, 'method')}",
    )
    for entry in entries:
        photos = pictures.write(entry, out, full, partial(progress, entry.name))
        (out / entry.folder).mkdir(exist_ok=True)
        shutil.copyfile(entry.run.path / "scores.csv", out / entry.folder / "scores.csv")
        render(
            "pictures.html",
            entry.pictures,
            entry=entry,
            photos=photos,
            methods=entry.run.methods,
            side=pictures.SIDE,
            full=full,
        )
        render(
            "run.html",
            entry.page,
            entry=entry,
            objective=entry.objective,
            methods=entry.methods(),
            cost=tables.cost(entry.run),
            by_hole_share=by_hole_share(entry.run),
            over=report.resampled(entry.run),
            **report.provenance(entry.run),
        )


def _replace(part: Path, out: Path, earlier: Sequence[str]) -> None:
    """Move the finished site to its place; only files of an earlier site are removed."""
    if not out.exists():
        part.rename(out.resolve())
        return
    new = [path.name for path in part.iterdir()]
    for name in new:
        if (out / name).exists() and name not in [*earlier, MANIFEST]:
            raise InputError(f"{out / name} is not the site's own: move it, or name another --out")
    for name in [*earlier, MANIFEST]:
        path = out / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for name in new:
        (part / name).rename(out / name)
