"""What holds for all tests. With REQUIRE_ALL=1 a skipped test is a failed one."""

from __future__ import annotations

import os
import tempfile
from contextlib import nullcontext
from pathlib import Path

import pytest
from filelock import FileLock

from tests.paths import ROOT

LOCK = FileLock(Path(tempfile.gettempdir()) / f"inpainting-tests-{os.getuid()}.lock")
# Folders of slow tests, and fixtures that make a test slow: a database, a server, a worker of GIMP.
SLOW_FOLDERS = {"tests/browser", "tests/benchmark/cluster", "tests/conformance", "tests/gimp"}
SLOW_FIXTURES = {"cluster", "production", "gimp", "start_gimp", "shared"}


def needs_lock(item: pytest.Item) -> bool:
    """Return whether a test uses a browser or hosts: hosts of tests come and go with network
    interfaces, at which Chromium gives up what it is loading (ERR_NETWORK_CHANGED)."""
    return item.path.parent.name in {"browser", "cluster"} or item.path.stem.startswith(
        "test_hosts"
    )


def is_slow(item: pytest.Item) -> bool:
    assert isinstance(item, pytest.Function)
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return (
        item.path.parent.relative_to(ROOT).as_posix() in SLOW_FOLDERS
        or needs_lock(item)
        or not SLOW_FIXTURES.isdisjoint(item.fixturenames)
        or parameters.get("backend") == "postgresql"
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark slow tests that do not say so themselves."""
    if is_slow(item):
        item.add_marker("slow")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With several processes put the tests that wait for each other first, which gives them all to
    one process, and the other slow ones next: those that run last are short."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: (not needs_lock(item), not item.get_closest_marker("slow")))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item):
    """Never run a test with a browser and one with hosts at the same time."""
    with LOCK if needs_lock(item) else nullcontext():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    if report.skipped and os.environ.get("REQUIRE_ALL") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped though REQUIRE_ALL is set: {report.longrepr}"
    return report
