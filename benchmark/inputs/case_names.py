"""What the cases of a dataset are called, and whether names say who belongs to whom."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from methods.errors import InputError
from methods.files import comparable_name, composed

# Bytes of a name. Files of figures have 30 more, and 255 is the most that systems take.
_LONGEST = 220


@dataclass(frozen=True, slots=True)
class Pair:
    """One case: its name, the photograph and its mask, if it has one."""

    name: str
    image: Path
    mask: Path | None = None


def numbers_agree(photos: Sequence[Path], masks: Sequence[Path]) -> bool:
    """Return whether a number that tells the names apart is the same in every pair."""
    return any(a == b for a, b in _alike(photos, masks))


def contradiction(photos: Sequence[Path], masks: Sequence[Path]) -> tuple[Path, Path] | None:
    """Return the first pair whose numbers say that photographs and masks are in another order."""
    if numbers_agree(photos, masks):
        return None
    for columns in _alike(photos, masks):
        for photo, mask, own, other in zip(photos, masks, *columns, strict=True):
            if own != other:
                return photo, mask
    return None


def _alike(photos: Sequence[Path], masks: Sequence[Path]) -> list[tuple[list[int], list[int]]]:
    """Return the numbers, by their place in the names, that both sides have in some order."""
    columns = [_number_columns(paths) for paths in (photos, masks)]
    return [(a, b) for a, b in product(*columns) if sorted(a) == sorted(b)]


def _number_columns(paths: Sequence[Path]) -> list[list[int]]:
    """Return the first, second ... number of every name, where it tells the names apart."""
    rows = [[int(digits) for digits in re.findall(r"\d+", path.stem)] for path in paths]
    columns = [list(column) for column in zip(*rows, strict=False)]
    return [column for column in columns if len(set(column)) == len(paths)]


def photo_names(root: Path, photos: list[Path], uses_folder: bool) -> dict[Path, str]:
    """Return a name for each photograph: its stem, its folder, or both."""
    ways: list[list[str]] = [
        [path.parent.name for path in photos],
        ["_".join([*path.relative_to(root).parts[:-1], path.stem]) for path in photos],
    ]
    ways.insert(1 if uses_folder else 0, [path.stem for path in photos])
    for names in ways:
        if _are_unique(names) and all(names):
            return dict(zip(photos, names, strict=True))
    first, second = _equal_names(photos, ways[-1])
    raise InputError(f"{second} and {first.name}: same name apart from suffix or case; rename one")


def _of_usual_length(cases: list[Pair]) -> list[Pair]:
    for case in cases:
        if len(os.fsencode(case.name)) > _LONGEST:
            raise InputError(
                f"{case.image}: the case would be called {case.name[:20]}..., which is longer than "
                f"{_LONGEST} bytes: shorten the name of the photograph or of its mask"
            )
    return cases


def _are_unique(names: Sequence[str]) -> bool:
    return len({comparable_name(name) for name in names}) == len(names)


def _equal_names(photos: list[Path], names: list[str]) -> tuple[Path, Path]:
    seen: dict[str, Path] = {}
    for path, name in zip(photos, names, strict=True):
        other = seen.setdefault(comparable_name(name), path)
        if other != path:
            return other, path
    raise AssertionError("no two names are equal")


def named_cases(names: dict[Path, str], masks: dict[Path, list[Path]]) -> list[Pair]:
    """Return a case for each photograph, or for each of its masks where it has several.

    Cases of several masks are named after the mask where that tells them apart, else after the
    photograph too, and after the mask's folder. Names are in Unicode form NFC, so that they, and
    random holes that are drawn after them, are the same on macOS and elsewhere.
    """
    single, several = [], []
    for photo, name in names.items():
        own = masks.get(photo, [])
        if len(own) < 2:
            single.append(Pair(name, photo, own[0] if own else None))
        else:
            several += [(name, photo, mask) for mask in own]
    for way in (
        lambda name, mask: mask.stem,
        lambda name, mask: f"{name}_{mask.stem}",
        lambda name, mask: f"{name}_{mask.parent.name}",
        lambda name, mask: f"{name}_{mask.parent.name}_{mask.stem}",
    ):
        named = [*single, *(Pair(way(name, mask), photo, mask) for name, photo, mask in several)]
        cases = [replace(case, name=composed(case.name)) for case in named]
        if _are_unique([case.name for case in cases]):
            return _of_usual_length(cases)
    first = several[0]
    raise InputError(
        f"{first[2]}: masks of {first[1].name} and of other photographs have the same names; "
        "rename one"
    )
