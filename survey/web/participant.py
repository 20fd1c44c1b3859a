"""The pages of participants: consent, questions, votes, thanks, withdrawal."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urljoin

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

from survey.storage import database, store
from survey.storage.open_study import OpenStudy
from survey.study import platforms, stimuli_url
from survey.study.stimuli import FOLDER
from survey.web import taking_part
from survey.web.context import (
    YEAR_S,
    AnotherPersonError,
    current_study,
    limiter,
    stop_page,
)

pages = Blueprint("participant", __name__)

# How often looking at a question again is recorded; votes are always.
_ACTIVITY_INTERVAL_MS = 20_000
# How many addresses of images are remembered: more than studies have.
_ADDRESSES = 10_000


def _welcome_page(parameters: dict[str, str], problem: str = "") -> str:
    study = current_study()
    with database.reading(study.engine) as connection:
        minutes = taking_part.expected_minutes(connection, study)
    return render_template("welcome.html", carried=parameters, problem=problem, minutes=minutes)


@pages.app_context_processor
def _own_page_id() -> dict[str, str]:
    """Give pages what their links say of whose they are."""
    code = _code()
    return {"page_id": _page_id(code) if code else ""}


@pages.get("/")
def welcome() -> ResponseReturnValue:
    parameters = platforms.platform_parameters(request.args)
    if not parameters and _code() is not None:
        return redirect(url_for("participant.question"))
    study, identity = current_study(), platforms.identity(parameters)
    with database.reading(study.engine) as connection:
        reason = taking_part.closed_reason(store.study_row(connection), study)
        known = identity and store.find_by_platform(connection, *identity[:2])
    if reason and known is None:
        return stop_page(reason, 403)
    if reason and known:
        # Who returns is not shown how to start what nobody can start now.
        with database.writing(study.engine) as connection:
            taking_part.record_arrival(connection, known.code, identity)
        return _go_on(known.code)
    # A start from this page gets this code, so that a double click starts once.
    session.setdefault("code", _new_code())
    return _welcome_page(parameters)


@pages.post("/start")
@limiter.limit(lambda: f"{current_study().config.server.starts_per_minute} per minute")
def start() -> ResponseReturnValue:
    """Start one participation for each browser session and each platform's id."""
    parameters = platforms.platform_parameters(request.form)
    identity = platforms.identity(parameters)
    if request.form.get("consent") != "yes":
        return _welcome_page(parameters, problem="consent"), 400
    if identity is None and _code() is not None:
        return redirect(url_for("participant.question"), 303)
    study = current_study()
    with database.writing(study.engine) as connection:
        row = store.study_row(connection, lock=True)
        if identity:
            code = _new_code()
            known = store.find_by_platform(connection, *identity[:2])
        else:
            code = session.get("code") or _new_code()
            known = store.find(connection, code)
        if known is not None:
            code = known.code
        elif reason := taking_part.refusal(connection, row, study):
            return stop_page(reason, 403, taking_part.minutes_to_a_place(connection, study))
        else:
            code = taking_part.enrol(connection, code, identity, study)
        taking_part.record_arrival(connection, code, identity)
    return _go_on(code)


def _go_on(code: str) -> ResponseReturnValue:
    """Let this browser be the participant's, who begins or goes on in its tab."""
    # Not by number: numbers begin again in a preview and after the database was replaced.
    session["participant"] = code
    session.permanent = True
    return redirect(url_for("participant.question", _anchor="begin"), 303)


def _new_code() -> str:
    return f"p-{secrets.token_hex(5)}"


def _code() -> str | None:
    """Return the code of the participant whose browser sends this request."""
    return session.get("participant")


@pages.get("/continue/<token>")
def resume(token: str) -> ResponseReturnValue:
    code = current_study().secrets.participant_code(token)
    if code is None:
        abort(404)
    return _go_on(code)


@pages.get("/question")
def question() -> ResponseReturnValue:
    study = current_study()
    code = _code()
    if code is None:
        return redirect(url_for("participant.welcome"))
    with database.reading(study.engine) as connection:
        participant = store.find(connection, code)
        if participant is None:
            session.clear()
            return redirect(url_for("participant.welcome"))
        if participant.withdrawn_at is not None:
            return redirect(url_for("participant.withdraw"))
        if participant.finished_at is not None:
            return redirect(url_for("participant.done", id=_page_id(code)))
        if participant.study_state == store.CLOSED:
            return stop_page("closed", 403)
        ahead = store.unanswered(connection, participant.id, 2)
    if participant.now - participant.last_seen_at > _ACTIVITY_INTERVAL_MS:
        with database.writing(study.engine) as connection:
            store.record_activity(connection, participant.id)
    next_questions = _next_questions(ahead, participant, study)
    if request.accept_mimetypes.best == "application/json":
        return next_questions
    link = url_for("participant.resume", token=study.secrets.resume_token(code))
    return render_template(
        "question.html",
        **next_questions,
        ties=study.config.design.ties,
        # Never by the Host header, which anybody may send: the page completes it.
        resume_link=urljoin(study.config.server.public_url, link),
    )


