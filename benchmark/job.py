"""The main job: from a request to scores.csv and run.json in a run folder."""

from __future__ import annotations

import shutil
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from rich.console import Console

from benchmark.execution.local import LocalBackend
from benchmark.execution.metrics_check import MetricsCheck, MetricsDisagreeError, kept_record
from benchmark.execution.progress import ProgressBar, Report
from benchmark.execution.writer import Writer
from benchmark.external import findings
from benchmark.external.audit import audit
from benchmark.metrics import find
from benchmark.planning import announce, kept, method_entries
from benchmark.planning.kept import KeptMethod
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Plan, list_cases, select_cases
from benchmark.planning.request import Job, Request, check_request
from benchmark.run_folder import provenance
from benchmark.run_folder.folder import RunFolder, open_run_folder, read_run_json, write_run_json
from benchmark.run_folder.rows import Row, write_scores
from methods.errors import InputError
from methods.libraries import extra_installation
from methods.resolutions import size_text
from methods.shown_text import counted
from methods.terminal import plain_console

# Keys of run.json about where cases ran; a command that runs no case keeps the earlier values.
COMPUTED_ON = ("machine", "workers", "threads", "cluster", "cluster_machines", "client")


class Backend(Protocol):
    """A place to compute the cases of a job."""

    def assign_devices(self, specs: list[MethodSpec]) -> list[MethodSpec]:
        """Return the methods with the devices they will run on. Raises InputError."""

    def prepare(self, plan: Plan) -> None:
        """Make the last checks before anything is written. Raises InputError."""

    def run(self, writer: Writer, plan: Plan) -> None:
        """Run and score the plan's cases. Raises InputError; finished cases are kept."""

    def record(self) -> dict[str, Any]:
        """Return the backend's entries for run.json."""


def open_backend(job: Job, console: Console) -> AbstractContextManager[Backend]:
    """Return the backend that a job asks for.

    Raises InputError if Dask is not installed or, on entering, the cluster does not answer.
    """
    if job.request.cluster is None:
        return nullcontext(LocalBackend(job))
    try:
        from benchmark.cluster.backend import dask_backend
    except ImportError as error:
        install = extra_installation("cluster")
        raise InputError(f"--cluster needs Dask distributed ({error}): {install}") from None
    return dask_backend(job, job.request.cluster, console)


def run_job(
    request: Request,
    console: Console | None = None,
    report: Report | None = None,
) -> list[str]:
    """Run a request and write its run folder, without tables and report.

    Parameters
    ----------
    console
        For progress and messages; stderr by default.
    report
        Called with the number of finished cases and of all cases, from any thread.

    Returns
    -------
    list of str
        The status of every case.

    Raises
    ------
    InputError
        If the request cannot be used; nothing has been written then. Or if a file cannot be
        written or a cluster is lost during the run; finished cases are kept then.
    """
    console = console or plain_console(stderr=True, soft_wrap=True)
    job = check_request(request, console)
    with open_backend(job, console) as backend:
        job = replace(job, specs=backend.assign_devices(job.specs))
        plan = list_cases(job.specs, job.photos, job.resolutions, job.protocol)
        kept.check_folder(job)
        found = audit(job, console)
        findings.show(found, console)
        findings.refuse_inverted(found, job)
        if not request.accept_drift:
            findings.refuse_drift(found, job)
        backend.prepare(plan)
        with open_run_folder(request.out) as folder:
            # Again, because another command may have filled the folder meanwhile.
            if kept.check_folder(job, folder.recorded):
                folder.clear()
            select_cases(plan, folder, request.overwrite)
            others = kept.keep(plan, folder, job)
            findings.write(found, folder.path, [other.label for other in others])
            announce.cases(job, plan, console)
            announce.changed_files(job, plan, folder, console)
            announce.kept_methods(others, console)
            announce.replaced(job, folder, console)
            announce.elsewhere(job, folder, console)
            record = partial(_record, job, plan, others, folder, backend)
            record(finished=False)
            try:
                _execute(job, plan, folder, backend, console, report)
            except MetricsDisagreeError:
                record(finished=False)
                raise
            record(finished=True)
    labels = {spec.label for spec in job.specs}
    own = [row for row in plan.rows.values() if row.method in labels]
    _report_failures(own, folder, console)
    return [row.status for row in own]


