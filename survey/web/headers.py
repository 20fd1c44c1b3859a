"""The headers of every answer: what browsers may load, and what they may tell others."""

from __future__ import annotations

from flask import Response

from survey.study import stimuli_url

CSP = (
    "default-src 'none'; img-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def policy(images: str) -> str:
    """The Content-Security-Policy. images: address of those on another host, "" for none."""
    also = f" {stimuli_url.origin(images)}" if images else ""
    return CSP.replace("img-src 'self'", f"img-src 'self'{also}")


def add(answer: Response, images: str) -> Response:
    answer.headers["Content-Security-Policy"] = policy(images)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    answer.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer
