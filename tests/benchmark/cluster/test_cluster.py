"""run_benchmark.py --cluster: the answers are those of a local run; what is refused."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import socket
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from distributed import Client

from benchmark.cluster.plugins import compare, environment
from benchmark.planning.concurrency import requested_threads
from methods.errors import InputError
from tests.benchmark.cluster.conftest import (
    LONGEST_S,
    Cluster,
    ClusterBench,
    results,
    scores,
    start,
    until,
)
from tests.benchmark.conftest import PROTOCOL, Bench, save, scene
from tests.paths import ROOT

GREY = "tests.benchmark.own_methods:Grey"
BAD = "tests.benchmark.own_methods:Bad"
WAITING = "tests.benchmark.cluster.own_methods:Waiting"
# Any JSON file.
CITATIONS = ROOT / "tests" / "data" / "bradley_terry" / "citations.json"
METHODS = (
    *("--methods", f"two-stage:telea,{GREY}", "--option", "two-stage:telea.refine=false"),
    *("--option", f"{GREY}.brighten=9", "--resolutions", "48"),
)
NETWORK = ("--methods", "two-stage:telea", "--resolutions", "48")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> ClusterBench:
    """A run on this machine alone, finished."""
    folder = tmp_path_factory.mktemp("local")
    for seed, name in enumerate(["bright", "cliff", "été 1"]):
        save(folder / "photos" / f"{name}.png", scene(seed, 96, 96))
    (folder / "tiny.toml").write_text(PROTOCOL)
    alone = ClusterBench(folder / "photos", folder / "tiny.toml", folder / "run")
    done = alone.run(*METHODS)
    assert done.returncode == 0, done.stderr
    return alone


def beside(local: ClusterBench, tmp_path: Path) -> ClusterBench:
    """The same run into another folder."""
    return dataclasses.replace(local, out=tmp_path / "run")


def assert_same(bench: Bench, other: Bench) -> None:
    assert scores(bench) == scores(other)
    assert results(bench) == results(other)
    assert bench.tables() == other.tables()


def test_workers_here_and_elsewhere_give_a_local_runs_answers(
    local: ClusterBench,
    cluster_with_workers: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = cluster_with_workers
    bench = beside(local, tmp_path)
    with monkeypatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "3")
        done = bench.run(*METHODS, "--cluster", "local:2")
    assert done.returncode == 0, done.stderr
    assert "distributed" not in done.stderr
    assert_same(bench, local)
    info = json.loads((bench.out / "run.json").read_text())
    assert (info["cluster"], info["workers"], info["threads"]) == ("local:2", 2, 3)
    assert [machine["workers"] for machine in info["cluster_machines"]] == [2]

    finished = bench.run(*METHODS, "--cluster", cluster.address)
    assert finished.returncode == 0 and " 0 to run" in finished.stderr
    again = json.loads((bench.out / "run.json").read_text())
    told = ("cluster", "workers", "threads", "cluster_machines", "machine")
    assert [again[name] for name in told] == [info[name] for name in told]

    shutil.rmtree(bench.out)
    done = bench.run(*METHODS, "--cluster", cluster.address)
    assert done.returncode == 0, done.stderr + cluster.log()
    assert_same(bench, local)
    assert json.loads((bench.out / "run.json").read_text())["threads"] == 1


def test_results_are_scored_again_when_only_the_metrics_change(
    local: ClusterBench, cluster_with_workers: Cluster, tmp_path: Path
) -> None:
    more = tmp_path / "more.toml"
    more.write_text(PROTOCOL.replace('"ssim"]', '"ssim", "ssim_uniform"]'))
    here = ClusterBench(local.photos, more, tmp_path / "here")
    there = ClusterBench(local.photos, more, tmp_path / "there")
    for bench in (here, there):
        shutil.copytree(local.out, bench.out)
    assert here.run(*METHODS).returncode == 0
    words = (*METHODS, "--cluster", cluster_with_workers.address)
    done = there.run(*words)
    assert done.returncode == 0, done.stderr
    assert all(float(row["ssim_uniform"]) > 0 for row in there.rows().values())
    # Nothing was run again: seconds are those of before.
    assert there.rows() == here.rows() and results(there) == results(local)

    damaged = there.out / "outputs/48/two-stage_telea/cliff.png"
    damaged.write_bytes(damaged.read_bytes()[:500])
    more.write_text(PROTOCOL)
    done = there.run(*words)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"error: {damaged} is damaged: delete it, and the same command runs its case again"
    )
    damaged.unlink()
    done = there.run(*words)
    assert done.returncode == 0, done.stderr
    assert_same(there, local)


def test_failures_become_rows_as_in_a_local_run(
    bench: ClusterBench, cluster_with_workers: Cluster, tmp_path: Path
) -> None:
    for name in ("dunes", "été 1"):
        (bench.photos / f"{name}.png").unlink()
    methods = tmp_path / "methods.toml"
    hows = ["raise", "segfault", "memory", "shape", "hang"]
    methods.write_text("".join(f'["{how}"]\nmethod = "{BAD}"\nhow = "{how}"\n' for how in hows))
    words = ("--method-file", str(methods), "--resolutions", "48", "--time-limit", "5")
    assert bench.run(*words, "--cluster", cluster_with_workers.address).returncode == 1
    local = dataclasses.replace(bench, out=tmp_path / "local")
    assert local.run(*words, "--workers", "2").returncode == 1
    assert [unlimited(row) for row in scores(bench)] == scores(local)
    assert {row["status"] for row in scores(local)} == {"ok", "failed", "out_of_memory", "timeout"}
    assert "Traceback" in (bench.out / "logs/48/raise/bright.txt").read_text()


def test_a_device_of_one_machine_has_no_meaning(
    bench: ClusterBench, cluster_with_workers: Cluster
) -> None:
    words = ("--methods", "telea", "--device", "cuda:1")
    words += ("--cluster", cluster_with_workers.address)
    done = bench.run(*words)
    assert done.returncode == 2 and not bench.out.exists()
    (line,) = done.stderr.splitlines()
    assert "use cuda, cpu or auto" in line


def unlimited(row: dict[str, str]) -> dict[str, str]:
    """Without the limit of memory that a worker has."""
    return {**row, "error": re.sub(r"^memory limit of .* GB reached: ", "", row["error"])}


def test_workers_that_do_not_see_the_photographs_get_them_with_their_cases(
    local: ClusterBench, cluster: Cluster, tmp_path: Path
) -> None:
    """Here for a network, whose results are the same everywhere too."""
    bench = beside(local, tmp_path)
    alone = dataclasses.replace(local, out=tmp_path / "alone")
    assert alone.run(*NETWORK).returncode == 0
    # A file system of its own, where an empty folder lies over the photographs.
    hide = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"']
    cluster.start_worker(cluster.hosts[1], before=[*hide, str(bench.photos)])
    done = bench.run(*NETWORK, "--cluster", cluster.address)
    assert done.returncode == 0, done.stderr + cluster.log()
    assert "no worker offers a GPU" in done.stderr
    assert_same(bench, alone)


def test_what_one_worker_cannot_run_others_do(bench: ClusterBench, cluster: Cluster) -> None:
    """For lack of memory, or of what a method needs."""
    greedy = "tests.benchmark.own_methods:Greedy"
    needy = "tests.benchmark.cluster.own_methods:Needy"
    for name in ("dunes", "été 1"):
        (bench.photos / f"{name}.png").unlink()
    words = ("--methods", f"{greedy},{needy}", "--option", f"{greedy}.megabytes=1200")
    words += ("--resolutions", "48", "--cluster", cluster.address)
    cluster.start_worker(cluster.hosts[1], "--memory-limit", "1GiB", BROKEN="1")
    small = bench.run(*words)
    assert small.returncode == 1, small.stderr
    rows = bench.rows()
    assert {rows["greedy", 48, name]["status"] for name in ("bright", "cliff")} == {"out_of_memory"}
    assert "limit of 1 GB" in rows["greedy", 48, "cliff"]["error"]
    assert {rows["needy", 48, name]["status"] for name in ("bright", "cliff")} == {"skipped"}
    assert "needy needs a driver" in small.stderr

    cluster.start_worker(cluster.hosts[2], "--memory-limit", "8GiB")
    until(lambda: cluster.log().count("Register worker addr") == 2)
    both = bench.run(*words, "--overwrite", "failed")
    assert both.returncode == 0, both.stderr
    assert {row["status"] for row in bench.rows().values()} == {"ok"}


def test_a_worker_that_would_compute_something_else_is_refused(
    bench: ClusterBench, cluster: Cluster, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    distribution(other, "opencv-contrib-python")
    cluster.start_worker(cluster.hosts[1], more_path=str(other))
    done = bench.run(*METHODS, "--cluster", cluster.address)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()[-1:]
    assert "opencv-contrib-python 1.0 there" in line and cluster.hosts[1].address in line
    assert not bench.out.exists()
    # Whoever comes next is not measured by this command.
    until(lambda: not runs_known(cluster))


def runs_known(cluster: Cluster) -> list[str]:
    """Names of the runs that the scheduler asks workers about."""
    with Client(cluster.address, set_as_default=False) as client:
        names = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.worker_plugins))
    return [name for name in names if name.startswith("Client-")]


def test_a_worker_that_comes_later_and_is_unlike_computes_nothing(
    bench: ClusterBench, cluster_with_worker: Cluster, tmp_path: Path
) -> None:
    cluster = cluster_with_worker
    other = tmp_path / "other"
    other.mkdir()
    distribution(other, "opencv-contrib-python")
    words = ("--methods", WAITING, "--option", f"{WAITING}.folder={tmp_path}")
    process = start(bench, *words, "--resolutions", "48", "--cluster", cluster.address)
    until(lambda: list(tmp_path.glob("started-*")))
    bad = cluster.start_worker(cluster.hosts[2], more_path=str(other))
    # It is handed what waits behind the case under way, and leaves.
    bad.wait(LONGEST_S)
    assert len(list(tmp_path.glob("started-*"))) == 1
    (tmp_path / "go").touch()
    done = process.finish(LONGEST_S)
    assert done.returncode == 0, done.stderr + cluster.log()
    assert json.loads((bench.out / "run.json").read_text())["workers"] == 1


def test_a_scheduler_without_the_suite_is_refused(bench: ClusterBench, cluster: Cluster) -> None:
    cluster.hosts[0].kill()
    cluster.start_scheduler(PYTHONPATH="")
    cluster.start_worker(cluster.hosts[1])
    done = bench.run(*METHODS, "--cluster", cluster.address)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()[-1:]
    assert f"the scheduler at {cluster.address} cannot import the suite" in line
    assert not bench.out.exists()


def test_an_installed_suite_and_a_checkout_are_the_same(tmp_path: Path) -> None:
    """The installed one has the plug-in inside, and pip and its like are of any version."""
    shutil.copytree(ROOT / "benchmark", tmp_path / "benchmark")
    shutil.copytree(ROOT / "methods", tmp_path / "methods")
    plugin = "inpaint_selection"
    shutil.copytree(ROOT / "plugins" / "gimp" / plugin, tmp_path / "methods" / "gimp" / plugin)
    distribution(tmp_path, "pip")
    assert difference(tmp_path) == ""
    with (tmp_path / "methods" / "classical.py").open("a") as file:
        file.write("# another one\n")
    assert difference(tmp_path).startswith("there: source of the suite ")
    distribution(tmp_path, "distributed")
    assert difference(tmp_path).startswith("there: distributed 1.0 there, ")


def difference(other: Path) -> str:
    """Between the suite that is tested and one in another folder."""
    program = (
        "import json; from benchmark.cluster.plugins import environment; "
        "print(json.dumps(environment()))"
    )
    # From there: with -c Python looks first where it was started.
    told = subprocess.check_output([sys.executable, "-c", program], cwd=other)
    try:
        compare(json.loads(told), environment(), "there")
    except InputError as error:
        return str(error)
    return ""


def distribution(folder: Path, name: str) -> None:
    """Version 1.0 of a distribution, as far as its metadata go."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")


def test_a_worker_that_comes_later_helps(
    bench: ClusterBench, cluster: Cluster, tmp_path: Path
) -> None:
    words = ("--methods", WAITING, "--option", f"{WAITING}.folder={tmp_path}")
    process = start(bench, *words, "--resolutions", "48", "--cluster", cluster.address)
    until(lambda: process.told("stderr"))
    assert "waiting for a worker" in process.told("stderr")
    for number, host in enumerate(cluster.hosts[1:], 1):
        cluster.start_worker(host)
        until(lambda number=number: len(list(tmp_path.glob("started-*"))) == number)
    (tmp_path / "go").touch()
    done = process.finish(LONGEST_S)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("started-*"))) == 4


def test_a_gpu_runs_one_case_at_a_time(
    bench: ClusterBench, cluster: Cluster, tmp_path: Path
) -> None:
    cluster.start_worker(cluster.hosts[1], "--nthreads", "2", "--resources", "GPU=1")
    cluster.start_worker(cluster.hosts[2])
    until(lambda: cluster.log().count("Register worker addr") == 2)
    traced = "tests.benchmark.cluster.own_methods:Traced"
    words = ("--methods", f"{traced},telea", "--option", f"{traced}.folder={tmp_path}")
    done = bench.run(*words, "--resolutions", "48", "--cluster", cluster.address)
    assert done.returncode == 0, done.stderr
    told = [path.name.split("-") for path in tmp_path.glob("traced-*")]
    assert len(told) == 4
    assert {device for _, device, *_ in told} == {"cuda"}
    assert len({worker for _, _, worker, *_ in told}) == 1
    times = sorted((int(begin), int(end)) for *_, begin, end in told)
    assert all(end < begin for (_, end), (begin, _) in pairwise(times))
    assert "no worker offers a GPU" not in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--cluster", "local:0"], "write local:N"),
        (["--cluster", "local:2", "--workers", "2"], "leave out --workers"),
        (["--cluster", "nowhere.json"], "no such scheduler file"),
        (["--cluster", "tcp://127.0.0.1:9"], "no Dask scheduler answers"),
        (["--cluster", "tcp://127.0.0.1"], "no Dask scheduler answers"),
        (["--cluster", "http://127.0.0.1:9"], "unknown address scheme 'http'"),
        (["--cluster", "tls://127.0.0.1:9"], "TLS"),
        (["--cluster", str(CITATIONS)], "not what a scheduler has written"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_one_line(
    bench: ClusterBench, words: list[str], told: str
) -> None:
    done = bench.run("--methods", "telea", *words)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert told in line
    assert not bench.out.exists()


def test_something_else_that_listens_there_is_not_waited_for(bench: ClusterBench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = bench.run("--cluster", f"127.0.0.1:{silent.getsockname()[1]}")
    assert done.returncode == 2 and "no Dask scheduler answers" in done.stderr


def test_threads_are_those_that_the_user_has_set(
    bench: ClusterBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert bench.run("--methods", "telea", "--resolutions", "48").returncode == 0
    assert json.loads((bench.out / "run.json").read_text())["threads"] == 3


@pytest.mark.parametrize(("told", "threads"), [("", 1), ("4,2", 4), ("many", 1), ("3", 3)])
def test_threads_of_a_case_are_what_openmp_would_take(
    monkeypatch: pytest.MonkeyPatch, told: str, threads: int
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert (requested_threads() or 1) == threads