def _execute(
    job: Job,
    plan: Plan,
    folder: RunFolder,
    backend: Backend,
    console: Console,
    report: Report | None,
) -> None:
    cases = [case for case, _ in plan.to_score] + plan.to_run
    if cases:
        # Tables of an earlier state must not lie beside the scores of this one.
        shutil.rmtree(folder.path / "tables", ignore_errors=True)
        (folder.path / "report.html").unlink(missing_ok=True)
    _write_scores(job, plan, folder)
    if not cases:
        return
    progress = ProgressBar(console, cases, plan.rows.values(), job.request.workers, report)
    check = MetricsCheck(folder, job.protocol)
    try:
        with progress.display:
            backend.run(Writer(plan, folder, progress, check), plan)
    finally:
        plan.metrics_checked = check.record
        _write_scores(job, plan, folder)
    if lost := sum(case.slot not in plan.rows for case in plan.to_run):
        raise InputError(
            f"{folder.path}: {counted(lost, 'case')} did not run to the end, as if their "
            "processes had been stopped from outside; the same command runs them"
        )


def _write_scores(job: Job, plan: Plan, folder: RunFolder) -> None:
    names = job.protocol.recorded_metrics()
    columns = [*names, *(f"{name}_hole" for name in names)]
    shares = {photo.name: photo.hole_share for photo in job.photos}
    write_scores(folder.path / "scores.csv", plan.rows.values(), columns, shares)


def _record(
    job: Job,
    plan: Plan,
    others: list[KeptMethod],
    folder: RunFolder,
    backend: Backend,
    finished: bool,
) -> None:
    request = job.request
    earlier = read_run_json(folder.path)
    computed_on = {name: earlier[name] for name in COMPUTED_ON if name in earlier}
    if plan.to_run:
        computed_on = {}
    methods = method_entries.entries(request, job.specs, plan.provenance, others, earlier)
    info = {
        "suite": provenance.suite(),
        "command": request.command,
        "written": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "finished": finished,
        "protocol": job.protocol.model_dump(),
        "resolutions": job.resolutions,
        "metrics": {
            name: find(name).describe(job.protocol.metric_options.get(name))
            for name in job.protocol.recorded_metrics()
        },
        "metrics_checked": plan.metrics_checked or kept_record(earlier, plan.rows),
        "methods": methods,
        # Of earlier commands, without a case at these sizes and on these photographs.
        "not_shown": [other.entry for other in others if not other.cases],
        "dataset": {
            "path": str(request.dataset),
            "description": job.dataset.description.record(),
            "notes": job.notes,
            "images": [photo.record() for photo in job.photos],
        },
        **method_entries.shared(methods),
        "versions": provenance.versions(),
        **(computed_on or {"machine": provenance.machine(), **backend.record()}),
    }
    write_run_json(folder.path, info)


def _report_failures(rows: list[Row], folder: RunFolder, console: Console) -> None:
    rows = sorted(rows, key=lambda row: row.slot)
    failed = [row for row in rows if row.status not in {"ok", "skipped"}]
    unscored = [row for row in rows if row.status == "ok" and row.error]
    for row in [*failed[:5], *unscored[:5]]:
        size = size_text(row.resolution)
        console.print(f"{row.status}: {row.method}, {size}, {row.image}: {row.error}")
    if failed:
        console.print(
            f"{counted(len(failed), 'case')} failed; what they printed is in "
            f"{folder.path / 'logs'}; --overwrite failed runs them again"
        )
