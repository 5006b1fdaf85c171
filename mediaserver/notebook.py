"""What is to be kept of one call, in order, also while the database is away: the call goes on, and what waits is kept when it is back."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from db.database import LOST, UNDONE, DatabaseUnavailable

log = logging.getLogger(__name__)

MOST_WAITING = 2000  # entries of one call: more than a call of an hour makes
LONGEST_PAUSE_S = 5.0

Write = Callable[[], Awaitable[object]]

_AWAY = (*LOST, *UNDONE, DatabaseUnavailable)


class Notebook:
    """One call's entries. Writing an entry twice must be the same as writing it once: an answer may be lost after a commit.

    `call_id` is for the log. `first_pause_s`: before the second attempt at an entry; it doubles up to `LONGEST_PAUSE_S`.
    """

    def __init__(self, call_id: int, *, first_pause_s: float = 0.1) -> None:
        self._call_id, self._first_pause_s = call_id, first_pause_s
        self._waiting: deque[tuple[Write, asyncio.Future[bool]]] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._away = False

    @property
    def waiting(self) -> int:
        """Entries that are not written yet."""
        return len(self._waiting)

    async def keep(self, write: Write, *, patience_s: float) -> bool:
        """Have `write` done after all entries before it, and return whether it is: after `patience_s`, or at once while the database
        is known to be away, it is still to be done."""
        done = self.put(write)
        with suppress(TimeoutError):
            async with asyncio.timeout(0 if self._away else patience_s):
                await asyncio.shield(done)
        return done.done() and done.result()

    def put(self, write: Write) -> "asyncio.Future[bool]":
        """Have `write` done after all entries before it, some time; whether it was is the future's result."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if len(self._waiting) >= MOST_WAITING:
            log.error("call %d: %d entries wait for the database, this one is dropped", self._call_id, MOST_WAITING)
            done.set_result(False)
            return done
        self._waiting.append((write, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(), name=f"notebook of call {self._call_id}")
        return done

    async def written(self) -> None:
        """Return when nothing waits, however long the database is away."""
        while self._writing is not None and not self._writing.done():
            await asyncio.shield(self._writing)

    def close(self) -> None:
        """Give up what still waits: only where the process ends."""
        if self._writing is not None:
            self._writing.cancel()

    async def _write_all(self) -> None:
        while self._waiting:
            write, done = self._waiting[0]
            written = await self._write(write)
            self._waiting.popleft()
            done.set_result(written)

    async def _write(self, write: Write) -> bool:
        pause = self._first_pause_s
        while True:
            try:
                await write()
            except _AWAY as error:
                self._away = True
                log.warning(
                    "call %d: the database is away (%s), %d entries wait: again in %.1f s",
                    self._call_id,
                    type(error).__name__,
                    len(self._waiting),
                    pause,
                )
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            except Exception:  # the entry's boundary: what the database refuses now it refuses always, and others wait behind it
                log.exception("call %d: an entry can't be written and is dropped", self._call_id)
                return False
            else:
                self._away = False
                return True
