"""How cases are cut into batches."""

from __future__ import annotations

from benchmark.cluster.queues import MOST_BYTES, Batches, Group
from benchmark.inputs.dataset import Photo
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Case
from benchmark.run_folder.folder import Row

STANDING: Group = ("telea", 48, True)
NEW: Group = ("telea", 48, False)


def batches(*groups: Group) -> Batches:
    """One case of each group, in that order."""
    return Batches([(number, entry(group)) for number, group in enumerate(groups)])


def entry(group: Group) -> tuple[Case, Row | None]:
    method, size, standing = group
    case = Case(MethodSpec(method, method, {}), size, Photo("a", "a.png", ""), "", "", "")
    return case, Row(*case.slot, status="ok") if standing else None


def test_cases_go_out_alone_until_their_time_is_known() -> None:
    cut = batches(*[NEW] * 100)
    assert [cut.take(1), cut.take(1)] == [[0], [1]]
    cut.learn(NEW, 0.25)
    assert cut.take(1) == list(range(2, 10))
    cut.learn(NEW, 60)
    assert cut.take(1) == [10]


def test_how_long_scoring_takes_tells_nothing_of_running() -> None:
    cut = batches(*[STANDING] * 3, *[NEW] * 100)
    cut.learn(STANDING, 0.01)
    assert [cut.take(1), cut.take(1)] == [[0, 1, 2], [3]]


def test_a_batch_is_no_larger_than_a_worker_can_hold() -> None:
    large: Group = ("telea", 2048, False)
    cut = batches(*[large] * 9000)
    cut.learn(large, 0.001)
    assert len(cut.take(10)) == MOST_BYTES // (2048**2 * 3) > 1


def test_the_end_is_shared_among_the_workers() -> None:
    cut = batches(*[NEW] * 16)
    cut.learn(NEW, 0.01)
    assert [len(cut.take(2)) for _ in range(4)] == [4, 3, 2, 1]
