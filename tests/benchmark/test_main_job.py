"""run_benchmark.py as its users run it: what is printed, written, resumed and refused."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from methods.images import read_mask, read_rgb, write_png
from tests.benchmark.conftest import UNDRAWN, Bench, save, scene
from tests.benchmark.forked import Forked
from tests.paths import ROOT

GREY = "tests.benchmark.own_methods:Grey"
BAD = "tests.benchmark.own_methods:Bad"


@pytest.mark.slow
def test_a_run_leaves_what_the_next_stage_reads(bench: Bench) -> None:
    for name in ("bright", "dunes"):
        (bench.photos / f"{name}.png").unlink()
    bench = replace(bench, drawn=True)
    done = bench.run(
        *("--methods", "telea,two-stage:telea", "--workers", "2"),
        *("--option", "two-stage:telea.refine=false"),
    )
    assert done.returncode == 0, done.stderr
    rows = bench.rows()
    assert len(rows) == 2 * 3 * 2
    assert list(rows) == sorted(rows)
    assert all(row["status"] == "ok" for row in rows.values())
    assert "telea" in done.stdout and "PSNR" in done.stdout and str(bench.out) in done.stdout

    row = rows["two-stage:telea", 64, "été 1"]
    reference = read_rgb(bench.out / "outputs/64/reference/été 1.png")
    result = read_rgb(bench.out / "outputs/64/two-stage_telea/été 1.png")
    mask = read_mask(bench.out / "masks/64/été 1.png")
    assert reference.shape == (64, 64, 3) and mask.sum() == 21 * 21
    assert np.array_equal(result[~mask], reference[~mask])
    assert float(row["psnr"]) == pytest.approx(peak_signal_noise_ratio(reference, result), abs=1e-9)
    whole, full = structural_similarity(
        reference,
        result,
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    assert float(row["ssim"]) == pytest.approx(whole, abs=1e-9)
    assert float(row["ssim_hole"]) == pytest.approx(full[mask].mean(), abs=1e-9)
    assert float(row["l1_hole"]) == pytest.approx(
        np.abs(reference[mask].astype(float) - result[mask]).mean(), abs=1e-9
    )
    assert float(row["seconds"]) >= 0 and float(row["peak_memory_mb"]) > 10

    info = json.loads((bench.out / "run.json").read_text())
    photo = info["dataset"]["images"][0]
    content = (bench.photos / photo["file"]).read_bytes()
    assert photo["sha256"] == hashlib.sha256(content).hexdigest()
    assert info["protocol"]["hole"] == {"kind": "middle-third"}
    assert [method["label"] for method in info["methods"]] == ["telea", "two-stage:telea"]
    assert info["versions"]["opencv-contrib-python"] and info["finished"] is True

    with (bench.out / "tables/objective.csv").open(newline="") as file:
        (first, second) = csv.DictReader(file)
    values = [float(rows["telea", 96, name]["psnr"]) for name in names(rows)]
    assert float(first["96_psnr"]) == pytest.approx(np.mean(values), abs=1e-12)
    assert (first["method"], second["96_images"]) == ("telea", "2")

    report = bench.out / "report.html"
    assert done.stdout.splitlines()[-1] == f"Report: {report}"
    assert "two-stage:telea" in report.read_text()
    assert (bench.out / "figures/side-by-side-96-été 1.pdf").exists()


def names(rows: dict[tuple[str, int, str], dict[str, str]]) -> list[str]:
    return sorted({image for _, _, image in rows})


@pytest.mark.slow
def test_failures_become_rows_and_the_rest_goes_on(bench: Bench, tmp_path: Path) -> None:
    methods = tmp_path / "methods.toml"
    hows = ["raise", "segfault", "malloc fails", "memory", "shape", "hang"]
    methods.write_text("".join(f'["{how}"]\nmethod = "{BAD}"\nhow = "{how}"\n' for how in hows))
    words = ("--method-file", str(methods), "--resolutions", "48")
    done = bench.run(*words, "--time-limit", "5")
    assert done.returncode == 1
    rows = bench.rows()
    statuses = {how: rows[how, 48, "bright"]["status"] for how in hows}
    assert statuses == {
        "raise": "failed",
        "segfault": "failed",
        "malloc fails": "out_of_memory",
        "memory": "out_of_memory",
        "shape": "failed",
        "hang": "timeout",
    }
    assert all(rows[how, 48, name]["status"] == "ok" for how in hows for name in ("cliff", "dunes"))
    assert rows["raise", 48, "bright"]["error"] == "RuntimeError: the network has diverged"
    assert not (bench.out / "outputs/48/raise/bright.png").exists()
    assert "Traceback" in (bench.out / "logs/48/raise/bright.txt").read_text()
    assert "Traceback" not in done.stderr and "6 cases failed" in done.stderr
    table = (bench.out / "tables/objective.md").read_text()
    assert "1 of 4 cases without a result" in table and "*" in table

    # Failed cases are kept, or run again when asked for; the good ones are never touched.
    again = bench.run(*words, "--time-limit", "5")
    assert again.returncode == 1 and "0 to run" in again.stderr
    retried = bench.run(*words, "--time-limit", "1", "--overwrite", "failed")
    assert "6 to run" in retried.stderr


@pytest.mark.slow
def test_what_is_not_installed_is_skipped_with_the_reason(bench: Bench, tmp_path: Path) -> None:
    methods = tmp_path / "methods.toml"
    methods.write_text(f'["needy"]\nmethod = "{BAD}"\nhow = "missing"\n')
    done = bench.run("--methods", "telea", "--method-file", str(methods), "--resolutions", "48")
    assert done.returncode == 0
    row = bench.rows()["needy", 48, "bright"]
    assert (row["status"], row["error"]) == ("skipped", "bad needs a part: pip install part")


def test_known_pixels_are_put_back_and_counted(bench: Bench) -> None:
    done = bench.run("--methods", GREY, "--option", f"{GREY}.brighten=9", "--resolutions", "48")
    assert done.returncode == 0, done.stderr
    row = bench.rows()["grey", 48, "cliff"]
    assert int(row["known_pixels_changed"]) == 48 * 48 - 17 * 17
    result = read_rgb(bench.out / "outputs/48/grey/cliff.png")
    reference = read_rgb(bench.out / "outputs/48/reference/cliff.png")
    mask = read_mask(bench.out / "masks/48/cliff.png")
    assert np.array_equal(result[~mask], reference[~mask]) and (result[mask] == 128).all()
    assert "changed known pixels in 4 of 4" in done.stdout


@pytest.mark.slow
def test_changes_invalidate_exactly_the_cases_concerned(bench: Bench) -> None:
    arguments = ["--methods", f"telea,{GREY}"]

    def to_run(*more: str) -> int:
        done = bench.run(*arguments, *more)
        assert done.returncode == 0, done.stderr
        return int(done.stderr.split(" finished before, ")[1].split(" to run")[0])

    assert to_run() == 24
    assert to_run() == 0
    assert to_run("--option", f"{GREY}.value=99") == 12
    assert to_run("--option", f"{GREY}.value=99", "--resolutions", "48,64") == 0
    # Back to the old options: what lies on disk was made with the new ones.
    assert to_run() == 12

    save(bench.photos / "cliff.png", scene(77, 96, 96))
    assert to_run() == 6
    (bench.out / "outputs/64/telea/dunes.png").unlink()
    assert to_run() == 1

    # Metrics alone: nothing is run, everything is scored.
    before = bench.rows()["telea", 64, "cliff"]
    text = bench.protocol.read_text()
    bench.protocol.write_text(
        text.replace("[hole]", "[metric_options.ssim]\nsigma = 3.0\n[hole]").replace(
            "metrics =", 'also_recorded = ["ssim_uniform"]\nmetrics ='
        )
    )
    assert to_run() == 0
    after = bench.rows()["telea", 64, "cliff"]
    assert after["psnr"] == before["psnr"] and after["ssim"] != before["ssim"]
    assert after["ssim_uniform"] and after["seconds"] == before["seconds"]

    # The hole: everything, and only if that is meant.
    bench.protocol.write_text(
        text.replace('kind = "middle-third"', 'kind = "centre-square"\nshare = 0.2')
    )
    assert bench.run(*arguments).returncode == 2
    assert to_run("--overwrite", "all") == 24
    assert read_mask(bench.out / "masks/48/cliff.png").sum() == 21 * 21


@pytest.mark.slow
def test_a_run_killed_ten_times_ends_as_an_unbroken_one(bench: Bench, tmp_path: Path) -> None:
    arguments = [
        "--methods", f"telea,{GREY},two-stage:telea", "--option", f"{GREY}.seconds=0.08",
        "--option", "two-stage:telea.refine=false",
        "--workers", "2",
    ]  # fmt: skip
    whole = replace(bench, out=tmp_path / "whole")
    assert whole.run(*arguments).returncode == 0

    draw = random.Random(20201)
    kills, finished = 0, 0
    while kills < 10:
        process = Forked(UNDRAWN, bench.words(*arguments))
        time.sleep(draw.uniform(0.1, 1.5))
        if process.is_running():
            process.kill()
            kills += 1
            assert no_broken_png(bench.out)
        else:
            # It was quicker than the kill: begin again with an empty folder.
            assert process.finish(longest_s=0).returncode == 0
            finished += 1
            shutil.rmtree(bench.out)
            assert finished < 50
    done = bench.run(*arguments)
    assert done.returncode == 0, done.stderr

    assert bench.tables() == whole.tables() and len(whole.tables()) == 3
    for path in sorted(whole.out.glob("outputs/*/*/*.png")):
        assert (bench.out / path.relative_to(whole.out)).read_bytes() == path.read_bytes()
    timings = {"seconds", "peak_memory_mb"}
    for slot, row in whole.rows().items():
        again = bench.rows()[slot]
        assert {k: v for k, v in row.items() if k not in timings} == {
            k: v for k, v in again.items() if k not in timings
        }
    # Nothing that was finished before the last kill was run again.
    assert "0 to run" in bench.run(*arguments).stderr


def no_broken_png(out: Path) -> bool:
    for path in out.glob("outputs/*/*/*.png"):
        read_rgb(path)
    return True


@pytest.mark.slow
def test_a_second_process_on_the_same_folder_is_refused(bench: Bench) -> None:
    arguments = ["--methods", GREY, "--option", f"{GREY}.seconds=60", "--resolutions", "48"]
    first = subprocess.Popen(bench.command(*arguments), stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert first.stderr is not None and "to run" in first.stderr.readline()
        second = bench.run(*arguments)
        assert second.returncode == 2 and "in use" in second.stderr
        assert len(second.stderr.splitlines()) == 1
    finally:
        first.kill()
        first.wait()
        first.stderr.close() if first.stderr else None


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_finished(bench: Bench) -> None:
    arguments = ["--methods", f"telea,{GREY}", "--option", f"{GREY}.seconds=3600"]
    process = subprocess.Popen(
        bench.command(*arguments),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=ROOT,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("telea at 96 px done"):
            break
    os.killpg(process.pid, signal.SIGINT)
    # The case that is under way would take an hour.
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in rest and "the same command goes on" in rest
    done = {slot for slot, row in bench.rows().items() if row["status"] == "ok"}
    assert {slot for slot in done if slot[0] == "telea"} == {
        ("telea", size, name)
        for size in (48, 64, 96)
        for name in ("bright", "cliff", "dunes", "été 1")
    }


# Of a file: too little for run.json, for the results at 96 px.
@pytest.mark.parametrize("most_bytes", [4_000, 16_000])
@pytest.mark.slow
def test_a_full_disk_is_one_line_and_loses_nothing(bench: Bench, most_bytes: int) -> None:
    limited = [
        sys.executable,
        "-c",
        "import resource, runpy, sys\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most_bytes}, {most_bytes}))\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')",
    ]
    arguments = replace(bench, drawn=True).command("--methods", "telea")[1:]
    done = subprocess.run([*limited, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error:") and "File too large" in last and "finished cases are" in last
    assert "Traceback" not in done.stderr
    assert not list(bench.out.rglob("*.part"))
    after = bench.run("--methods", "telea")
    assert after.returncode == 0 and len(bench.rows()) == 12


def test_own_masks(bench: Bench, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    save(tree / "images" / "a.png", scene(1, 96, 96))
    mask = np.zeros((96, 96), np.uint8)
    mask[10:50, 30:81] = 255
    save(tree / "masks" / "a.png", mask)
    text = bench.protocol.read_text()
    bench.protocol.write_text(text.replace("middle-third", "dataset"))
    own = Bench(tree, bench.protocol, bench.out)
    assert own.run("--methods", "telea").returncode == 0
    expected = mask[np.arange(64) * 96 // 64][:, np.arange(64) * 96 // 64] == 255
    assert np.array_equal(read_mask(bench.out / "masks/64/a.png"), expected)

    bench.protocol.write_text(text)
    assert "the dataset's masks are not used" in own.run("--methods", "telea").stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--methods", "tela"], "did you mean 'telea'"),
        (["--methods", "../telea"], "path separator"),
        (["--resolutions", "512"], "is 96x96, smaller than 512 px"),
        (["--resolutions", "big"], "whole numbers"),
        (["--protocol", "nope"], "moskalenko2020"),
        (["--dataset", "/nowhere"], "/nowhere"),
        (["--out", "/proc/run"], "cannot be written"),
        (["--option", "telea.radios=3"], "valid keys"),
        (["--option", "telea.radius=-1"], "radius"),
        (["--external", "Photoshop"], "NAME=DIR"),
        (["--external", "Photoshop=/nowhere"], "/nowhere"),
        (["--workers", "0"], "--workers"),
        (["--no-such-flag"], "--no-such-flag"),
    ],
)
def test_bad_input_is_one_line_exit_2_and_nothing_written(
    bench: Bench, arguments: list[str], said: str
) -> None:
    given = arguments if "--methods" in arguments else ["--methods", "telea", *arguments]
    done = bench.run(*given)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == "" and not bench.out.exists()


def test_flat_external_folder_needs_one_resolution(bench: Bench, tmp_path: Path) -> None:
    for path in bench.photos.glob("*.png"):
        write_png(tmp_path / "flat" / path.name, read_rgb(path)[::2, ::2])
    external = ["--external", f"P={tmp_path / 'flat'}"]
    methods = tmp_path / "methods.toml"
    methods.write_text(
        '[b]\nmethod = "two-stage:external"\nrefine = false\n'
        f"stage_one_options = {{ folder = '{tmp_path / 'flat'}' }}\n"
    )
    for given in (external, ["--method-file", str(methods)]):
        refused = bench.run(*given)
        assert refused.returncode == 2 and "flat folder" in refused.stderr
    assert bench.run(*external, "--resolutions", "48").returncode == 0


def test_help_reads_well() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "run_benchmark.py", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    for word in ("--dataset", "--overwrite", "never|failed|all", "Exit code"):
        assert word in done.stdout
