"""What a run asks of its scheduler."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from benchmark.cluster.client import ClusterClient


def test_a_worker_that_stops_at_once_counts_as_lost_although_it_is_still_listed() -> None:
    states = {"a": "running", "b": "closing", "c": "paused", "d": "closing_gracefully"}

    def sync(*_: object, **__: object) -> dict[str, Any]:
        return {"workers": {address: {"status": status} for address, status in states.items()}}

    client: Any = SimpleNamespace(id="ours", sync=sync, scheduler=SimpleNamespace(identity=None))
    assert set(ClusterClient(client, "tcp://here").workers()) == {"a", "c", "d"}
