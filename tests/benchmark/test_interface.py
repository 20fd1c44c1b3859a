"""The benchmark from Python: the command's numbers, as tables of pandas."""

from __future__ import annotations

import csv
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from skimage.metrics import peak_signal_noise_ratio

import benchmark
from methods.errors import InputError
from tests.benchmark.conftest import Bench, save, scene
from tests.benchmark.own_methods import Grey
from tests.paths import ROOT

Call = Callable[..., pd.DataFrame]


@pytest.fixture
def call(photos: Path, protocol: Path, tmp_path: Path) -> Call:
    """`benchmark.run` on the tiny dataset."""

    def run(methods: Any = None, sizes: Any = None, **options: Any) -> pd.DataFrame:
        out = tmp_path / "python"
        return benchmark.run(photos, methods, sizes, out, protocol=protocol, **options)

    return run


@pytest.mark.slow
def test_a_run_gives_the_rows_of_the_command(call: Call, bench: Bench) -> None:
    assert bench.run("--methods", "telea", "--resolutions", "48,96").returncode == 0
    found = call(["telea"], [48, 96])
    with (bench.out / "scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(found) == list(rows[0])
    assert found["resolution"].tolist() == [int(row["resolution"]) for row in rows]
    assert found["image"].tolist() == [row["image"] for row in rows]
    for metric in ("l1", "psnr", "ssim", "psnr_hole"):
        assert found[metric].tolist() == [float(row[metric]) for row in rows]
    assert found["error"].eq("").all()
    assert found["scored_as_given"].eq(False).all()
    assert found.attrs["run"]["protocol"]["name"] == "tiny"


@pytest.mark.slow
def test_what_was_asked_for_is_recorded(call: Call) -> None:
    found = call({"wide": {"method": "telea", "radius": 9}, "usual": "telea"}, 48, seed=4)
    entries = {entry["label"]: entry for entry in found.attrs["run"]["methods"]}
    assert entries["wide"]["options"]["radius"] == 9
    assert entries["usual"]["method"] == "telea"
    (command,) = found.attrs["run"]["command"]
    assert command.startswith("benchmark.run(dataset=")
    assert "seed=4" in command
    assert "workers" not in command


@pytest.mark.slow
def test_options_may_be_numbers_of_numpy(call: Call) -> None:
    table = {"wide": {"method": "telea", "radius": np.int64(9)}, "usual": "telea"}
    found = call(table, np.int64(48), options={"usual": {"radius": np.int32(4)}})
    radii = [entry["options"]["radius"] for entry in found.attrs["run"]["methods"]]
    assert radii == [9, 4]


@pytest.mark.slow
def test_the_environment_is_left_as_it_was(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = dict(os.environ)
    call(["telea"], [48], workers=2)
    assert dict(os.environ) == before


@pytest.mark.slow
def test_runs_in_threads_do_not_stop_each_other(
    photos: Path, protocol: Path, tmp_path: Path
) -> None:
    def run(name: str) -> list[str]:
        methods = ["telea"] if name == "short" else ["navier-stokes", "patchmatch"]
        out = tmp_path / name
        return benchmark.run(photos, methods, [48, 96], out, protocol=protocol)["status"].tolist()

    with ThreadPoolExecutor(2) as threads:
        statuses = list(threads.map(run, ["long", "short"]))
    assert statuses == [["ok"] * 16, ["ok"] * 8]


@pytest.mark.slow
def test_a_changed_file_of_ones_own_is_told_until_its_cases_run_again(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text = (ROOT / "tests" / "benchmark" / "own_methods.py").read_text()
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine_to_change.py").write_text(text)
    call(["mine_to_change:Grey"], [48])
    assert "has changed" not in caplog.text
    (tmp_path / "mine_to_change.py").write_text(text + "\nCHANGED = True\n")
    for _ in range(2):
        caplog.clear()
        call(["mine_to_change:Grey"], [48])
        assert "the file of grey has changed since its finished cases ran" in caplog.text
    call(["mine_to_change:Grey"], [48], overwrite="all")
    caplog.clear()
    call(["mine_to_change:Grey"], [48])
    assert "has changed" not in caplog.text


@pytest.mark.slow
def test_an_interrupted_run_is_gone_on_with(call: Call) -> None:
    call(["telea"], [48])
    seen: list[tuple[int, int]] = []
    found = call(["telea"], [48, 64], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(number, 4) for number in (1, 2, 3, 4)]
    assert len(found) == 8


@pytest.mark.slow
def test_own_classes_and_options(call: Call) -> None:
    found = call([Grey], [48], options={"grey": {"value": 9}})
    assert found["method"].unique().tolist() == ["grey"]
    assert found.attrs["run"]["methods"][0]["options"]["value"] == 9


def test_a_case_without_a_result_is_a_row_that_says_why(
    call: Call, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "theirs").mkdir()
    shutil.copy(photos / "cliff.png", tmp_path / "theirs")
    found = call((), [96], external={"theirs": tmp_path / "theirs"}).set_index("image")
    assert found["status"].to_dict() == {
        "cliff": "ok", "bright": "skipped", "dunes": "skipped", "été 1": "skipped"
    }  # fmt: skip
    assert "theirs/dunes.png" in found["error"]["dunes"]
    assert found["psnr"].isna().sum() == found["scored_as_given"].isna().sum() == 3


@pytest.mark.slow
def test_nothing_is_printed(
    call: Call, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "benchmark"):
        call(["telea"], [48])
    assert capfd.readouterr() == ("", "")
    assert "4 photographs, 1 method" in caplog.text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"methods": "telea"}, r"give a list, such as \['telea'\]"),
        ({"methods": ["telia"]}, "did you mean 'telea'"),
        ({"methods": [int]}, "neither a name nor a subclass of Inpainter"),
        ({"methods": []}, "methods is empty"),
        ({"methods": {"a": {"radius": 3}}}, r'\[a\] must be a table with method = "NAME"'),
        ({"options": {"dfnet": {"a": 1}}}, "'dfnet' is not in this run"),
        ({"options": {"telea": {"radus": 1}}}, "unknown key 'radus'"),
        ({"sizes": [5000000]}, "resolution 5000000"),
        ({"sizes": 48.5}, "resolutions '48.5': write whole numbers"),
        ({"sizes": print}, "give pixels, or a list of them"),
        ({"progress": True}, "progress=True: a function"),
        ({"workers": 0}, "workers: .*greater than or equal to 1"),
        ({"overwrite": "yes"}, "overwrite: .*'never'"),
        ({"time_limit": -1}, "time_limit"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(
    call: Call, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said) as raised:
        call(**{"methods": ["telea"], "sizes": [48], **options})
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "python").exists()


def test_a_class_of_a_notebook_is_refused_with_the_remedy(call: Call) -> None:
    mine = type("Mine", (Grey,), {"__module__": "__main__"})
    with pytest.raises(InputError, match=r"save it to a file, such as mine\.py, .* 'mine:Mine'"):
        call([mine], [48])


@pytest.mark.slow
def test_a_script_needs_no_guard(photos: Path, protocol: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import benchmark\n"
        "print('once')\n"
        f"scores = benchmark.run({str(photos)!r}, ['telea'], [48], 'out', "
        f"protocol={str(protocol)!r})\n"
        "print(set(scores['status']))\n"
    )
    done = subprocess.run(
        [sys.executable, script.name],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["once", "{'ok'}"], done.stderr


def test_scores_that_are_no_numbers_or_names_that_look_like_some(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}x")
    (tmp_path / "scores.csv").write_text(
        "method,resolution,image,status,psnr,known_pixels_changed,error\n"
        "NA,48,007,ok,inf,3,\nNA,48,null,failed,,,no\n"
    )
    with pytest.raises(InputError, match=r"run\.json"):
        benchmark.read_scores(tmp_path)
    (tmp_path / "run.json").write_text('{"a": 1}')
    found = benchmark.read_scores(str(tmp_path))
    assert found["image"].tolist() == ["007", "null"]
    assert found["method"].tolist() == ["NA", "NA"]
    assert found["psnr"].tolist()[0] == np.inf
    assert found["known_pixels_changed"].isna().tolist() == [False, True]
    (tmp_path / "scores.csv").write_text("method,resolution,image,status,psnr,error\na,b,c,d,e,f\n")
    with pytest.raises(InputError, match=r"scores\.csv: .*'e'"):
        benchmark.read_scores(tmp_path)
    with pytest.raises(InputError, match=r"nothing/scores\.csv: no such file"):
        benchmark.read_scores(tmp_path / "nothing")


def test_arrays_are_scored() -> None:
    reference, result = scene(1, 40, 30), scene(2, 40, 30)
    mask = np.zeros((40, 30), bool)
    mask[10:20, 10:20] = True
    found = benchmark.score(reference, result, mask, ["psnr"])
    assert found["psnr"] == pytest.approx(peak_signal_noise_ratio(reference, result))
    hole = peak_signal_noise_ratio(reference[10:20, 10:20], result[10:20, 10:20])
    assert found["psnr_hole"] == pytest.approx(hole)
    assert benchmark.score(reference, result, None, ["psnr"]) == {"psnr": found["psnr"]}
    with pytest.raises(InputError, match="unknown metric 'l2'"):
        benchmark.score(reference, result, mask, ["l2"])
    with pytest.raises(InputError, match="reference: a NumPy array is needed, not list"):
        benchmark.score(reference.tolist(), result, mask)
    with pytest.raises(InputError, match=r"give a list, such as \['psnr'\]"):
        benchmark.score(reference, result, mask, "psnr")
    with pytest.raises(InputError, match="reference must be uint8"):
        benchmark.score(reference / 255, result, mask)


@pytest.mark.parametrize(
    ("names", "options", "said"),
    [
        (["psnr"], {"psnr": None}, "metric psnr: its options are a table, .*, not None; leave it"),
        (["psnr"], {"l1": []}, r"metric l1: its options are a table, .*, not \[\]; leave it out"),
        (["psnr"], ["psnr"], r"options of metrics: .* is their form, not \['psnr'\]"),
        (["psnr"], {"psnr": {"peak": 1}}, "metric psnr has no option 'peak'; valid: none"),
        ([["psnr"]], None, r"the name of a metric is text, not \['psnr'\]"),
    ],
)
def test_options_that_cannot_be_used_are_named(names: Any, options: Any, said: str) -> None:
    image = scene(1, 40, 30)
    with pytest.raises(InputError, match=said) as caught:
        benchmark.score(image, image, None, names, options)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_folder_of_results_is_scored_without_a_run(
    call: Call, photos: Path, protocol: Path, tmp_path: Path
) -> None:
    scored = call(["telea"], [48, 64])
    mine = tmp_path / "mine"
    shutil.copytree(tmp_path / "python" / "outputs" / "48" / "telea", mine / "48")
    (mine / "48" / "cliff.png").unlink()
    before = sorted(tmp_path.iterdir())
    found = benchmark.score_folder(mine, photos, protocol=protocol)
    assert sorted(tmp_path.iterdir()) == before
    assert found["method"].eq("mine").all()
    assert found["status"].tolist() == ["ok", "skipped", "ok", "ok"]
    assert "mine/48/cliff.png" in found["error"][1]
    expected = scored[(scored["resolution"] == 48) & (scored["image"] != "cliff")]
    assert found["psnr"].dropna().tolist() == expected["psnr"].tolist()


def test_folders_that_cannot_be_scored(photos: Path, protocol: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing: not a folder"):
        benchmark.score_folder(tmp_path / "nothing", photos, protocol=protocol)
    with pytest.raises(InputError, match="no 'protocl', did you mean 'protocol'"):
        benchmark.score_folder(photos, photos, protocl=protocol)
    drifted = tmp_path / "drifted"
    for path in photos.iterdir():
        save(drifted / path.name, scene(3, 48, 48))
    with pytest.raises(InputError, match="outside the hole"):
        benchmark.score_folder(drifted, photos, 48, protocol=protocol)
    found = benchmark.score_folder(
        drifted, photos, 48, name="Mine", protocol=protocol, accept_drift=True
    )
    assert found["method"].eq("Mine").all()
    assert found["scored_as_given"].all()
