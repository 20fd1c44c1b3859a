"""The protocol between worker and plug-in.

Messages travel over `multiprocessing.connection` as bytes; nothing is ever unpickled. A message
is one JSON object, followed by the raw payloads whose lengths it names. Requests:

`{"op": "methods"}` is answered by `methods` (name, label, summary, ready, why; the best first) and
`devices`.

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
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from methods.base import Image, Mask
from methods.validation import build

MESSAGE_BYTES = 2**16
# 134 megapixels: 540 MB of RGB and mask.
MAX_PIXELS = 2**27
HOLE = 255
# Messages to users are cut to this number of characters: they may quote the request.
MESSAGE_LENGTH = 1000

Message = dict[str, Any]
_Name = Annotated[str, Field(min_length=1)]


class BadRequestError(ValueError):
    """A request that violates the protocol: what follows on the connection cannot be read."""


@dataclass(frozen=True)
class FillRequest:
    """A request to fill a hole; image: uint8 (H, W, 3) RGB, mask: bool (H, W), True = hole."""

    method: str
    device: str
    image: Image
    mask: Mask


class _FillMessage(BaseModel):
    model_config = ConfigDict(strict=True)

    method: _Name
    device: _Name
    width: PositiveInt
    height: PositiveInt
    payloads: list[int]


def receive(connection: Connection) -> FillRequest | None:
    """Return the next request, None if it asks for the list of methods.

    Raises BadRequestError for anything else, EOFError or OSError if the client is gone."""
    message = _parsed(connection.recv_bytes(MESSAGE_BYTES))
    if message.get("op") == "methods":
        return None
    if message.get("op") != "fill":
        raise BadRequestError(f"unknown op {message.get('op')!r}; known: methods, fill")
    try:
        fill = build(_FillMessage, message, "fill")
    except ValueError as error:
        raise BadRequestError(str(error)) from None
    pixels = fill.width * fill.height
    if pixels > MAX_PIXELS:
        raise BadRequestError(
            f"{fill.width}x{fill.height} is more than the {MAX_PIXELS / 1e6:.0f} megapixels that "
            "can be filled at once: select a smaller area, leave whole layer off"
        )
    if fill.payloads != [3 * pixels, pixels]:
        raise BadRequestError(f"payloads must be {[3 * pixels, pixels]} bytes, not {fill.payloads}")
    rgb, mask = (_payload(connection, size) for size in fill.payloads)
    if not ((mask == HOLE) | (mask == 0)).all():
        raise BadRequestError("the mask must hold 0 (known) and 255 (hole) only")
    shape = fill.height, fill.width
    return FillRequest(
        fill.method, fill.device, rgb.reshape(*shape, 3), mask.reshape(shape) == HOLE
    )


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


def _payload(connection: Connection, size: int) -> NDArray[np.uint8]:
    payload = connection.recv_bytes(size)
    if len(payload) != size:
        raise BadRequestError(f"a payload has {len(payload)} bytes instead of {size}")
    return np.frombuffer(payload, np.uint8)
