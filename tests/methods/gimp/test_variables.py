"""Which of GIMP's environment variables the suite's Python is started with."""

from __future__ import annotations

import tests.methods.gimp.conftest  # noqa: F401, the plug-in's modules become importable
import worker_process


def test_libraries_of_gimp_are_not_the_suites() -> None:
    own = {"PATH": "/bin", "LD_LIBRARY_PATH": "/opt/cuda"}
    assert (
        worker_process.suite_variables({**own, "PYTHONHOME": "/gimp", "PYTHONPATH": "/gimp"}) == own
    )
    bundled = {**own, "LD_LIBRARY_PATH": "/tmp/.mount_gimp/lib", "APPDIR": "/tmp/.mount_gimp"}
    assert worker_process.suite_variables(bundled) == {"PATH": "/bin", "APPDIR": "/tmp/.mount_gimp"}
