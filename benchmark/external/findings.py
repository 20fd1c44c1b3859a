"""What the audit of external results found: shown, recorded, and where a run must not go on."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmark.inputs.inverted import inverted_question
from benchmark.planning.kept import AUDIT
from benchmark.planning.request import Job
from methods.base import Resolution
from methods.errors import InputError
from methods.files import replacing
from methods.terminal import plain_console

# From worst to best. drift: known pixels differ; noted: usable, with a remark.
VERDICTS = ("drift", "unusable", "missing", "surplus", "noted", "ok")
INVERTED = "the hole equals the photograph, and what is outside does not"


@dataclass(frozen=True)
class Finding:
    """One file of external results, or a missing one; the fields are the columns of audit.csv."""

    method: str
    resolution: Resolution | None
    image: str
    file: str
    verdict: str
    stored_as: str = ""
    # Pixels outside the hole that differ from the reference.
    known_pixels_changed: int | None = None
    share_changed: float | None = None
    # In grey levels.
    largest_change: int | None = None
    # Distance in pixels from the hole to the farthest changed pixel.
    reach: float | None = None
    remarks: str = ""


def refuse_inverted(findings: Sequence[Finding], job: Job) -> None:
    """Raise InputError if most results of a method were filled where their masks are not hole.

    A user who says which side is the hole, and accepts drift, has answered the question.
    """
    own_masks = job.protocol.uses_dataset_masks()
    if own_masks and job.dataset.description.hole and job.request.accept_drift:
        return
    for method in dict.fromkeys(finding.method for finding in findings):
        used = [
            it for it in findings if it.method == method and it.known_pixels_changed is not None
        ]
        inverted = [it for it in used if INVERTED in it.remarks]
        if 2 * len(inverted) > len(used):
            raise InputError(
                f"{inverted[0].file}: equals the photograph in the hole and differs outside "
                f"({len(inverted)} of {len(used)} results of {method}): {_way_out(job)}"
            )


def _way_out(job: Job) -> str:
    if not job.protocol.uses_dataset_masks():
        return (
            f"protocol {job.protocol.name} draws its own holes, were these made for others? Then "
            "choose the protocol with their masks (native, own-masks)"
        )
    other = "black" if job.dataset.description.mask_rule.hole == "white" else "white"
    answer = f"are the masks inverted? Then give --hole {other}"
    # Whoever has said which side is the hole may mean it.
    is_set = job.dataset.description.hole is not None
    return answer + ("; --accept-drift scores them as they are" if is_set else "")


def refuse_drift(findings: Iterable[Finding], job: Job) -> None:
    """Raise InputError if known pixels of any result differ from the reference."""
    drifted = [finding for finding in findings if finding.verdict == "drift"]
    if drifted:
        question = inverted_question(job.dataset, job.protocol, job.photos)
        first = drifted[0]
        if question:
            raise InputError(
                f"{first.file}: {first.known_pixels_changed} pixels outside the hole differ from "
                f"the reference, and {question}"
            )
        raise InputError(
            f"{first.file}: {first.known_pixels_changed} pixels outside the hole differ from the "
            f"reference ({len(drifted)} such files, see the table); export them again from the "
            "files of --export-inputs, or go on with --accept-drift: they are then scored as "
            "given and flagged"
        )


def show(findings: list[Finding], console: Console) -> None:
    """Print the number of findings of each kind, and a table of all that are not ok."""
    if not findings:
        return
    counts = Counter(finding.verdict for finding in findings)
    summary = ", ".join(f"{counts[name]} {name}" for name in reversed(VERDICTS) if counts[name])
    console.print(f"audit of external results: {summary}")
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="", title_justify="left")
    for heading in ("method", "file", "stored as", "verdict", "remarks"):
        table.add_column(heading, overflow="fold")
    for it in findings:
        if it.verdict != "ok":
            table.add_row(it.method, it.file, it.stored_as, it.verdict, it.remarks)
    if table.row_count:
        if not console.is_terminal:
            wide = console.options.update(max_width=100_000)
            width = console.measure(table, options=wide).maximum
            console = plain_console(file=console.file, width=width)
        console.print(table, soft_wrap=False)


def write(findings: list[Finding], folder: Path, kept: Collection[str] = ()) -> None:
    """Write audit.csv into a run folder; rows of `kept` methods, by label, stay in it.

    An old one is removed if there is nothing to audit.
    """
    path = folder / AUDIT
    earlier = []
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            earlier = [row for row in csv.DictReader(file) if row["method"] in kept]
    if not findings and not earlier:
        path.unlink(missing_ok=True)
        return
    with replacing(path) as (part,), part.open("w", encoding="utf-8", newline="") as file:
        names = [field.name for field in fields(Finding)]
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*(asdict(finding) for finding in findings), *earlier])
