"""One run folder, one protocol and dataset; the methods of several commands come together in it."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from benchmark.run_folder.folder import open_run_folder
from benchmark.run_folder.rows import Row, Slot
from tests.benchmark.conftest import Bench, save, scene

SMALL = ("--resolutions", "48")


def labels(bench: Bench) -> list[str]:
    info = json.loads((bench.out / "run.json").read_text())
    return [method["label"] for method in info["methods"]]


def table(bench: Bench) -> list[str]:
    return (bench.out / "tables/objective.csv").read_text().splitlines()


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


def test_kept_methods_are_scored_by_the_protocols_new_metrics(bench: Bench) -> None:
    bench.run("--methods", "telea", *SMALL)
    text = bench.protocol.read_text()
    bench.protocol.write_text(
        text.replace("metrics =", 'also_recorded = ["ssim_uniform"]\nmetrics =')
    )
    done = bench.run("--methods", "navier-stokes", *SMALL)
    assert done.returncode == 0, done.stderr
    assert all(row["ssim_uniform"] for row in bench.rows().values()) and len(bench.rows()) == 8


def test_results_on_a_photograph_that_has_changed_are_not_kept(bench: Bench) -> None:
    bench.run("--methods", "telea", *SMALL)
    save(bench.photos / "cliff.png", scene(77, 96, 96))
    done = bench.run("--methods", "navier-stokes", *SMALL)
    said = "kept from before: telea, 3 of 4 cases; name it in the command to run the others"
    assert said in done.stderr and "telea: not run, or not since" in done.stdout
    assert not (bench.out / "outputs/48/telea/cliff.png").exists()
    assert ("telea", 48, "cliff") not in bench.rows()
    # Nor once the new photograph is the one that is there.
    bench.run("--methods", "navier-stokes", *SMALL)
    assert ("telea", 48, "cliff") not in bench.rows()


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


def test_a_damaged_record_of_the_run_is_one_line(bench: Bench) -> None:
    bench.run("--methods", "telea", *SMALL)
    (bench.out / "run.json").write_text('{"protocol": {"name": 3}}')
    done = bench.run("--methods", "telea", *SMALL)
    assert done.returncode == 2 and "run.json is damaged: choose another folder" in done.stderr
    assert done.stderr.count("\n") == 1


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
