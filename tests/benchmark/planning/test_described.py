"""What run.json says about the code of a method."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from benchmark.planning.described import describe
from methods.classical import Telea
from tests.benchmark.own_methods import Grey

OWN = "tests.benchmark.own_methods:Grey"


def described(method: str, **options: Any) -> dict[str, Any]:
    return describe("label", method, options, "cpu", [48], [(48, "cat")]).provenance


def test_versions_of_an_adapter_and_its_parts_are_recorded() -> None:
    assert described("telea")["adapter_versions"] == {"telea": Telea.version}
    found = described("two-stage", stage_one=OWN, refine=False)["adapter_versions"]
    assert found["grey"] == Grey.version and set(found) == {"grey", "two-stage"}


def test_the_file_of_ones_own_class_is_recorded_also_as_stage_one() -> None:
    content = (Path(__file__).parents[1] / "own_methods.py").read_bytes()
    expected = hashlib.sha256(content).hexdigest()
    assert described(OWN)["source_sha256"] == expected
    assert described("two-stage", stage_one=OWN, refine=False)["source_sha256"] == expected
    assert described(f"two-stage:{OWN}", refine=False)["source_sha256"] == expected
    assert "source_sha256" not in described("two-stage:telea", refine=False)
