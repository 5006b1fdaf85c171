"""The door for a carrier's media streams: a websocket in, a leg of the switch and a conversation behind it.

What a stream may do wrong ends that stream and nothing else. No loop that others share ever waits for one peer: what is to be sent waits
in the line's own queue, and a peer that does not read is dropped once `MOST_WAITING` bytes wait for it.

The right to a call is the one-shot, expiring token in the stream's first frame, which only the answer document carries. A signature of
the handshake is checked where there is one, so that a wrong public URL is noticed; there may be none, as not all who speak this
protocol sign it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from socket import SO_SNDBUF, SOL_SOCKET
from types import MappingProxyType
from typing import Any, Protocol

from aiohttp import WebSocketError, WSCloseCode, WSMessage, WSMsgType, web

from dialer.streams import StreamRefused
from mediaserver.calls import CallHouse, NoToken, run_call
from mediaserver.switch.leg import SwitchLeg
from mediaserver.switch.switch import Switch
from mediaserver.wire import AudioReceived, Connected, DigitPressed, Event, MarkReached, ProtocolError, StreamCodec, StreamStarted

log = logging.getLogger(__name__)

LONGEST_FRAME = 65536  # bytes; a real one has a few hundred
MOST_WAITING = 65536  # bytes that wait for one peer, the transport's buffer included
START_WITHIN_S = 5.0
HEARTBEAT_S = 30.0
CLOSE_WITHIN_S = 2.0


class HandshakeCheck(Protocol):
    def __call__(self, request: web.BaseRequest) -> str | None:
        """Why the handshake is refused; None where it is not."""


class CarrierLine:
    """One stream: reads frames into its leg, sends the leg's frames. Implements `mediaserver.calls.Line`."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport, codec: StreamCodec, switch: Switch) -> None:
        self._socket, self._transport, self._codec, self._switch = socket, transport, codec, switch
        self._leg: SwitchLeg | None = None
        self._waiting: deque[str] = deque()
        self._waiting_bytes = 0
        self._wake = asyncio.Event()
        self._ready = asyncio.Event()  # a leg is there, or never will be
        self._close_code = WSCloseCode.OK
        self._closing = False
        self._stopped = False
        self._cut = self._broke = False

    @property
    def stopped(self) -> bool:
        """Whether the carrier said that the stream, and with it the call, is over, and reports that of the call too."""
        return self._stopped

    @property
    def cut(self) -> bool:
        """Whether we ended the stream while the call went on: for a fault of the peer, or because this process stops."""
        return self._cut

    @property
    def broke(self) -> bool:
        """Whether the socket was closed from the other side, or lost, without a stop before."""
        return self._broke

    def open(self, record_to: Path | None) -> SwitchLeg:
        """A leg for the stream; from now on frames are read into it."""
        self._leg = self._switch.add(self._codec, self.send, record_to=record_to)
        if self._closing:
            self._leg.close()
        self._ready.set()
        return self._leg

    def close(self, code: WSCloseCode = WSCloseCode.OK) -> None:
        """Close the leg and, after what waits to be sent, the socket."""
        if self._closing:
            return
        self._closing, self._close_code = True, code
        self._cut = code is not WSCloseCode.OK
        self._wake.set()
        self._ready.set()
        if self._leg is not None:
            self._leg.close()

    def send(self, text: str) -> None:
        """A frame for the peer. Returns at once; a peer for which too much waits is dropped."""
        if self._closing:
            return
        self._waiting.append(text)
        self._waiting_bytes += len(text)
        if self._waiting_bytes + self._transport.get_write_buffer_size() > MOST_WAITING:
            log.warning("a stream is dropped: its peer does not read, and %d bytes wait for it", MOST_WAITING)
            self._waiting.clear()
            self._transport.abort()
            self.close(WSCloseCode.TRY_AGAIN_LATER)
        self._wake.set()

    async def first_start(self) -> StreamStarted:
        """The start of the stream, which must come within `START_WITHIN_S`.

        Raises:
            ProtocolError: it did not, or something else came.
        """
        try:
            async with asyncio.timeout(START_WITHIN_S):
                while True:
                    event = await self._event()
                    if isinstance(event, StreamStarted):
                        return event
        except TimeoutError:
            raise ProtocolError(f"no start within {START_WITHIN_S:g} s") from None

    async def read(self) -> None:
        """Read frames into the leg until the stream ends, for whatever reason; then the leg is closed."""
        try:
            await self._ready.wait()
            while not self._closing:
                self._take(await self._event())
        except ProtocolError as error:
            log.warning("a stream is closed: %s", error)
            self.close(WSCloseCode.PROTOCOL_ERROR)
        except _Gone as gone:
            self._broke = not self._closing
            log.info("a stream ended: %s", gone)
        except asyncio.CancelledError:  # a web server may cancel whoever serves a connection that is lost
            self._broke = not self._closing
            raise
        finally:
            self.close()

    async def write(self) -> None:
        """Send what waits, until the line is closed; then close the socket. A peer that does not let us is cut off."""
        while not self._closing:
            await self._wake.wait()
            self._wake.clear()
            await self._send_waiting()
        try:
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._send_waiting()
                await self._socket.close(code=self._close_code)
        except TimeoutError:
            self._transport.abort()

    async def _send_waiting(self) -> None:
        try:
            while self._waiting:
                text = self._waiting.popleft()
                self._waiting_bytes -= len(text)
                await self._socket.send_str(text)
        except ConnectionError:  # the peer has gone; reading ends for the same reason
            self._waiting.clear()

    async def _event(self) -> Event | None:
        try:
            message: WSMessage = await self._socket.receive()
        except ConnectionError as error:  # lost while the end of the socket was being answered
            raise _Gone(type(error).__name__) from error
        if message.type is WSMsgType.TEXT:
            return self._codec.receive(message.data)
        if message.type is WSMsgType.BINARY:
            raise ProtocolError("a binary frame, where all are text")
        if message.type is WSMsgType.ERROR and isinstance(message.data, WebSocketError):
            raise ProtocolError(str(message.data))
        raise _Gone(message.type.name.lower())

    def _take(self, event: Event | None) -> None:
        leg = self._leg
        if leg is None or event is None:
            return
        if isinstance(event, AudioReceived):
            leg.audio_received(event.mulaw)
        elif isinstance(event, MarkReached):
            leg.mark_reached(event.name)
        elif isinstance(event, DigitPressed):
            leg.digit(event.digit)
        elif not isinstance(event, Connected | StreamStarted):
            self._stopped = event.report_follows
            self.close()


