"""The files of a diffusion pipeline: where they are on this machine, and their checksum."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from methods.base import MissingRequirementError
from methods.files import listing_sha256, sha256

INDEX = "model_index.json"
# The pipeline is loaded without it, see `methods.diffusion`.
SAFETY_CHECKER = "safety_checker"
WEIGHTS = (".safetensors", ".bin")
# Of other libraries, or all components in one file.
_FOREIGN = {".ckpt", ".pt", ".pth", ".msgpack", ".h5", ".onnx", ".onnx_data", ".pb", ".xml"}
_SHARD = re.compile(r"-\d{5}-of-\d{5}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class PipelineFiles:
    """A pipeline on this machine. commit: of its repository, empty for a folder of the user's."""

    folder: Path
    commit: str = ""

    def components(self) -> list[str]:
        """Return the folders that the pipeline loads; raise ValueError if one is not there."""
        path = self.folder / INDEX
        try:
            index = json.loads(path.read_text(encoding="utf-8"))
            names = [
                name
                for name, source in index.items()
                if isinstance(source, list) and source[0] and name != SAFETY_CHECKER
            ]
        except (OSError, ValueError, AttributeError, IndexError) as error:
            raise ValueError(f"{path} cannot be read: {error}") from None
        for name in names:
            if not (self.folder / name).is_dir():
                raise ValueError(
                    f"{self.folder}: the folder {name}, which {INDEX} names, is missing"
                )
        return names

    def has_safety_checker(self) -> bool:
        """Return whether the pipeline would replace some results by black images."""
        return SAFETY_CHECKER in json.loads((self.folder / INDEX).read_text(encoding="utf-8"))

    def sha256(self, variant: str | None) -> str:
        """Return a SHA-256 of names and contents of the files that are loaded.

        What Hugging Face's cache names by its SHA-256 is not read for it.

        Parameters
        ----------
        variant
            Of the weights, such as "fp16"; components without it have their usual ones loaded.
        """
        paths = [self.folder / INDEX]
        for component in self.components():
            paths += _loaded_files(self.folder / component, variant)
        return listing_sha256(self.folder, paths, _content)


def find(model: str, revision: str | None, variant: str | None) -> PipelineFiles:
    """Return the files of a folder, or of a repository in Hugging Face's cache.

    Raises
    ------
    MissingRequirementError
        If the repository has not been downloaded; the message has the command that does it.
    ValueError
        If the folder holds no pipeline, or the name can be none of a repository.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not (folder / INDEX).is_file():
            raise ValueError(f"model {model}: the folder holds no pipeline: {INDEX} is missing")
        if revision is not None:
            raise ValueError(f"model {model}: a folder has no revisions, remove `revision`")
        return PipelineFiles(folder.resolve())
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        index = Path(hf_hub_download(model, INDEX, revision=revision, local_files_only=True))
    except HFValidationError:
        raise ValueError(
            f"model {model!r} is neither a folder nor the name of a repository, as owner/name"
        ) from None
    except LocalEntryNotFoundError:
        raise MissingRequirementError(
            f"model {model!r} is no folder here, and has not been downloaded: "
            f"{download_command(model, revision, variant)}"
        ) from None
    return PipelineFiles(index.parent, index.parent.name)


def download_command(model: str, revision: str | None, variant: str | None) -> str:
    """Return the command that downloads what a pipeline needs, and no more."""
    given = {"revision": revision, "variant": variant}
    options = "".join(f", {key}={value!r}" for key, value in given.items() if value)
    code = f"from diffusers import DiffusionPipeline as P; P.download({model!r}{options})"
    return f'python -c "{code}"'


def _loaded_files(component: Path, variant: str | None) -> list[Path]:
    """Return configuration and weights; of several kinds of weights those that are loaded."""
    files = sorted(path for path in component.rglob("*") if path.is_file())
    files = [path for path in files if not path.name.startswith(".")]
    weights = [path for path in files if path.suffix in WEIGHTS]
    others = [
        path
        for path in files
        if path.suffix not in {*WEIGHTS, *_FOREIGN} and ".index." not in path.name
    ]
    safe = [path for path in weights if path.suffix == WEIGHTS[0]]
    return others + _of_variant(safe or weights, variant)


def _of_variant(weights: list[Path], variant: str | None) -> list[Path]:
    named = {path: _SHARD.sub("", path.stem).partition(".")[2] for path in weights}
    for wanted in (variant or "", ""):
        if chosen := [path for path, name in named.items() if name == wanted]:
            return chosen
    return weights


def _content(path: Path) -> str:
    target = path.resolve().name if path.is_symlink() else ""
    return target if _SHA256.fullmatch(target) else sha256(path)
