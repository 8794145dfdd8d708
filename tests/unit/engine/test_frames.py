"""The frames between the PDP and the managed OPA."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdp.engine.frames import FrameError, FrameTimeout, encode_frame, receive, send

MOST_BYTES = 1 << 20


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def soon() -> float:
    return time.monotonic() + 5


def received(raw: bytes) -> tuple[dict[str, object], list[bytes]]:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            theirs.sendall(raw)
        header, elements = receive(ours, soon(), MOST_BYTES)
        return header, [bytes(element) for element in elements]


@given(
    header=st.dictionaries(st.text(max_size=9), st.integers() | st.text(max_size=9), max_size=4),
    elements=st.lists(st.binary(max_size=200), max_size=9),
)
def test_a_frame_is_received_as_it_was_encoded(
    header: dict[str, object], elements: list[bytes]
) -> None:
    assert received(encode_frame(json.dumps(header).encode(), elements)) == (header, elements)


def test_a_frame_larger_than_the_socket_takes_at_once_arrives_whole(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    frame = encode_frame(b"{}", [b"x" * 5_000_000, b"y"])
    sender = threading.Thread(target=send, args=(ours, frame, soon()))
    sender.start()
    _, elements = receive(theirs, soon(), 1 << 30)
    sender.join()
    assert [len(element) for element in elements] == [5_000_000, 1]


def test_frames_that_follow_each_other_are_told_apart(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    send(ours, encode_frame(b'{"n":1}', [b"a"]) + encode_frame(b'{"n":2}', []), soon())
    first, elements = receive(theirs, soon(), MOST_BYTES)
    assert (first, list(map(bytes, elements))) == ({"n": 1}, [b"a"])
    second, elements = receive(theirs, soon(), MOST_BYTES)
    assert (second, elements) == ({"n": 2}, [])


def u32(number: int) -> bytes:
    return struct.pack(">I", number)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "closed"),
        (u32(8)[:3], "closed"),
        (encode_frame(b"{}", [b"one"])[:-1], "closed"),
        (u32(MOST_BYTES + 1), "at most"),
        (u32(0), "without a header"),
        (u32(3) + b"abc", "cut short"),
        (u32(6) + u32(3) + b"{}", "a piece of 3 bytes"),
        (u32(10) + u32(2) + b"{}" + u32(2**32 - 1), "a piece of 4294967295 bytes"),
        (u32(5) + u32(1) + b"{", "not JSON"),
        (u32(6) + u32(2) + b"\xff\xfe", "not JSON"),
        (u32(6) + u32(2) + b"[]", "not a JSON object"),
    ],
)
def test_what_is_not_a_frame_is_an_error_that_says_what(raw: bytes, told: str) -> None:
    with pytest.raises(FrameError, match=told):
        received(raw)


@given(raw=st.binary(max_size=60))
def test_bytes_by_chance_are_an_error_and_never_anything_else(raw: bytes) -> None:
    # A header that chance makes would need a length, a length and JSON that agree.
    with pytest.raises(FrameError):
        received(raw)


@given(at=st.integers(0, 29), value=st.integers(0, 255))
def test_one_wrong_byte_leaves_a_frame_or_an_error(at: int, value: int) -> None:
    raw = bytearray(encode_frame(b'{"id":1}', [b"one", b"three"]))
    raw[at] = value
    try:
        header, elements = received(bytes(raw))
    except FrameError:
        return
    assert len(header) <= 1
    assert sum(map(len, elements)) <= len(raw)


def test_a_peer_that_says_nothing_is_a_timeout(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    began = time.monotonic()
    with pytest.raises(FrameTimeout):
        receive(ours, began + 0.05, MOST_BYTES)
    assert 0.04 < time.monotonic() - began < 1


def test_a_peer_that_stops_within_a_frame_is_a_timeout(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.sendall(encode_frame(b"{}", [b"one"])[:-1])
    with pytest.raises(FrameTimeout):
        receive(ours, time.monotonic() + 0.05, MOST_BYTES)


def test_a_peer_that_reads_nothing_is_a_timeout(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    with pytest.raises(FrameTimeout):
        send(ours, b"x" * 50_000_000, time.monotonic() + 0.05)


def test_a_deadline_that_has_passed_is_a_timeout_even_if_an_answer_is_there(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.sendall(encode_frame(b"{}", []))
    with pytest.raises(FrameTimeout):
        receive(ours, time.monotonic() - 1, MOST_BYTES)


def test_sending_to_a_peer_that_is_gone_is_an_error(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.close()
    with pytest.raises(FrameError, match="gone"):
        send(ours, b"x", soon())
