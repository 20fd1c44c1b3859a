"""Export of a run's inputs, for filling holes with other software."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console

from benchmark.inputs.dataset import Photo, PhotoStore, in_threads
from benchmark.inputs.protocol import Protocol
from benchmark.planning.request import check_photos, check_protocol
from methods.base import blank
from methods.errors import InputError
from methods.images import write_png
from methods.terminal import plain_console

README = """\
Inputs of protocol {protocol}, from {dataset}

images/<resolution>/<image>.png    8-bit RGB, the hole is black
masks/<resolution>/<image>.png     255 = hole, 0 = known
results/<resolution>/              for your results: the filled images, under the same names

- Work on exactly these files. Resampling the originals yourself gives other pixels.
- Change nothing outside the hole, and keep the size. Feathered selections, colour management and
  JPEG change known pixels; the benchmark finds them and asks before it scores such results.
- Save as 8-bit RGB PNG without an alpha channel.

Then:

python run_benchmark.py --dataset "{dataset}" --protocol "{protocol_argument}" \\
  --resolutions {resolutions} --external "NAME={destination}/results"
"""


def export(
    dataset: Path,
    protocol_name: str,
    resolutions: str | None,
    destination: Path,
    console: Console | None = None,
) -> None:
    """Write images/, masks/ and README.txt for every resolution into a new folder.

    The folder appears only when it is complete.

    Raises
    ------
    InputError
        If the input cannot be used, or the folder is not empty or cannot be written.
    """
    console = console or plain_console(stderr=True, soft_wrap=True)
    protocol, sizes = check_protocol(protocol_name, resolutions)
    if destination.is_file() or (destination.is_dir() and any(destination.iterdir())):
        raise InputError(f"{destination} exists already; export into a new or empty folder")
    photos = check_photos(dataset, protocol, sizes, console)
    readme = README.format(
        protocol=protocol.name,
        protocol_argument=protocol_name,
        dataset=dataset,
        resolutions=",".join(map(str, sizes)),
        destination=destination,
    )
    try:
        with _replacing_folder(destination) as folder:
            write = partial(_write_inputs, folder, dataset, protocol, sizes)
            in_threads(write, photos, "exporting", console, threads=2)
            for size in sizes:
                (folder / f"results/{size}").mkdir(parents=True)
            (folder / "README.txt").write_text(readme, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{destination} cannot be written ({error.strerror}); choose another folder"
        ) from None
    console.print(
        f"{len(photos)} images and masks at {', '.join(map(str, sizes))} px: {destination} "
        "(README.txt there explains how to use them)"
    )


@contextmanager
def _replacing_folder(destination: Path) -> Iterator[Path]:
    destination.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))
    try:
        yield part
        part.chmod(0o755)
        part.replace(destination)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_inputs(
    folder: Path, dataset: Path, protocol: Protocol, sizes: list[int], photo: Photo
) -> None:
    store = PhotoStore(dataset)
    for size in sizes:
        image, mask = store.inputs(photo, size, protocol)
        write_png(folder / f"images/{size}/{photo.name}.png", blank(image, mask))
        write_png(folder / f"masks/{size}/{photo.name}.png", mask)