class _Gone(Exception):
    """The socket is closed."""


class LiveCalls:
    """The calls of this process that have not been settled. `draining`: no new ones are taken."""

    def __init__(self) -> None:
        self._running: dict[asyncio.Task[None], CarrierLine] = {}
        self.draining = False

    def __len__(self) -> int:
        return len(self._running)

    @property
    def running(self) -> Mapping[asyncio.Task[None], CarrierLine]:
        """The calls that are not settled, each with its line (which may be closed)."""
        return MappingProxyType(self._running)

    def begin(self, call: Coroutine[Any, Any, None], line: CarrierLine) -> None:
        """Run a call in a task that outlives its socket."""
        task = asyncio.create_task(call, name="call")
        self._running[task] = line
        task.add_done_callback(self._running.pop)

    async def drain(self, within_s: float, settle_within_s: float = 10.0) -> None:
        """Take no new calls, let those in progress go on for `within_s`, then close their lines and have their results kept.

        What is not settled then (the database may be away) is left to the process that takes over when our lease has run out.
        """
        self.draining = True
        if self._running:
            await asyncio.wait(list(self._running), timeout=within_s)
        for line in list(self._running.values()):
            line.close(WSCloseCode.GOING_AWAY)
        if self._running:
            await asyncio.wait(list(self._running), timeout=settle_within_s)
        left = list(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if left:
            log.error("%d calls could not be settled before the process stops; another one settles them", len(left))


class MediaDoor:
    """Takes the streams of one carrier. `codec` makes the protocol's state for one stream."""

    def __init__(
        self, codec: Callable[[], StreamCodec], switch: Switch, house: CallHouse, live: LiveCalls, check_handshake: HandshakeCheck
    ) -> None:
        self._codec, self._switch, self._house, self._live = codec, switch, house, live
        self._check_handshake = check_handshake

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """One stream, from its handshake to its end."""
        refused = self._check_handshake(request)
        if refused is not None:
            log.warning("a stream is refused: %s", refused)
            return web.Response(status=403, text="signature refused\n")
        socket = web.WebSocketResponse(compress=False, max_msg_size=LONGEST_FRAME, heartbeat=HEARTBEAT_S, timeout=CLOSE_WITHIN_S)
        await socket.prepare(request)
        transport = request.transport
        if transport is None:  # the peer went away during the handshake
            return socket
        transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, MOST_WAITING)  # else megabytes may wait in the kernel
        line = CarrierLine(socket, transport, self._codec(), self._switch)
        writing = asyncio.create_task(line.write(), name="stream writer")
        try:
            if self._live.draining:
                line.close(WSCloseCode.SERVICE_RESTART)
            else:
                await self._serve(line)
        finally:
            line.close()
            await writing
        return socket

    async def _serve(self, line: CarrierLine) -> None:
        try:
            started = await line.first_start()
        except ProtocolError as error:
            log.warning("a stream is refused: %s", error)
            line.close(WSCloseCode.POLICY_VIOLATION)
        except _Gone:
            log.info("a stream went away before it started")
        else:
            self._live.begin(self._call(started, line), line)
            await line.read()

    async def _call(self, started: StreamStarted, line: CarrierLine) -> None:
        try:
            await run_call(self._house, started, line)
        except (NoToken, StreamRefused) as refusal:
            log.warning("stream %s is refused: %s", started.stream_id, refusal)
            line.close(WSCloseCode.POLICY_VIOLATION)
        except Exception:  # the call's boundary: the carrier asks the answer door again when the stream is closed
            log.exception("stream %s: its call could not be begun or settled", started.stream_id)
            line.close(WSCloseCode.INTERNAL_ERROR)
