"""Results made elsewhere (Photoshop, somebody else's code), read from a folder."""

from __future__ import annotations

import hashlib
import unicodedata
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from methods.base import Image, Inpainter, Mask, MethodError, MissingRequirementError
from methods.images import SUFFIXES, ImageFileError, read_rgb


@dataclass(kw_only=True)
class External(Inpainter):
    """folder: `folder/<resolution>/<image>.png` (or another image suffix); or, for a single
    resolution, a flat `folder/<image>.png`. Raises ValueError when it is not there or empty.
    Results that come after a first question about their folder are seen by a new instance."""

    name: ClassVar[str] = "external"
    summary: ClassVar[str] = "a folder of results made elsewhere"
    uses_device: ClassVar[bool] = False
    measures_cost: ClassVar[bool] = False
    version: ClassVar[int] = 2

    folder: str
    _file: Path | None = field(default=None, init=False, repr=False)
    # Each folder is read once, not for each of thousands of cases.
    _by_name: dict[Path, dict[str, list[Path]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        folder = Path(self.folder)
        if not folder.is_dir():
            raise ValueError(f"results {folder}: not a folder; give the folder of the results")
        if not any(map(is_image, folder.rglob("*"))):
            raise ValueError(f"results {folder}: holds no image; put them in RESOLUTION/IMAGE.png")

    def check_resolutions(self, resolutions: list[int]) -> None:
        if len(resolutions) > 1 and flat(Path(self.folder)):
            raise ValueError(
                f"results {self.folder}: a flat folder holds one resolution; choose it with "
                f"--resolutions, or sort the results into {self.folder}/RESOLUTION/"
            )

    def for_case(self, resolution: int, image_name: str) -> External:
        bound = copy(self)
        bound._file = self.find(resolution, image_name)
        return bound

    def identity(self, resolution: int, image_name: str) -> dict[str, Any]:
        """The bytes of the one file count, not where the folder lies."""
        path = self.find(resolution, image_name)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise MethodError(f"{path} cannot be read: {error.strerror}") from None
        return {
            "method": self.name,
            "version": self.version,
            "sha256": hashlib.sha256(content).hexdigest(),
        }

    def fill(self, image: Image, mask: Mask) -> Image:
        if self._file is None:
            raise MethodError("external results are found by name: call for_case(...) first")
        try:
            result = read_rgb(self._file)
        except ImageFileError as error:
            raise MethodError(str(error)) from None
        if result.shape != image.shape:
            raise MethodError(
                f"{self._file} is {result.shape[1]}x{result.shape[0]}, the case "
                f"{image.shape[1]}x{image.shape[0]}; export it at that size"
            )
        return result

    def find(self, resolution: int, image_name: str) -> Path:
        """The result file of one case. Raises MissingRequirementError when there is none,
        MethodError when there are two."""
        folder = self.case_folder(resolution)
        if folder not in self._by_name:
            self._by_name[folder] = _images(folder)
        found = self._by_name[folder].get(plain(image_name), [])
        if not found:
            raise MissingRequirementError(f"no result {folder / image_name}.png")
        if found[1:]:
            raise MethodError(f"{found[0]} and {found[1].name}: two results for one case")
        return found[0]

    def case_folder(self, resolution: int) -> Path:
        """Where the results of one resolution lie."""
        folder = Path(self.folder)
        return folder if self._is_flat else folder / str(resolution)

    @cached_property
    def _is_flat(self) -> bool:
        return flat(Path(self.folder))


def _images(folder: Path) -> dict[str, list[Path]]:
    """Image files of a folder, sorted, by their plain name."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if is_image(path):
            found.setdefault(plain(path.stem), []).append(path)
    return found


def plain(name: str) -> str:
    """A file name in the one spelling of all that some file system takes for the same: macOS
    writes accents as two characters, Windows does not tell cases apart."""
    return unicodedata.normalize("NFC", name).casefold()


def flat(folder: Path) -> bool:
    """Whether a folder holds the results of one resolution directly, in no sub-folder."""
    return not any(path.name.isdigit() and path.is_dir() for path in folder.iterdir())


def is_image(path: Path) -> bool:
    """Whether a path is a file with the suffix of a supported image format."""
    # Photoshop under Windows writes .PNG as well as .png.
    return path.suffix.lower() in SUFFIXES and path.is_file()
