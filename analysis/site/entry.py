"""One run on the site: what its pages are called and what they say."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from analysis.output import ABSENT
from analysis.report import page as report
from analysis.runs import differences, tables
from analysis.runs.run import Run
from analysis.runs.tables import Table
from methods.base import Resolution
from methods.files import composed
from methods.resolutions import size_text
from methods.shown_text import counted

# Characters of a run's name in the names of files.
_LONGEST = 60


@dataclass(frozen=True)
class Entry:
    """A run, its name for readers, and the size of its pictures."""

    run: Run
    name: str
    resolution: Resolution

    @cached_property
    def slug(self) -> str:
        """The name in letters that are safe in every URL and file system."""
        plain = re.sub(r"[^a-z0-9]+", "-", self.name.lower())[:_LONGEST].strip("-")
        if plain == self.name:
            return plain
        # Of names that differ in what is left out, each has a file of its own.
        digest = hashlib.sha256(composed(self.name).encode()).hexdigest()[:8]
        return f"{plain}-{digest}".strip("-")

    @property
    def page(self) -> str:
        return f"run-{self.slug}.html"

    @property
    def pictures(self) -> str:
        return f"pictures-{self.slug}.html"

    @property
    def folder(self) -> str:
        """Folder of the run's files, at the top of the site."""
        return f"data-{self.slug}"

    @property
    def size(self) -> str:
        """Size of the pictures in words."""
        return size_text(self.resolution)

    @property
    def summary(self) -> str:
        return report.summary(self.run)

    @cached_property
    def objective(self) -> Table:
        return tables.objective(self.run)

    def methods(self) -> list[dict[str, Any]]:
        """Return what the run's page says about each method and each of its numbers."""
        against_best = _against_best(self.run)
        return [
            {
                "label": entry["label"],
                "entry": entry,
                "cases": _cases(self.run, entry["label"]),
                "computed": _computed(self.run, entry["label"]),
                "numbers": [
                    {
                        "metric": cell.column.metric,
                        "size": cell.column.group.heading,
                        "cell": cell,
                        "difference": against_best.get(
                            (cell.column.metric.key, entry["label"], cell.column.group.heading),
                            {"text": ABSENT, "outcome": ""},
                        ),
                    }
                    for cell in self.objective.rows[entry["label"]]
                ],
            }
            for entry in self.run.info["methods"]
        ]


def _against_best(run: Run) -> dict[tuple[str, str, str], dict[str, str]]:
    """Return metric's key, method and size -> its difference to the best method, in words."""
    to_best = [(size_text(d.resolution), d) for d in differences.to_best(run)]
    return {
        (table["metric"].key, method, heading): cell
        for table in report.comparison(run, to_best)
        for method, cells in table["rows"]
        for heading, cell in zip(table["headings"], cells, strict=True)
    }


def _cases(run: Run, method: str) -> str:
    statuses = Counter(case.status for case in run.cases if case.method == method)
    others = [f"{number} {status}" for status, number in statuses.items() if status != "ok"]
    done = f"{statuses['ok']} of {counted(statuses.total(), 'case')} with a result"
    return ", ".join([done, *sorted(others)])


def _computed(run: Run, method: str) -> str:
    """Say on which machine a method was run; of a merged run, in which of the runs."""
    cases = [case for case in run.cases if case.method == method and case.status != "skipped"]
    places = Counter(map(run.origin, cases))
    if not cases:
        return "not run"
    told = []
    for origin, number in places.items():
        info = run.origins.runs.get(origin, run.info)
        where = f" in run {origin}" if origin else ""
        some = f" ({counted(number, 'case')})" if len(places) > 1 else ""
        told.append(f"computed{where} on {info['machine']['processor']}{some}")
    return "; ".join(told)
