"""What a command says before its cases run."""

from __future__ import annotations

import shutil

from rich.console import Console

from benchmark.planning import kept
from benchmark.planning.kept import KeptMethod
from benchmark.planning.plan import Plan
from benchmark.planning.request import Job
from benchmark.run_folder.folder import RunFolder, read_run_json
from methods.resolutions import sizes_text
from methods.shown_text import counted

_MOST_NAMED = 5


def cases(job: Job, plan: Plan, console: Console) -> None:
    """Print how many cases there are and what must be known of them."""
    total, to_run = len(plan.cases), len(plan.to_run)
    number = len({photo.file for photo in job.photos})
    photos = counted(number, "photograph")
    if len(job.photos) > number:
        photos += f" with {len(job.photos)} masks"
    console.print(
        f"{photos}, {counted(len(job.specs), 'method')}, "
        f"{sizes_text(job.resolutions)}, protocol {job.protocol.name}: "
        f"{counted(total, 'case')}, {total - to_run} finished before, {to_run} to run"
    )
    for note in job.notes:
        console.print(f"note: {note}")
    for name, advice in job.protocol.missing_metrics().items():
        console.print(f"not computed: {name}: {advice}")
    for label, reason in _skipped(plan).items():
        console.print(f"skipped: {reason if label in reason else f'{label}: {reason}'}")
    # A photograph as PNG takes a bit more than half of its raw bytes.
    needed = sum(case.pixels * 3 for case in plan.to_run) * 0.6
    free = shutil.disk_usage(job.request.out).free
    if needed > free:
        console.print(
            f"warning: about {needed / 2**30:.1f} GB will be written, "
            f"{free / 2**30:.1f} GB are free at {job.request.out}"
        )


def changed_files(job: Job, plan: Plan, folder: RunFolder, console: Console) -> None:
    """Warn of methods whose file has changed since cases ran that are not run again."""
    known = {entry["label"]: entry for entry in read_run_json(folder.path).get("methods", [])}
    finished = {slot[0] for slot, row in plan.rows.items() if row.status != "skipped"}
    for spec in job.specs:
        before, now = known.get(spec.label, {}), plan.provenance[spec.label]
        source = before.get("source_sha256")
        is_changed = before.get("method") == spec.method and source != now.get("source_sha256")
        if source and is_changed and spec.label in finished:
            # Until they have run again, so that the next command warns too.
            now["source_sha256"] = source
            console.print(
                f"warning: the file of {spec.label} has changed since its finished cases ran; they "
                "are kept. Raise its `version`, or --overwrite all, to run them again"
            )


def kept_methods(others: list[KeptMethod], console: Console) -> None:
    """Print which methods of earlier commands stay in the run folder."""
    for other in others:
        absent = f" of {other.cases + other.absent}" if other.absent else ""
        more = "; name it in the command to run the others" if other.absent else ""
        if other.elsewhere:
            number = counted(other.elsewhere, "case")
            more += f"; {number} at other sizes or on other photographs not shown"
        console.print(
            f"kept from before: {other.label}, {other.cases}{absent} cases{more}; "
            f'--forget "{other.label}" takes it out'
        )


def replaced(job: Job, folder: RunFolder, console: Console) -> None:
    """Warn of finished cases of other methods that are removed with the reference they are of."""
    for label, images in kept.replaced(folder, job).items():
        names = list(dict.fromkeys(images))
        more = ", ..." if len(names) > _MOST_NAMED else ""
        console.print(
            f"warning: {label}, {counted(len(images), 'case')} on an earlier version of "
            f"{', '.join(names[:_MOST_NAMED])}{more} will be removed, since the photograph or its "
            "mask has changed; name the method in the command to run it on the new one"
        )


def elsewhere(job: Job, folder: RunFolder, console: Console) -> None:
    """Print how many finished cases the tables do not show."""
    for label, number in kept.count_elsewhere(folder, job).items():
        console.print(
            f"not shown: {label}, {counted(number, 'case')} at other sizes or on other photographs"
        )


def _skipped(plan: Plan) -> dict[str, str]:
    """Return why the first skipped case of each method is skipped."""
    reasons: dict[str, str] = {}
    for slot, row in sorted(plan.rows.items()):
        if row.status == "skipped":
            reasons.setdefault(slot[0], row.error)
    return reasons
