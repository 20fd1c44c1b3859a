"""How people came from recruiting platforms, and links with which nobody could come."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from survey.storage.schema import INSERTS, NOW, arrivals, refused_links


def record(connection: Connection, participant: int, session: str, has_finished: bool) -> None:
    """Store with which other parameters of a platform a participant came, and that it was now.

    Of one who has finished, the time of a session that is known stays.
    """
    insert = INSERTS[connection.dialect.name](arrivals)
    statement = insert.values(participant=participant, session=session, arrived_at=NOW)
    key = ["participant", "session"]
    if has_finished:
        connection.execute(statement.on_conflict_do_nothing(index_elements=key))
    else:
        now = {"arrived_at": NOW}
        connection.execute(statement.on_conflict_do_update(index_elements=key, set_=now))


def read_all(connection: Connection) -> list[Row[Any]]:
    """Return how participants came, each in the order of time."""
    order = arrivals.c.participant, arrivals.c.arrived_at, arrivals.c.session
    return list(connection.execute(select(arrivals).order_by(*order)))


def count_refused(connection: Connection, cause: str) -> None:
    """Count a link that nobody can start from."""
    insert = INSERTS[connection.dialect.name](refused_links).values(cause=cause, times=1)
    one_more = {"times": refused_links.c.times + 1}
    connection.execute(insert.on_conflict_do_update(index_elements=["cause"], set_=one_more))


def read_refused(connection: Connection) -> list[tuple[str, int]]:
    """Return what was wrong with links, and how often, most frequent first."""
    times = refused_links.c.times
    query = select(refused_links.c.cause, times).order_by(times.desc(), refused_links.c.cause)
    return [(row.cause, row.times) for row in connection.execute(query)]
