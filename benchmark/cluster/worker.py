"""The task of a worker: one case, from the photograph's file to scores and PNG."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from distributed import Reschedule, Worker, get_worker
from distributed.utils import sync

from benchmark.cluster.machines import describe
from benchmark.cluster.messages import (
    STARTED,
    CaseMessage,
    CaseResult,
    PhotographMissingError,
    has_files,
)
from benchmark.cluster.plugins import WorkerCheck, needs_gpu
from benchmark.execution.inference import infer
from benchmark.execution.scoring import score_outcome, with_scores
from benchmark.inputs.photos import PhotoStore
from benchmark.planning.request import Limits
from benchmark.run_folder.folder import damaged
from benchmark.run_folder.rows import Row
from methods.base import Image, Mask, blank
from methods.images import ImageFileError, png_bytes, read_rgb

# How often a task looks whether the worker's check has ended.
CHECK_S = 0.1


def run_case(message: CaseMessage) -> CaseResult:
    """Run or score one case on a worker; failures of its method become its row.

    Raises CancelledError when the run is over, PhotographMissingError, and InputError for a stored
    result that is damaged.
    """
    worker = get_worker()
    check: WorkerCheck | None = worker.plugins.get(message.run)  # type: ignore[assignment]
    if check is None:
        raise CancelledError
    while check.passed is None:
        # A broken connection has ended the run here, and the command is just registering it again.
        time.sleep(CHECK_S)
    if not check.passed:
        # It joined later and would compute something else.
        worker.loop.add_callback(worker.close_gracefully)
        raise Reschedule
    # `Worker.log_event` does not wait, and a case may end its worker at once.
    event = {STARTED: message.case.slot}
    sync(worker.loop, worker.scheduler.log_event, topic=message.run, msg=event)
    with _photo_folder(message) as folder:
        photos = PhotoStore(folder)
        case = message.case
        image, mask = photos.inputs(case.photo, case.resolution, message.protocol)
    if message.stored is None:
        result = _run(message, worker, image, mask)
    else:
        row = _score_again(message, *message.stored, image, mask)
        result = CaseResult(*describe(worker), row)
    if message.wants_inputs:
        result = replace(result, inputs=(png_bytes(image), png_bytes(mask)))
    return result


def _run(message: CaseMessage, worker: Worker, image: Image, mask: Mask) -> CaseResult:
    case, limits = message.case, _limits(message, worker)
    name, blanked = case.photo.name, blank(image, mask)
    outcome = infer(case.spec, case.resolution, name, blanked, mask, limits, message.run)
    row, result = score_outcome(case, outcome, image, mask, message.protocol)
    return CaseResult(*describe(worker), row, limits.memory_gb, result, outcome.log)


def _score_again(
    message: CaseMessage, row: Row, path: Path, stored: bytes, image: Image, mask: Mask
) -> Row:
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(stored)
        file.flush()
        try:
            result = read_rgb(Path(file.name))
        except ImageFileError:
            raise damaged(path) from None
    return with_scores(row, message.case, image, result, mask, message.protocol)


def _limits(message: CaseMessage, worker: Worker) -> Limits:
    """Return what the user allows a case, and no more memory than its share of the worker's."""
    available = worker.memory_manager.memory_limit
    # A GPU's driver maps more memory than the machine has: any limit would fail every case.
    if not available or needs_gpu(message.case.spec):
        return message.limits
    share = available / worker.state.nthreads / 2**30
    return replace(message.limits, memory_gb=min(share, message.limits.memory_gb or share))


@contextmanager
def _photo_folder(message: CaseMessage) -> Iterator[Path]:
    """Yield a folder with the photograph: the dataset's, or a temporary one for what was sent."""
    if message.files is None:
        folder = Path(message.dataset)
        if not has_files(folder, message.case.photo):
            raise PhotographMissingError
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="inpainting-") as name:
        for file, content in message.files.items():
            path = Path(name) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        yield Path(name)
