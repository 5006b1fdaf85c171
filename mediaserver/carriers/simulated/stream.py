"""One media stream: the network's websocket to the agent's side. Frames leave in real time, but in bursts, as a network
delivers them."""

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from mediaserver.carriers.simulated import signing
from mediaserver.carriers.simulated.frames import BadFrame, Command, Frames
from mediaserver.carriers.simulated.mulaw import FRAME_MS
from mediaserver.carriers.simulated.settings import NetworkSettings

log = logging.getLogger(__name__)

MOST_WAITING = 1500  # frames for a peer that does not read: half a minute, then audio is lost
_OPEN_TIMEOUT_S = 5.0
_CLOSE_TIMEOUT_S = 1.0
_FIRST_TIMESTAMPS = (102, 155)
_MOST_JITTER_MS = 3


class StreamFailed(Exception):
    """The websocket could not be opened; the message says why."""


class Bursts:
    """Holds frames back now and then, to let them go together; and stamps them."""

    def __init__(self, chance: random.Random, settings: NetworkSettings) -> None:
        self._chance, self._settings = chance, settings
        self._held: list[tuple[bytes, int]] = []
        self._until = 1
        self._next_ms = chance.choice(_FIRST_TIMESTAMPS)

    def add(self, mulaw: bytes) -> list[tuple[bytes, int]]:
        """The frames that leave now, with their timestamps in ms: none while holding back, then several."""
        if not self._held:
            longest = self._settings.burst_frames
            self._until = self._chance.randint(1, longest) if self._chance.random() < self._settings.burst_share else 1
        self._held.append((mulaw, self._next_ms + self._chance.randint(0, _MOST_JITTER_MS)))
        self._next_ms += FRAME_MS
        if len(self._held) < self._until:
            return []
        released, self._held = self._held, []
        return released


class Stream:
    """One open websocket."""

    def __init__(self, socket: ClientConnection, frames: Frames, bursts: Bursts) -> None:
        self._socket, self._frames, self._bursts = socket, frames, bursts
        self._outbox: deque[str] = deque((frames.connected(), frames.start()))
        self._has_mail = asyncio.Event()
        self._has_mail.set()

    @classmethod
    async def open(cls, url: str, frames: Frames, chance: random.Random, settings: NetworkSettings) -> "Stream":
        """Connect, with a signed handshake.

        Raises:
            StreamFailed
        """
        headers = {signing.HEADER: signing.signature(settings.auth_token, url)}
        try:
            socket = await connect(
                url,
                additional_headers=headers,
                user_agent_header="Twilio.TmeWs/1.0",
                compression=None,
                proxy=None,
                ping_interval=None,
                open_timeout=_OPEN_TIMEOUT_S,
                close_timeout=_CLOSE_TIMEOUT_S,
            )
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
            raise StreamFailed(f"the stream could not be opened: {type(error).__name__}: {error}") from error
        return cls(socket, frames, Bursts(chance, settings))

    async def run(self, receive: Callable[[Command], None], refuse: Callable[[BadFrame], None]) -> None:
        """Carry frames both ways until the other side closes the socket or the line breaks."""
        sending = asyncio.create_task(self._send(), name="stream sender")
        try:
            with contextlib.suppress(ConnectionClosed):
                async for text in self._socket:
                    try:
                        receive(self._frames.receive(text))
                    except BadFrame as error:
                        refuse(error)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def hear(self, mulaw: bytes) -> None:
        """20 ms from the callee."""
        for frame, timestamp_ms in self._bursts.add(mulaw):
            if len(self._outbox) < MOST_WAITING:
                self._post(self._frames.media(frame, timestamp_ms))

    def marks(self, names: list[str]) -> None:
        """Send marks back."""
        for name in names:
            self._post(self._frames.mark(name))

    def press(self, digit: str) -> None:
        """The callee pressed a key."""
        self._post(self._frames.dtmf(digit))

    async def stop(self) -> None:
        """Say that the stream stops, and close."""
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                while self._outbox:
                    await self._socket.send(self._outbox.popleft())
                await self._socket.send(self._frames.stop())
        await self._socket.close()

    def break_off(self) -> None:
        """Drop the connection without a word."""
        self._socket.transport.abort()

    async def close(self) -> None:
        await self._socket.close()

    def _post(self, frame: str) -> None:
        self._outbox.append(frame)
        self._has_mail.set()

    async def _send(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._has_mail.wait()
                while self._outbox:
                    await self._socket.send(self._outbox.popleft())
                self._has_mail.clear()
