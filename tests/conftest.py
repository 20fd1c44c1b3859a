"""What holds for all tests. With REQUIRE_ALL=1 a skipped test is a failed one."""

from __future__ import annotations

import os
import tempfile
from contextlib import nullcontext
from pathlib import Path

import pytest
from filelock import FileLock

LOCK = FileLock(Path(tempfile.gettempdir()) / f"inpainting-tests-{os.getuid()}.lock")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item):
    """Hosts of tests come and go with network interfaces, at which Chromium gives up whatever it is
    loading (ERR_NETWORK_CHANGED): tests of either kind never run at the same time."""
    where = item.path.parent.name
    touched = where in {"browser", "cluster"} or item.path.stem.startswith("test_hosts")
    with LOCK if touched else nullcontext():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    if report.skipped and os.environ.get("REQUIRE_ALL") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped though REQUIRE_ALL is set: {report.longrepr}"
    return report
