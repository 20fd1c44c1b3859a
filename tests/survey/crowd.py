"""People who answer everything while the server fails, and who try again until it answers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from tests.survey.load import HERE, Answer, Hosts, Link, Participant

TRIES, PAUSE_S = 1000, 0.05
OTHER = {"left": "right", "right": "left"}


async def insist(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """The first answer that is no error of the server."""
    for _ in range(TRIES):
        try:
            answer = await ask()
        except (OSError, EOFError, TimeoutError):
            pass
        else:
            if answer.status < 500:
                return answer
        await asyncio.sleep(PAUSE_S)
    raise AssertionError("the server did not come back")


class Crowd:
    """Each vote is posted twice at the same time, some with another choice the second time, and
    some are posted once more, changed, after they were acknowledged.

    allowed: (who, position) -> the choices one of which was acknowledged; ends: who -> the last
    page; refused: who came when the study was full."""

    def __init__(self, port: int, hosts: Hosts = HERE) -> None:
        self.port, self.hosts, self.people = port, hosts, 0
        self.allowed: dict[tuple[str, int], set[str]] = {}
        self.ends: dict[str, bytes] = {}
        self.refused: set[str] = set()
        self.starts = 0

    async def play(self, people: int) -> None:
        """So many more take part."""
        before, self.people = self.people, self.people + people
        async with asyncio.TaskGroup() as group:
            for number in range(before, self.people):
                group.create_task(self._take_part(f"w{number}"))

    async def _take_part(self, who: str) -> None:
        luck = random.Random(who)
        # Where there are two hosts, the two votes on a question go to both at the same time.
        others = self.hosts._replace(addresses=self.hosts.addresses[::-1])
        first, second = Participant(self.port, self.hosts), Link(self.port, others)
        await insist(lambda: first.welcome(f"?participant_id={who}"))
        started = await insist(lambda: first.consent(participant_id=who))
        self.starts += 1
        if b"X-Stopped: full" in started.head or b"X-Stopped: taken" in started.head:
            self.refused.add(who)
            return
        assert started.status == 303, started
        asked = (await insist(lambda: first.ask("GET", "/question"))).json["question"]
        early = await insist(lambda: first.ask("GET", "/done"))
        assert early.status == 302, "the end is shown before all is answered"
        while asked:
            asked = await self._answer(first, second, who, asked["position"], luck)
        end = await insist(lambda: first.ask("GET", "/done"))
        assert end.status == 200
        self.ends[who] = end.body
        first.link.close()
        second.close()

    async def _answer(
        self, somebody: Participant, second: Link, who: str, position: int, luck: random.Random
    ) -> Any:
        """The next question."""
        choice = luck.choice(["left", "right"])
        again = OTHER[choice] if luck.random() < 0.3 else choice
        replies = await asyncio.gather(
            insist(lambda: somebody.vote(position, choice)),
            insist(lambda: somebody.vote(position, again, second)),
        )
        self.allowed[who, position] = {choice, again}
        if luck.random() < 0.3:
            replies.append(await insist(lambda: somebody.vote(position, OTHER[choice])))
        for reply in replies:
            assert reply.status == 200, reply
            assert reply.json == replies[0].json
        return replies[0].json["question"]
