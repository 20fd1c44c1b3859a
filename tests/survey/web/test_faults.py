"""No vote lost and none twice, whatever happens: on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from survey.storage import database, schema, store
from survey.storage.open_study import OpenStudy
from survey.storage.tallies import FinishedCounts, pair_counts
from tests.survey.conftest import Served, Visitor, make_study
from tests.survey.counted import assert_all_counted, times_asked
from tests.survey.crowd import Crowd
from tests.survey.load import Link, Participant, run
from tests.survey.places import unlimited
from tests.survey.production import Server

Start = Callable[..., Server]
Serve = Callable[..., Served]
PEOPLE = 60


def test_every_acknowledged_vote_survives_a_killed_server(
    busy: Path, watched: OpenStudy, production: Start
) -> None:
    """One process killed, then all of them, while 60 people vote, each vote sent twice."""
    server = production(busy)
    crowd = Crowd(server.port)

    async def acknowledged(votes: int) -> None:
        while len(crowd.allowed) < votes:
            await asyncio.sleep(0.01)

    async def disturb() -> None:
        await acknowledged(PEOPLE)
        os.kill(server.workers()[0], signal.SIGKILL)
        await acknowledged(2 * PEOPLE)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)

    async def everything() -> None:
        await asyncio.gather(crowd.play(PEOPLE), disturb())

    run(everything())
    assert server.stop() == 0
    assert_all_counted(watched, crowd, PEOPLE)


def test_many_start_at_once(busy: Path, watched: OpenStudy, production: Start) -> None:
    """20 at a time with one platform's id, and by impatient clicks: one participation each."""
    server = production(busy)

    async def at_once(somebody: Participant, **carried: str) -> None:
        await somebody.welcome("?participant_id=same" if carried else "")
        links = [Link(server.port) for _ in range(20)]
        replies = await asyncio.gather(*(somebody.consent(link, **carried) for link in links))
        assert {reply.status for reply in replies} == {303}

    async def everything() -> None:
        await at_once(Participant(server.port), participant_id="same")
        await asyncio.gather(*(at_once(Participant(server.port)) for _ in range(3)))

    run(everything())
    with database.reading(watched.engine) as connection:
        ids = [person.platform_id for person in store.all_participants(connection)]
    assert sorted(ids, key=str) == [None, None, None, "same"]
    assert set(times_asked(watched).values()) == {1}


def test_questions_of_those_who_left_are_given_again(
    tmp_path: Path, backend: str, serve: Serve
) -> None:
    served = serve(unlimited(make_study(tmp_path, images=6, pairs=6, database=backend)))
    first = Visitor(served.address)
    first.start()
    first.vote(1)
    with database.writing(served.study.engine) as connection:
        connection.execute(update(schema.participants).values(last_seen_at=0))
    for _ in range(3):
        Visitor(served.address).start()
    # 18 pairs: three people have each once, the first one's included.
    assert Counter(times_asked(served.study).values()) == {1: 12, 2: 6}
    # Who comes back all the same goes on.
    first.finish()
    assert first.get("/done").url.endswith("/done")


@pytest.mark.slow
def test_what_was_asked_is_counted_alike_from_start_to_start(
    tmp_path: Path, backend: str, serve: Serve
) -> None:
    """A process remembers who finished; afresh, the numbers are the same."""
    served = serve(unlimited(make_study(tmp_path, images=4, pairs=3, database=backend)))
    finished = []
    for number in range(6):
        visitor = Visitor(served.address)
        visitor.start()
        if number % 3:
            visitor.finish()
            finished.append(visitor)
        if number == 4:
            assert finished[0].withdraw().status_code == 200
        with database.reading(served.study.engine) as connection:
            for unfinished in (True, False):
                afresh, remembered = (
                    pair_counts(connection, 0, unfinished, settled)
                    for settled in (FinishedCounts(), served.study.finished_counts)
                )
                assert afresh == remembered
        assert sum(times.total for times in afresh.values()) == 3 * (number + 1 - (number >= 4))


def test_a_stopping_server_finishes_what_is_under_way(
    busy: Path, watched: OpenStudy, production: Start
) -> None:
    server = production(busy)

    async def stopped_while_voting() -> None:
        somebody = Participant(server.port)
        await somebody.welcome()
        await somebody.consent()
        with database.writing(watched.engine) as connection:
            # Until this ends, the vote has to wait.
            connection.execute(select(schema.participants).with_for_update())
            vote = asyncio.create_task(somebody.vote(1, "right"))
            await asyncio.sleep(0.5)
            server.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.5)
            assert not vote.done()
        answer = await vote
        assert answer.status == 200 and answer.json["question"]["position"] == 2

    run(stopped_while_voting())
    assert server.stop() == 0
    with database.reading(watched.engine) as connection:
        assert [row.choice for row in store.answers(connection)] == ["right"]
    assert "Traceback" not in server.output.read_text()


def test_withdrawing_while_votes_arrive_leaves_nothing(
    busy: Path, watched: OpenStudy, production: Start
) -> None:
    server = production(busy)

    async def vote_and_leave() -> list[int]:
        somebody = Participant(server.port)
        await somebody.welcome("?participant_id=x")
        await somebody.consent(participant_id="x")
        await somebody.question()
        await somebody.ask_to_withdraw()
        links = [Link(server.port) for _ in range(8)]
        leaving = (somebody.withdraw(link) for link in links[4:])
        voting = (somebody.vote(1, "left", link) for link in links[:4])
        replies = await asyncio.gather(*voting, *leaving)
        return [reply.status for reply in replies]

    for _ in range(10):
        statuses = run(vote_and_leave())
        assert set(statuses[:4]) <= {200, 410} and set(statuses[4:]) == {200}
    with database.reading(watched.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(schema.questions)) == 0
        assert connection.scalar(select(func.count()).select_from(schema.votes)) == 0
        people = store.all_participants(connection)
    assert len(people) == 10 and {person.platform_id for person in people} == {None}
