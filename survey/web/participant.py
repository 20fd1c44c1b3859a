"""What participants see and send: consent, questions, votes, thanks, withdrawal."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urljoin

import numpy as np
from flask import (
    Blueprint,
    abort,
    redirect,
    render_template,
    request,
    send_from_directory,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from sqlalchemy import Connection

from survey.design import adaptive, questionnaire
from survey.results import live, people
from survey.storage import database, store, tallies
from survey.storage.clock import now_ms
from survey.storage.opened import Opened
from survey.study import stimuli_url
from survey.study.stimuli import FOLDER
from survey.web import platforms
from survey.web.context import YEAR_S, limiter, opened, stopped
from survey.web.voting import Answer, take

pages = Blueprint("participant", __name__)

# Looking at a question again is noted this often; votes are noted anyway.
SEEN_EVERY_MS = 20_000


@pages.get("/")
def welcome() -> ResponseReturnValue:
    carried = platforms.carried(request.args)
    if not carried and _who() is not None:
        return redirect(url_for("participant.question"))
    with database.reading(opened().engine) as connection:
        reason = _closed(store.row(connection), opened())
    if reason:
        return stopped(reason, 403)
    # Whoever starts from this page gets this code, so that a double click starts once.
    session.setdefault("code", _new_code())
    return render_template("welcome.html", carried=carried, problem="")


@pages.post("/start")
@limiter.limit(lambda: f"{opened().study.server.starts_per_minute} per minute")
def start() -> ResponseReturnValue:
    """One participation for each browser session and each platform's worker."""
    carried = platforms.carried(request.form)
    sent = platforms.sent_by(carried)
    if request.form.get("consent") != "yes":
        return render_template("welcome.html", carried=carried, problem="consent"), 400
    if sent is None and _who() is not None:
        return redirect(url_for("participant.question"), 303)
    found = opened()
    with database.writing(found.engine) as connection:
        row = store.lock_starts(connection)
        if sent:
            code, known = _new_code(), store.find_by_platform(connection, *sent[:2])
        else:
            code = session.get("code") or _new_code()
            known = store.find(connection, code)
        if known is not None:
            code = known.code
        else:
            reason = _refusal(connection, row, found)
            if reason:
                return stopped(reason, 403)
            code = _add(connection, code, sent, found)
    _remember(code)
    return redirect(url_for("participant.question"), 303)


def _new_code() -> str:
    return f"p-{secrets.token_hex(5)}"


def _refusal(connection: Connection, row: Any, found: Opened) -> str:
    """Why nobody can start now; "" when they can."""
    closed = _closed(row, found)
    if closed:
        return closed
    target = found.study.design.target_votes
    if target and sum(times.total for times in _asked(connection, found).values()) >= target:
        return "full"
    return ""


def _closed(row: Any, found: Opened) -> str:
    """Why the study takes nobody, whatever votes it has."""
    if row.state != store.OPEN:
        return str(row.state)
    return "simulated" if row.simulated not in (None, found.simulated) else ""


def _asked(connection: Connection, found: Opened) -> dict[questionnaire.Pair, questionnaire.Asked]:
    patience = found.study.server.abandoned_after_minutes * 60_000
    unfinished = not found.study.exclusion.unfinished
    return tallies.asked(connection, now_ms(connection) - patience, unfinished, found.settled)


def _add(connection: Connection, code: str, sent: platforms.Sent | None, found: Opened) -> str:
    """Write a new participant with questions; their code."""
    number = store.next_id(connection)
    wanted = found.study.design
    rng = np.random.default_rng([wanted.seed, number])
    before = _asked(connection, found)
    checks = questionnaire.checks(found.pool, wanted.checks_per_person, rng)
    pairs, number_of = questionnaire.without(found.pool.pairs, checks), wanted.pairs_per_person
    if wanted.adaptive:
        counts = live.counts(connection, wanted.methods)
        chosen = adaptive.most_informative(pairs, before, counts, wanted.methods, number_of, rng)
    else:
        seen = {check.image for check in checks}
        chosen = questionnaire.least_asked(pairs, before, number_of, rng, seen)
    questions = questionnaire.questionnaire(chosen, checks, before, rng)
    if found.simulated:
        code = f"{people.SIMULATED}{number:04d}"
    person = store.Person(number, code, *(sent or (None, None, None)))
    store.add(connection, person, questions, found.simulated)
    return code


def _remember(code: str) -> None:
    """By the code, which is never given twice: numbers begin again in a preview, and after the
    database was replaced."""
    session["participant"] = code
    session.permanent = True


