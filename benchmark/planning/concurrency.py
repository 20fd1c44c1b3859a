"""TODO."""

from __future__ import annotations

import os

from methods.errors import InputError


def thread_variables(threads: int) -> dict[str, str]:
    """Environment variables by which the libraries of methods take that many threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
    return dict.fromkeys(names, str(threads))


def threads_wanted() -> int | None:
    """Of a case, by the user's OMP_NUM_THREADS, of whose list ("4,2") the first counts; None where
    that is no number."""
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) else None


def limit_threads(threads: int) -> None:
    """Share the cores among the inference processes, which inherit this environment; what the user
    has set stands."""
    for name, value in thread_variables(threads).items():
        os.environ.setdefault(name, value)


def local_workers(cluster: str) -> int | None:
    """N of "local:N", None for the address of a cluster. Raises InputError for a bad N."""
    kind, _, number = cluster.partition(":")
    if kind != "local":
        return None
    if not number.isdecimal() or int(number) < 1:
        raise InputError(f"--cluster {cluster}: write local:N with the number of workers, local:2")
    return int(number)
