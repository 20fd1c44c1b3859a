"""The journal survives what a kill, a full disk and a second process can do to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.run_folder.folder import RunFolder, open_run_folder
from benchmark.run_folder.rows import Row, write_scores
from methods.errors import InputError
from methods.images import write_png

SLOT = ("telea", 64, "cat")


def finish(folder: RunFolder, key: str, **changes: object) -> Row:
    row = Row(*SLOT, status="ok", scores={"l1": 0.1, "psnr": float("inf")}, seconds=1.5, **changes)
    write_png(folder.result_path(*SLOT), np.zeros((64, 64, 3), np.uint8))
    folder.record_case(row, key, "scores of " + key)
    return row


def test_a_finished_case_is_found_again(tmp_path: Path) -> None:
    with open_run_folder(tmp_path / "run") as folder:
        row = finish(folder, "k")
    assert RunFolder(tmp_path / "run").finished(SLOT, "k") == (row, "scores of k")
    assert RunFolder(tmp_path / "run").finished(SLOT, "other") is None


def test_a_line_cut_short_loses_that_case_alone(tmp_path: Path) -> None:
    with open_run_folder(tmp_path / "run") as folder:
        row = finish(folder, "k")
        folder.record_case(Row("telea", 64, "dog", status="failed"), "k2", "s")
    journal = tmp_path / "run" / "cases.jsonl"
    for cut in (1, 20, 60):
        content = journal.read_bytes()
        journal.write_bytes(content[: content.rstrip().rfind(b"\n") + 1 + cut])
        with open_run_folder(tmp_path / "run") as folder:
            assert folder.finished(SLOT, "k") == (row, "scores of k")
            assert folder.finished(("telea", 64, "dog"), "k2") is None
            folder.record_case(Row("telea", 64, "dog", status="failed"), "k2", "s")
        assert RunFolder(tmp_path / "run").finished(("telea", 64, "dog"), "k2") is not None


def test_a_result_that_is_gone_is_made_again(tmp_path: Path) -> None:
    with open_run_folder(tmp_path / "run") as folder:
        finish(folder, "k")
        folder.result_path(*SLOT).unlink()
        assert folder.finished(SLOT, "k") is None


def test_a_file_replaced_before_a_kill_does_not_pass_for_the_old_case(tmp_path: Path) -> None:
    with open_run_folder(tmp_path / "run") as folder:
        finish(folder, "old options")
        # What the runner does for a case with new options, up to a kill.
        folder.forget(SLOT)
        write_png(folder.result_path(*SLOT), np.ones((64, 64, 3), np.uint8))
    assert RunFolder(tmp_path / "run").finished(SLOT, "old options") is None


def test_the_last_line_about_a_slot_counts(tmp_path: Path) -> None:
    with open_run_folder(tmp_path / "run") as folder:
        finish(folder, "a")
        finish(folder, "b")
    folder = RunFolder(tmp_path / "run")
    assert folder.finished(SLOT, "a") is None and folder.finished(SLOT, "b") is not None


def test_damage_inside_the_journal_is_named(tmp_path: Path) -> None:
    with open_run_folder(tmp_path / "run") as folder:
        finish(folder, "a")
    journal = tmp_path / "run" / "cases.jsonl"
    journal.write_bytes(b"rubbish\n" + journal.read_bytes())
    with pytest.raises(InputError, match="line 1 is damaged"), open_run_folder(tmp_path / "run"):
        pass


def test_a_second_user_is_refused_and_a_later_one_is_not(tmp_path: Path) -> None:
    first, second = open_run_folder(tmp_path / "run"), open_run_folder(tmp_path / "run")
    with first, pytest.raises(InputError, match="in use"), second:
        pass
    with open_run_folder(tmp_path / "run"):
        pass


def test_folders_that_are_something_else_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "beach.jpg").write_text("x")
    with pytest.raises(InputError, match="is a file"), open_run_folder(tmp_path / "file"):
        pass
    with pytest.raises(InputError, match="not a run folder"), open_run_folder(tmp_path / "holiday"):
        pass
    with pytest.raises(InputError, match="cannot be written"), open_run_folder(Path("/proc/run")):
        pass
    assert [path.name for path in (tmp_path / "holiday").iterdir()] == ["beach.jpg"]


def test_scores_csv_is_sorted_and_reads_back_exactly(tmp_path: Path) -> None:
    third = 1 / 3
    rows = [
        Row(
            "b", 64, "x", "ok", {"l1": third, "psnr": float("inf"), "ssim": 1.0}, 0, 1.23456, 99.96
        ),
        Row("a", 128, "x", "failed", error='no, "really"'),
        Row("a", 64, "y", "skipped", error="why"),
    ]
    write_scores(tmp_path / "scores.csv", rows, ["l1", "psnr", "ssim", "l1_hole"])
    lines = (tmp_path / "scores.csv").read_text().splitlines()
    assert lines[0] == (
        "method,resolution,image,status,l1,psnr,ssim,l1_hole,hole_share,known_pixels_changed,"
        "scored_as_given,hole_left_black,peak_cuda_memory_mb,seconds,peak_memory_mb,error"
    )
    assert lines[1] == "a,64,y,skipped,,,,,,,,,,,,why"
    assert lines[2] == 'a,128,x,failed,,,,,,,,,,,,"no, ""really"""'
    assert lines[3] == f"b,64,x,ok,{third!r},inf,1.0,,,0,0,0,,1.235,100.0,"
