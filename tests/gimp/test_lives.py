"""The worker beside GIMP, and an environment that has moved."""

from __future__ import annotations

import json
from typing import Any

import psutil
import pytest

from tests.gimp.real_gimp import RealGimp


@pytest.fixture(scope="module")
def found(gimp: RealGimp) -> dict[str, Any]:
    return gimp.run("lives")


def test_fills_share_a_worker(found: dict[str, Any]) -> None:
    told = found["shared"]
    assert told["fills"] == ["success", "success"]
    assert told["first"] and told["first"] == told["second"]


def test_a_worker_that_dies_leaves_the_image_as_it_was(found: dict[str, Any]) -> None:
    told = found["killed"]
    assert told["begun"] and told["unchanged"] and told["gone"]
    assert told["status"] == "execution-error"
    assert "The worker has died; its log is " in told["message"]
    assert told["after"] == "success"


def test_who_cancels_stops_the_computation_and_keeps_the_image(found: dict[str, Any]) -> None:
    told = found["cancelled"]
    assert told["begun"] and told["unchanged"] and told["gone"]
    assert told["status"] != "success"
    assert told["after"] == "success"


def test_the_worker_ends_with_gimp(found: dict[str, Any], gimp: RealGimp) -> None:
    assert found["last"]
    still = [psutil.Process(found["last"])] if psutil.pid_exists(found["last"]) else []
    assert not psutil.wait_procs(still, timeout=30)[1]
    assert not list((gimp.shared / "run").glob("*/gimp-*.json"))


def test_an_environment_that_has_moved_is_named_with_the_remedy(gimp: RealGimp) -> None:
    kept = gimp.record.read_text()
    gimp.record.write_text(json.dumps(json.loads(kept) | {"python": "/moved/bin/python"}))
    try:
        told = gimp.run("moved")
    finally:
        gimp.record.write_text(kept)
    assert told["unchanged"] and told["status"] == "execution-error"
    assert "there is no /moved/bin/python: run `python -m methods gimp install`" in told["message"]
