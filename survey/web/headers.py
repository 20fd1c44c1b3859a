"""The security headers of every response: what browsers may load, and what they may reveal."""

from __future__ import annotations

from flask import Response

from survey.study import stimuli_url

CSP = (
    "default-src 'none'; img-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def add_headers(response: Response, images: str) -> Response:
    """Add the headers; `images` is the address of images on another host, "" for none."""
    images = f" {stimuli_url.origin(images)}" if images else ""
    policy = CSP.replace("img-src 'self'", f"img-src 'self'{images}")
    response.headers["Content-Security-Policy"] = policy
    response.headers.update(_HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    return response
