"""One page's websocket, outgoing: what is offered waits in its own queues, and one task writes.

Nobody ever waits for a page. For one that does not read, about a second of audio waits and no more: then all of it is dropped, and when
the page reads again it goes on with what is heard now. So a listener holds at most `MOST_AUDIO` references to pieces that all listeners
of a call share, `MOST_TEXT` bytes of text, and `MOST_UNSENT` plus `SEND_BUFFER` bytes on their way.
"""

import asyncio
import logging
import secrets
from collections import deque
from socket import SO_SNDBUF, SOL_SOCKET

from aiohttp import ClientError, web

from mediaserver.supervision.protocol import LONGEST_MICROPHONE_FRAME, LONGEST_TEXT_FRAME, SkippedTold, Told, told
from mediaserver.switch.feed import PIECE_MS

log = logging.getLogger(__name__)

MOST_AUDIO = 1000 // PIECE_MS  # pieces
MOST_TEXT = 512 * 1024  # bytes; a welcome to a call of an hour has some 100 KB
MOST_UNSENT = 4096  # bytes in the transport: a quarter of a second
SEND_BUFFER = 16 * 1024  # bytes in the kernel: else megabytes of old audio may wait there
HEARTBEAT_S = 20.0
CLOSE_WITHIN_S = 2.0


def page_socket() -> web.WebSocketResponse:
    """A websocket for a page: one whose writing waits until the page reads."""
    longest = max(LONGEST_MICROPHONE_FRAME, LONGEST_TEXT_FRAME)
    return web.WebSocketResponse(compress=False, max_msg_size=longest, heartbeat=HEARTBEAT_S, timeout=CLOSE_WITHIN_S, writer_limit=0)


class Listener:
    """`socket`: prepared, from `page_socket`. `name`: the supervisor's. `audio`: whether it is to be offered audio; may change.
    `patience_s`: a page that takes in nothing for so long is cut off."""

    def __init__(
        self, socket: web.WebSocketResponse, transport: asyncio.Transport, *, name: str, audio: bool, patience_s: float = 30.0
    ) -> None:
        self.connection = secrets.token_urlsafe(8)
        self.name = name
        self.audio = audio
        self._socket, self._transport, self._patience_s = socket, transport, patience_s
        self._texts: deque[str] = deque()
        self._text_bytes = 0
        self._pieces: deque[bytes] = deque()
        self._skipped = 0  # pieces
        self._wake = asyncio.Event()
        self._closing = False
        transport.set_write_buffer_limits(high=MOST_UNSENT)
        transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, SEND_BUFFER)

    @property
    def closed(self) -> bool:
        """Whether it takes no more."""
        return self._closing

    @property
    def waiting_bytes(self) -> int:
        """What waits in memory for this page, the transport's buffer included."""
        return self._text_bytes + sum(map(len, self._pieces)) + self._transport.get_write_buffer_size()

    def tell(self, message: Told) -> None:
        """A message for the page. Returns at once; a page for which too much waits is closed."""
        if self._closing:
            return
        text = told(message)
        self._texts.append(text)
        self._text_bytes += len(text)
        if self._text_bytes > MOST_TEXT:
            log.warning("a listener is dropped: it does not read, and %d bytes of text wait for it", MOST_TEXT)
            self._give_up()
        self._wake.set()

    def offer(self, piece: bytes) -> None:
        """A piece of the call's audio. Returns at once; of a page that does not keep up, all that waits is dropped."""
        if self._closing or not self.audio:
            return
        if len(self._pieces) >= MOST_AUDIO:
            self._skipped += len(self._pieces)
            self._pieces.clear()
        self._pieces.append(piece)
        self._wake.set()

    def close(self, last: Told | None = None) -> None:
        """Close the socket after the text that waits, and `last`; a page that does not let us is cut off. May be called twice."""
        if self._closing:
            return
        if last is not None:
            self.tell(last)
        self._closing = True
        self._wake.set()
        asyncio.get_running_loop().call_later(CLOSE_WITHIN_S, self._transport.abort)

    async def write(self) -> None:
        """Send what waits, until the listener is closed or its page is gone; then close the socket."""
        try:
            while not self._closing:
                await self._wake.wait()
                self._wake.clear()
                await self._send_waiting()
            await self._send_waiting()
            await self._socket.close()
        except TimeoutError:
            log.warning("a listener is dropped: it took in nothing for %g s", self._patience_s)
            self._give_up()
        except (ConnectionError, ClientError):  # the page has gone; reading ends for the same reason
            self._give_up()

    async def _send_waiting(self) -> None:
        """Text first: a page that was away needs it to understand the audio."""
        while self._texts or (self._pieces and not self._closing):
            async with asyncio.timeout(self._patience_s):
                if self._texts:
                    await self._send_text()
                elif self._skipped:
                    skipped, self._skipped = self._skipped, 0
                    await self._socket.send_str(told(SkippedTold(skipped * PIECE_MS)))
                else:
                    await self._socket.send_bytes(self._pieces.popleft())

    async def _send_text(self) -> None:
        text = self._texts.popleft()
        self._text_bytes -= len(text)
        await self._socket.send_str(text)

    def _give_up(self) -> None:
        self._closing = True
        self._texts.clear()
        self._pieces.clear()
        self._text_bytes = 0
        self._transport.abort()
