"""How a dataset is laid out: `dataset.toml` beside its photographs, or options of its keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from benchmark.inputs.masks import Channel, MaskRule
from benchmark.inputs.toml import read_toml
from methods.validation import build

FILE_NAME = "dataset.toml"
# Keys of a description that the command line can give, and their options.
OPTIONS = {
    "images": "--images",
    "masks": "--masks",
    "hole": "--hole",
    "threshold": "--mask-threshold",
}


def _patterns(value: Any) -> Any:
    patterns = [value] if isinstance(value, str) else value
    for pattern in patterns if isinstance(patterns, list) else []:
        if not isinstance(pattern, str):
            raise ValueError(f"{pattern!r} is not a pattern: write a text, or a list of texts")
        path = PurePosixPath(pattern)
        if not path.parts or path.is_absolute() or ".." in path.parts:
            raise ValueError(
                f"pattern {str(pattern)!r} must begin in the dataset's folder, without .. and /; "
                f"put {FILE_NAME} into the folder above images and masks"
            )
    if isinstance(patterns, list):
        # "./*.png" is "*.png".
        return [PurePosixPath(pattern).as_posix() for pattern in patterns]
    return patterns


Patterns = Annotated[list[str], Field(min_length=1), BeforeValidator(_patterns)]


class Description(BaseModel):
    """The keys of dataset.toml; datasets/README.md describes them.

    `images` and `masks` are patterns of `pathlib.Path.glob`; None stands for the default layouts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    images: Patterns | None = None
    masks: Patterns | None = None
    # None if nobody has said so, which is read as "white".
    hole: Literal["white", "black"] | None = None
    threshold: Annotated[int, Field(ge=1, le=255)] | None = None
    mask_channel: Channel = "grey"
    # Whether masks of another size are brought to that of their photograph.
    resize_masks: bool = False
    # Whether what lies under the hole is what should be there.
    reference: bool = True

    @property
    def mask_rule(self) -> MaskRule:
        return MaskRule(self.hole or "white", self.threshold, self.mask_channel, self.resize_masks)

    def record(self) -> dict[str, Any]:
        """Return the entry of run.json: every key with the value that was used."""
        return self.model_dump() | {"hole": self.mask_rule.hole}


@dataclass(frozen=True)
class Dataset:
    """A folder of photographs and how it is laid out; patterns start at `root`."""

    root: Path
    description: Description
    # As the user named it.
    path: Path

    @property
    def name(self) -> str:
        resolved = self.path.resolve()
        is_own_file = resolved.suffix == ".toml" and resolved.name != FILE_NAME
        return resolved.stem if is_own_file else self.root.resolve().name


def open_dataset(path: Path, options: dict[str, Any] | None = None) -> Dataset:
    """Return the dataset of a folder, or of a description file like `dataset.toml`.

    Parameters
    ----------
    path
        A folder, in which `dataset.toml` is read if it exists, or a .toml file.
    options
        Keys of a `Description` that replace those of the file; None for the file's own.

    Raises
    ------
    InputError
        If the description is invalid. Whether the folder exists is checked later.
    """
    file = path if path.suffix == ".toml" and not path.is_dir() else path / FILE_NAME
    given = {key: value for key, value in (options or {}).items() if value is not None}
    content = read_toml(file, "dataset") if file == path or file.is_file() else {}
    build(Description, content, f"dataset {file}")
    description = build(Description, content | given, f"dataset {path}")
    return Dataset(file.parent, description, path)
