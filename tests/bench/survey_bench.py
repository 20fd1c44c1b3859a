"""The survey's production server under load: `python -m tests.bench.survey_bench`.

Server and load share the machine, as they do on an owner's laptop. The study is the paper's size:
34 images, 7 methods, 25 questions and 2 validation questions for each person.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from PIL import Image as PillowImage
from sqlalchemy import insert

from survey.results import export
from survey.results.board import board
from survey.setup import create
from survey.storage import database, schema, store
from survey.storage.open_study import OpenStudy, open_study
from tests.survey import postgresql
from tests.survey.load import Answer, Participant
from tests.survey.production import Server

METHODS, IMAGES = 7, 34
PEOPLE, PAUSE_S, CALM_S = 200, 2.0, 24.0
# As many at a time click without pause; each takes part once, and they come in groups.
EAGER, RUSHING, GROUP, RUSH_S = 100, 400, 50, 10.0
FORMER = 1500
REPEATS = 5


def study(folder: Path, where: str) -> Path:
    """A new study of tiny images: the server sends files, however large, without our help."""
    given = []
    for method in (*(f"method{number}" for number in range(METHODS)), "reference"):
        place = folder / "images" / method
        place.mkdir(parents=True)
        for image in range(IMAGES):
            PillowImage.new("RGB", (8, 8), (image, 0, 0)).save(place / f"image{image:02d}.png")
        given.append(f"{method}={place}")
    wanted = create.Request(folder / "study", images=given, check="method0", database=where)
    create.create(wanted, create.find_images(wanted))
    settings = folder / "study" / "study.toml"
    limit = "starts_per_minute = "
    settings.write_text(settings.read_text().replace(f"{limit}60", f"{limit}1000000"))
    return folder / "study"


class Taken(NamedTuple):
    """Milliseconds of each request, votes in votes."""

    starts: list[float]
    votes: list[float]
    errors: list[int]


Entered = tuple[Participant, dict[str, Any]]


async def take_part(port: int, taken: Taken, until: float, pause: Callable[[], float]) -> None:
    """Start, and vote until all is answered or the time is over."""
    somebody = Participant(port)
    await somebody.welcome()
    await timed(somebody.consent(), taken.starts, 303, taken)
    asked = await somebody.question()
    while asked and time.perf_counter() < until:
        await asyncio.sleep(pause())
        reply = await timed(somebody.vote(asked["position"], "left"), taken.votes, 200, taken)
        asked = reply.json.get("question")
    somebody.link.close()


async def timed(
    request: Awaitable[Answer], into: list[float], expected: int, taken: Taken
) -> Answer:
    began = time.perf_counter()
    answer = await request
    into.append(1000 * (time.perf_counter() - began))
    if answer.status != expected:
        taken.errors.append(answer.status)
    return answer


def calm(port: int) -> Taken:
    """People who look at each pair for 2 s, give or take one; they start within as much time."""
    taken, rng = Taken([], [], []), np.random.default_rng(0)
    until = time.perf_counter() + CALM_S

    async def one() -> None:
        await asyncio.sleep(rng.uniform(0, 5 * PAUSE_S))
        await take_part(port, taken, until, lambda: rng.uniform(0.5, 1.5) * PAUSE_S)

    async def everybody() -> None:
        await asyncio.gather(*(one() for _ in range(PEOPLE)))

    asyncio.run(everybody())
    return taken


def crowd(port: int, taken: Taken) -> list[Entered]:
    """People at their first question, enough of them for the whole rush."""

    async def enter() -> Entered:
        somebody = Participant(port)
        await somebody.welcome()
        await timed(somebody.consent(), taken.starts, 303, taken)
        asked = await somebody.question()
        assert asked
        return somebody, asked

    async def everybody() -> list[Entered]:
        groups = [
            await asyncio.gather(*(enter() for _ in range(GROUP))) for _ in range(RUSHING // GROUP)
        ]
        for somebody, _ in itertools.chain(*groups):
            somebody.link.close()
        return list(itertools.chain(*groups))

    return asyncio.run(everybody())


def rush(entered: list[Entered], taken: Taken) -> float:
    """Some people at a time click without looking; votes a second."""

    async def vote(until: float) -> None:
        while entered and time.perf_counter() < until:
            somebody, asked = entered.pop()
            while asked and time.perf_counter() < until:
                reply = await timed(
                    somebody.vote(asked["position"], "left"), taken.votes, 200, taken
                )
                asked = reply.json.get("question")
            somebody.link.close()

    async def everybody() -> float:
        began = time.perf_counter()
        await asyncio.gather(*(vote(began + RUSH_S) for _ in range(EAGER)))
        return len(taken.votes) / (time.perf_counter() - began)

    return asyncio.run(everybody())


def cpu_s(server: Server) -> float:
    """Seconds of CPU that the server's processes have taken."""
    ticks = 0
    for process in (server.process.pid, *server.workers()):
        after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(after_name[11]) + int(after_name[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def fill(opened: OpenStudy) -> None:
    """As if many people had taken part before."""
    rng, design = np.random.default_rng(0), opened.config.design
    now = time.time_ns() // 1_000_000
    people, asked, votes = [], [], []
    number_of = design.pairs_per_person + design.checks_per_person
    for number in range(1, FORMER + 1):
        people.append(
            {"id": number, "code": f"p-former{number}", "questions": number_of,
             "started_at": now, "last_seen_at": now, "finished_at": now, "excluded": ""}
        )  # fmt: skip
        chosen = rng.choice(len(opened.pool.pairs), number_of, replace=False)
        for position, pair in enumerate(chosen, 1):
            image, left, right = opened.pool.pairs[pair]
            row = {"participant": number, "position": position}
            asked.append({**row, "image": image, "left": left, "right": right, "is_check": False})
            choice = str(rng.choice(["left", "right"]))
            votes.append(
                {**row, "choice": choice, "response_ms": 4000, "layout": "side", "shown_px": 512,
                 "zoomed": False, "compared": False, "answered_at": now}
            )  # fmt: skip
    with database.writing(opened.engine) as connection:
        for table, rows in (
            (schema.participants, people), (schema.questions, asked), (schema.votes, votes)
        ):  # fmt: skip
            connection.execute(insert(table), rows)
        store.record_design(connection, design.model_dump_json())


@contextmanager
def serving(where: str, former: bool = False) -> Iterator[tuple[Server, OpenStudy]]:
    with TemporaryDirectory() as folder:
        made = study(Path(folder), where)
        opened = open_study(made)
        if former:
            fill(opened)
        server = Server(made)
        server.start()
        try:
            yield server, opened
        finally:
            server.stop()
            opened.engine.dispose()


def line(what: str, times: list[float], errors: list[int], more: str = "") -> None:
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    print(
        f"{what:52}{len(times):8,}{p50:8.1f}{p95:8.1f}{p99:8.1f}{len(errors):8}{more:>12}",
        flush=True,
    )


def under_load(name: str, where: str, *, former: bool = False) -> None:
    with serving(where, former) as (server, opened):
        taken = calm(server.port)
        line(f"{name}: {PEOPLE} people, {PAUSE_S:g} s, votes", taken.votes, taken.errors)
        line(f"{name}: their starts", taken.starts, [])
        taken = Taken([], [], [])
        entered, before = crowd(server.port, taken), cpu_s(server)
        own = time.process_time()
        rate = rush(entered, taken)
        line(f"{name}: {EAGER} without pause, votes", taken.votes, taken.errors, f"{rate:,.0f}/s")
        used, own = cpu_s(server) - before, time.process_time() - own
        each = f"CPU for a vote, ms: server {1000 * used / len(taken.votes):.2f}"
        print(f"{name}: {each}, load {1000 * own / len(taken.votes):.2f}", flush=True)
        if former:
            for what, action in (("dashboard", board), ("export", export.file_texts)):
                line(f"{name}: {what}", repeated(partial(action, opened)), [])


def repeated(action: Callable[[], object]) -> list[float]:
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        action()
        times.append(1000 * (time.perf_counter() - began))
    return times


def main() -> None:
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before; times in ms\n"
        f"{'':52}{'number':>8}{'p50':>8}{'p95':>8}{'p99':>8}{'errors':>8}"
    )
    under_load("SQLite", "sqlite")
    under_load(f"SQLite after {FORMER:,} people", "sqlite", former=True)
    with ExitStack() as stack:
        if postgresql.why_not():
            print(f"PostgreSQL: {postgresql.why_not()}")
            return
        cluster = stack.enter_context(postgresql.running(safe=True))
        under_load("PostgreSQL", cluster.new_database("few"))
        under_load(f"PostgreSQL after {FORMER:,}", cluster.new_database("many"), former=True)


if __name__ == "__main__":
    main()
