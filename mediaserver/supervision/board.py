"""What the calls of this process are like just now, told to the database about once a second: other processes and the dashboard read it."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from db.database import Database
from db.queries import load
from mediaserver.duty import again_and_again
from mediaserver.supervision.live_call import LiveStatus

TELL_EVERY_S = 1.0
AT_LEAST_EVERY_S = 3.0  # also what has not changed: whoever reads must see that we live
SAME_MOMENT = timedelta(seconds=0.5)

_queries = load("live")


class Board:
    """`statuses`: of the calls that this process holds, as `Floor.statuses`."""

    def __init__(
        self,
        database: Database,
        process_id: str,
        statuses: Callable[[], Sequence[LiveStatus]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._process_id, self._statuses, self._clock = database, process_id, statuses, clock
        self._told: dict[int, tuple[LiveStatus, float]] = {}  # what the database has, and since when

    async def run(self) -> None:
        """Tell it again and again, until cancelled. A database that is away is caught up with when it is back."""
        await again_and_again(self.run_once, lambda: asyncio.sleep(TELL_EVERY_S), "the board of live calls stands still")

    async def run_once(self) -> None:
        """Tell what has changed; no call, no statement."""
        now = self._clock()
        statuses = {each.call_id: each for each in self._statuses()}
        if over := self._told.keys() - statuses.keys():
            await _queries.forget_calls(self._database.pool, process_id=self._process_id, call_ids=list(over))
            for call_id in over:
                del self._told[call_id]
        if news := [each for each in statuses.values() if self._is_news(each, now)]:
            await self._tell(news)
            self._told |= {each.call_id: (each, now) for each in news}

    def _is_news(self, status: LiveStatus, now: float) -> bool:
        told = self._told.get(status.call_id)
        return told is None or now - told[1] >= AT_LEAST_EVERY_S or not same(told[0], status)

    async def _tell(self, news: Sequence[LiveStatus]) -> None:
        await _queries.tell_calls(
            self._database.pool,
            process_id=self._process_id,
            call_ids=[each.call_id for each in news],
            agent_states=[each.agent_state for each in news],
            steps=[each.step for each in news],
            line_speakers=[each.line_speaker for each in news],
            line_texts=[each.line_text for each in news],
            line_finals=[each.line_final for each in news],
            quiet_sinces=[each.quiet_since for each in news],
            sentiments=[each.sentiment for each in news],
            held_bys=[each.held_by for each in news],
            listeners=[each.listeners for each in news],
            stucks=[each.stuck for each in news],
        )


def same(one: LiveStatus, other: LiveStatus) -> bool:
    """Whether two tell the same: since when nobody has spoken is reckoned anew each time, and differs by the time that takes."""
    if replace(one, quiet_since=None) != replace(other, quiet_since=None):
        return False
    if one.quiet_since is None or other.quiet_since is None:
        return one.quiet_since is other.quiet_since
    return abs(one.quiet_since - other.quiet_since) < SAME_MOMENT
