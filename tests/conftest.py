"""What holds for all tests. With REQUIRE_ALL=1 a skipped test is a failed one."""

from __future__ import annotations

import os
import tempfile
from contextlib import nullcontext
from pathlib import Path

import pytest
from filelock import ReadWriteLock

from tests.paths import ROOT

LOCK = ReadWriteLock(Path(tempfile.gettempdir()) / f"inpainting-tests-{os.getuid()}.db")
# What this machine has fetched must not matter.
os.environ["INPAINTING_WEIGHTS"] = str(Path(tempfile.gettempdir()) / "inpainting-tests-weights")
# Folders of slow tests, and fixtures that make a test slow: a database, a server, a worker of GIMP.
SLOW_FOLDERS = {"tests/browser", "tests/benchmark/cluster", "tests/conformance", "tests/gimp"}
# Files whose tests take longest, half a minute each.
LONGEST = {"test_installation", "test_manual", "test_notebook", "test_other_pythons", "test_paper",
           "test_which_number"}  # fmt: skip
SLOW_FIXTURES = {"cluster", "production", "gimp", "start_gimp", "shared"}


def uses_hosts(item: pytest.Item) -> bool:
    """Return whether a test makes hosts, with which network interfaces come and go."""
    return item.path.parent.name == "cluster" or item.path.stem.startswith("test_hosts")


def uses_browser(item: pytest.Item) -> bool:
    return item.path.parent.name == "browser"


def is_slow(item: pytest.Item) -> bool:
    assert isinstance(item, pytest.Function)
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return (
        item.path.parent.relative_to(ROOT).as_posix() in SLOW_FOLDERS
        or uses_hosts(item)
        or not SLOW_FIXTURES.isdisjoint(item.fixturenames)
        or parameters.get("backend") == "postgresql"
    )


def together(items: list[pytest.Item]) -> list[list[pytest.Item]]:
    """Return the tests in lists of one, or of all that share fixtures of their module."""
    units: dict[object, list[pytest.Item]] = {}
    for item in items:
        assert isinstance(item, pytest.Function)
        fixtures = item._fixtureinfo.name2fixturedefs.values()
        shares = any(fixture[-1].scope == "module" for fixture in fixtures)
        units.setdefault(item.path if shares else item, []).append(item)
    return list(units.values())


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark slow tests that do not say so themselves."""
    if is_slow(item):
        item.add_marker("slow")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the tests for several processes, each of which gets an equal part of the list.

    Tests with hosts, which mostly wait, begin two of the parts; tests with a browser, which may
    not run beside them, are the last; of the others the longest and then the slow ones come first.
    Tests that share what a fixture of their module makes stay together, so that one process makes
    it."""
    if not hasattr(config, "workerinput"):
        return
    hosts = [item for item in items if uses_hosts(item)]
    browser = [item for item in items if uses_browser(item)]
    others = [item for item in items if not (uses_hosts(item) or uses_browser(item))]
    others.sort(
        key=lambda item: (item.path.stem not in LONGEST, not item.get_closest_marker("slow"))
    )
    units = together(others)
    count = config.workerinput["workercount"]
    modules = list(dict.fromkeys(item.path for item in hosts))
    first, second = ([item for item in hosts if item.path in modules[n::2]] for n in (0, 1))
    dealt = [item for number in range(count) for unit in units[number::count] for item in unit]
    ordered = [*first, *dealt, *browser]
    begin = len(items) // count
    items[:] = [*ordered[:begin], *second, *ordered[begin:]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item):
    """Never run a test with a browser while interfaces come and go: Chromium then gives up what
    it is loading (ERR_NETWORK_CHANGED)."""
    if uses_browser(item):
        lock = LOCK.write_lock()
    else:
        lock = LOCK.read_lock() if uses_hosts(item) else nullcontext()
    with lock:
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    if report.skipped and os.environ.get("REQUIRE_ALL") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped though REQUIRE_ALL is set: {report.longrepr}"
    return report
