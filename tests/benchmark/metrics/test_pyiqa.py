"""Metrics of pyiqa with a stand-in of its interface: it needs torchvision, as in test_lpips.

Its `psnr`, `ssim`, `gmsd`, `vif`, `fsim` and `piqe`, which need no download, were tried by hand.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.metrics import check_options, find, missing, names, pyiqa_metrics, score
from tests.benchmark.conftest import PROTOCOL, Bench


class StandIn:
    """Mean absolute difference, or the brightness of the result where no reference is needed."""

    def __init__(self, name: str) -> None:
        self.metric_mode = "NR" if name == "niqe" else "FR"
        self.lower_better = name != "ssim"
        self.score_range = "0, 1"

    def __call__(self, result: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        assert result.shape[:2] == (1, 3) and 0 <= float(result.min()) <= float(result.max()) <= 1
        if self.metric_mode == "NR":
            return result.mean()[None]
        return (result - reference).abs().mean()[None]


def create_metric(name: str, device: str) -> StandIn:
    if name == "musiq":
        raise OSError("musiq.pth cannot\nbe downloaded")
    if name == "clipscore":
        raise ModuleNotFoundError("No module named 'clip'")
    assert device == "cpu"
    return StandIn(name)


def forget() -> None:
    names._found_elsewhere.cache_clear()
    pyiqa_metrics._load.cache_clear()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    package: Any = types.ModuleType("pyiqa")
    package.create_metric = create_metric
    package.list_models = lambda: ["clipscore", "dists", "musiq", "niqe", "sfid", "ssim"]
    monkeypatch.setitem(sys.modules, "pyiqa", package)
    monkeypatch.setattr(pyiqa_metrics, "_version", lambda: "9.9")
    forget()
    yield
    forget()


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    forget()
    yield
    forget()


def pair() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    reference = np.full((300, 300, 3), 100, np.uint8)
    mask = np.zeros((300, 300), bool)
    mask[100:180, 100:180] = True
    result = reference.copy()
    result[mask] = 151
    return reference, result, mask


def test_over_the_image_and_the_box_around_the_hole(installed: None) -> None:
    found = score(*pair(), ["pyiqa:ssim", "pyiqa:niqe", "dists"])
    assert found["pyiqa:ssim"] == pytest.approx(51 / 255 * 80**2 / 300**2)
    assert found["pyiqa:ssim_hole"] == pytest.approx(51 / 255 * 80**2 / 120**2)
    assert found["pyiqa:niqe"] == pytest.approx((100 + 51 * 80**2 / 300**2) / 255)
    # Its value is that of the box alone.
    assert found["dists"] == found["pyiqa:ssim_hole"] and "dists_hole" not in found


def test_direction_range_and_need_of_a_reference_are_its_own(installed: None) -> None:
    ssim, niqe = find("pyiqa:ssim").describe(), find("pyiqa:niqe").describe()
    assert (ssim["better"], niqe["better"]) == ("higher", "lower")
    assert (ssim["needs_reference"], niqe["needs_reference"]) == (True, False)
    assert ssim["definition"].startswith("ssim of pyiqa 9.9, range by pyiqa 0, 1; over the whole")
    assert ssim["version"] == "pyiqa 9.9"


def test_names_that_it_does_not_have(installed: None) -> None:
    with pytest.raises(ValueError, match=r"'pyiqa:nique': did you mean 'pyiqa:niqe'\? pyiqa 9\.9"):
        check_options(["pyiqa:nique"])
    with pytest.raises(ValueError, match=r"'pyiqa:sfid' compares sets .* set-metrics"):
        check_options(["pyiqa:sfid"])


def test_what_to_do_when_it_or_its_weights_are_missing(installed: None) -> None:
    found = missing(["l1", "pyiqa:musiq", "pyiqa:clipscore", "pyiqa:niqe"])
    assert list(found) == ["pyiqa:musiq", "pyiqa:clipscore"]
    assert "(OSError: musiq.pth cannot be downloaded): its first use" in found["pyiqa:musiq"]
    assert found["pyiqa:clipscore"].endswith("'clip'): install that module")
    with pytest.raises(ValueError, match=r"pyiqa:musiq cannot be computed here: pyiqa cannot load"):
        score(*pair(), ["pyiqa:musiq"])


def test_a_run_without_it_has_an_empty_column_and_says_what_to_install(
    absent: None, bench: Bench
) -> None:
    metrics = '["l1", "pyiqa:niqe", "dists"]'
    bench.protocol.write_text(PROTOCOL.replace('["l1", "psnr", "ssim"]', metrics))
    done = bench.run("--methods", "telea", "--resolutions", "48")
    assert done.returncode == 0
    lacking = "the package pyiqa is missing: pip install '.[pyiqa]'"
    assert f"not computed: pyiqa:niqe: {lacking}" in done.stderr
    for row in bench.rows().values():
        assert row["pyiqa:niqe"] == row["dists"] == row["error"] == "" and row["l1"]
    table = (bench.out / "tables" / "objective.md").read_text()
    assert "| 48 niqe (pyiqa) |" in table and "DISTS: not computed: " in table
    assert "pip install '.\\[pyiqa]'" in table
    described = json.loads((bench.out / "run.json").read_text())["metrics"]
    assert described["dists"]["missing"].endswith("pip install '.[pyiqa]'")


@pytest.mark.slow
def test_once_installed_the_same_command_fills_the_column(
    monkeypatch: pytest.MonkeyPatch, bench: Bench
) -> None:
    bench.protocol.write_text(PROTOCOL.replace('["l1", "psnr", "ssim"]', '["dists"]'))
    words = ("--methods", "telea", "--resolutions", "48")
    forget()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pyiqa", None)
        bench.run(*words)
    seconds = [row["seconds"] for row in bench.rows().values()]
    assert not any(row["dists"] for row in bench.rows().values())
    forget()
    package: Any = types.ModuleType("pyiqa")
    package.create_metric, package.list_models = create_metric, lambda: ["dists"]
    monkeypatch.setitem(sys.modules, "pyiqa", package)
    bench.run(*words)
    forget()
    assert all(float(row["dists"]) > 0 for row in bench.rows().values())
    assert [row["seconds"] for row in bench.rows().values()] == seconds
