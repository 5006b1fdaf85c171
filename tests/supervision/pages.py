"""Real pages' sockets: a server that makes a listener for each, and clients that read, or do not."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import websockets
from aiohttp import web

from mediaserver.supervision.listener import Listener, page_socket
from mediaserver.supervision.protocol import read_told

T = TypeVar("T")

SMALL = 4096  # bytes of a client's receive buffer: what it does not read waits at the sender


@dataclass
class Pages:
    """Listeners as their pages come. `ended`: of each whose writing has ended."""

    url: str = ""
    patience_s: float = 30.0
    arrived: "asyncio.Queue[Listener]" = field(default_factory=asyncio.Queue)
    ended: "asyncio.Queue[Listener]" = field(default_factory=asyncio.Queue)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        page = page_socket()
        await page.prepare(request)
        assert request.transport is not None
        name = request.query.get("name", "Ada")
        listener = Listener(page, request.transport, name=name, audio="audio" in request.query, patience_s=self.patience_s)
        writing = asyncio.create_task(listener.write())
        writing.add_done_callback(lambda _done: self.ended.put_nowait(listener))
        self.arrived.put_nowait(listener)
        async for _ in page:
            pass
        listener.close()
        await writing
        return page

    @asynccontextmanager
    async def page(self, query: str = "audio") -> AsyncIterator[tuple[Listener, websockets.ClientConnection]]:
        """A page that has connected: its listener, and its own side."""
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        peer.setblocking(False)
        host, _, port = self.url.removeprefix("http://").partition(":")
        await asyncio.get_running_loop().sock_connect(peer, (host, int(port)))
        address = f"{self.url.replace('http', 'ws')}/?{query}"
        async with websockets.connect(address, sock=peer, compression=None, ping_interval=None, max_queue=1, close_timeout=0.1) as client:
            yield await self.arrived.get(), client


@asynccontextmanager
async def serving(patience_s: float = 30.0) -> AsyncIterator[Pages]:
    pages = Pages(patience_s=patience_s)
    app = web.Application()
    app.router.add_get("/", pages.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    pages.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield pages
    finally:
        await runner.cleanup()


async def keep_offering(offer: Callable[[int], None], count: int) -> None:
    """`offer` 0, 1, 2 ..., and let the writer write in between."""
    for number in range(count):
        offer(number)
        await asyncio.sleep(0)


async def told_next(page: websockets.ClientConnection, kind: type[T]) -> T:
    """The next message of this kind that the page gets; what comes before it is passed over."""
    while True:
        message = await page.recv()
        if isinstance(message, str) and isinstance(found := read_told(message), kind):
            return found


async def audio_next(page: websockets.ClientConnection) -> tuple[int, bytes, bytes]:
    """The next piece of audio that the page gets: its position, the callee's side, the agent's."""
    while True:
        message = await page.recv()
        if isinstance(message, bytes):
            at, samples = struct.unpack_from("<II", message)
            return at, message[8 : 8 + samples], message[8 + samples :]
