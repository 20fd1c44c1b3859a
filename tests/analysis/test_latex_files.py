"""Every LaTeX file that the suite writes compiles, whatever methods and messages are called.

A row that begins with a bracket or an asterisk would be read as an argument of the row before.
"""

from __future__ import annotations

import csv
from itertools import chain
from pathlib import Path

import pytest

from analysis.output import latex
from analysis.runs import run as runs
from analysis.runs import table_formats
from tests.analysis.agreement.test_correlate import written
from tests.analysis.conftest import leave_undrawn
from tests.analysis.latex import compiled
from tests.analysis.own_sizes import native_info, write_native
from tests.command_line import run

NAMES = ["[x] first", "*star", "a--b ''c``", "\\\\[3pt]"]


def write_all(folder: Path) -> None:
    """Write tables of a run of several hole sizes, of a ranking by image, of metrics compared."""
    info = native_info({"a": 0.05, "b": 0.1})
    for method, name in zip(info["methods"], NAMES, strict=False):
        method["label"] = name
    write_native(folder / "run", info)
    scores = folder / "run/scores.csv"
    with scores.open(newline="") as file:
        rows = list(csv.reader(file))
    for row in rows:
        row[0] = {"one": NAMES[0], "two": NAMES[1]}.get(row[0], row[0])
    failed = dict.fromkeys(rows[0], "")
    failed |= dict(zip(rows[0][:4], [NAMES[0], "native", "b", "failed"], strict=True))
    # As a program printed it.
    failed["error"] = "\x1b[31m[red]\x1b[0m \x07 \u202e reversed %s $HOME"
    rows = [row for row in rows if (row[0], row[2]) != (NAMES[0], "b")] + [list(failed.values())]
    with scores.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    table_formats.write(runs.load(folder / "run"))
    with (folder / "votes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["participant", "image", "left", "right", "choice"])
        for person in range(40):
            left, right = NAMES[person % 4], NAMES[(person + 1 + person % 3) % 4]
            if left != right:
                answer = "left" if person % 5 else "right"
                writer.writerow([f"p{person}", f"[i]{person % 3}", left, right, answer])
    done = run("analysis", "rank", str(folder / "votes.csv"), "--by", "image", "--prior", "1",
               "--out", str(folder / "ranking"))  # fmt: skip
    assert done.returncode == 0, done.stderr
    (folder / "people").mkdir()
    written(folder / "people", seed=1)
    done = run("analysis", "correlate", str(folder / "people"), str(folder / "people/votes.csv"),
               "--out", str(folder / "agreement"))  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("everything")
    with pytest.MonkeyPatch.context() as patch:
        leave_undrawn(patch)
        write_all(folder)
    return folder


@pytest.mark.slow
def test_messages_of_programs_reach_no_table_with_control_characters(everything: Path) -> None:
    for path in chain.from_iterable(everything.rglob(f"*.{name}") for name in ("md", "tex")):
        assert not set(path.read_text(encoding="utf-8")) & set("\x1b\x07\u202e"), path


@pytest.mark.slow
def test_every_table_compiles(everything: Path) -> None:
    tables = sorted(everything.rglob("*.tex"))
    names = {path.stem for path in tables}
    assert {"objective", "cost", "by_hole_share", "ranking", "pairs", "correlate"} <= names
    inputs = "".join(rf"\input{{{path.relative_to(everything)}}}\clearpage " for path in tables)
    compiled(everything, inputs)


def test_two_signs_are_not_set_as_one() -> None:
    """A dash instead of two hyphens would be another name."""
    assert latex("a--b ''c``") == "a-{}-b '{}'c`{}`"
    assert latex("[метод] x").startswith("{[}")
