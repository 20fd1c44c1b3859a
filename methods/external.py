"""Results made elsewhere (Photoshop, somebody else's code), read from a folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from methods.base import Image, Inpainter, Mask, MethodError, MissingRequirementError, Resolution
from methods.errors import closest
from methods.files import comparable_name, sha256
from methods.images import SUFFIXES, ImageFileError, read_rgb
from methods.resolutions import NATIVE


@dataclass(kw_only=True)
class External(Inpainter):
    """Read finished results from a folder. Each sub-folder is listed once per instance.

    Parameters
    ----------
    folder
        Contains `<resolution>/<image>.png` (or another image suffix), or, for a single
        resolution, `<image>.png`.
    names
        Case -> name of its file without suffix, where it is another one.
    """

    name: ClassVar[str] = "external"
    summary: ClassVar[str] = "a folder of results made elsewhere"
    uses_device: ClassVar[bool] = False
    measures_cost: ClassVar[bool] = False
    version: ClassVar[int] = 2

    folder: str
    names: dict[str, str] = field(default_factory=dict)
    _file: Path | None = field(default=None, init=False, repr=False)
    _listings: dict[Path, dict[str, list[Path]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        folder = Path(self.folder)
        if not folder.is_dir():
            raise ValueError(f"results {folder}: not a folder; give the folder of the results")
        if not any(map(is_image, folder.rglob("*"))):
            links = [path for path in folder.rglob("*") if is_dangling(path)]
            link = f" but symbolic links to nothing, such as {links[0]}" if links else ""
            raise ValueError(
                f"results {folder}: holds no image{link}; put them in RESOLUTION/IMAGE.png"
            )

    def check_resolutions(self, resolutions: Sequence[Resolution]) -> None:
        folder = Path(self.folder)
        if not is_flat(folder):
            return
        for resolution in resolutions:
            for other in sorted(folder.iterdir()):
                if is_misnamed(other, resolution):
                    raise ValueError(
                        f"results {other}: did you mean {resolution}? Rename the folder to "
                        f"{folder / str(resolution)}"
                    )
        if len(resolutions) > 1:
            raise ValueError(
                f"results {folder}: a flat folder holds one resolution; choose it with "
                f"--resolutions, or sort the results into {folder}/RESOLUTION/"
            )

    def for_case(self, resolution: Resolution, image_name: str) -> External:
        bound = copy(self)
        bound._file = self.result_file(resolution, image_name)
        return bound

    def identity(self, resolution: Resolution, image_name: str) -> dict[str, Any]:
        """Identify a result by the content of its file, not by where the file is."""
        path = self.result_file(resolution, image_name)
        try:
            checksum = sha256(path)
        except OSError as error:
            raise MethodError(f"{path} cannot be read: {error.strerror}") from None
        return {"method": self.name, "version": self.version, "sha256": checksum}

    def fill(self, image: Image, mask: Mask) -> Image:
        if self._file is None:
            raise MethodError("external results are found by name: call for_case(...) first")
        try:
            self.read_sha256 = sha256(self._file)
            result = read_rgb(self._file, self.read_sha256)
        except OSError as error:
            raise MethodError(f"{self._file} cannot be read: {error.strerror}") from None
        except ImageFileError as error:
            raise MethodError(str(error)) from None
        if result.shape != image.shape:
            raise MethodError(
                f"{self._file} is {result.shape[1]}x{result.shape[0]}, the case "
                f"{image.shape[1]}x{image.shape[0]}; export it at that size"
            )
        return result

    def result_file(self, resolution: Resolution, image_name: str) -> Path:
        """Return the file with the result of one case; raise MissingRequirementError if there is
        none, MethodError if there are two."""
        folder = self.resolution_folder(resolution)
        if folder not in self._listings:
            self._listings[folder] = _images_by_name(folder)
        name = self.names.get(image_name, image_name)
        files = self._listings[folder].get(comparable_name(name), [])
        if not files:
            near = near_name(image_name, [path.name for path in folder.glob("*")])
            hint = lost_link(folder, name) or (f"; did you mean {near}?" if near else "")
            raise MissingRequirementError(f"no result {folder / image_name}.png{hint}")
        if len(files) > 1:
            raise MethodError(
                f"{files[0]} and {files[1].name}: two results for one case; leave one of them there"
            )
        return files[0]

    def resolution_folder(self, resolution: Resolution) -> Path:
        """Return the folder with the results of one resolution (pixels)."""
        folder = Path(self.folder)
        return folder if self._is_flat else folder / str(resolution)

    @cached_property
    def _is_flat(self) -> bool:
        return is_flat(Path(self.folder))


def _images_by_name(folder: Path) -> dict[str, list[Path]]:
    images: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if is_image(path):
            images.setdefault(comparable_name(path.stem), []).append(path)
    return images


def is_flat(folder: Path) -> bool:
    """Return whether a folder has no sub-folder named like a resolution."""
    return not any(
        (path.name.isdigit() or path.name == NATIVE) and path.is_dir() for path in folder.iterdir()
    )


def is_misnamed(path: Path, resolution: Resolution) -> bool:
    """Return whether a folder called like 1024px or Native holds results of a resolution."""
    bare = re.sub(r"px|pixels?|p|x\d+|[\s_-]", "", path.name.casefold())
    return path.name != str(resolution) and bare == str(resolution) and path.is_dir()


def near_name(name: str, files: Iterable[str]) -> str:
    """Return the image file that was probably meant by a name without suffix, or "".

    That is one whose name holds the name, as `boat_filled.png` for `boat`, or is similar to it.
    """
    stems = {Path(file).stem: file for file in files if Path(file).suffix.lower() in SUFFIXES}
    wanted = comparable_name(name)
    holding = [stem for stem in stems if wanted in comparable_name(stem)]
    return stems.get(min(holding, key=len, default=closest(name, stems, 0.8)), "")


def lost_link(folder: Path, name: str) -> str:
    """Return the end of a message if the result of a name is a symbolic link to nothing, or ""."""
    for path in sorted(folder.glob("*")):
        if comparable_name(path.stem) == comparable_name(name) and is_dangling(path):
            return f"; {path.name} is a symbolic link to nothing: put the file itself there"
    return ""


def is_dangling(path: Path) -> bool:
    """Return whether a path is a symbolic link to nothing."""
    return path.is_symlink() and not path.exists()


def is_image(path: Path) -> bool:
    """Return whether a path is a file with a supported image suffix, in upper or lower case."""
    return path.suffix.lower() in SUFFIXES and path.is_file()
