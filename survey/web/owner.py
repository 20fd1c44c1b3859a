"""The owner's pages, behind a token: state of the study, ranking, export, pausing and closing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from flask import Blueprint, Response, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from methods.errors import InputError
from survey.results import export
from survey.results.board import board
from survey.storage import database, logins, store
from survey.storage.open_study import OpenStudy
from survey.study import config
from survey.web.context import current_study, limiter

pages = Blueprint("owner", __name__, url_prefix="/owner")


def _token_hash() -> str:
    """Identify the current token: a new one ends the logins made with the old one."""
    return current_study().secrets.owner_sha256[:16]


@pages.before_request
def _require_login() -> ResponseReturnValue | None:
    if request.endpoint == "owner.login":
        return None
    login = session.get("owner")
    if isinstance(login, str):
        with database.reading(current_study().engine) as connection:
            if logins.is_going_on(connection, login, _token_hash()):
                return None
    return render_template("owner_login.html", problem=""), 401


def _by_current_rules() -> tuple[OpenStudy, str, str]:
    """Return the study with the exclusion rules of its file, and what the file's edit means.

    The latter is the name of a text, "" without an edit, and what is wrong. All processes of a
    server agree: while the file is wrong, they apply the rules with which the server began.
    """
    study = current_study()
    try:
        now = config.read(study.folder)
    except InputError as error:
        # The page need not say where on its disk the study is.
        return study, "unreadable", str(error).replace(f"{study.folder}/", "")
    current = study.config.model_copy(update={"exclusion": now.exclusion})
    return replace(study, config=current), "" if now == study.config else "edited", ""


@pages.get("")
def dashboard() -> ResponseReturnValue:
    study, note, fault = _by_current_rules()
    numbers = board(study)
    return render_template(
        "owner.html", board=numbers, simulated=numbers["simulated"], note=note, fault=fault
    )


@pages.post("/login")
@limiter.limit("10 per minute")
def login() -> ResponseReturnValue:
    if not current_study().secrets.is_owner(request.form.get("token", "").strip()):
        return render_template("owner_login.html", problem="token"), 401
    with database.writing(current_study().engine) as connection:
        session["owner"] = logins.begin(connection, _token_hash())
    return redirect(url_for("owner.dashboard"), 303)


@pages.post("/logout")
def logout() -> ResponseReturnValue:
    login = session.pop("owner")
    with database.writing(current_study().engine) as connection:
        logins.end(connection, login)
    return redirect(url_for("owner.dashboard"), 303)


@pages.post("/state")
def state() -> ResponseReturnValue:
    requested = request.form.get("state", "")
    if requested not in store.STATES:
        abort(400)
    with database.writing(current_study().engine) as connection:
        store.set_state(connection, requested)
    return redirect(url_for("owner.dashboard"), 303)


@pages.get("/export.zip", endpoint="export")
def download() -> ResponseReturnValue:
    name = f"votes-{datetime.now(UTC):%Y%m%d-%H%M}.zip"
    headers = {"Content-Disposition": f"attachment; filename={name}"}
    study, _, _ = _by_current_rules()
    return Response(export.zipped(study), mimetype="application/zip", headers=headers)
