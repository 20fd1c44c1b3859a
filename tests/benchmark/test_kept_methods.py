"""One run folder, one protocol and dataset; the methods of several commands come together in it."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark.run_folder.folder import open_run_folder
from benchmark.run_folder.rows import Row, Slot
from tests.benchmark.conftest import Bench, save, scene

SMALL = ("--resolutions", "48")


def labels(bench: Bench) -> list[str]:
    info = json.loads((bench.out / "run.json").read_text())
    return [method["label"] for method in info["methods"]]


def table(bench: Bench) -> list[str]:
    return (bench.out / "tables/objective.csv").read_text().splitlines()


@pytest.mark.slow
def test_methods_accumulate_and_one_is_taken_out(bench: Bench) -> None:
    assert bench.run("--methods", "telea", *SMALL).returncode == 0
    telea = table(bench)[1]
    done = bench.run("--methods", "navier-stokes", *SMALL)
    assert done.returncode == 0, done.stderr
    assert 'kept from before: telea, 4 cases; --forget "telea" takes it out' in done.stderr
    assert "4 to run" in done.stderr and labels(bench) == ["telea", "navier-stokes"]
    assert table(bench)[1] == telea and len(bench.rows()) == 8
    # Both again in another order: nothing runs, the order is the command's.
    done = bench.run("--methods", "navier-stokes,telea", *SMALL)
    assert "0 to run" in done.stderr and labels(bench) == ["navier-stokes", "telea"]

    done = bench.run("--forget", "telea")
    assert done.returncode == 0 and "telea, 4 cases" in done.stderr, done.stderr
    assert labels(bench) == ["navier-stokes"] and len(bench.rows()) == 4
    assert not (bench.out / "outputs/48/telea").exists()
    assert [row.split(",")[0] for row in table(bench)] == ["method", "navier-stokes"]
    # It is gone for good: run again, it is computed again.
    assert "4 to run" in bench.run("--methods", "telea", *SMALL).stderr
    done = bench.run("--forget", "telea", "--forget", "navier-stokes")
    assert done.returncode == 2 and "takes out every method: remove the folder" in done.stderr
    done = bench.run("--forget", "teleo")
    assert done.returncode == 2 and "no method 'teleo' in it, did you mean 'telea'?" in done.stderr


@pytest.mark.slow
def test_kept_methods_are_scored_by_the_protocols_new_metrics(bench: Bench) -> None:
    bench.run("--methods", "telea", *SMALL)
    text = bench.protocol.read_text()
    bench.protocol.write_text(
        text.replace("metrics =", 'also_recorded = ["ssim_uniform"]\nmetrics =')
    )
    done = bench.run("--methods", "navier-stokes", *SMALL)
    assert done.returncode == 0, done.stderr
    assert all(row["ssim_uniform"] for row in bench.rows().values()) and len(bench.rows()) == 8


@pytest.mark.slow
def test_results_on_a_photograph_that_has_changed_are_not_kept(bench: Bench) -> None:
    bench.run("--methods", "telea", *SMALL)
    save(bench.photos / "cliff.png", scene(77, 96, 96))
    done = bench.run("--methods", "navier-stokes", *SMALL)
    said = "kept from before: telea, 3 of 4 cases; name it in the command to run the others"
    assert said in done.stderr and "telea: not run, or not since" in done.stdout
    removed = "warning: telea, 1 case on an earlier version of cliff will be removed, since the"
    assert removed in done.stderr
    assert not (bench.out / "outputs/48/telea/cliff.png").exists()
    assert ("telea", 48, "cliff") not in bench.rows()
    # Nor once the new photograph is the one that is there.
    again = bench.run("--methods", "navier-stokes", *SMALL)
    assert ("telea", 48, "cliff") not in bench.rows() and "removed" not in again.stderr


@pytest.mark.slow
def test_another_protocol_is_refused_and_replaces_nothing_unasked(bench: Bench) -> None:
    bench.run("--methods", "telea", *SMALL)
    mask = (bench.out / "masks/48/cliff.png").read_bytes()
    text = bench.protocol.read_text()
    bench.protocol.write_text(
        text.replace('kind = "middle-third"', 'kind = "centre-square"\nshare = 0.2')
    )
    done = bench.run("--methods", "navier-stokes", *SMALL)
    assert done.returncode == 2 and "protocol tiny, changed since" in done.stderr
    assert "--out, or replace what is there with --overwrite all" in done.stderr
    assert (bench.out / "masks/48/cliff.png").read_bytes() == mask
    done = bench.run("--methods", "navier-stokes", *SMALL, "--overwrite", "all")
    assert done.returncode == 0 and labels(bench) == ["navier-stokes"]
    assert not (bench.out / "outputs/48/telea").exists()


@pytest.mark.slow
def test_another_dataset_is_refused_and_more_photographs_are_not(
    bench: Bench, tmp_path: Path
) -> None:
    bench.run("--methods", "telea", *SMALL)
    more = tmp_path / "more"
    shutil.copytree(bench.photos, more)
    save(more / "new.png", scene(5, 96, 96))
    done = replace(bench, photos=more).run("--methods", "telea", *SMALL)
    assert done.returncode == 0 and "4 finished before, 1 to run" in done.stderr
    other = tmp_path / "other"
    other.mkdir()
    save(other / "cliff.png", scene(9, 96, 96))
    done = replace(bench, photos=other).run("--methods", "telea", *SMALL)
    assert done.returncode == 2 and "no photograph in common" in done.stderr


def test_a_method_that_would_share_a_folder_with_an_earlier_one_is_refused(
    bench: Bench, tmp_path: Path
) -> None:
    def named(name: str) -> tuple[str, ...]:
        file = tmp_path / "methods.toml"
        file.write_text(f'["{name}"]\nmethod = "telea"\n')
        return ("--method-file", str(file), *SMALL)

    assert bench.run(*named("a:b")).returncode == 0
    before = {path: path.read_bytes() for path in bench.out.rglob("*") if path.is_file()}
    # With --overwrite all too, since methods of the same run stay.
    for name, overwrite in (("a_b", "never"), ("A:b", "never"), ("a_b", "all")):
        done = bench.run(*named(name), "--overwrite", overwrite)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
        assert f"holds results of 'a:b', whose folder 'a_b' '{name}' would share" in done.stderr
        assert 'rename the method, or --forget "a:b" first' in done.stderr
    assert {path: path.read_bytes() for path in before} == before
    assert bench.run(*named("a:b")).returncode == 0


@pytest.mark.slow
def test_one_of_two_methods_in_one_folder_is_not_forgotten_alone(bench: Bench) -> None:
    bench.run("--methods", "telea,navier-stokes,patchmatch", *SMALL)
    # As an earlier version left it.
    path = bench.out / "run.json"
    text = path.read_text().replace('"label": "telea"', '"label": "a:b"')
    path.write_text(text.replace('"label": "navier-stokes"', '"label": "a_b"'))
    done = bench.run("--forget", "a:b")
    assert done.returncode == 2 and 'add --forget "a_b"' in done.stderr, done.stderr
    assert bench.run("--forget", "a:b", "--forget", "a_b").returncode == 0
    assert labels(bench) == ["patchmatch"]


@pytest.mark.slow
def test_cases_on_other_photographs_are_told_and_come_back(bench: Bench, tmp_path: Path) -> None:
    bench.run("--methods", "telea", *SMALL)
    fewer = tmp_path / "fewer"
    fewer.mkdir()
    shutil.copy(bench.photos / "cliff.png", fewer)
    done = replace(bench, photos=fewer).run("--methods", "telea", *SMALL)
    assert done.returncode == 0 and len(bench.rows()) == 1
    assert "not shown: telea, 3 cases at other sizes or on other photographs\n" in done.stderr
    done = bench.run("--methods", "telea", *SMALL)
    assert "not shown" not in done.stderr and len(bench.rows()) == 4


@pytest.mark.slow
def test_each_method_has_the_seed_it_was_run_with(bench: Bench) -> None:
    def recorded() -> dict[str, Any]:
        info: dict[str, Any] = json.loads((bench.out / "run.json").read_text())
        return info

    bench.run("--methods", "patchmatch", "--seed", "5", *SMALL)
    assert recorded()["seed"] == 5
    bench.run("--methods", "telea", "--seed", "6", "--time-limit", "60", *SMALL)
    info = recorded()
    assert [method["seed"] for method in info["methods"]] == [5, 6]
    assert info["seed"] is None and info["time_limit_s"] is None and info["device"] == "auto"


@pytest.mark.slow
def test_a_damaged_record_of_the_run_is_one_line(bench: Bench) -> None:
    bench.run("--methods", "telea", *SMALL)
    (bench.out / "run.json").write_text('{"protocol": {"name": 3}}')
    done = bench.run("--methods", "telea", *SMALL)
    assert done.returncode == 2 and "run.json is damaged: choose another folder" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_methods_at_other_sizes_are_told_and_come_back(bench: Bench) -> None:
    bench.run("--methods", "telea", "--resolutions", "48")
    done = bench.run("--methods", "navier-stokes", "--resolutions", "64")
    assert "telea, 0 of 4 cases" in done.stderr
    assert "4 cases at other sizes or on other photographs not shown" in done.stderr
    assert labels(bench) == ["navier-stokes"]
    bench.run("--methods", "navier-stokes", "--resolutions", "48,64")
    assert sorted(labels(bench)) == ["navier-stokes", "telea"] and len(bench.rows()) == 12


def test_cases_are_recorded_and_forgotten_by_threads_at_once(tmp_path: Path) -> None:
    with open_run_folder(tmp_path / "run") as folder:
        slots = [("m", 48, f"{n}") for n in range(200)]
        for slot in slots:
            folder.record_input(*slot[1:], "old")
            folder.record_case(Row(*slot, status="failed"), "key", "")

        def replaced(slot: Slot) -> None:
            folder.forget(slot)
            folder.record_case(Row(*slot, status="failed"), "new", "")

        with ThreadPoolExecutor(8) as pool:
            again = [pool.submit(replaced, slot) for slot in slots]
            inputs = [pool.submit(folder.forget_image, 48, s[2], "other", {"new"}) for s in slots]
        for future in again + inputs:
            future.result()
        assert all(folder.recorded[slot][0] == "new" for slot in slots)
