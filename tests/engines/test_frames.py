"""A worker and its parent understand each other, and neither is led astray by what is no message."""

import asyncio
import contextlib
import io

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_runtime.engines import EngineUnavailable
from agent_runtime.local.frames import (
    MAX_FRAME,
    Answer,
    EmbedRequest,
    FrameError,
    Ready,
    RecognizeRequest,
    Refusal,
    Reply,
    Request,
    SpeakRequest,
    Unusable,
    encode,
    read_reply,
    read_request,
)
from agent_runtime.local.worker import serve

REQUESTS = [RecognizeRequest(1, b"\0\1" * 50_000), SpeakRequest(2, "Grüß dich.", "joe"), EmbedRequest(3, ["a", ""])]
REPLIES = [Ready("1"), Unusable("no model"), Answer(4, msgspec.Raw(msgspec.msgpack.encode([1, b"2"]))), Refusal(5, "no such voice")]


async def replies_in(data: bytes) -> list[Reply]:
    stream = asyncio.StreamReader()
    stream.feed_data(data)
    stream.feed_eof()
    found = []
    while (reply := await read_reply(stream)) is not None:
        found.append(reply)
    return found


def test_requests_arrive_as_they_were_sent() -> None:
    stream = io.BytesIO(b"".join(encode(request) for request in REQUESTS))
    assert [read_request(stream) for _ in REQUESTS] == REQUESTS
    assert read_request(stream) is None


async def test_replies_arrive_as_they_were_sent() -> None:
    assert await replies_in(b"".join(encode(reply) for reply in REPLIES)) == REPLIES


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_from_any_bytes_comes_a_request_an_end_or_a_frame_error(data: bytes) -> None:
    stream = io.BytesIO(data)
    with contextlib.suppress(FrameError):  # any other error fails the test
        while (request := read_request(stream)) is not None:
            assert isinstance(request, Request)


@pytest.mark.parametrize("cut", [1, 3, 4, 10])
async def test_half_a_reply_is_an_end(cut: int) -> None:
    assert await replies_in(encode(Unusable("a long reason"))[:cut]) == []


async def test_a_reply_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(FrameError, match="over the limit"):
        await replies_in((MAX_FRAME + 1).to_bytes(4, "big"))


class Moody:
    """An engine that can't do everything."""

    version = "1"

    def warm_up(self) -> None: ...

    def serve(self, request: Request) -> object:
        assert isinstance(request, SpeakRequest)
        if request.voice == "unknown":
            raise EngineUnavailable("there is no such voice")
        return request.text[int(request.voice)]


async def test_a_request_that_goes_wrong_is_refused_without_its_words_and_the_next_is_served() -> None:
    requests = [SpeakRequest(1, "secret", "unknown"), SpeakRequest(2, "secret", "99"), SpeakRequest(3, "secret", "0")]
    replies = io.BytesIO()
    serve(Moody(), io.BytesIO(b"".join(map(encode, requests))), replies)
    first, second, third = await replies_in(replies.getvalue())
    assert first == Refusal(1, "there is no such voice")
    assert isinstance(second, Refusal)
    assert "secret" not in second.why
    assert isinstance(third, Answer)
    assert msgspec.msgpack.decode(third.body) == "s"
