"""The registry of published weights, `registry.toml`: what there is, where, under which licence."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from methods.validation import build

SHIPPED = Path(__file__).with_name("registry.toml")
BUNDLED = Path(__file__).with_name("bundled")

# Names become folders and file names.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Url = Annotated[str, Field(pattern=r"^https?://[^/]+/")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PublishedFile(_Strict):
    """One file as somebody published it. size: bytes; None where nobody has told."""

    name: Name
    urls: Annotated[list[Url], Field(min_length=1)]
    size: Annotated[int, Field(gt=0)] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    # `git hash-object FILE`: what a repository tells of a file in it.
    git_blob: Annotated[str, Field(pattern="^[0-9a-f]{40}$")] | None = None
    pattern: str | None = None


class Variant(_Strict):
    """Files that belong together; the first is the one that a method is given. Or one file that
    comes with the suite. licence: where it is not that of the other variants."""

    about: str
    format: Literal["pytorch", "tensorflow", "safetensors"]
    files: list[PublishedFile] = []
    bundled: Name | None = None
    licence: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Variant:
        if bool(self.files) == (self.bundled is not None):
            raise ValueError("a variant has either files or a bundled one")
        return self

    @property
    def path(self) -> Path | None:
        """The file that comes with the suite."""
        return BUNDLED / self.bundled if self.bundled else None

    @property
    def size(self) -> int | None:
        """Bytes of all files, None if not all are known."""
        if self.path:
            return self.path.stat().st_size
        sizes = [file.size for file in self.files if file.size is not None]
        return sum(sizes) if len(sizes) == len(self.files) else None


class Weights(_Strict):
    """What is published for one network. marker: a tensor that only its files have."""

    title: str
    citation: str
    homepage: Url
    code_licence: str
    weights_licence: str
    marker: str
    default: str
    variants: dict[Name, Variant]

    @model_validator(mode="after")
    def _default_is_there(self) -> Weights:
        if self.default not in self.variants:
            raise ValueError(f"default {self.default!r} is none of {', '.join(self.variants)}")
        return self


class Method(_Strict):
    """What is told of a method. weights: names of all that it uses."""

    paper: str
    licence: str
    weights: list[str] = []


class Registry(_Strict):
    """All of `registry.toml`."""

    weights: dict[Name, Weights] = {}
    methods: dict[str, Method] = {}

    @model_validator(mode="after")
    def _weights_are_there(self) -> Registry:
        for name, method in self.methods.items():
            for used in set(method.weights) - set(self.weights):
                raise ValueError(f"methods.{name}: there are no weights {used!r}")
        return self


@cache
def load(path: Path = SHIPPED) -> Registry:
    """The registry in a TOML file. Raises ValueError, one line, if it is not a valid one."""
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"registry {path} cannot be read: {error}") from None
    return build(Registry, content, f"registry {path}")


def look_alike(names: Mapping[str, Any], registry: Registry) -> str | None:
    """Name of the weights that tensors with these names seem to be; None if of none known."""
    for name, weights in registry.weights.items():
        if weights.marker in names:
            return name
    return None


def megabytes(size: int | None) -> str:
    """Bytes as people read them: "132 MB" (10**6 bytes), "8 KB", "size not published"."""
    if size is None:
        return "size not published"
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{-(-size // 1000)} KB"
