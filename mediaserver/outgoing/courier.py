"""Delivers what the outbox holds, in every web process. A message is leased by the time of the database: what a process that was killed had
taken is taken by another. Delivered at least once, in no promised order.

It runs on the event loop of the calls and is kept light there: few messages at once to each endpoint, one to an endpoint that fails, and a
pause between two looks. No endpoint takes the place of another: there are few, and each has its own room.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import asyncpg

from db.audit import audit
from db.database import LOST, UNDONE, Connection, Database, DatabaseUnavailable
from db.queries import load
from db.rows import DueDelivery
from mediaserver.outgoing.message import body_of
from mediaserver.outgoing.post import Attempt, Poster
from mediaserver.outgoing.schedule import DISABLED_AFTER_S, wait_s
from mediaserver.outgoing.signing import signed

log = logging.getLogger(__name__)

ACTOR = "webhooks"
AT_ONCE, AT_ONCE_TO_FAILING = 4, 1  # to one endpoint, of this process
LEASE_S = 60.0  # much longer than an attempt
LOOK_EVERY_S, LOOK_AGAIN_S = 1.0, 0.1  # the latter while there is something to do
CLEAR_EVERY_S = 3600.0
KEPT_FOR = timedelta(days=30)
CLEARED_AT_ONCE = 1000
STOP_WITHIN_S = 3.0
_WRITES_AT_ONCE = 2  # of the pool's connections: the others are for calls

_queries = load("webhooks")


class Courier:
    """`poster`: the way out. `public_url`: where the API is reached, for links. `chance`: from 0 to 1, as `random.random`. `clock`: seconds
    since 1970, for signatures."""

    def __init__(
        self,
        database: Database,
        poster: Poster,
        *,
        public_url: str = "",
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._poster, self._public_url = database, poster, public_url
        self._chance, self._clock = chance, clock
        self._writes = asyncio.Semaphore(_WRITES_AT_ONCE)
        self._on_their_way: dict[asyncio.Task[None], DueDelivery] = {}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Deliver until stopped. A database that is away is waited for; what it holds is not lost by that."""
        away = False
        next_clearing = 0.0
        while not self._stopping.is_set():
            taken = 0
            try:
                taken = await self.run_once()
                if time.monotonic() >= next_clearing:
                    await self.clear_old()
                    next_clearing = time.monotonic() + CLEAR_EVERY_S
                away = False
            except (*LOST, asyncpg.PostgresError) as error:
                if not away:
                    log.warning("webhooks wait: the database did not say what is due (%s)", type(error).__name__)
                away = True
            except Exception:  # the duty's boundary: the next look starts afresh, and the log has the cause
                log.exception("a look at what is due failed; the next one is in %.1f s", LOOK_EVERY_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK_AGAIN_S if taken else LOOK_EVERY_S)
        await self._leave()  # also what the last look took after `stop` had been asked for

    async def run_once(self) -> int:
        """Take what is due, as far as there is room, and send it on its way: how many. `sent` waits for them."""
        busy = Counter(each.webhook_id for each in self._on_their_way.values())
        found = _queries.claim(
            self._database.pool,
            busy_ids=list(busy),
            busy=list(busy.values()),
            most=AT_ONCE,
            most_failing=AT_ONCE_TO_FAILING,
            lease_s=LEASE_S,
        )
        taken = [each async for each in found]
        for delivery in taken:
            task = asyncio.create_task(self._deliver(delivery), name=f"webhook {delivery.id}")
            self._on_their_way[task] = delivery
            task.add_done_callback(self._on_their_way.pop)
        return len(taken)

    async def sent(self) -> None:
        """Wait until everything on its way has been answered, and that is kept."""
        while self._on_their_way:
            await asyncio.gather(*self._on_their_way, return_exceptions=True)

    async def clear_old(self) -> int:
        """Delete deliveries that are older than 30 days, or than names and words are kept, whatever became of them: how many."""
        cleared = 0
        while True:
            some: int = await _queries.clear_old(self._database.pool, older_than=KEPT_FOR, most=CLEARED_AT_ONCE)
            cleared += some
            if some < CLEARED_AT_ONCE:
                return cleared

    async def stop(self) -> None:
        """Take nothing any more, and give back what is not answered soon; `run` returns then. May be called twice."""
        self._stopping.set()
        await self._leave()

    async def _leave(self) -> None:
        if not self._on_their_way:
            return
        await asyncio.wait(self._on_their_way, timeout=STOP_WITHIN_S)
        left = dict(self._on_their_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        with suppress(*LOST, asyncpg.PostgresError):  # else the leases run out
            await _queries.give_back(self._database.pool, delivery_ids=[each.id for each in left.values()])

    async def _deliver(self, delivery: DueDelivery) -> None:
        try:
            body = body_of(delivery.message_id, delivery.event, delivery.created_at, delivery.data, self._public_url)
            secrets = [secret for secret in (delivery.secret, delivery.old_secret) if secret]
            attempt = await self._poster.post(delivery.url, body, signed(secrets, delivery.message_id, int(self._clock()), body))
            async with self._writes:
                await self._database.retrying(lambda connection: self._keep(connection, delivery, attempt))
        except (*LOST, *UNDONE, DatabaseUnavailable) as error:
            log.warning("webhook delivery %d: what came of it is not kept (%s): it is made again", delivery.id, type(error).__name__)
        except Exception:  # the task's end: the lease runs out, and the message is sent again
            log.exception("webhook delivery %d failed", delivery.id)

    async def _keep(self, connection: Connection, delivery: DueDelivery, attempt: Attempt) -> None:
        """What came of an attempt; an endpoint that is gone, or has failed for days, is disabled."""
        said = {"status_code": attempt.status_code, "response": attempt.response, "duration_ms": attempt.duration_ms}
        if not attempt.error:
            await _queries.delivered(connection, delivery_id=delivery.id, **said)
            return
        wait = None if attempt.gone else wait_s(delivery.attempts, self._chance())
        failed = await _queries.failed(
            connection, delivery_id=delivery.id, attempt=delivery.attempts, wait_s=wait, error=attempt.error, **said
        )
        reason = _why_disabled(attempt, failed["failing_s"] if failed is not None else 0.0)
        if reason and (url := await _queries.disable_endpoint(connection, id=delivery.webhook_id, reason=reason)) is not None:
            await audit(connection, ACTOR, "webhook.disable", f"webhook {delivery.webhook_id}", {"name": url, "reason": reason})
            log.warning("webhook %d is disabled: %s", delivery.webhook_id, reason)


def _why_disabled(attempt: Attempt, failing_s: float) -> str:
    if attempt.gone:
        return "it answered 410: it wants no messages any more"
    if failing_s >= DISABLED_AFTER_S:
        return f"nothing was delivered for {DISABLED_AFTER_S / 86400:.0f} days; last: {attempt.error}"
    return ""
