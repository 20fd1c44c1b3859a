"""Fill the holes of image files with a method, one after the other."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import cv2
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import methods
from methods import arguments
from methods.base import Inpainter, Mask, MethodError
from methods.errors import InputError, is_out_of_memory
from methods.fill import ctrl_c
from methods.fill.pairs import Job, in_folders, single
from methods.fill.picture import Picture, read_picture, write_picture
from methods.foreign_code import error_message, error_text, keep_output_open
from methods.images import ImageFileError, read_rgb
from methods.masks import middle_level, white_pixels
from methods.resolutions import NATIVE
from methods.shown_text import message_text
from methods.terminal import plain_console
from methods.validation import field_names

Hole = Literal["white", "black"]


def fill_files(
    method: str,
    image: Path,
    mask: Path,
    result: Path,
    options: Iterable[str],
    weights: Iterable[str],
    device: str,
    seed: int,
    hole: Hole,
    threshold: int | None,
    overwrite: bool,
) -> int:
    """Fill an image or a folder of images; print what was done and return the exit code.

    The parameters are those of `methods.fill.command.fill`.

    Raises
    ------
    ValueError
        If the method, its options or the files cannot be used; no result has been written then.
    """
    is_folder = image.is_dir()
    jobs = in_folders(image, mask, result) if is_folder else [single(image, mask, result)]
    to_fill = [job for job in jobs if overwrite or not job.result.exists()]
    if not to_fill and not is_folder:
        raise InputError(f"{result}: is there already; --overwrite replaces it")
    _begin_to_import(methods.method_class(method).requires)
    inpainter = _create(method, device, seed, options, weights)
    first = None if is_folder else _read(to_fill[0], hole, threshold)
    keep_output_open()
    if to_fill:
        with _failures_named():
            inpainter.check()
            inpainter.load()
    name = f"{method} ({inpainter.remark})" if inpainter.remark else method
    if first:
        return _fill_one(inpainter, to_fill[0], *first, name)
    failed = _fill_all(inpainter, to_fill, hole, threshold)
    before = len(jobs) - len(to_fill)
    print(
        f"{result}: {len(to_fill) - failed} filled by {message_text(name)}, {before} were there "
        f"before, {failed} failed"
    )
    return int(failed > 0)


def _begin_to_import(modules: Iterable[str]) -> None:
    """Import PyTorch, if it is needed, while weights are hashed and the image is read."""

    def import_torch() -> None:
        # What fails here fails again, with a message, where it is used.
        with suppress(BaseException):
            importlib.import_module("torch")

    if "torch" in modules:
        threading.Thread(target=import_torch).start()


def _create(
    method: str, device: str, seed: int, words: Iterable[str], weights: Iterable[str]
) -> Inpainter:
    options: dict[str, Any] = {}
    for word in words:
        key, value = _split("--option", word, "KEY=VALUE")
        options[key] = arguments.parsed_value(value)
    for word in weights:
        name, path = _split("--weights", word, "NAME=PATH")
        known = arguments.set_weights(method, options, name, path)
        if name not in known:
            networks = ", ".join(sorted(known)) or "none"
            raise InputError(
                f"--weights {word!r}: {method} takes no weights called {name!r} (those it takes: "
                f"{networks})"
            )
    if "seed" in field_names(methods.method_class(method)):
        options.setdefault("seed", seed)
    return methods.create(method, device=options.pop("device", device), **options)


def _split(option: str, word: str, form: str) -> tuple[str, str]:
    key, _, value = word.partition("=")
    if not key or not value:
        raise InputError(f"{option} {word!r}: write it as {form}")
    return key, value


def _fill_one(inpainter: Inpainter, job: Job, picture: Picture, mask: Mask, name: str) -> int:
    """Fill one image and return the exit code. Raises InputError if it cannot be written."""
    started = time.perf_counter()
    try:
        _fill(inpainter, job, picture, mask)
    except MethodError as error:
        plain_console(stderr=True, soft_wrap=True).print(f"error: {error_message(error)}")
        return 1
    seconds = time.perf_counter() - started
    height, width = picture.size
    print(f"{job.result}: {width}x{height}, filled by {message_text(name)} in {seconds:.1f} s")
    return 0


def _fill_all(inpainter: Inpainter, jobs: list[Job], hole: Hole, threshold: int | None) -> int:
    """Fill images with a bar on terminals, report those that fail, and return their number."""
    console = plain_console(stderr=True, soft_wrap=True)
    columns = TextColumn("{task.description}", markup=False), BarColumn(bar_width=None)
    failed = 0
    with Progress(
        *columns, MofNCompleteColumn(), TimeElapsedColumn(),
        console=console, disable=not console.is_terminal, expand=True,
    ) as bar:  # fmt: skip
        task = bar.add_task("", total=len(jobs))
        for job in jobs:
            bar.update(task, description=message_text(job.image.name))
            try:
                _fill(inpainter, job, *_read(job, hole, threshold))
            except (MethodError, ImageFileError, InputError) as error:
                failed += 1
                text = error_message(error)
                console.print(text if str(job.image) in text else f"{job.image}: {text}")
            bar.advance(task)
    return failed


def _read(job: Job, hole: Hole, threshold: int | None) -> tuple[Picture, Mask]:
    """Return an image and its hole. Raises ImageFileError or InputError."""
    picture = read_picture(job.image)
    return picture, _read_hole(job.mask, hole, threshold, picture.size)


def _fill(inpainter: Inpainter, job: Job, picture: Picture, mask: Mask) -> None:
    """Fill one image. Raises MethodError, or InputError if the result cannot be written."""
    rgb = picture.rgb()
    with _failures_named(mask):
        filled = inpainter.for_case(NATIVE, job.image.stem).inpaint(rgb, mask)
    try:
        write_picture(job.result, picture.filled(filled, mask))
    except OSError as error:
        raise InputError(f"{job.result} cannot be written ({error.strerror or error})") from None


@contextmanager
def _failures_named(mask: Mask | None = None) -> Iterator[None]:
    """Turn whatever a library or a method of the user's raises into a MethodError of one line."""
    with ctrl_c.noticed() as pressed:
        try:
            yield
        except (MethodError, InputError):
            raise
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and pressed.is_set():
                raise
            if is_out_of_memory(error):
                at = "" if mask is None else f" at {mask.shape[1]}x{mask.shape[0]}"
                raise MethodError(f"memory ran out{at}; reduce the image") from None
            raise MethodError(error_text(error)) from error


def _read_hole(path: Path, hole: Hole, threshold: int | None, size: tuple[int, int]) -> Mask:
    """Return the hole of a mask file, bool (H, W). Raises ImageFileError."""
    plane = cv2.cvtColor(read_rgb(path, ignore_alpha=True), cv2.COLOR_RGB2GRAY)
    white = white_pixels(plane, threshold)
    if white is None:
        level = middle_level(plane)
        raise ImageFileError(
            f"{path}: mask is not two-valued; --mask-threshold {level} makes white of all values "
            f"from {level} on"
        )
    if white.shape != size:
        raise ImageFileError(
            f"{path}: mask is {white.shape[1]}x{white.shape[0]}, its image {size[1]}x{size[0]} as "
            "it is shown; save it at that size"
        )
    mask = white if hole == "white" else ~white
    if mask.all() or not mask.any():
        state = "full: every pixel is hole" if mask.all() else "empty: no pixel is hole"
        raise ImageFileError(
            f"{path}: mask is {state} (all of it is {'white' if white.any() else 'black'}, and the "
            f"hole is {hole}, see --hole)"
        )
    return mask
