"""Networks in the main job: without weights, with random ones, with wrong ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import methods
from benchmark.inputs import protocol
from benchmark.inputs.photos import Photo
from benchmark.planning.method_specs import collect
from benchmark.planning.plan import list_cases
from methods.errors import InputError
from tests.benchmark.conftest import PROTOCOL, Bench
from tests.fetched import fetched


@pytest.mark.slow
def test_without_weights_the_rows_say_how_to_get_them(bench: Bench) -> None:
    published = ("--option", "two-stage.networks=published")
    done = bench.run("--methods", "telea,dfnet,two-stage", "--resolutions", "48", *published)
    assert done.returncode == 0, done.stderr
    rows = bench.rows()
    for method, wanted in (("dfnet", ["dfnet"]), ("two-stage", ["dfnet", "refinement"])):
        row = rows[method, 48, "cliff"]
        assert row["status"] == "skipped"
        for name in wanted:
            assert f"python -m methods fetch {name}" in row["error"]


def of_cliff_alone(bench: Bench) -> Bench:
    for path in bench.photos.iterdir():
        if path.stem != "cliff":
            path.unlink()
    return bench


def test_weights_that_are_fetched_during_a_run_do_not_enter_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes that compute cases create the method themselves, whenever they start."""
    monkeypatch.setenv("INPAINTING_WEIGHTS", str(tmp_path / "kept"))
    (tmp_path / "tiny.toml").write_text(PROTOCOL)
    own = protocol.load(str(tmp_path / "tiny.toml"))
    photos = [Photo("cat", "cat.png", "0" * 64)]
    (case,) = list_cases(collect("two-stage"), photos, [48], own).cases
    fetched("dfnet")
    fetched("refinement")
    assert methods.create("two-stage").remark == "published weights"
    assert methods.create(case.spec.method, **case.spec.options).remark == "compact, trained here"


@pytest.mark.slow
def test_random_weights_run_everything_and_every_output_says_so(bench: Bench) -> None:
    bench = of_cliff_alone(replace(bench, page=True))
    weights = ("--weights", "dfnet=random", "--weights", "refinement=random")
    done = bench.run("--methods", "dfnet,two-stage", "--resolutions", "96", *weights)
    assert done.returncode == 0, done.stderr
    assert all(row["status"] == "ok" for row in bench.rows().values())
    found = {m["label"]: m for m in json.loads((bench.out / "run.json").read_text())["methods"]}
    assert found["dfnet"]["weights_sha256"] == {"dfnet": "random"}
    assert found["two-stage"]["weights_sha256"] == {"dfnet": "random", "refinement": "random"}
    for text in (
        done.stdout,
        (bench.out / "tables" / "objective.md").read_text(),
        (bench.out / "tables" / "objective.tex").read_text(),
        (bench.out / "report.html").read_text(),
    ):
        assert text.count("RANDOM WEIGHTS") >= 2


@pytest.mark.slow
def test_the_networks_that_come_with_the_suite_are_named_in_every_table(bench: Bench) -> None:
    bench = of_cliff_alone(replace(bench, page=True))
    weights = ("--weights", "dfnet=compact")
    done = bench.run("--methods", "dfnet,two-stage", "--resolutions", "96", *weights)
    assert done.returncode == 0, done.stderr
    assert all(row["status"] == "ok" for row in bench.rows().values())
    tables = bench.out / "tables"
    for text in (
        done.stdout,
        (tables / "objective.md").read_text(),
        (tables / "cost.tex").read_text(),
        (bench.out / "report.html").read_text(),
    ):
        for method in ("dfnet", "two-stage"):
            assert f"{method} (compact, trained here)" in text
    assert (tables / "objective.csv").read_text().count("\ntwo-stage,") == 1


def test_a_wrong_file_stops_the_run_before_anything_is_written(bench: Bench) -> None:
    page = bench.photos.parent / "model_places2.pth"
    page.write_text("<!DOCTYPE html><html><body>Too many requests</body></html>")
    for name, path in (("dfnet", page), ("dfnet", page.with_name("not_there.pth"))):
        done = bench.run("--methods", "telea,dfnet", "--weights", f"{name}={path}")
        assert done.returncode == 2 and not bench.out.exists()
        assert done.stderr.count("\n") == 1 and path.name in done.stderr


def test_weights_go_to_everything_that_uses_them() -> None:
    specs = {
        spec.label: spec.options
        for spec in collect(
            "dfnet,two-stage,two-stage:telea",
            weights=["dfnet=a.pth", "refinement=b.pth"],
        )
    }
    assert specs["dfnet"]["weights"] == "a.pth"
    assert specs["two-stage"]["weights"] == "b.pth"
    assert specs["two-stage"]["stage_one_options"] == {"weights": "a.pth"}
    assert specs["two-stage:telea"]["weights"] == "b.pth"
    assert "stage_one_options" not in specs["two-stage:telea"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dfnet", "write it as NAME=PATH"),
        ("dfnet=", "write it as NAME=PATH"),
        ("hifill=x.pb", "those it takes: dfnet, refinement"),
    ],
)
def test_weights_that_nothing_takes(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        collect("telea,two-stage", weights=[text])
