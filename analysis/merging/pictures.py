"""The pictures and logs of a merged run: which file of which run each of them is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.merging.merged import Taken, inputs
from analysis.merging.source import Source
from analysis.runs import complete
from analysis.runs.origins import Slot
from methods.errors import InputError
from methods.images import open_image
from methods.labels import REFERENCE, folder_name
from methods.resolutions import size_text

_REMEDY = "delete it, and the benchmark's command of that run makes it again"


def check(sources: Sequence[Source]) -> None:
    """Raise InputError, with the file's name, if a result, its reference or its mask is not there,
    is empty, cut short or damaged, or they differ in size. Files are read, but not decoded."""
    owners = inputs(sources)
    sizes: dict[Slot, tuple[int, int]] = {}
    for source in sources:
        for slot, row in source.rows.items():
            if row["status"] != "ok":
                continue
            of_case = (REFERENCE, slot[1], slot[2])
            if of_case not in sizes:
                if of_case not in owners:
                    raise complete.lacks(source.path, of_case)
                reference, mask = _pair(of_case, owners[of_case])
                sizes[of_case] = _size(reference)
                _check_size(mask, sizes[of_case], of_case)
            _check_size(source.result_path(slot), sizes[of_case], slot)


def files(taken: Taken, sources: Sequence[Source]) -> dict[str, Path]:
    """Return place in the merged folder -> file of a run. To be called after `check`."""
    found = {}
    for slot, owners in inputs(sources).items():
        reference, mask = _pair(slot, owners)
        # Without a single result at this size there need not be any.
        if reference.exists() and mask.exists():
            found[_place("outputs", slot, "png")] = reference
            found[f"masks/{slot[1]}/{slot[2]}.png"] = mask
    for slot, source in taken.items():
        if source.rows[slot]["status"] == "ok":
            found[_place("outputs", slot, "png")] = source.result_path(slot)
        log = source.path / f"logs/{slot[1]}/{folder_name(source.own_label(slot[0]))}/{slot[2]}.txt"
        if log.exists():
            found[_place("logs", slot, "txt")] = log
    return found


def _pair(slot: Slot, owners: Sequence[Source]) -> tuple[Path, Path]:
    """Return reference and mask of a photograph at a size, each of the first run that has it."""
    references = [owner.result_path(slot) for owner in owners]
    masks = [owner.run.mask_path(slot[1], slot[2]) for owner in owners]
    return _first(references), _first(masks)


def _first(paths: Sequence[Path]) -> Path:
    return next((path for path in paths if path.exists()), paths[0])


def _place(folder: str, slot: Slot, suffix: str) -> str:
    method, resolution, image = slot
    return f"{folder}/{resolution}/{folder_name(method)}/{image}.{suffix}"


def _check_size(path: Path, expected: tuple[int, int], slot: Slot) -> None:
    width, height = _size(path)
    if (width, height) != expected:
        raise InputError(
            f"{path}: is {width}x{height}, the reference at {size_text(slot[1])} "
            f"{expected[0]}x{expected[1]}: {_REMEDY}"
        )


def _size(path: Path) -> tuple[int, int]:
    """Return width and height of a PNG file whose chunks all have their checksums."""
    try:
        with open_image(path) as image:
            if image.format == "PNG":
                image.verify()
                return image.size
    except FileNotFoundError:
        raise complete.lost(path) from None
    except (OSError, SyntaxError):  # the latter is what Pillow makes of a wrong checksum
        pass
    raise InputError(f"{path}: empty, damaged or not readable as PNG: {_REMEDY}")
