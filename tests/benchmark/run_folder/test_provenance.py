"""What run.json says of the environment."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from benchmark.run_folder import provenance


def test_of_two_installed_versions_the_one_that_python_imports_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, name, number in (
        ("first", "Some.Package", "2.0"),
        ("second", "some_package", "1.0"),
    ):
        info = tmp_path / folder / f"some_package-{number}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n")
    for folder in ("second", "first"):
        monkeypatch.syspath_prepend(tmp_path / folder)
    found = provenance.versions()
    assert found["Some.Package"] == "2.0" and "some_package" not in found
    assert found["numpy"] == version("numpy")
