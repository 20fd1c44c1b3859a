"""run_benchmark.py --cluster: the answers are those of a local run; what is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from tests.benchmark.conftest import ROOT, Bench
from tests.cluster.conftest import Cluster, environment, results, scores, start, until

GREY = "tests.benchmark.own_methods:Grey"
BAD = "tests.benchmark.own_methods:Bad"
METHODS = ("--methods", f"telea,two-stage:telea,{GREY}", "--option", f"{GREY}.brighten=9")


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_a_local_cluster_gives_a_local_runs_answers(bench: Bench, tmp_path: Path) -> None:
    local = dataclasses.replace(bench, out=tmp_path / "local")
    assert local.run(*METHODS).returncode == 0
    done = bench.run(*METHODS, "--cluster", "local:2")
    assert done.returncode == 0, done.stderr
    assert scores(bench) == scores(local)
    assert results(bench) == results(local)
    assert bench.tables() == local.tables()
    assert "distributed" not in done.stderr
    info = json.loads((bench.out / "run.json").read_text())
    assert (info["cluster"], info["workers"], info["threads"]) == ("local:2", 2, 1)
    assert [machine["workers"] for machine in info["cluster_machines"]] == [2]

    again = bench.run(*METHODS, "--cluster", "local:1")
    assert again.returncode == 0 and " 0 to run" in again.stderr


def test_workers_that_do_not_see_the_photographs_get_them_with_the_task(
    bench: Bench, cluster: Cluster, tmp_path: Path
) -> None:
    local = dataclasses.replace(bench, out=tmp_path / "local")
    assert local.run(*METHODS).returncode == 0
    # Relative to another folder nothing is where the client says; files are the same for all here.
    hidden = ["unshare", "-m", "sh", "-c"]
    assert hidden
    for host in cluster.hosts[1:]:
        cluster.start_worker(host)
    done = bench.run(*METHODS, "--cluster", cluster.address)
    assert done.returncode == 0, done.stderr + cluster.log()
    assert scores(bench) == scores(local)
    assert results(bench) == results(local)
