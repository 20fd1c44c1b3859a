"""What metrics are compared with people on, where a result has no finite value."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from tests.analysis.agreement.test_correlate import written
from tests.command_line import run


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_photograph_with_an_infinite_result_is_left_out_for_all_methods_and_named(
    tmp_path: Path,
) -> None:
    folder, out = written(tmp_path, seed=3), tmp_path / "out"
    text = (folder / "scores.csv").read_text()
    text = re.sub(r"(?m)^(b,64,i3,ok,[^,]+),[^,]+", r"\1,inf", text)
    (folder / "scores.csv").write_text(text)
    words = ["--answer", "9=tie", "--out", str(out)]
    done = run("analysis", "correlate", str(folder), str(folder / "votes.csv"), *words)
    assert done.returncode == 0, done.stderr
    said = (
        "PSNR: correlations and votes predicted leave out 1 of 12 images for all methods, because "
        "a result has no finite value (i3: b)"
    )
    assert said in " ".join(done.stdout.split())
    assert "--answer 9=...: no row of the file has this answer" in " ".join(done.stdout.split())
    for name in ("correlate.md", "correlate.tex", "correlate.json"):
        assert said in " ".join((out / name).read_text().split()), name
    shown = {row["metric"]: row for row in csv.DictReader((out / "correlate.csv").open())}
    assert (shown["PSNR"]["points"], shown["PSNR"]["images"]) == ("44", "11")
    assert (shown["L1"]["points"], shown["L1"]["images"]) == ("48", "12")
    # As if nobody had seen the photograph.
    votes = (folder / "votes.csv").read_text().splitlines()
    others = [line for line in votes if ",i3," not in line]
    assert shown["PSNR"]["votes"] == str(len(others) - 1)


def test_a_run_whose_metrics_could_not_be_computed_is_told_so(tmp_path: Path) -> None:
    """The direction of a metric of a package that is not installed is unknown."""
    folder = written(tmp_path, seed=3)
    info = json.loads((folder / "run.json").read_text())
    for about in info["metrics"].values():
        about |= {"better": "", "missing": "pip install pyiqa"}
    (folder / "run.json").write_text(json.dumps(info))
    done = run("analysis", "correlate", folder, folder / "votes.csv", "--out", folder / "out")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "PSNR: not computed: pip install pyiqa" in done.stderr
    assert not (folder / "out").exists()
