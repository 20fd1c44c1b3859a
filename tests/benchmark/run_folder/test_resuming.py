"""Runs of earlier versions and large runs go on where they were."""

from __future__ import annotations

import csv
import io
import shutil
import tracemalloc
import unicodedata
from pathlib import Path

import pytest

from benchmark.inputs import protocol
from benchmark.inputs.dataset import Photo
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import list_cases, select_cases
from benchmark.run_folder import folder as run_folder
from benchmark.run_folder.folder import Listings, RunFolder
from benchmark.run_folder.rows import Row
from methods.labels import REFERENCE
from tests.benchmark.conftest import PROTOCOL, Bench
from tests.paths import DATA

# Written by the commit before cases were kept packed: two photographs, two sizes, three methods of
# which one fails for the brighter photograph.
OLDER = DATA / "older_run"


def test_a_run_of_an_earlier_version_is_finished(tmp_path: Path) -> None:
    shutil.copytree(OLDER, tmp_path / "older")
    older = Bench(tmp_path / "older/photos", tmp_path / "older/tiny.toml", tmp_path / "older/run")
    done = older.run("--method-file", str(tmp_path / "older/methods.toml"))
    assert "12 cases, 12 finished before, 0 to run" in done.stderr
    # As when it was written: two cases have failed.
    assert done.returncode == 1 and "2 cases failed" in done.stderr
    assert (older.out / "cases.jsonl").read_bytes() == (OLDER / "run/cases.jsonl").read_bytes()
    # The columns of that version are as they were.
    before, now = (
        list(csv.DictReader(io.StringIO((folder / "scores.csv").read_text())))
        for folder in (OLDER / "run", older.out)
    )
    assert before == [{name: row[name] for name in before[0]} for row in now]


@pytest.mark.slow
def test_a_damaged_result_is_named_when_it_is_to_be_scored_again(bench: Bench) -> None:
    words = ("--methods", "telea", "--resolutions", "48")
    assert bench.run(*words).returncode == 0
    (bench.out / "run.json").write_text("null")
    damaged = bench.out / "outputs/48/telea/cliff.png"
    damaged.write_bytes(damaged.read_bytes()[:500])
    bench.protocol.write_text(PROTOCOL.replace('"ssim"]', '"ssim", "ssim_uniform"]'))
    done = bench.run(*words)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"error: {damaged} is damaged: delete it, and the same command runs its case again"
    )
    damaged.unlink()
    done = bench.run(*words)
    assert done.returncode == 0, done.stderr
    assert all(float(row["ssim_uniform"]) > 0 for row in bench.rows().values())


def test_a_name_that_the_file_system_spells_otherwise_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "été.png"
    path.write_bytes(b"x")
    monkeypatch.setattr(run_folder, "_files", lambda _: {unicodedata.normalize("NFD", path.name)})
    assert Listings()(path)
    assert not Listings()(tmp_path / "hiver.png")


@pytest.mark.slow
def test_100_000_finished_cases_take_less_than_500_megabytes(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(PROTOCOL)
    own = protocol.load(str(tmp_path / "tiny.toml"))
    specs = [MethodSpec(f"telea {size}", "telea", {"radius": size}) for size in range(1, 11)]
    photos = [Photo(f"photograph {number}", f"{number}.png", "0" * 64) for number in range(100)]
    record_all(RunFolder(tmp_path), specs, photos, own)

    tracemalloc.start()
    plan = list_cases(specs, photos, own.resolutions, own)
    folder = RunFolder(tmp_path)
    select_cases(plan, folder, "never")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(plan.rows) == len(plan.cases) == 3000 and not plan.to_run
    assert peak / len(plan.cases) < 5000


def record_all(
    folder: RunFolder, specs: list[MethodSpec], photos: list[Photo], own: protocol.Protocol
) -> None:
    names = ("l1", "psnr", "ssim", "l1_hole", "psnr_hole", "ssim_hole")
    for case in list_cases(specs, photos, own.resolutions, own).cases:
        place = case.resolution, case.photo.name
        for path in (
            folder.result_path(*case.slot),
            folder.result_path(REFERENCE, *place),
            folder.mask_path(*place),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        if case.spec is specs[0]:
            folder.record_input(*place, case.input_key)
        row = Row(*case.slot, "ok", dict.fromkeys(names, 1 / 3), 0, 1 / 3, 1 / 3)
        folder.record_case(row, case.key, case.score_key)
