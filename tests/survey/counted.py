"""What holds of every study, whatever happened while people took part."""

from __future__ import annotations

from collections import Counter

from survey.storage import database, store
from survey.storage.open_study import OpenStudy
from tests.survey.crowd import Crowd


def times_asked(study: OpenStudy) -> Counter[tuple[str, frozenset[str]]]:
    """How often each pair of methods was given to anybody on each image; to nobody twice."""
    with database.reading(study.engine) as connection:
        rows = list(store.all_questions(connection))
    counted = Counter((row.image, frozenset((row.left, row.right))) for row in rows
                      if not row.is_check)  # fmt: skip
    everybodys = [(row.code, row.image, frozenset((row.left, row.right))) for row in rows]
    assert len(everybodys) == len(set(everybodys)), "somebody got a pair twice"
    for pair in study.pool.pairs:
        counted.setdefault((pair.image, frozenset(pair[1:])), 0)
    return counted


def assert_all_counted(study: OpenStudy, crowd: Crowd, number: int) -> None:
    """So many people took part once each, came to their own end, and every vote that was
    acknowledged is there, once, with a choice that they made; pairs are asked equally often."""
    with database.reading(study.engine) as connection:
        people = {person.platform_id: person for person in store.all_participants(connection)}
        answers = store.answers(connection)
        assert len(store.all_participants(connection)) == number
    assert len(people) == number
    who = {person.id: name for name, person in people.items()}
    stored = {(who[row.participant], row.position): row.choice for row in answers}
    assert len(stored) == len(answers) and stored.keys() == crowd.allowed.keys()
    assert {key for key in stored if stored[key] not in crowd.allowed[key]} == set()
    for name, person in people.items():
        assert person.finished_at is not None
        assert study.secrets.completion_code(person.code).encode() in crowd.ends[name]
    counted = times_asked(study)
    assert max(counted.values()) - min(counted.values()) <= 1
