"""The registry of published weights, `registry.toml`: files, addresses and licences."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from rich.filesize import decimal

from methods.validation import build

SHIPPED = Path(__file__).with_name("registry.toml")
BUNDLED = Path(__file__).with_name("bundled")

# Names become folders and file names.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Url = Annotated[str, Field(pattern=r"^https?://[^/]+/")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PublishedFile(_Strict):
    """A published file; size (bytes) and checksums are None if they are not published."""

    name: Name
    urls: Annotated[list[Url], Field(min_length=1)]
    size: Annotated[int, Field(gt=0)] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    # As printed by `git hash-object FILE`, which repositories publish for their files.
    git_blob: Annotated[str, Field(pattern="^[0-9a-f]{40}$")] | None = None
    md5: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None
    pattern: str | None = None


class Variant(_Strict):
    """Files that belong together, or one file bundled with the suite.

    A method opens the first file. `licence` is None if it is that of the other variants."""

    about: str
    format: Literal["pytorch", "tensorflow", "safetensors", "torchscript", "onnx"]
    files: list[PublishedFile] = []
    bundled: Name | None = None
    licence: str | None = None

    @property
    def path(self) -> Path | None:
        """The bundled file."""
        return BUNDLED / self.bundled if self.bundled else None

    @property
    def size(self) -> int | None:
        """Bytes of all files, None if not all are known."""
        if self.path:
            return self.path.stat().st_size
        sizes = [file.size for file in self.files if file.size is not None]
        return sum(sizes) if len(sizes) == len(self.files) else None


class Weights(_Strict):
    """Everything published for one network.

    `marker` is a tensor that only its files contain, None for exported networks.
    """

    title: str
    citation: str
    homepage: Url
    code_licence: str
    weights_licence: str
    marker: str | None = None
    default: str
    variants: dict[Name, Variant]


class Method(_Strict):
    """Paper and licence of a method, and the names of all weights that it uses."""

    paper: str
    licence: str
    weights: list[str] = []


class Registry(_Strict):
    """The content of `registry.toml`."""

    weights: dict[Name, Weights] = {}
    methods: dict[str, Method] = {}


@cache
def load(path: Path = SHIPPED) -> Registry:
    """Return the registry in a TOML file. Raises ValueError, one line, if it is not valid."""
    return build(Registry, tomllib.loads(path.read_text(encoding="utf-8")), f"registry {path}")


def readable_size(size: int | None) -> str:
    """Return a number of bytes for people: "132 MB" (10**6 bytes), "size not published"."""
    return "size not published" if size is None else decimal(size, precision=0)