def _who() -> str | None:
    """The code of who sends this request."""
    return session.get("participant")


@pages.get("/continue/<token>")
def resume(token: str) -> ResponseReturnValue:
    code = opened().keys.participant_of(token)
    if code is None:
        abort(404)
    _remember(code)
    return redirect(url_for("participant.question"))


@pages.get("/question")
def question() -> ResponseReturnValue:
    found = opened()
    code = _who()
    if code is None:
        return redirect(url_for("participant.welcome"))
    with database.reading(found.engine) as connection:
        person = store.find(connection, code)
        if person is None:
            session.clear()
            return redirect(url_for("participant.welcome"))
        if person.withdrawn_at is not None:
            return redirect(url_for("participant.withdraw"))
        if person.finished_at is not None:
            return redirect(url_for("participant.done"))
        if person.study_state == store.CLOSED:
            return stopped("closed", 403)
        next_ones = _shown(store.unanswered(connection, person.id, 2), person, found)
    if person.now - person.last_seen_at > SEEN_EVERY_MS:
        with database.writing(found.engine) as connection:
            store.seen(connection, person.id)
    if request.accept_mimetypes.best == "application/json":
        return next_ones
    token = found.keys.resume_token(code)
    return render_template(
        "question.html",
        **next_ones,
        ties=found.study.design.ties,
        resume_link=urljoin(
            found.study.server.public_url or request.host_url,
            url_for("participant.resume", token=token),
        ),
    )


def _shown(ahead: Sequence[Any], person: Any, found: Opened) -> dict[str, Any]:
    """The question where somebody is, and the images of the one after it."""
    shown = [
        {
            "position": row.position,
            "total": person.questions,
            "left": _url(found, row.image, row.left),
            "right": _url(found, row.image, row.right),
        }
        for row in ahead
    ]
    preload = [shown[1]["left"], shown[1]["right"]] if len(shown) > 1 else []
    return {"question": shown[0] if shown else None, "preload": preload}


def _url(found: Opened, image: str, method: str) -> str:
    name, elsewhere = found.names[image, method], found.study.server.stimuli_url
    if elsewhere:
        return stimuli_url.address(elsewhere, name)
    return url_for("participant.stimulus", name=name)


@pages.post("/vote")
def vote() -> ResponseReturnValue:
    """Record an answer. The reply is sent after the commit, and is the same for a repeated one."""
    found = opened()
    code = _who()
    if code is None:
        abort(403)
    try:
        answer = Answer.model_validate_json(request.get_data())
    except ValidationError:
        abort(400)
    if answer.choice == "tie" and not found.study.design.ties:
        abort(400)
    person, ahead = database.write(
        found.engine, lambda connection: take(connection, code, answer, found.study.exclusion)
    )
    reply = _shown(ahead[:2], person, found)
    done = None if reply["question"] else url_for("participant.done")
    return {"position": answer.position, **reply, "done": done}


@pages.get("/done")
def done() -> ResponseReturnValue:
    found = opened()
    code = _who()
    with database.reading(found.engine) as connection:
        person = store.find(connection, code) if code else None
    if person is None or person.finished_at is None or person.withdrawn_at is not None:
        return redirect(url_for("participant.question"))
    completion = found.study.completion
    own = completion.code or found.keys.completion_code(person.code)
    return render_template(
        "done.html", code=own, redirect=completion.redirect.replace("{code}", quote(own, safe=""))
    )


@pages.route("/withdraw", methods=["GET", "POST"])
def withdraw() -> ResponseReturnValue:
    found = opened()
    code = _who()
    if code is None:
        return redirect(url_for("participant.welcome"))
    if request.method == "POST":
        with database.writing(found.engine) as connection:
            person = store.find_and_lock(connection, code)
            if person is not None and person.withdrawn_at is None:
                store.withdraw(connection, person.id)
            gone = True
    else:
        with database.reading(found.engine) as connection:
            person = store.find(connection, code)
            gone = person is not None and person.withdrawn_at is not None
    if person is None:
        return redirect(url_for("participant.welcome"))
    return render_template("withdrawn.html" if gone else "withdraw.html")


@pages.get("/stimuli/<name>.webp")
def stimulus(name: str) -> ResponseReturnValue:
    found = opened()
    if name not in found.shown:
        abort(404)
    response = send_from_directory(
        found.folder.resolve() / FOLDER, f"{name}.webp", etag=name, max_age=YEAR_S
    )
    response.cache_control.public = True
    response.cache_control.immutable = True
    return response
