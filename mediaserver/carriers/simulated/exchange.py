"""All calls of the network: starts them at the account's rate, keeps them for look-ups, ends them on request."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Iterable
from functools import partial

import aiohttp

from mediaserver.carriers.simulated import journal
from mediaserver.carriers.simulated.callbacks import Callbacks
from mediaserver.carriers.simulated.calls import Call, Ending, Order, Status
from mediaserver.carriers.simulated.directory import Directory
from mediaserver.carriers.simulated.metronome import Metronome
from mediaserver.carriers.simulated.repertoire import Repertoire
from mediaserver.carriers.simulated.settings import NetworkSettings
from mediaserver.carriers.simulated.speech import Speech
from mediaserver.carriers.simulated.story import Story, Surroundings

log = logging.getLogger(__name__)

HANG_UP_PATIENCE_S = 1.0
MOST_KEPT = 20_000  # calls; the oldest ended ones are forgotten


class CallRate:
    """Lets one call start at a time, first come first served, `per_second` at most."""

    def __init__(self, per_second: float) -> None:
        self._interval_s = 1 / per_second
        self._turn = asyncio.Lock()
        self._next_s = 0.0

    async def slot(self) -> None:
        """Wait for the next start. Cancelling it leaves the queue."""
        async with self._turn:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(max(0.0, self._next_s - loop.time()))
            self._next_s = loop.time() + self._interval_s


class Exchange:
    """The switchboard behind the API."""

    def __init__(self, settings: NetworkSettings, directory: Directory, speech: Speech, http: aiohttp.ClientSession) -> None:
        self.directory, self._settings = directory, settings
        self.callbacks, self._metronome = Callbacks(http, settings), Metronome()
        rate = CallRate(settings.calls_per_second)
        self._around = Surroundings(
            settings, http, self.callbacks, self._metronome, Repertoire(speech.voice), speech.recognition, rate.slot, self._keep
        )
        self._stories: dict[str, Story] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._times_called: Counter[str] = Counter()

    def start(self) -> None:
        self._metronome.start()

    def place(self, order: Order) -> Call:
        """Take an order; the call is queued, and starts when the rate allows."""
        nth = self._times_called[order.to]
        self._times_called[order.to] += 1
        call = Call(self._settings.account_sid, order, self.directory.at(order.to), nth)
        story = self._stories[call.sid] = Story(call, self._around)
        task = asyncio.create_task(story.run(), name=f"story of {call.sid}")
        self._running.add(task)
        task.add_done_callback(partial(self._over, story))
        self._forget()
        return call

    def call(self, sid: str) -> Call | None:
        """The call of that id."""
        story = self._stories.get(sid)
        return story.call if story else None

    def calls(self) -> Iterable[Call]:
        """All calls, newest first."""
        return (story.call for story in reversed(self._stories.values()))

    def journals(self) -> list[journal.CallJournal]:
        """The network's own record of all calls, oldest first."""
        return [story.journal for story in self._stories.values()]

    async def hang_up(self, call: Call, status: Status) -> None:
        """End a call by request of the API. Returns when it has ended, or after `HANG_UP_PATIENCE_S`, when it soon will have."""
        story = self._stories[call.sid]
        story.hang_up(Ending(status, "api"))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HANG_UP_PATIENCE_S):
                await story.over.wait()

    async def all_ended(self) -> None:
        """Return when no call is under way and every callback has arrived or was given up."""
        while self._running:
            await asyncio.wait(self._running)
        await self.callbacks.drain()

    async def stop(self) -> None:
        """Pull the plug: calls break off without a word."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.callbacks.close()
        await self._metronome.stop()

    def _over(self, story: Story, task: asyncio.Task[None]) -> None:
        """One call's task has ended; a fault in it ended that call alone, and the log has the cause."""
        self._running.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("call %s failed in the network itself", story.call.sid, exc_info=fault)
            story.call.move(Status.FAILED)

    async def _keep(self, record: journal.CallJournal) -> None:
        path = self._settings.journal
        if path is None:
            return
        try:
            await asyncio.to_thread(journal.append, path, record)
        except OSError as error:
            log.error("the journal %s can't be written (%s): make it writable, or start without it", path, error.strerror)

    def _forget(self) -> None:
        while len(self._stories) > MOST_KEPT:
            sid, oldest = next(iter(self._stories.items()))
            if not oldest.call.ended:
                return
            del self._stories[sid]
