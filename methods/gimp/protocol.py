"""The protocol between worker and plug-in.

Messages travel over `multiprocessing.connection` as bytes; nothing is ever unpickled. A message
is one JSON object, followed by the raw payloads whose lengths it names. Requests:

`{"op": "methods"}` is answered by `methods` (name, summary, ready, why) and `devices`.

`{"op": "fill", "method", "device", "width", "height"}` with two payloads, width * height * 3 bytes
of RGB and width * height of mask (255 = hole, 0 = known), is answered by any number of
`{"progress": 0..1 or null, "text"}`, about one a second, then by `seconds` and one payload of
RGB.

Every final answer has `ok`; if it is false, also `kind` (not_ready, out_of_memory, unknown_method,
bad_request or failed) and `message`, one line with the remedy.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from methods.base import Image, Mask

VERSION = 1
MESSAGE_BYTES = 2**16
# 134 megapixels: 540 MB of RGB and mask.
MAX_PIXELS = 2**27
HOLE = 255
# Messages to users are cut to this number of characters: they may quote the request.
MESSAGE_LENGTH = 1000

Message = dict[str, Any]


class BadRequestError(ValueError):
    """A request that violates the protocol: what follows on the connection cannot be read."""


@dataclass(frozen=True)
class FillRequest:
    """A request to fill a hole; image: uint8 (H, W, 3) RGB, mask: bool (H, W), True = hole."""

    method: str
    device: str
    image: Image
    mask: Mask


def receive(connection: Connection) -> FillRequest | None:
    """Return the next request, None if it asks for the list of methods.

    Raises BadRequestError for anything else, EOFError or OSError if the client is gone."""
    message = _parsed(connection.recv_bytes(MESSAGE_BYTES))
    sizes = _payload_sizes(message)
    if message.get("payloads", []) != sizes:
        raise BadRequestError(f"payloads must be {sizes} bytes, not {message.get('payloads')}")
    payloads = []
    for size in sizes:
        payloads.append(connection.recv_bytes(size))
        if len(payloads[-1]) != size:
            raise BadRequestError(f"a payload has {len(payloads[-1])} bytes instead of {size}")
    if message["op"] == "methods":
        return None
    rgb, values = (np.frombuffer(payload, np.uint8) for payload in payloads)
    mask = values == HOLE
    if not (mask | (values == 0)).all():
        raise BadRequestError("the mask must hold 0 (known) and 255 (hole) only")
    shape = message["height"], message["width"]
    image = rgb.reshape(*shape, 3)
    return FillRequest(message["method"], message["device"], image, mask.reshape(shape))


def send(connection: Connection, message: Message, *payloads: bytes | memoryview) -> None:
    """Send one message with its payloads."""
    sizes = {"payloads": [len(payload) for payload in payloads]} if payloads else {}
    connection.send_bytes(json.dumps({**message, **sizes}).encode())
    for payload in payloads:
        connection.send_bytes(payload)


def failure(kind: str, message: str) -> Message:
    """Return the final answer to a request that failed."""
    return {"ok": False, "kind": kind, "message": " ".join(message.split())[:MESSAGE_LENGTH]}


def _parsed(data: bytes) -> Message:
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        raise BadRequestError("the request is not JSON") from None
    if not isinstance(message, dict):
        raise BadRequestError("the request is not a JSON object")
    return message


def _payload_sizes(message: Message) -> list[int]:
    """Return the bytes of each payload that a request must have."""
    if message.get("op") == "methods":
        return []
    if message.get("op") != "fill":
        raise BadRequestError(f"unknown op {message.get('op')!r}; known: methods, fill")
    for name in ("method", "device"):
        if not isinstance(message.get(name), str) or not message[name]:
            raise BadRequestError(f"{name} must be a name, not {message.get(name)!r}")
    width, height = message.get("width"), message.get("height")
    for side in (width, height):
        if type(side) is not int or side < 1:
            raise BadRequestError(
                f"width and height must be positive pixels, not {width}, {height}"
            )
    pixels = width * height  # type: ignore[operator]
    if pixels > MAX_PIXELS:
        raise BadRequestError(
            f"{width}x{height} is more than the {MAX_PIXELS / 1e6:.0f} megapixels that can be "
            "filled at once: select a smaller area, leave whole layer off"
        )
    return [pixels * 3, pixels]
