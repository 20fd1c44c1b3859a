"""The owner's pages, behind a token: how the study stands, its ranking, export, pause, close."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from flask import (
    Blueprint,
    Response,
    abort,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue

from survey.results import export
from survey.results.board import board
from survey.storage import database, store
from survey.web.context import limiter, opened

pages = Blueprint("owner", __name__, url_prefix="/owner")

# How long a login lasts.
LOGIN_S = 12 * 3600


def _is_owner() -> bool:
    """A new token ends the logins made with the old one."""
    since, sha256 = session.get("owner", (0, ""))
    return sha256 == opened().keys.owner_sha256[:16] and time.time() - since < LOGIN_S


@pages.before_request
def _only_the_owner() -> ResponseReturnValue | None:
    if _is_owner() or request.endpoint == "owner.login":
        return None
    return render_template("owner_login.html", problem=""), 401


@pages.get("")
def dashboard() -> ResponseReturnValue:
    found = board(opened())
    return render_template("owner.html", board=found, simulated=found["simulated"])


@pages.post("/login")
@limiter.limit("10 per minute")
def login() -> ResponseReturnValue:
    keys = opened().keys
    if not keys.is_owner(request.form.get("token", "").strip()):
        return render_template("owner_login.html", problem="token"), 401
    session["owner"] = (int(time.time()), keys.owner_sha256[:16])
    return redirect(url_for("owner.dashboard"), 303)


@pages.post("/logout")
def logout() -> ResponseReturnValue:
    session.pop("owner", None)
    return redirect(url_for("owner.dashboard"), 303)


@pages.post("/state")
def state() -> ResponseReturnValue:
    wanted = request.form.get("state", "")
    if wanted not in store.STATES:
        abort(400)
    with database.writing(opened().engine) as connection:
        store.set_state(connection, wanted)
    return redirect(url_for("owner.dashboard"), 303)


@pages.get("/export.zip", endpoint="export")
def download() -> ResponseReturnValue:
    name = f"votes-{datetime.now(UTC):%Y%m%d-%H%M}.zip"
    disposition = {"Content-Disposition": f"attachment; filename={name}"}
    return Response(export.zipped(opened()), mimetype="application/zip", headers=disposition)
