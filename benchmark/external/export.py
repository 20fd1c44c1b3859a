"""Export of a run's inputs, for filling holes with other software."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.inputs.dataset import in_threads
from benchmark.inputs.description import OPTIONS
from benchmark.inputs.photos import Photo, PhotoStore
from benchmark.inputs.protocol import Protocol, load, select_resolutions
from benchmark.planning.request import check_dataset
from methods.base import Resolution, blank
from methods.errors import InputError
from methods.images import write_png
from methods.resolutions import NATIVE, sizes_text
from methods.terminal import plain_console

README = """\
Inputs of protocol {protocol}, from {folder}

images/<resolution>/<image>.png    8-bit RGB, the hole is black
masks/<resolution>/<image>.png     255 = hole, 0 = known
results/<resolution>/              for your results: the filled images, under the same names

- Work on exactly these files. Resampling the originals yourself gives other pixels.
- Change nothing outside the hole, and keep the size. Feathered selections, colour management and
  JPEG change known pixels; the benchmark finds them and asks before it scores such results.
- Save as 8-bit RGB PNG without an alpha channel.

Then:

python run_benchmark.py --dataset {dataset} --protocol {protocol_argument} \\
  {options}--external {external}
"""


def export(
    folder: Path,
    description: dict[str, Any],
    protocol_name: str,
    resolutions: str | None,
    destination: Path,
) -> None:
    """Write images/, masks/ and README.txt for every resolution into a new folder.

    The folder appears only when it is complete.

    Raises
    ------
    InputError
        If the input cannot be used, or the folder is not empty or cannot be written.
    """
    console = plain_console(stderr=True, soft_wrap=True)
    protocol = load(protocol_name)
    sizes = select_resolutions(protocol, resolutions)
    if destination.is_file() or (destination.is_dir() and any(destination.iterdir())):
        raise InputError(f"{destination} exists already; export into a new or empty folder")
    dataset, photos, notes = check_dataset(folder, description, protocol, sizes, console)
    for note in notes:
        console.print(f"note: {note}")
    readme = README.format(
        protocol=protocol.name,
        folder=folder,
        protocol_argument=shlex.quote(protocol_name),
        dataset=shlex.quote(str(folder)),
        options=_options(description, sizes),
        external=shlex.quote(f"NAME={destination}/results"),
    )
    try:
        with _replacing_folder(destination) as part:
            write = partial(_write_inputs, part, dataset.root, protocol, sizes)
            in_threads(write, photos, "exporting", console, threads=2)
            for size in sizes:
                (part / f"results/{size}").mkdir(parents=True)
            (part / "README.txt").write_text(readme, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{destination} cannot be written ({error.strerror}); choose another folder"
        ) from None
    console.print(
        f"{len(photos)} images and masks at {sizes_text(sizes)}: {destination} "
        "(README.txt there explains how to use them)"
    )


def _options(description: dict[str, Any], sizes: list[Resolution]) -> str:
    """Return the options of the command, for a shell, that its dataset and sizes need."""
    words = [] if sizes == [NATIVE] else ["--resolutions", ",".join(map(str, sizes))]
    for key, value in description.items():
        for each in value if isinstance(value, list) else [value]:
            words += [] if each is None else [OPTIONS[key], str(each)]
    return "".join(f"{shlex.quote(word)} " for word in words)


@contextmanager
def _replacing_folder(destination: Path) -> Iterator[Path]:
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=destination.parent) as scratch:
        # Unlike the scratch folder, for whom the user's new folders are.
        part = Path(scratch) / "inputs"
        part.mkdir()
        yield part
        if destination.exists():
            destination.rmdir()
        part.replace(destination)


def _write_inputs(
    folder: Path, dataset: Path, protocol: Protocol, sizes: list[Resolution], photo: Photo
) -> None:
    store = PhotoStore(dataset)
    for size in sizes:
        image, mask = store.inputs(photo, size, protocol)
        write_png(folder / f"images/{size}/{photo.name}.png", blank(image, mask))
        write_png(folder / f"masks/{size}/{photo.name}.png", mask)
