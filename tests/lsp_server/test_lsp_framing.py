"""Messages are found in a stream of bytes however it is cut, and garbage does not end the conversation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_server.framing import MAX_BODY, MAX_HEADER, Frames, Garbage, framed


@given(bodies=st.lists(st.binary(min_size=0, max_size=40), max_size=5), n_chunk=st.integers(1, 30))
def test_bodies_come_out_as_they_went_in_however_the_stream_is_cut(bodies: list[bytes], n_chunk: int) -> None:
    stream = b"".join(framed(body) for body in bodies)
    frames = Frames()
    found = [f for i in range(0, len(stream), n_chunk) for f in frames.feed(stream[i : i + n_chunk])]
    assert found == bodies


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 2",
        b"content-length:2",
        b"CONTENT-LENGTH :  2",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2",
    ],
)
def test_headers_are_read_like_those_of_http(header: bytes) -> None:
    assert Frames().feed(header + b"\r\n\r\n{}") == [b"{}"]


@pytest.mark.parametrize(
    "header", [b"", b"Content-Length: x", b"Content-Length: -2", b"Length: 2", b"Content-Length: "]
)
def test_a_bad_header_is_reported_and_the_next_message_still_read(header: bytes) -> None:
    bad, good = Frames().feed(header + b"\r\n\r\n" + framed(b"{}"))
    assert isinstance(bad, Garbage)
    assert good == b"{}"


def test_a_header_without_end_is_given_up() -> None:
    garbage, body = Frames().feed(b"x" * MAX_HEADER + b"\r\n" + framed(b"{}"))
    assert isinstance(garbage, Garbage)
    assert body == b"{}"


def test_a_message_that_is_too_long_is_skipped_without_keeping_it() -> None:
    frames = Frames()
    (found,) = frames.feed(b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 3))
    assert isinstance(found, Garbage)
    chunk = bytes(2**20)
    for _ in range(MAX_BODY // len(chunk)):
        assert frames.feed(chunk) == []
    assert len(frames._pending) == 0
    assert frames.feed(b"xyz" + framed(b"{}")) == [b"{}"]
