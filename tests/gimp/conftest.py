"""Tests in a real GIMP 3, by `make test-gimp` alone: they need root and a chroot of a gigabyte."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.gimp.real_gimp import RealGimp

ROOT_VARIABLE = "GIMP_ROOT"

if ROOT_VARIABLE not in os.environ:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def gimp() -> Iterator[RealGimp]:
    """GIMP with the plug-in installed, in a folder short enough for the paths of sockets."""
    with TemporaryDirectory(prefix="gimp-") as folder:
        real = RealGimp(Path(os.environ[ROOT_VARIABLE]), Path(folder))
        real.install()
        yield real
