"""What a worker process and its parent say to each other: msgpack messages, each with its length before it (4 bytes, big endian).

No I/O here beyond two small readers; both sides are the same version of this program, so there is no negotiation.
"""

import asyncio
from typing import BinaryIO

import msgspec

MAX_FRAME = 8 * 1024 * 1024  # bytes; a minute of speech is 1 MB


class RecognizeRequest(msgspec.Struct, tag="recognize", array_like=True, frozen=True):
    id: int
    pcm: bytes


class SpeakRequest(msgspec.Struct, tag="speak", array_like=True, frozen=True):
    id: int
    text: str
    voice: str


class EmbedRequest(msgspec.Struct, tag="embed", array_like=True, frozen=True):
    id: int
    lines: list[str]


class Ready(msgspec.Struct, tag="ready", array_like=True, frozen=True):
    """The worker has its model, warm. `version` changes whenever the same request may be answered otherwise."""

    version: str


class Unusable(msgspec.Struct, tag="unusable", array_like=True, frozen=True):
    """The worker can't serve and ends; `why` says what to do."""

    why: str


class Answer(msgspec.Struct, tag="answer", array_like=True, frozen=True):
    """`body` is msgpack of the engine's result: `Recognized`, `Spoken`, or the bytes of float32 rows."""

    id: int
    body: msgspec.Raw


class Refusal(msgspec.Struct, tag="refusal", array_like=True, frozen=True):
    """This one request can't be answered; the worker goes on."""

    id: int
    why: str


Request = RecognizeRequest | SpeakRequest | EmbedRequest
Reply = Ready | Unusable | Answer | Refusal

_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)


class FrameError(Exception):
    """The stream does not hold a frame where one must be."""


def encode(message: Request | Reply) -> bytes:
    """`message` with its length before it."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(4, "big") + body


def read_request(stream: BinaryIO) -> Request | None:
    """The next request, waiting for it; None when the parent is gone.

    Raises:
        FrameError: what came is not a request.
    """
    head = stream.read(4)
    if len(head) < 4:
        return None
    body = stream.read(_length(head))
    if len(body) < _length(head):
        return None
    try:
        return _requests.decode(body)
    except msgspec.MsgspecError as error:
        raise FrameError(f"not a request: {error}") from error


async def read_reply(stream: asyncio.StreamReader) -> Reply | None:
    """The next reply, waiting for it; None when the worker is gone.

    Raises:
        FrameError: what came is not a reply.
    """
    try:
        head = await stream.readexactly(4)
        body = await stream.readexactly(_length(head))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    try:
        return _replies.decode(body)
    except msgspec.MsgspecError as error:
        raise FrameError(f"not a reply: {error}") from error


def _length(head: bytes) -> int:
    length = int.from_bytes(head, "big")
    if length > MAX_FRAME:
        raise FrameError(f"a frame of {length} bytes is over the limit of {MAX_FRAME}")
    return length
