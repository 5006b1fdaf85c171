"""The calls of this process that can be supervised, and the one clock that gives out the audio of those that somebody listens to."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mediaserver.supervision.live_call import LiveCall, LiveStatus
from mediaserver.supervision.protocol import CallFacts, NoteTold
from mediaserver.switch.boundary import contained
from mediaserver.switch.feed import PIECE_MS
from mediaserver.switch.leg import SwitchLeg
from mediaserver.switch.switch import Switch

log = logging.getLogger(__name__)

TICK_S = PIECE_MS / 1000


class Floor:
    """One per process. `tone_every_s`: how often a callee hears that somebody listens; 0: never."""

    def __init__(self, switch: Switch, *, tone_every_s: float = 0.0) -> None:
        self._switch, self._tone_every_s = switch, tone_every_s
        self._calls: dict[int, LiveCall] = {}
        self._heard: set[LiveCall] = set()
        self._wanted = asyncio.Event()

    @contextmanager
    def opened(
        self, call_id: int, leg: SwitchLeg, facts: CallFacts, noted: Callable[[NoteTold], None] = lambda _note: None
    ) -> Iterator[LiveCall]:
        """A call that can be supervised within the block. `noted`: told what supervisors do in it."""
        call = LiveCall(call_id, leg, self._switch, facts, tone_every_s=self._tone_every_s, heard=self._begin_to_feed, noted=noted)
        self._calls[call_id] = call
        try:
            yield call
        finally:
            if self._calls.get(call_id) is call:
                del self._calls[call_id]
            self._heard.discard(call)
            contained("a live call could not be closed", call.close)

    def find(self, call_id: int) -> LiveCall | None:
        """The call, as long as it is in progress here."""
        return self._calls.get(call_id)

    def statuses(self) -> list[LiveStatus]:
        """What each call is like just now."""
        found: list[LiveStatus] = []
        for call in list(self._calls.values()):
            contained("what a live call is like could not be told", self._add_status, call, found)
        return found

    async def run(self) -> None:
        """Give out audio until cancelled. Rests while nobody listens."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wanted.wait()
            due = loop.time()
            while self._heard:
                self.run_once()
                now = loop.time()
                due = max(due + TICK_S, now)  # after a stall: at once, and no tick twice
                await asyncio.sleep(due - now)
            self._wanted.clear()

    def run_once(self) -> None:
        """Give out what is to be heard by now. A call whose audio fails is not fed any more, until another page listens, and goes on."""
        for call in list(self._heard):
            if call.heard and not contained("the audio of a live call is not given out any more: it failed", call.feed):
                call.deafen()
            if not call.heard:
                self._heard.discard(call)

    def _add_status(self, call: LiveCall, found: list[LiveStatus]) -> None:
        found.append(call.status())

    def _begin_to_feed(self, call: LiveCall) -> None:
        self._heard.add(call)
        self._wanted.set()
