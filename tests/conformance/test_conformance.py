"""The proof that travels with the project, and that the program which gives it can fail."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.command_line import run
from tests.paths import DATA

NETWORKS = ["dfnet", "two_stage", "deepfillv2", "hifill"]


def conformance(network: str, folder: Path) -> tuple[int, list[list[str]], str]:
    """Exit code, the lines of stdout split at tabs, stderr."""
    done = run("tests.conformance", network, folder)
    return done.returncode, [line.split("\t") for line in done.stdout.splitlines()], done.stderr


@pytest.mark.parametrize("network", NETWORKS)
def test_the_vectors_in_the_project_are_met(network: str) -> None:
    code, rows, said = conformance(network, DATA / network)
    assert code == 0, said
    files = {path.name for path in (DATA / network).glob("*.npz")}
    assert {row[0] for row in rows} == files
    for _, _, difference, tolerance, verdict in rows:
        assert verdict == "pass" and float(difference) <= float(tolerance)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The DFNet vectors, to be spoilt."""
    return Path(shutil.copytree(DATA / "dfnet", tmp_path / "dfnet"))


def rewrite(path: Path, **changes: np.ndarray) -> None:
    with np.load(path) as content:
        arrays = {**content}
    np.savez(path, **{**arrays, **changes})


def failed(rows: list[list[str]]) -> set[str]:
    return {row[1] for row in rows if row[4] == "FAIL"}


def test_one_wrong_value_fails_and_so_does_an_array_nobody_compares(small: Path) -> None:
    path = next(small.glob("forward_*.npz"))
    with np.load(path) as content:
        spoilt = content["alpha_3"].copy()
    spoilt[0, 1, 2, 3] += 3e-5
    rewrite(path, alpha_3=spoilt, extra=np.zeros(3))
    np.savez(small / "unheard_of.npz", more=np.zeros(3))
    code, rows, _ = conformance("dfnet", small)
    assert code == 1 and failed(rows) == {"alpha_3", "extra", "more"}


def test_a_file_that_cannot_be_computed_fails_and_the_others_go_on(small: Path) -> None:
    path = next(small.glob("forward_*.npz"))
    shutil.copy(path, small / "forward_spoilt.npz")
    rewrite(small / "forward_spoilt.npz", mask_u8=np.zeros((1, 1, 256, 300), np.uint8))
    code, rows, said = conformance("dfnet", small)
    assert code == 1 and "forward_spoilt.npz: stopped by an error" in said
    verdicts = {row[0]: set() for row in rows}  # type: dict[str, set[str]]
    for row in rows:
        verdicts[row[0]].add(row[4])
    assert verdicts[path.name] == {"pass"} and "FAIL" in verdicts["forward_spoilt.npz"]


def test_the_salt_is_that_of_the_folder(small: Path) -> None:
    cases = json.loads((small / "forward_cases.json").read_text())
    for case in cases["cases"].values():
        case["salt"] = "another:"
    (small / "forward_cases.json").write_text(json.dumps(cases))
    code, rows, _ = conformance("dfnet", small)
    assert code == 1 and "result_0" in failed(rows)


def test_nothing_to_compare_is_a_failure(tmp_path: Path) -> None:
    assert conformance("dfnet", tmp_path)[0] == 1
    assert conformance("dfnet", tmp_path / "not_there")[0] == 2
