"""Installed packages that methods need."""

from __future__ import annotations

from functools import cache
from importlib.metadata import (
    PackageNotFoundError,
    distribution,
    packages_distributions,
    version,
)
from importlib.util import find_spec

# Cached because it reads files and is needed for every case.
installed_version = cache(version)


def distribution_of(module: str, package: str) -> str | None:
    """Return the installed distribution that brings a module, or None: `package`, or another one,
    as opencv-contrib-python does in place of opencv-python."""
    root = module.partition(".")[0]
    # Of two that bring one module, removing one takes the other's files away.
    if find_spec(root) is None:
        return None
    try:
        distribution(package)
    except PackageNotFoundError:
        # Takes a tenth of a second.
        others = packages_distributions().get(root)
        return others[0] if others else None
    return package
