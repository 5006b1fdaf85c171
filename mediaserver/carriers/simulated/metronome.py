"""One clock for all lines of the network: every 20 ms by absolute deadlines, so that a late tick is followed by an early one,
never by drift."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from mediaserver.carriers.simulated.mulaw import FRAME_MS

log = logging.getLogger(__name__)


class Metronome:
    """Calls each listener with the time (of the event loop, s) that the tick was due. Costs nothing while nobody listens."""

    def __init__(self) -> None:
        self._listeners: dict[object, Callable[[float], None]] = {}
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="metronome")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def add(self, key: object, listener: Callable[[float], None]) -> None:
        self._listeners[key] = listener
        self._wanted.set()

    def remove(self, key: object) -> None:
        """May be called twice."""
        with contextlib.suppress(KeyError):
            del self._listeners[key]
        if not self._listeners:
            self._wanted.clear()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wanted.wait()
            due = loop.time()
            while self._listeners:
                for key, listener in list(self._listeners.items()):
                    self._tick(key, listener, due)
                due += FRAME_MS / 1000
                await asyncio.sleep(max(0.0, due - loop.time()))

    def _tick(self, key: object, listener: Callable[[float], None], due: float) -> None:
        try:
            listener(due)
        except Exception:  # one line's fault must not stop the clock of the others; the log has the cause
            log.exception("a line failed and is taken off the clock")
            self.remove(key)
