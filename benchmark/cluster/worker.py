"""What runs on a worker of a Dask cluster: batches of cases, from the photograph's file to scores
and PNG. The client writes what comes back (`benchmark.cluster_runner`)."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from distributed import Client, Reschedule, Worker, get_client, get_worker

from benchmark.cluster.machines import described
from benchmark.cluster.messages import Batch, BatchResult, Finished, Item
from benchmark.cluster.plugin import admission, needs_gpu
from benchmark.execution.inference import Limits, Outcome, infer
from benchmark.execution.scoring import judge, scores
from benchmark.inputs.dataset import Photo, PhotoStore, inputs
from benchmark.run_folder.folder import Row, Slot
from methods.base import Image, Mask, blank
from methods.images import ImageFileError, png_bytes, read_rgb

# Workers that a case may take down before it is given up.
MOST_LOSSES = 3


def run_batch(batch: Batch) -> BatchResult:
    """Do a batch. Never raises for what a method does; CancelledError when the run is over."""
    started = time.perf_counter()
    worker = get_worker()
    _check_fit(worker, batch.run)
    limits = _limits(batch, worker)
    ledger = Ledger(get_client(), batch)
    # A case is scored and encoded while the next one is inferred, so that a GPU is not idle.
    with ThreadPoolExecutor(1) as behind:
        parts = [_run(batch, item, limits, ledger, worker, behind) for item in batch.items]
        finished = [part.result() for part in parts]
    seconds = time.perf_counter() - started
    return BatchResult(finished, seconds, ledger.losses, worker.address, *described(worker))


def _check_fit(worker: Worker, run: str) -> None:
    """A worker that came later and would compute something else leaves; others do its batch."""
    join = admission(worker, run)
    if join is None:
        raise CancelledError
    if not join.fit:
        worker.loop.add_callback(worker.close_gracefully)
        raise Reschedule


class Ledger:
    """Which case of a batch is under way, kept by the scheduler, who outlives a worker: a case that
    was under way when its worker was lost has taken it down, as far as anybody can know."""

    def __init__(self, client: Client, batch: Batch) -> None:
        self._client = client
        self._place = [batch.run, batch.name]
        # The scheduler hands keys of maps back as they came, losses of an earlier try included.
        self.losses = losses(client, batch.run, batch.name, batch.losses)

    def lost(self, number: int) -> int:
        return self.losses.get(number, 0)

    def begin(self, number: int) -> None:
        """Returns when the scheduler knows it, so that no worker dies of a case unseen."""
        self._client.set_metadata(self._place, {**self.losses, number: self.lost(number) + 1})


def losses(client: Client, run: str, batch: str, known: Mapping[int, int]) -> dict[int, int]:
    """Number of a case -> workers that were lost while it ran, in earlier tries of a batch, given
    by its name, or, where there were none, those that are known."""
    return dict(client.get_metadata([run, batch], known))


def _run(
    batch: Batch, item: Item, limits: Limits, ledger: Ledger, worker: Worker, behind: Executor
) -> Future[Finished]:
    """Infer a case; the future is of all the rest. Raises CancelledError when the run is over."""
    lost = ledger.lost(item.number)
    if lost >= MOST_LOSSES:
        row = _given_up((batch.spec.label, batch.resolution, item.photo.name), lost)
        return behind.submit(Finished, item.number, row)
    # First of all: a large photograph alone may be more than a worker can hold.
    ledger.begin(item.number)
    with _photo_folder(batch, item) as folder:
        if folder is None:
            return behind.submit(Finished, item.number, None)
        image, mask = inputs(item.photo, PhotoStore(folder), batch.resolution, batch.protocol)
    if item.standing is not None:
        return behind.submit(_scored_again, batch, item, image, mask)
    # A batch is long enough for a run to end meanwhile.
    _check_fit(worker, batch.run)
    name = item.photo.name
    blanked = blank(image, mask)
    outcome = infer(batch.spec, batch.resolution, name, blanked, mask, limits, batch.run)
    return behind.submit(_judged, batch, item, outcome, image, mask, limits)


def _given_up(slot: Slot, lost: int) -> Row:
    """The row of a case that nobody can be asked to run again."""
    error = (
        f"{lost} workers were lost while they ran it, most likely for lack of memory; "
        "--overwrite failed tries it again"
    )
    return Row(*slot, status="failed", error=error)


def _judged(
    batch: Batch, item: Item, outcome: Outcome, image: Image, mask: Mask, limits: Limits
) -> Finished:
    slot = (batch.spec.label, batch.resolution, item.photo.name)
    row, result = judge(slot, batch.spec.method, outcome, image, mask, batch.protocol)
    encoded = None if result is None else png_bytes(result)
    finished = Finished(item.number, row, encoded, outcome.log, memory_gb=limits.memory_gb)
    return _with_input(finished, item, image, mask)


def _with_input(finished: Finished, item: Item, image: Image, mask: Mask) -> Finished:
    if not item.wants_input:
        return finished
    return replace(finished, reference=png_bytes(image), mask=png_bytes(mask))


def _scored_again(batch: Batch, item: Item, image: Image, mask: Mask) -> Finished:
    assert item.standing is not None
    row, stored = item.standing
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(stored)
        file.flush()
        try:
            result = read_rgb(Path(file.name))
        except ImageFileError:
            return Finished(item.number, None, damaged=True)
    scored = scores(image, result, mask, batch.protocol)
    finished = Finished(item.number, replace(row, scores=scored))
    return _with_input(finished, item, image, mask)


def _limits(batch: Batch, worker: Worker) -> Limits:
    """What a case may take here: what the user allows, and no more than the worker has."""
    granted = worker.memory_manager.memory_limit
    # A GPU's driver maps more than the machine has, so that a limit would fail every case.
    if not granted or needs_gpu(batch.spec):
        return batch.limits
    here = granted / worker.state.nthreads / 2**30
    asked = batch.limits.memory_gb
    return replace(batch.limits, memory_gb=here if asked is None else min(here, asked))


@contextmanager
def _photo_folder(batch: Batch, item: Item) -> Iterator[Path | None]:
    """A folder with the photograph in it as the dataset has it: the dataset's own where the worker
    sees it, else a temporary one. None where it is not there or another file."""
    if item.files is None:
        folder = Path(batch.dataset)
        yield folder if _same(folder, item.photo) else None
        return
    with tempfile.TemporaryDirectory(prefix="inpainting-") as name:
        folder = Path(name)
        _put(folder, item.photo.file, item.files.image)
        if item.photo.mask_file and item.files.mask is not None:
            _put(folder, item.photo.mask_file, item.files.mask)
        yield folder


def _same(folder: Path, photo: Photo) -> bool:
    wanted = [(photo.file, photo.sha256)]
    if photo.mask_file:
        wanted.append((photo.mask_file, photo.mask_sha256 or ""))
    try:
        return all(
            hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
            for name, digest in wanted
        )
    except OSError:
        return False


def _put(folder: Path, name: str, content: bytes) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
