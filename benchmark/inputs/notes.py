"""What a user should know about a dataset that can be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmark.inputs.description import FILE_NAME, Dataset
from benchmark.inputs.inverted import inverted_question
from benchmark.inputs.layouts import is_removal
from benchmark.inputs.photos import Photo
from benchmark.inputs.proposals import is_mask_name
from benchmark.inputs.protocol import Protocol
from methods.base import Resolution
from methods.images import SUFFIXES
from methods.shown_text import counted


def dataset_notes(
    dataset: Dataset,
    protocol: Protocol,
    resolutions: Sequence[Resolution],
    photos: Sequence[Photo],
) -> list[str]:
    """Return sentences about sizes, crops, large or painted holes and missing ground truth."""
    return [*_size_notes(protocol, resolutions), *_mask_notes(dataset, protocol, photos)]


def _size_notes(protocol: Protocol, resolutions: Sequence[Resolution]) -> list[str]:
    """Return a sentence about sizes that the protocol does not have."""
    others = [each for each in resolutions if each not in protocol.resolutions]
    if not others:
        return []
    own = ", ".join(map(str, protocol.resolutions))
    verb = "is not a size" if len(others) == 1 else "are not sizes"
    return [
        f"{', '.join(map(str, others))} px {verb} of protocol {protocol.name} ({own}): its rules "
        "are applied, but the numbers are not those of the protocol"
    ]


def _mask_notes(dataset: Dataset, protocol: Protocol, photos: Sequence[Photo]) -> list[str]:
    notes = []
    cropped = {photo.file for photo in photos if photo.crop}
    if cropped:
        cut = [photo.hole_cut for photo in photos if photo.hole_cut]
        holes = ""
        if cut:
            holes = (
                f"; {len(cut)} of {len(photos)} holes lose a part, up to {max(cut):.0%} of a hole "
                "(--protocol native crops nothing)"
            )
        elif protocol.uses_dataset_masks():
            holes = "; all holes are whole"
        number = counted(len(cropped), "photograph")
        notes.append(f"{number} not square, cropped to the centre{holes}")
    if alike := [photo.file for photo in photos if is_mask_name(Path(photo.file).stem)]:
        notes.append(
            f"{counted(len(alike), 'photograph')} named like a mask ({alike[0]}): are these "
            "photographs?"
        )
    if question := inverted_question(dataset, protocol, photos):
        notes.append(question)
    stretched = sum(photo.mask_is_stretched for photo in photos)
    if stretched:
        notes.append(
            f"{stretched} of {len(photos)} masks have another aspect than their photograph and are "
            "stretched"
        )
    plain = sum(photo.hole_is_plain for photo in photos)
    if 2 * plain > len(photos) and dataset.description.reference:
        notes.append(
            f"{plain} of {len(photos)} photographs are of one colour under their mask: are these "
            "inputs with the hole painted in? Then choose the originals with --images, or write "
            "reference = false into dataset.toml"
        )
    elif dataset.description.reference and is_removal(dataset.root, ""):
        notes.append(
            "the masks of this set mark objects to be removed: write reference = false into "
            "dataset.toml, or results are compared with the objects"
        )
    if not dataset.description.reference:
        notes.append(
            "reference = false: what lies under the holes is not what should be there, so results "
            "are not compared with the photographs"
        )
    return notes


def passed_over(dataset: Dataset, photos: Iterable[Photo]) -> str:
    """Return a sentence that counts what lies among the files of a dataset and is not used."""
    root = dataset.root
    used = {root / name for photo in photos for name in (photo.file, photo.mask_file) if name}
    if (root / "masks").is_dir() and dataset.description.masks is None:
        used |= set((root / "masks").iterdir())
    above = (parent for path in used for parent in path.parents)
    folders = {root, *(parent for parent in above if root in parent.parents)}
    kinds: Counter[str] = Counter()
    suffixes = set()
    for folder in folders:
        for path in folder.iterdir():
            if path in used or path in folders or path.name == FILE_NAME:
                continue
            kind = _kind(path)
            kinds[kind] += 1
            if kind == "other file":
                suffixes.add(path.suffix.lower() or path.name)
    if not kinds:
        return ""
    parts = [counted(number, kind) for kind, number in sorted(kinds.items())]
    names = f" ({', '.join(sorted(suffixes)[:5])})" if suffixes else ""
    return f"passed over in {root}: {', '.join(parts)}{names}"


def _kind(path: Path) -> str:
    if path.is_symlink() and not path.exists():
        return "broken link"
    if path.name.startswith("."):
        return "hidden file"
    if path.is_dir():
        return "folder"
    return "other image" if path.suffix.lower() in SUFFIXES else "other file"
