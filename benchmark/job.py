"""The whole job: from what was asked for to scores.csv and run.json in a run folder."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmark.execution.local import Here, Place
from benchmark.execution.progress import ProgressBar
from benchmark.execution.writer import Writer
from benchmark.external import audit
from benchmark.inputs.protocol import Protocol
from benchmark.metrics import METRICS
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Plan, compare, list_cases
from benchmark.planning.request import Job, Request, check
from benchmark.run_folder import provenance
from benchmark.run_folder.folder import RunFolder, opened
from benchmark.run_folder.rows import Row, write_scores
from methods.errors import InputError
from methods.files import write_atomically

# Parts of run.json that say where cases ran: a command that runs none leaves them as they were.
COMPUTED_ON = ("machine", "workers", "threads", "cluster", "cluster_machines", "client")


def run_job(request: Request, console: Console | None = None) -> list[str]:
    """Do what was asked for; the status of every case, in no order.

    Everything that can be known to be wrong raises InputError before anything is written."""
    console = console or Console(stderr=True, highlight=False, soft_wrap=True)
    job = check(request, console)
    with place(job, console) as where:
        job = replace(job, specs=where.placed(job.specs))
        plan = list_cases(job.specs, job.photos, job.resolutions, job.protocol)
        findings = audit.audit(job, console)
        audit.show(findings, console)
        if not request.accept_drift:
            audit.refuse_drift(findings)
        where.admit(plan)
        with opened(request.out) as folder:
            audit.write(findings, folder.path)
            compare(plan, folder, request.overwrite)
            _announce(job, plan, console)
            _write_run_json(job, plan, folder, where, finished=False)
            _execute(job, plan, folder, where, console)
            _write_run_json(job, plan, folder, where, finished=True)
    statuses, failed = _outcome(plan)
    _report_failures(failed, folder, console)
    return statuses


def _announce(job: Job, plan: Plan, console: Console) -> None:
    total = len(plan.cases)
    todo = len(plan.to_run)
    console.print(
        f"{_count(len(job.photos), 'photograph')}, {_count(len(job.specs), 'method')}, "
        f"{', '.join(map(str, job.resolutions))} px, protocol {job.protocol.name}: "
        f"{_count(total, 'case')}, {total - todo} finished before, {todo} to run"
    )
    cropped = sum(photo.crop is not None for photo in job.photos)
    if cropped:
        console.print(f"note: the centre is used of {_count(cropped, 'photograph')} not square")
    for label, reason in _skipped(plan).items():
        console.print(f"skipped: {reason if label in reason else f'{label}: {reason}'}")
    # PNG of photographs takes a bit more than half of the raw bytes.
    need = sum(case.resolution**2 * 3 for case in plan.to_run) * 0.6
    free = shutil.disk_usage(job.request.out).free
    if need > free:
        console.print(
            f"warning: about {need / 2**30:.1f} GB will be written, "
            f"{free / 2**30:.1f} GB are free at {job.request.out}"
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _skipped(plan: Plan) -> dict[str, str]:
    """Method -> why its first skipped case is skipped."""
    reasons: dict[str, str] = {}
    for row in plan.rows.values():
        if row.status == "skipped":
            reasons.setdefault(row.method, row.error)
    return reasons


def _execute(job: Job, plan: Plan, folder: RunFolder, where: Place, console: Console) -> None:
    metrics = _columns(job.protocol)
    if plan.to_run or plan.to_score:
        # Tables of an earlier state must not lie beside the scores of this one.
        shutil.rmtree(folder.path / "tables", ignore_errors=True)
        (folder.path / "report.html").unlink(missing_ok=True)
    _write_scores(folder, plan, metrics, console)
    cases = [case for case, _ in plan.to_score] + plan.to_run
    if not cases:
        return
    watcher = ProgressBar(console, cases, plan.rows.values(), job.request.workers)
    try:
        with watcher:
            _answer_ctrl_c_at_once()
            where.run(Writer(plan, folder, watcher), plan)
    finally:
        _write_scores(folder, plan, metrics, console)


def _answer_ctrl_c_at_once() -> None:
    """Undo what importing Polars does to Ctrl-C (github.com/pola-rs/polars/issues/21739): a wait
    goes on, and with it a case that takes an hour."""
    if hasattr(signal, "siginterrupt"):
        signal.siginterrupt(signal.SIGINT, True)


def _columns(protocol: Protocol) -> list[str]:
    """Metric columns of scores.csv: whole image first, then the hole."""
    names = protocol.recorded_metrics()
    return [*names, *(f"{name}_hole" for name in names)]


def _write_scores(folder: RunFolder, plan: Plan, metrics: list[str], console: Console) -> None:
    write_scores(folder.path / "scores.csv", plan.rows, metrics)


def _write_run_json(job: Job, plan: Plan, folder: RunFolder, where: Place, finished: bool) -> None:
    request = job.request
    path = folder.path / "run.json"
    computed_on = {} if plan.to_run else _computed_on(path)
    info = {
        "suite": provenance.suite(),
        "command": request.command,
        "written": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "finished": finished,
        "protocol": job.protocol.model_dump(),
        "resolutions": job.resolutions,
        "metrics": {
            name: METRICS[name].describe(job.protocol.metric_options.get(name))
            for name in job.protocol.recorded_metrics()
        },
        "methods": [_method_record(job, plan, spec) for spec in job.specs],
        "dataset": {
            "path": str(request.dataset),
            "images": [photo.record() for photo in job.photos],
        },
        "seed": request.seed,
        "device": request.device,
        "time_limit_s": request.time_limit,
        "memory_limit_gb": request.memory_limit,
        "accept_drift": request.accept_drift,
        "versions": provenance.versions(),
        **(computed_on or {"machine": provenance.machine(), **where.record()}),
    }
    text = json.dumps(info, indent=2, ensure_ascii=False) + "\n"
    write_atomically(path, text.encode())


def _computed_on(run_json: Path) -> dict[str, Any]:
    """What an earlier run.json says of where its cases ran; nothing if there is none."""
    try:
        earlier = json.loads(run_json.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    if not isinstance(earlier, dict):
        return {}
    return {name: earlier[name] for name in COMPUTED_ON if name in earlier}


def _method_record(job: Job, plan: Plan, spec: MethodSpec) -> dict[str, Any]:
    return {
        "label": spec.label,
        "method": spec.method,
        "options": spec.options,
        "device": spec.device,
        "note": plan.notes[spec.label],
        "remark": plan.remarks[spec.label],
        "weights_sha256": plan.weights[spec.label],
    }


def _outcome(plan: Plan) -> tuple[list[str], list[Row]]:
    """The status of every case, and the rows of those that failed; rows take time to unpack."""
    statuses, failed = [], []
    for row in plan.rows.values():
        statuses.append(row.status)
        if row.status not in {"ok", "skipped"}:
            failed.append(row)
    return statuses, failed


def _report_failures(failed: list[Row], folder: RunFolder, console: Console) -> None:
    for row in sorted(failed, key=lambda row: row.slot)[:5]:
        console.print(f"{row.status}: {row.method}, {row.resolution} px, {row.image}: {row.error}")
    if failed:
        console.print(
            f"{_count(len(failed), 'case')} failed; what they printed is in "
            f"{folder.path / 'logs'}; --overwrite failed runs them again"
        )


@contextmanager
def _here(job: Job) -> Iterator[Place]:
    yield Here(job)


def place(job: Job, console: Console) -> AbstractContextManager[Place]:
    """Where a job runs. Raises InputError when its cluster does not answer."""
    if job.request.cluster is None:
        return _here(job)
    try:
        from benchmark.cluster.backend import on_cluster
    except ImportError as error:
        extra = f"pip install '{Path(__file__).resolve().parents[1]}[cluster]'"
        raise InputError(f"--cluster needs Dask distributed ({error}): {extra}") from None
    return on_cluster(job, job.request.cluster, console)
