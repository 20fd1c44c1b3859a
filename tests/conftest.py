"""What holds for all tests. With REQUIRE_ALL=1 a skipped test is a failed one."""

from __future__ import annotations

import os

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hosts of tests come and go with network interfaces, at which Chromium gives up whatever it is
    loading (ERR_NETWORK_CHANGED): tests of either kind never run at the same time."""
    for item in items:
        if item.path.parent.name in {"browser", "cluster"} or item.path.stem.startswith(
            "test_hosts"
        ):
            item.add_marker(pytest.mark.xdist_group("network"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    if report.skipped and os.environ.get("REQUIRE_ALL") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped though REQUIRE_ALL is set: {report.longrepr}"
    return report
