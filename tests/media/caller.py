"""A carrier's end of a media stream, frame by frame, with the frames of an independent simulator."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import WSMsgType
from streamdouble.protocol import MediaStreamEncoder, StreamIdentity  # type: ignore[import-untyped] # ships no types

SILENCE = b"\xff" * 160


class Caller:
    """`socket` is the stream; `frames` builds what the carrier sends."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, carrier_call_id: str) -> None:
        self.socket = socket
        self.frames = MediaStreamEncoder(StreamIdentity(call_sid=carrier_call_id))

    async def start(self, **parameters: str) -> None:
        """Connected and start, with the token among `parameters`."""
        await self.send(self.frames.connected())
        await self.send(self.frames.start(custom_parameters=parameters))

    async def speak(self, frames: int = 1) -> None:
        for _ in range(frames):
            await self.send(self.frames.media(SILENCE))

    async def send(self, frame: dict[str, Any]) -> None:
        await self.socket.send_str(json.dumps(frame))

    async def received(self) -> dict[str, Any] | None:
        """The next frame from the server; None when it has closed the socket."""
        message = await self.socket.receive()
        if message.type is not WSMsgType.TEXT:
            return None
        frame: dict[str, Any] = json.loads(message.data)
        return frame

    async def until_closed(self) -> int | None:
        """The code with which the server closes, marks being given back meanwhile."""
        while (frame := await self.received()) is not None:
            if frame["event"] == "mark":
                await self.send(self.frames.mark(frame["mark"]["name"]))
        return self.socket.close_code


@asynccontextmanager
async def stream(url: str, carrier_call_id: str = "CA1", **options: Any) -> AsyncIterator[Caller]:
    """A socket to the stream's door."""
    async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=0, **options) as socket:
        yield Caller(socket, carrier_call_id)
