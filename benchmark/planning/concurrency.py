"""Numbers of workers and threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from methods.errors import InputError


def threads_per_case(cases_at_a_time: int) -> int:
    """Return the user's OMP_NUM_THREADS, or this case's share of the available cores."""
    return requested_threads() or max(1, available_cores() // cases_at_a_time)


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def requested_threads() -> int | None:
    """Return the first entry of OMP_NUM_THREADS, or None if it is unset or not a number."""
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) else None


def thread_variables(threads: int) -> dict[str, str]:
    """Return the environment variables that limit the methods' libraries to so many threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
    return dict.fromkeys(names, str(threads))


def limit_threads(threads: int) -> None:
    """Set the thread variables that the user has not set, for child processes to inherit."""
    for name, value in thread_variables(threads).items():
        os.environ.setdefault(name, value)


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Do so meanwhile: what a notebook does next, and other runs, find them as they were."""
    ours = [name for name in thread_variables(threads) if name not in os.environ]
    limit_threads(threads)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


def local_workers(cluster: str) -> int | None:
    """Return N of the cluster address "local:N", or None. Raises InputError for a bad N."""
    kind, _, number = cluster.partition(":")
    if kind != "local":
        return None
    if not number.isdecimal() or int(number) < 1:
        raise InputError(f"--cluster {cluster}: write local:N with the number of workers, local:2")
    return int(number)
