"""What a call asks of the outside, done one after the other, without the conversation waiting for it."""

import asyncio
import logging
from collections.abc import Coroutine

log = logging.getLogger(__name__)

Request = Coroutine[None, None, None]


class Outbox:
    """Requests in order, and urgent ones at once. One that fails is logged, without its content, and the others go on."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[tuple[str, Request] | None] = asyncio.Queue()
        self._tasks = {asyncio.create_task(self._work(), name="call outbox")}

    def put(self, what: str, request: Request) -> None:
        """Done after what was put before. `what`: for the log, without personal data."""
        self._waiting.put_nowait((what, request))

    def put_urgent(self, what: str, request: Request) -> None:
        """Done now, whatever else waits: an opt-out, a hang-up."""
        self._tasks.add(asyncio.create_task(_do(what, request), name=what))

    async def close(self, within_s: float) -> None:
        """Return when all is done, or after `within_s`: what is left then is dropped, and said so in the log."""
        self._waiting.put_nowait(None)
        _, late = await asyncio.wait(self._tasks, timeout=within_s)
        for task in late:
            log.error("a call ended before this was done: %s", task.get_name())
            task.cancel()
        if late:
            await asyncio.wait(late)
        while not self._waiting.empty():
            left = self._waiting.get_nowait()
            if left is not None:
                log.error("a call ended before this was done: %s", left[0])
                left[1].close()

    async def _work(self) -> None:
        while (entry := await self._waiting.get()) is not None:
            await _do(*entry)


async def _do(what: str, request: Request) -> None:
    try:
        await request
    except Exception as error:  # noqa: BLE001 - the request's boundary; the type only: a message may quote speech
        log.error("a request of a call failed: %s (%s)", what, type(error).__name__)
