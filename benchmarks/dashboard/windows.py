"""Open pages without a browser: each speaks Streamlit's own protocol, so that it costs the dashboard what a browser's window does and
the machine next to nothing.

A browser loads the page's files, opens a websocket, asks for a run of the page, and then for a run of each part of it that refreshes
itself, as often as the page says. So does a `Window`. The one thing that it leaves out is what a browser keeps: it is sent large messages
again that a browser would not be.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

OPENS_WITHIN_S = 60.0
PROTOCOL = websockets.Subprotocol("streamlit")


class NotOpened(Exception):
    """A page did not come up; the message says which."""


class Window:
    """One open page. `parts`: those that refresh themselves, and how often, in seconds; `refreshes`: of parts, answered so far."""

    def __init__(self, socket: websockets.ClientConnection, address: str) -> None:
        at = urlsplit(address)
        self.address, self.refreshes = address, 0
        self.parts: dict[str, float] = {}
        self._socket, self._page, self._query = socket, at.path.strip("/"), at.query
        self._script = ""
        self._drawn, self._answered = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        """Asks for the page, and hears what comes of all that is asked, until cancelled, or until the dashboard hangs up."""
        await self._socket.send(self._asking())
        async for data in self._socket:
            message = ForwardMsg.FromString(data if isinstance(data, bytes) else data.encode())
            match message.WhichOneof("type"):
                case "new_session":
                    self._script = message.new_session.page_script_hash
                case "auto_rerun":
                    self.parts[message.auto_rerun.fragment_id] = message.auto_rerun.interval
                case "script_finished" if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                    self._drawn.set()
                case "script_finished" if message.script_finished == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY:
                    self.refreshes += 1
                    self._answered.set()

    async def drawn(self) -> None:
        """Returns once the page is there.

        Raises:
            NotOpened
        """
        try:
            await asyncio.wait_for(self._drawn.wait(), OPENS_WITHIN_S)
        except TimeoutError as error:
            raise NotOpened(f"a page did not come up within {OPENS_WITHIN_S:g} s: {self.address}") from error

    async def refresh(self, part: str) -> float:
        """Asks for a part of the page now; the time to the last of the answer, in ms. Not beside `keep_fresh`."""
        self._answered.clear()
        began = time.perf_counter()
        await self._socket.send(self._asking(part))
        await asyncio.wait_for(self._answered.wait(), OPENS_WITHIN_S)
        return (time.perf_counter() - began) * 1000

    async def keep_fresh(self) -> None:
        """Asks for each part as often as the page says, until cancelled."""
        await asyncio.gather(*(self._ask_every(part, every_s) for part, every_s in self.parts.items()))

    async def _ask_every(self, part: str, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            await self._socket.send(self._asking(part))

    def _asking(self, part: str = "") -> bytes:
        """For a run of the page, or of a part of it."""
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.page_name, asked.page_script_hash = self._query, self._page, self._script
        asked.fragment_id, asked.is_auto_rerun = part, bool(part)
        asked.context_info.timezone, asked.context_info.locale, asked.context_info.color_scheme = "Europe/Berlin", "en", "light"
        asked.context_info.url = self.address
        asked.widget_states.SetInParent()
        return bytes(message.SerializeToString())


@asynccontextmanager
async def open_windows(addresses: list[str], cookie: str) -> AsyncIterator[list[Window]]:
    """A window for each address, opened one after another by somebody whose browser has `cookie`, until the end of the block.

    Raises:
        NotOpened
    """
    windows: list[Window] = []
    async with AsyncExitStack() as stack:
        for address in addresses:
            stream = f"ws://{urlsplit(address).netloc}/_stcore/stream"
            connecting = websockets.connect(stream, subprotocols=[PROTOCOL], additional_headers={"Cookie": cookie}, max_size=None)
            window = Window(await stack.enter_async_context(connecting), address)
            await stack.enter_async_context(meanwhile(window.run()))
            await window.drawn()
            windows.append(window)
        yield windows


@asynccontextmanager
async def meanwhile(work: Coroutine[Any, Any, object]) -> AsyncIterator[None]:
    """`work` goes on in the block, and is cancelled at its end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
