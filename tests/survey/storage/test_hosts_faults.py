"""Two hosts serve one study, people are sent from one to the other, hosts fail: as on one machine
no vote is lost, none counts twice. The clock of one of the hosts is five minutes ahead."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from survey.storage import database, store
from survey.storage.open_study import OpenStudy
from tests.paths import ROOT
from tests.survey import postgresql
from tests.survey.counted import assert_all_counted, times_asked
from tests.survey.crowd import Crowd, insist
from tests.survey.load import Link, Participant, run
from tests.survey.several import Machines, Site, machines, site

WAVE, PEOPLE = 10, 40
# Who come together, four times, and how many of them all are let in.
COMING, LET_IN = 10, 35
LONGEST_S = 60
# Takes the locks of starts and of a person, as a host in the middle of both, and says so.
HOLD = """
import sys
from pathlib import Path
from survey.storage import database, store
from survey.storage.open_study import open_study
opened = open_study(Path(sys.argv[1]))
with database.writing(opened.engine) as connection:
    store.study_row(connection, lock=True)
    store.find(connection, sys.argv[2], lock=True)
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def found() -> Iterator[Machines]:
    reason = postgresql.why_not()
    if reason:
        pytest.skip(reason)
    with machines() as made:
        yield made


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_every_acknowledged_vote_survives_hosts_that_fail(found: Machines, tmp_path: Path) -> None:
    """The two votes on a question go to two hosts at once, and the next two the other way round.
    People come in four waves; in the midst of each something fails."""
    began = now_ms()
    with site(found, tmp_path) as served:
        crowd = Crowd(served.port, served.hosts)
        first, second = served.servers
        for fail, repair in (
            (first.kill, first.start),
            (second.host.cut, second.host.mend),
            (found.cluster.stop, found.cluster.start),
            (second.kill, second.start),
        ):
            run(wave(crowd, fail, repair))
        assert crowd.people == PEOPLE
        assert_all_counted(served.seen, crowd, PEOPLE)
        assert_one_clock(served.seen, began)


async def wave(crowd: Crowd, fail: Callable[[], None], repair: Callable[[], None]) -> None:
    async def disturb() -> None:
        await acknowledged(crowd, WAVE)
        await asyncio.to_thread(fail)
        # Nobody waits for a host that is gone, but all do for the database.
        if fail.__name__ != "stop":
            await acknowledged(crowd, WAVE)
        await asyncio.to_thread(repair)

    async with asyncio.timeout(LONGEST_S):
        await asyncio.gather(crowd.play(WAVE), disturb())


async def acknowledged(crowd: Crowd, more: int) -> None:
    until = len(crowd.allowed) + more
    while len(crowd.allowed) < until:
        await asyncio.sleep(0.01)


def test_nobody_is_let_in_beyond_the_target_while_hosts_fail(
    found: Machines, tmp_path: Path
) -> None:
    """Nor is it missed: who came before takes part to the end, who comes later is told."""
    with site(found, tmp_path, target_votes=3 * LET_IN) as served:
        crowd = Crowd(served.port, served.hosts)
        first, second = served.servers
        for fail, repair in (
            (first.kill, first.start),
            (found.cluster.stop, found.cluster.start),
            (second.host.cut, second.host.mend),
            (second.kill, second.start),
        ):
            run(starting(crowd, fail, repair))
        assert crowd.people == LET_IN + len(crowd.refused) > LET_IN
        assert_all_counted(served.seen, crowd, LET_IN)
        assert sum(times_asked(served.seen).values()) == 3 * LET_IN


async def starting(crowd: Crowd, fail: Callable[[], None], repair: Callable[[], None]) -> None:
    async with asyncio.timeout(2 * LONGEST_S), asyncio.TaskGroup() as group:
        playing = group.create_task(crowd.play(COMING))
        starts = crowd.starts
        while crowd.starts == starts:
            await asyncio.sleep(0)
        await asyncio.to_thread(fail)
        votes = len(crowd.allowed)
        while fail.__name__ != "stop" and not playing.done() and len(crowd.allowed) < votes + 5:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(repair)


def assert_one_clock(study: OpenStudy, began: int) -> None:
    with database.reading(study.engine) as connection:
        answers, people = store.answers(connection), store.all_participants(connection)
    for person in people:
        given = [row.answered_at for row in answers if row.participant == person.id]
        times = [person.started_at, *given, person.finished_at]
        assert times == sorted(times)
        assert began <= times[0] and times[-1] <= now_ms()


def test_starts_at_both_hosts_at_once(found: Machines, tmp_path: Path) -> None:
    """One participation for a platform's id, and for each impatient person; nobody beyond the
    target, which is not missed either."""
    with site(found, tmp_path, target_votes=15) as served:

        async def at_once(somebody: Participant, **carried: str) -> list[int]:
            await somebody.welcome("?participant_id=same" if carried else "")
            links = [Link(served.port, served.hosts) for _ in range(10)]
            for link in links[::2]:
                next(link.turns)
            replies = await asyncio.gather(*(somebody.consent(link, **carried) for link in links))
            return [reply.status for reply in replies]

        async def everything() -> list[list[int]]:
            people = [Participant(served.port, served.hosts) for _ in range(9)]
            known = Participant(served.port, served.hosts)
            first = await at_once(known, participant_id="same")
            return [first, *await asyncio.gather(*map(at_once, people))]

        statuses = Counter(frozenset(one) for one in run(everything()))
        assert statuses == {frozenset({303}): 5, frozenset({403}): 5}
        with database.reading(served.seen.engine) as connection:
            ids = [person.platform_id for person in store.all_participants(connection)]
        assert sorted(ids, key=str) == [None] * 4 + ["same"]
        counted = times_asked(served.seen)
        assert sum(counted.values()) == 15 and max(counted.values()) - min(counted.values()) <= 1


def test_what_a_host_held_when_it_was_cut_off_is_free_soon(found: Machines, tmp_path: Path) -> None:
    """Nobody could start or vote any more until PostgreSQL noticed, in two hours."""
    with site(found, tmp_path) as served:
        staying, cut = served.servers
        somebody = Participant(served.port, served.hosts._replace(addresses=[staying.host.address]))
        run(taking_part(somebody))
        with database.reading(served.seen.engine) as connection:
            code = store.all_participants(connection)[0].code
        holding = cut.host.start(
            [sys.executable, "-c", HOLD, str(cut.folder), code], cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert holding.stdout and holding.stdout.readline() == b"locked\n"
        cut.host.cut()
        try:
            run(others_go_on(served, somebody, staying.host.address))
        finally:
            cut.host.mend()


async def taking_part(somebody: Participant) -> None:
    await somebody.welcome()
    assert (await somebody.consent()).status == 303


async def others_go_on(served: Site, somebody: Participant, address: str) -> None:
    there = served.hosts._replace(addresses=[address], patience_s=30)
    other, link = Participant(served.port, there), Link(served.port, there)
    await other.welcome()
    async with asyncio.timeout(40):
        vote, start = await asyncio.gather(
            insist(lambda: somebody.vote(1, "right", link)), insist(other.consent)
        )
    assert (vote.status, start.status) == (200, 303)
