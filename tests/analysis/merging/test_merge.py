"""Run folders that become one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image as PillowImage

from analysis.merging import merge as merging
from analysis.runs import run, tables
from methods.errors import InputError
from tests.analysis.merging.runs import (
    SIDE,
    cells,
    change_json,
    entry,
    make_run,
    merge,
    photo,
    refused,
)


@pytest.fixture
def a(tmp_path: Path) -> Path:
    return make_run(tmp_path / "a", ["telea"])


def test_other_methods_come_together_with_all_their_files(a: Path, tmp_path: Path) -> None:
    b = make_run(tmp_path / "b", ["two-stage:coal"], failed={"two-stage:coal": "failed"})
    (b / "logs/64/two-stage_coal").mkdir(parents=True)
    (b / "logs/64/two-stage_coal/x.txt").write_text("no coal")
    out = tmp_path / "out"
    assert merge(a, b, out=out) == []
    names = sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())
    assert names == [
        "cases.jsonl",
        "logs/64/two-stage_coal/x.txt",
        "masks/64/x.png",
        "masks/64/y.png",
        "merged.json",
        "outputs/64/reference/x.png",
        "outputs/64/reference/y.png",
        "outputs/64/telea/x.png",
        "outputs/64/telea/y.png",
        "run.json",
        "scores.csv",
    ]
    assert cells(out, "status") == {
        ("telea", "64", "x"): "ok",
        ("telea", "64", "y"): "ok",
        ("two-stage:coal", "64", "x"): "failed",
        ("two-stage:coal", "64", "y"): "failed",
    }
    assert run.load(out).methods == ["telea", "two-stage:coal"]
    # Nothing is stored twice where that can be avoided.
    assert (out / "outputs/64/telea/x.png").stat().st_ino == (
        a / "outputs/64/telea/x.png"
    ).stat().st_ino


def test_photographs_and_sizes_are_united(tmp_path: Path) -> None:
    a = make_run(tmp_path / "a", ["telea", "coal"], ["y", "x"], [64])
    b = make_run(tmp_path / "b", ["telea"], ["z"], [32])
    merge(a, b, out=tmp_path / "out")
    merged = run.load(tmp_path / "out")
    assert (merged.images, merged.resolutions) == (["x", "y", "z"], [32, 64])
    assert [case.image for case in merged.cases_of("telea", 64)] == ["x", "y"]
    assert [case.image for case in merged.cases_of("telea", 32)] == ["z"]
    assert merged.cases_of("coal", 32) == []


def test_a_case_run_again_after_merging_is_no_longer_the_other_machines(
    a: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    merge(a, make_run(tmp_path / "b", ["coal"], processor="slide rule"), out=out)
    journal = out / "cases.jsonl"
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    coal = [record for record in records if record["slot"][0] == "coal"]
    for record in coal:
        assert record.pop("run") == "b"
    # x is run again, whose line is taken back before; y is only scored again.
    again = [{"slot": coal[0]["slot"], "key": None}, *coal]
    with journal.open("a") as file:
        file.writelines(json.dumps(record) + "\n" for record in again)
    origins = run.load(out).origins.of_case
    assert ("coal", 64, "x") not in origins
    assert origins["coal", 64, "y"] == "b"
    notes = tables.cost(run.load(out)).notes
    assert any(note.startswith("coal (1 of 2 cases): run here, after merging") for note in notes)


def test_merging_what_was_merged_keeps_where_cases_came_from(a: Path, tmp_path: Path) -> None:
    b, c = (make_run(tmp_path / name, [f"by {name}"]) for name in "bc")
    merge(a, b, out=tmp_path / "ab")
    merge(tmp_path / "ab", c, out=tmp_path / "abc", rename=[f"{tmp_path / 'ab'}:by b=Анна: b"])
    merged = run.load(tmp_path / "abc")
    found = {slot[0]: name for slot, name in merged.origins.of_case.items()}
    assert found == {"telea": "a", "Анна: b": "b", "by c": "c"}
    assert sorted(merged.origins.runs) == ["a", "b", "c"]
    assert (tmp_path / "abc/outputs/64/Анна_ b/x.png").exists()


def test_equal_results_are_joined_and_others_refused(a: Path, tmp_path: Path) -> None:
    again = make_run(tmp_path / "again", ["telea"], processor="slide rule")
    path = again / "outputs/64/telea/x.png"
    pixels = np.asarray(PillowImage.open(path)).copy()
    # The same pixels in other bytes.
    PillowImage.fromarray(pixels).save(path, compress_level=0)
    merge(a, again, out=tmp_path / "out")
    assert set(run.load(tmp_path / "out").origins.of_case.values()) == {"a"}
    pixels[SIDE // 2, SIDE // 2] ^= 1
    PillowImage.fromarray(pixels).save(path)
    said = refused(a, again, out=tmp_path / "other")
    assert "'telea' has two results of 'x' at 64 px that differ (their pixels)" in said
    assert f'--rename "{again}:telea=telea (again)"' in said
    merge(a, again, out=tmp_path / "other", rename=[f"{again}:telea=telea (again)"])
    assert run.load(tmp_path / "other").methods == ["telea", "telea (again)"]


def test_a_case_that_was_run_stands_for_one_that_was_skipped(a: Path, tmp_path: Path) -> None:
    weighed = entry("coal", weights_sha256={"coal": "ab"}, note="with weights")
    skipped = make_run(tmp_path / "skipped", ["coal"], failed={"coal": "skipped"})
    merge(skipped, make_run(tmp_path / "b", [weighed]), out=tmp_path / "out")
    merged = run.load(tmp_path / "out")
    assert {case.status for case in merged.cases} == {"ok"}
    assert merged.info["methods"][0]["weights_sha256"] == {"coal": "ab"}
    failed = make_run(tmp_path / "failed", ["telea"], failed={"telea": "out_of_memory"})
    assert "differ (ok and out_of_memory)" in refused(a, failed, out=tmp_path / "other")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"protocol": {"name": "other", "metrics": ["l1", "psnr"]}}, "protocol other, "),
        ({"protocol": {"name": "tiny", "metrics": ["l1"]}}, "differs in description, metrics"),
        ({"methods": [entry("telea", options={"radius": 9})]}, "another set of options"),
        ({"methods": [entry("telea", weights_sha256={"w": "9"})]}, "another weights file"),
        (
            {"dataset": {"path": "p", "images": [{**photo("x"), "sha256": "9" * 64}, photo("y")]}},
            "the photograph of 'x' is another file (78 and 999999999999)",
        ),
        (
            {"dataset": {"path": "p", "images": [photo("x"), {**photo("y"), "mask_sha256": "9"}]}},
            "the mask of 'y' is another file (none and 9)",
        ),
    ],
)
def test_what_differs_is_named(a: Path, tmp_path: Path, changes: dict, said: str) -> None:
    b = change_json(make_run(tmp_path / "b", ["telea"]), **changes)
    message = refused(a, b, out=tmp_path / "out")
    assert said in message and str(b) in message and str(a) in message


def test_other_definitions_of_a_metric_are_refused(a: Path, tmp_path: Path) -> None:
    b = make_run(tmp_path / "b", ["coal"])
    metrics = json.loads((b / "run.json").read_text())["metrics"]
    metrics["l1"]["definition"] = "otherwise"
    said = refused(a, change_json(b, metrics=metrics), out=tmp_path / "out")
    assert "the definition of l1 differs" in said and "scores its results again" in said


def test_runs_with_nothing_in_common_are_refused(a: Path, tmp_path: Path) -> None:
    said = refused(a, make_run(tmp_path / "b", ["coal"], ["z"]), out=tmp_path / "out")
    assert "neither a photograph nor a method in common" in said


def test_the_same_photograph_prepared_otherwise_is_refused(a: Path, tmp_path: Path) -> None:
    b = make_run(tmp_path / "b", ["coal"])
    journal = (b / "cases.jsonl").read_text()
    (b / "cases.jsonl").write_text(journal.replace("input 64 y", "another reading"))
    assert "'y' at 64 px was prepared in two ways" in refused(a, b, out=tmp_path / "out")


def test_what_cannot_be_a_run_is_refused(a: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "name two" in refused(a, out=out)
    assert "given twice" in refused(a, tmp_path / "b/../a", out=out)
    assert f"is {tmp_path} a run folder?" in refused(a, tmp_path, out=out)
    lost = make_run(tmp_path / "lost", ["coal"])
    (lost / "outputs/64/coal/y.png").unlink()
    assert "coal/y.png: no such file" in refused(a, lost, out=out)
    lines = (lost / "cases.jsonl").read_text().splitlines(keepends=True)
    (lost / "cases.jsonl").write_text("".join(lines[:-1]))
    assert "cases.jsonl lacks coal, 64, y" in refused(a, lost, out=out)
    (lost / "cases.jsonl").write_text("{}\n")
    assert "cases.jsonl line 1 is damaged" in refused(a, lost, out=out)


def test_a_merged_run_does_not_lie_in_one_of_the_runs(a: Path, tmp_path: Path) -> None:
    b = make_run(tmp_path / "b", ["coal"])
    said = refused(a, b, out=tmp_path / "b/../a/merged")
    assert f"is inside the run {a}; name a folder outside" in said
    (b / "empty").mkdir()
    with pytest.raises(InputError, match=f"is inside the run {b}"):
        merge(a, b, out=b / "empty")


def test_a_run_that_does_not_say_where_it_was_computed_is_refused(a: Path, tmp_path: Path) -> None:
    b = make_run(tmp_path / "b", ["coal"])
    info = json.loads((b / "run.json").read_text())
    del info["machine"]
    (b / "run.json").write_text(json.dumps(info))
    assert "b/run.json lacks machine" in refused(a, b, out=tmp_path / "out")


def test_names_that_lead_out_of_the_folder_are_refused(a: Path, tmp_path: Path) -> None:
    evil = change_json(make_run(tmp_path / "b", ["coal"]), methods=[entry("../../coal")])
    assert "cannot be the name of a file" in refused(a, evil, out=tmp_path / "out")


@pytest.mark.parametrize(
    ("rename", "said"),
    [
        ("telea=x", "write it as RUN:OLD=NEW"),
        ("{a}:telea", "write it as RUN:OLD=NEW"),
        ("{a}:tela=x", "did you mean 'telea'?"),
        ("{a}:telea=../x", "has a path separator"),
        ("{a}:telea=reference", "is reserved"),
        ("{a}:telea=coal", "another adapter"),
    ],
)
def test_a_name_that_cannot_be_is_refused(a: Path, tmp_path: Path, rename: str, said: str) -> None:
    b = make_run(tmp_path / "b", ["coal"])
    assert said in refused(a, b, out=tmp_path / "out", rename=[rename.format(a=a)])


def test_a_run_in_use_is_refused(a: Path, tmp_path: Path) -> None:
    b = make_run(tmp_path / "b", ["coal"])
    with FileLock(b / ".lock"):
        assert f"{b} is in use" in refused(a, b, out=tmp_path / "out")


def test_an_unfinished_run_is_told(a: Path, tmp_path: Path) -> None:
    b = change_json(make_run(tmp_path / "b", ["coal"]), finished=False)
    rows = (b / "scores.csv").read_text().splitlines(keepends=True)
    (b / "scores.csv").write_text("".join(rows[:-1]))
    told = merge(a, b, out=tmp_path / "out")
    assert any("1 finished cases that its tables do not show" in text for text in told)
    assert any("was not finished" in text for text in told)
    assert run.load(tmp_path / "out").info["finished"] is False


def test_nothing_is_left_of_a_merge_that_fails(
    a: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    b = make_run(tmp_path / "b", ["coal"])

    def stop(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(merging.merged, "scores_csv", stop)
    with pytest.raises(KeyboardInterrupt):
        merge(a, b, out=tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").touch()
    with pytest.raises(InputError, match="is not empty"):
        merge(a, b, out=full)
    assert "Not a directory" in refused(a, b, out=full / "mine/out")


def test_audit_rows_follow_their_methods(a: Path, tmp_path: Path) -> None:
    b = make_run(tmp_path / "b", ["theirs"])
    (b / "audit.csv").write_text("method,file,stored_as,verdict,remarks\ntheirs,f,s,drift,r\n")
    merge(a, b, out=tmp_path / "out", rename=[f"{b}:theirs=ours"])
    assert [row["method"] for row in run.load(tmp_path / "out").audit] == ["ours"]
