"""What worker and plug-in say to each other.

Messages travel over `multiprocessing.connection`, as bytes only: nothing is ever unpickled. A
message is one JSON object and, after it, the raw payloads whose lengths it names. Requests:

`{"op": "methods"}` is answered by `methods` (name, summary, ready, why) and `devices`.

`{"op": "fill", "method", "device", "width", "height"}` with two payloads, width * height * 3 bytes
of RGB and width * height of mask (255 = hole, 0 = known), is answered by any number of
`{"progress": 0..1 or null, "text"}`, about one a second, then by `seconds` and one payload of
RGB.

Every last answer has `ok`; where it is false, `kind` and `message`, one line with the remedy.
"""

from __future__ import annotations

import json
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from methods.base import Image, Mask

VERSION = 1
KINDS = ("not_ready", "out_of_memory", "unknown_method", "bad_request", "failed")
MESSAGE_BYTES = 2**16
# 134 megapixels: 540 MB of RGB and mask.
MAX_PIXELS = 2**27
HOLE = 255
# Characters of a message to people; what was wrong may be quoted in it.
LONGEST = 1000

Message = dict[str, Any]


class BadRequestError(ValueError):
    """A request that does not keep to the protocol. What follows it cannot be understood."""


def receive(connection: Connection) -> tuple[Message, list[bytes]]:
    """The next request and its payloads.

    Raises BadRequestError for anything else, EOFError or OSError when the other side is gone."""
    message = _parsed(connection.recv_bytes(MESSAGE_BYTES))
    sizes = _payload_sizes(message)
    if message.get("payloads", []) != sizes:
        raise BadRequestError(f"payloads must be {sizes} bytes, not {message.get('payloads')}")
    payloads = []
    for size in sizes:
        payloads.append(connection.recv_bytes(size))
        if len(payloads[-1]) != size:
            raise BadRequestError(f"a payload has {len(payloads[-1])} bytes where {size} were told")
    return message, payloads


def send(connection: Connection, message: Message, *payloads: bytes | memoryview) -> None:
    """One message with its payloads."""
    sizes = {"payloads": [len(payload) for payload in payloads]} if payloads else {}
    connection.send_bytes(json.dumps({**message, **sizes}).encode())
    for payload in payloads:
        connection.send_bytes(payload)


def failure(kind: str, message: str) -> Message:
    """The last answer to a request that was not fulfilled. kind: one of `KINDS`."""
    return {"ok": False, "kind": kind, "message": " ".join(message.split())[:LONGEST]}


def pair(message: Message, payloads: list[bytes]) -> tuple[Image, Mask]:
    """Image and mask of a fill. Raises BadRequestError for a mask of other values than 0, 255."""
    rgb, hole = (np.frombuffer(payload, np.uint8) for payload in payloads)
    shape = message["height"], message["width"]
    mask = hole == HOLE
    if not (mask | (hole == 0)).all():
        raise BadRequestError("the mask must hold 0 (known) and 255 (hole) only")
    return rgb.reshape(*shape, 3), mask.reshape(shape)


def _parsed(data: bytes) -> Message:
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        raise BadRequestError("the request is not JSON") from None
    if not isinstance(message, dict):
        raise BadRequestError("the request is not a JSON object")
    return message


def _payload_sizes(message: Message) -> list[int]:
    """Bytes of each payload that a request must come with."""
    if message.get("op") == "methods":
        return []
    if message.get("op") != "fill":
        raise BadRequestError(f"unknown op {message.get('op')!r}; known: methods, fill")
    for name in ("method", "device"):
        if not isinstance(message.get(name), str) or not message[name]:
            raise BadRequestError(f"{name} must be a name, not {message.get(name)!r}")
    sides = [message.get("width"), message.get("height")]
    for side in sides:
        if type(side) is not int or side < 1:
            raise BadRequestError(f"width and height must be positive pixels, not {sides}")
    pixels = sides[0] * sides[1]  # type: ignore[operator]
    if pixels > MAX_PIXELS:
        raise BadRequestError(
            f"{sides[0]}x{sides[1]} is more than the {MAX_PIXELS / 1e6:.0f} megapixels that can be "
            "filled at once: select a smaller area, leave whole layer off"
        )
    return [pixels * 3, pixels]
