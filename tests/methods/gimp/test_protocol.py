"""Requests that do not keep to the protocol."""

from __future__ import annotations

import contextlib
import json
import pickle
from multiprocessing import Pipe
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.gimp import protocol
from methods.gimp.protocol import BadRequestError
from tests.methods.gimp.conftest import SIZE, FakeGimp, scene

RGB, MASK = scene()
FILL: dict[str, Any] = {
    "op": "fill",
    "method": "telea",
    "device": "cpu",
    "width": SIZE[0],
    "height": SIZE[1],
    "payloads": [len(RGB), len(MASK)],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


def encoded(message: object) -> bytes:
    return json.dumps(message).encode()


def received(*data: bytes) -> protocol.FillRequest | None:
    here, there = Pipe()
    with here, there:
        for item in data:
            here.send_bytes(item)
        here.close()
        return protocol.receive(there)


@pytest.mark.slow
@settings(deadline=None)
@given(st.binary(max_size=300) | JSON.map(encoded))
def test_garbage_is_a_bad_request(data: bytes) -> None:
    with pytest.raises(BadRequestError):
        received(data)


@pytest.mark.slow
@settings(deadline=None)
@given(st.sampled_from(sorted(FILL)), JSON)
def test_a_fill_with_a_wrong_field_is_a_bad_request(name: str, value: object) -> None:
    # Any text may be the name of a method or device.
    if name in ("method", "device") and isinstance(value, str) and value:
        value = None
    if value == FILL[name]:
        value = None
    with pytest.raises(BadRequestError):
        received(encoded(FILL | {name: value}))


def test_a_fill_comes_as_it_was_sent() -> None:
    request = received(encoded(FILL), RGB, MASK)
    assert request and (request.method, request.device) == ("telea", "cpu")
    assert request.image.shape == (SIZE[1], SIZE[0], 3) and request.image.tobytes() == RGB
    assert np.array_equal(
        request.mask, np.frombuffer(MASK, np.uint8).reshape(SIZE[1], SIZE[0]) == 255
    )


def test_deep_json_is_a_bad_request() -> None:
    with pytest.raises(BadRequestError):
        received(b"[" * 30_000)


def test_more_pixels_than_the_limit_are_refused_before_any_is_read() -> None:
    side = 2**14
    sizes = [3 * side * side, side * side]
    with pytest.raises(BadRequestError, match="16384x16384 is more than the 134 megapixels"):
        received(encoded(FILL | {"width": side, "height": side, "payloads": sizes}))


def test_failures_are_one_line_of_bounded_length() -> None:
    told = protocol.failure("failed", "several\nlines " + "x" * 10**6)
    assert told["message"].startswith("several lines x") and len(told["message"]) < 2000


class Poison:
    """Makes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return Path.touch, (self.path,)


def asked(gimp: FakeGimp, *data: bytes) -> protocol.Message:
    """The worker's answer to these bytes."""
    with connected(gimp) as connection:
        with contextlib.suppress(OSError):
            for item in data:
                connection.send_bytes(item)
        answer = json.loads(connection.recv_bytes())
        with pytest.raises((EOFError, OSError)):
            connection.recv_bytes()
        return dict(answer)


def connected(gimp: FakeGimp) -> Connection:
    told = gimp.told()
    return Client(told["address"], authkey=bytes.fromhex(told["token"]))


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ((b"\x00\xff",), "JSON"),
        ((encoded({"op": "shout"}),), "shout"),
        ((encoded(FILL | {"width": -1}),), "width"),
        ((encoded(FILL | {"payloads": [3, 1]}),), "payloads"),
        ((encoded(FILL), RGB[:-1]), "bytes"),
    ],
)
def test_the_worker_answers_bad_requests_hangs_up_and_lives_on(
    shared: FakeGimp, data: tuple[bytes, ...], word: str
) -> None:
    shared.fill("telea")
    pid = shared.told()["pid"]
    answer = asked(shared, *data)
    assert answer["kind"] == "bad_request" and word in answer["message"]
    shared.fill("telea")
    assert shared.told()["pid"] == pid


@pytest.mark.parametrize("data", [b"x" * (protocol.MESSAGE_BYTES + 1), b""])
def test_the_worker_survives_messages_of_a_wrong_length(shared: FakeGimp, data: bytes) -> None:
    shared.fill("telea")
    pid = shared.told()["pid"]
    # The worker may hang up before all is sent.
    with connected(shared) as connection, contextlib.suppress(OSError):
        connection.send_bytes(data)
    shared.fill("telea")
    assert shared.told()["pid"] == pid


def test_nothing_is_unpickled(shared: FakeGimp, tmp_path: Path) -> None:
    shared.fill("telea")
    answer = asked(shared, pickle.dumps(Poison(tmp_path / "made")))
    assert answer["kind"] == "bad_request" and not (tmp_path / "made").exists()


def test_several_requests_on_one_connection(shared: FakeGimp) -> None:
    shared.fill("telea")
    with connected(shared) as connection:
        for _ in range(2):
            for item in (encoded(FILL), RGB, MASK):
                connection.send_bytes(item)
            while "progress" in (answer := json.loads(connection.recv_bytes())):
                pass
            assert answer["ok"] and answer["seconds"] >= 0
            assert [len(connection.recv_bytes())] == answer["payloads"]