def _next_questions(ahead: Sequence[Any], participant: Any, study: OpenStudy) -> dict[str, Any]:
    """Return a participant's next question, and the images of the one after it."""
    questions = [
        {
            "id": _page_id(participant.code, row.position),
            "position": row.position,
            "total": participant.questions,
            "left": _image_url(study, row.image, row.left),
            "right": _image_url(study, row.image, row.right),
        }
        for row in ahead[:2]
    ]
    preload = [questions[1]["left"], questions[1]["right"]] if len(questions) > 1 else []
    return {"question": questions[0] if questions else None, "preload": preload}


def _image_url(study: OpenStudy, image: str, method: str) -> str:
    name, elsewhere = study.file_names[image, method], study.config.server.stimuli_url
    if elsewhere:
        return stimuli_url.address(elsewhere, name)
    return _address(request.script_root, name)


@lru_cache(_ADDRESSES)
def _address(root: str, name: str) -> str:
    """Return the address of an image of this host, which differs with the path of the study."""
    return url_for("participant.stimulus", name=name)


@pages.post("/vote")
def vote() -> ResponseReturnValue:
    """Record an answer to the question that its page showed.

    The reply is sent after the commit, and is the same for a repeated answer.
    """
    study = current_study()
    code = _code()
    if code is None:
        abort(403)
    try:
        answer = store.Vote.model_validate_json(request.get_data())
    except ValidationError:
        abort(400)
    if answer.choice == "tie" and not study.config.design.ties:
        abort(400)
    _require_same_person(code, answer.id, answer.position)
    participant, ahead = database.write(
        study.engine,
        lambda connection: taking_part.take_vote(connection, code, answer, study.config.exclusion),
    )
    reply = _next_questions(ahead, participant, study)
    done = None if reply["question"] else url_for("participant.done", id=_page_id(code))
    return {"position": answer.position, **reply, "done": done}


def _require_same_person(code: str, page_id: str, position: int = 0) -> None:
    """Refuse what comes from a page of somebody else in this browser, or from no page."""
    if not hmac.compare_digest(page_id.encode(), _page_id(code, position).encode()):
        raise AnotherPersonError


def _page_id(code: str, position: int = 0) -> str:
    return current_study().secrets.page_id(code, position)


@pages.get("/done")
def done() -> ResponseReturnValue:
    study = current_study()
    code = _code()
    if code and "id" in request.args:
        _require_same_person(code, request.args["id"])
    with database.reading(study.engine) as connection:
        participant = store.find(connection, code) if code else None
    if (
        participant is None
        or participant.finished_at is None
        or participant.withdrawn_at is not None
    ):
        return redirect(url_for("participant.question"))
    own = study.completion_code(participant.code)
    link = study.config.completion.redirect.replace("{code}", quote(own, safe=""))
    return render_template("done.html", code=own, redirect=link)


@pages.route("/withdraw", methods=["GET", "POST"])
def withdraw() -> ResponseReturnValue:
    """Ask before deleting the answers (GET), delete them (POST)."""
    study = current_study()
    code = _code()
    if code is None:
        return redirect(url_for("participant.welcome"))
    deleting = request.method == "POST"
    if deleting or "id" in request.args:
        _require_same_person(code, request.values.get("id", ""))
    access = database.writing if deleting else database.reading
    with access(study.engine) as connection:
        participant = store.find(connection, code, lock=deleting)
        if participant is None:
            return redirect(url_for("participant.welcome"))
        if deleting and participant.withdrawn_at is None:
            store.withdraw(connection, participant.id)
    if deleting:
        database.forget(study.engine)
    is_withdrawn = deleting or participant.withdrawn_at is not None
    if is_withdrawn:
        return render_template("withdrawn.html")
    return render_template("withdraw.html")


@pages.get("/stimuli/<name>.webp")
def stimulus(name: str) -> ResponseReturnValue:
    folder = current_study().folder.resolve() / FOLDER
    response = send_from_directory(
        folder, f"{name}.webp", etag=name, max_age=YEAR_S, last_modified=0
    )
    response.cache_control.public = True
    response.cache_control.immutable = True
    return response
