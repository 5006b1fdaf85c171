"""The figures of the way to a call: attempts per second and their latency in two campaigns of a million contacts each, and an idle tick.

An attempt is what `claim` and `flip` do, with every gate and its durable commit; the POST between them and the carrier is left out.
Four processes attempt side by side on one number. Calls end a second after they were asked for, in small bites, so that hundreds of them
are live all the time, and count in the gates of concurrency.
"""

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

import uvloop

from db.database import Database
from db.embedded import EmbeddedPostgres
from db.migrate import migrate
from dialer import queries
from dialer.carrier import CarrierCall, Order
from dialer.dialing import claim, flip
from dialer.loop import DialerLoop, Process
from dialer.rows import CampaignView
from mediaserver.figure import Figure

CLAIMERS, CAMPAIGNS, CONTACTS = 4, 2, 1_000_000
IDLE_CAMPAIGNS, TICKS = 1000, 20
WARM_UP_S, MEASURED_S = 2.0, 10.0
POST_LIMIT_S = 10.0
ACCOUNT = "benchmark"


def figures(runs: int) -> Iterable[Figure]:
    """One load of the data; a run is ten seconds of attempts, and twenty ticks."""
    with tempfile.TemporaryDirectory(prefix="callwright-bench-") as folder:
        yield from asyncio.run(_measure(Path(folder), runs))


@dataclass(frozen=True, slots=True)
class Attempts:
    """What a stretch of attempts came to: how many a second, and of all of them the latency, ms."""

    per_second: float
    latencies_ms: list[float]

    def percentile(self, percent: int) -> float:
        return statistics.quantiles(self.latencies_ms, n=100)[percent - 1]


async def _measure(folder: Path, runs: int) -> list[Figure]:
    async with _database(folder) as url:
        db = await Database.connect(url)
        campaigns = await _load(db)
        found = [await _attempt(db, url, campaigns) for _ in range(runs)]
        called = await db.pool.fetchval("select count(*) from calls where requested_at is not null")
        await _load_idle(db, campaigns)
        ticks = [await _idle_ticks(db) for _ in range(runs)]
        await db.close()
    load = f"machine's load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    detail = (
        f"{CLAIMERS} processes, one number, {CAMPAIGNS} campaigns of {CONTACTS:,} contacts, {MEASURED_S:g} s a run, fsync on; "
        f"{called:,} calls in all, each live for a second; {load}"
    )
    latency = (
        f"{sum(len(each.latencies_ms) for each in found):,} attempts, p50 {statistics.median(each.percentile(50) for each in found):.1f} ms"
    )
    return [
        Figure.measured("dialer.attempts_per_s", [each.per_second for each in found], "1/s", ">= 500", detail),
        Figure.measured("dialer.attempt_p99_ms", [each.percentile(99) for each in found], "ms", "<= 20", latency),
        Figure.measured(
            "dialer.idle_tick_1000_ms",
            ticks,
            "ms",
            "<= 50",
            f"{IDLE_CAMPAIGNS} running campaigns, nothing due; {TICKS} ticks a run; {load}",
        ),
    ]


@contextlib.asynccontextmanager
async def _database(folder: Path) -> AsyncIterator[str]:
    server = EmbeddedPostgres(folder)
    url = await server.start()
    try:
        await migrate(url)
        yield url
    finally:
        await server.destroy()


async def _load(db: Database) -> list[int]:
    """One number with two campaigns that run: their ids. The account's rate is far above what is measured, and it is noon where people
    are called, whenever this runs."""
    noon = datetime.now(UTC).replace(hour=11, minute=0) - datetime.now(UTC)
    await db.pool.execute(
        f"""create or replace function callwright_now() returns timestamptz language sql volatile parallel safe
            as $$ select clock_timestamp() + interval '{round(noon / timedelta(seconds=1))} s' $$"""
    )
    account = await db.pool.fetchval(
        "insert into carrier_accounts (name, carrier, calls_per_second) values ($1, 'none', 100000) returning id", ACCOUNT
    )
    number = await db.pool.fetchval("insert into phone_numbers (e164, carrier_account_id) values ('+493012345', $1) returning id", account)
    agent = await db.pool.fetchval("insert into agents (name) values ('Ada') returning id")
    await db.pool.execute(
        "insert into agent_versions (agent_id, version, definition) values ($1, 1, $2)",
        agent,
        {"first_message": "Hello {{contact_name|there}}, your appointment is on {{appointment_date}}."},
    )
    campaigns = [await _campaign(db, agent, number, 1000, first * CONTACTS, CONTACTS) for first in range(CAMPAIGNS)]
    await db.pool.execute("vacuum analyze contacts", timeout=600)  # else it runs beside the first minute of attempts
    await db.pool.execute("checkpoint", timeout=600)
    return campaigns


async def _campaign(db: Database, agent: int, number: int, concurrency: int, first: int, contacts: int) -> int:
    campaign_id: int = await db.pool.fetchval(
        """insert into campaigns (name, agent_id, agent_version, phone_number_id, status, running_since, concurrency, max_retries,
                                  retry_delay_min, start_time, end_time, timezone)
           values ('Benchmark', $1, 1, $2, 'in_progress', callwright_now(), $3, 2, 60, '08:00', '20:00', 'Europe/Berlin')
           returning id""",
        agent,
        number,
        concurrency,
    )
    await db.pool.execute(
        """insert into contacts (campaign_id, number, name, variables)
           select $1, '+4915' || (100000000 + $2::bigint + g), 'Person ' || g, jsonb_build_object('appointment_date', '2031-05-15')
           from generate_series(1, $3::int) g""",
        campaign_id,
        first,
        contacts,
        timeout=600,
    )
    return campaign_id


async def _attempt(db: Database, url: str, campaigns: list[int]) -> Attempts:
    """Every claimer at once, for a stretch of time, with calls that end meanwhile."""
    ending = asyncio.create_task(_end_calls(db))
    loop, context = asyncio.get_running_loop(), multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(CLAIMERS, context, initializer=_meet_at, initargs=(context.Barrier(CLAIMERS),)) as processes:
        found = await asyncio.gather(*(loop.run_in_executor(processes, claimer, url, f"claimer {n}", campaigns) for n in range(CLAIMERS)))
    ending.cancel()
    await asyncio.gather(ending, return_exceptions=True)
    await db.pool.execute(_END_SOME, 0, 0.0, 1_000_000)
    latencies = [ms for each in found for ms in each]
    return Attempts(len(latencies) / MEASURED_S, latencies)


_start: Barrier


def _meet_at(barrier: Barrier) -> None:
    """For a claimer's process: where all meet before they begin."""
    global _start  # the one way in which a barrier reaches the processes of a pool
    _start = barrier


def claimer(url: str, name: str, campaigns: list[int]) -> list[float]:
    """One claimer's process: the latency of each of its attempts, from the start of the claim to the commit of the flip, ms."""
    return uvloop.run(_claim_and_flip(url, name, campaigns))


async def _claim_and_flip(url: str, name: str, campaigns: list[int]) -> list[float]:
    db = await Database.connect(url, max_size=2)
    await queries.dialing.process_starts(db.pool, id=name, host="here", stream_url="wss://here/stream", concurrency=10_000, address="")
    views: list[CampaignView] = [await queries.dialing.campaign(db.pool, campaign_id=each) for each in campaigns]
    await _attempts_for(WARM_UP_S, db, name, views)
    _start.wait()
    latencies = await _attempts_for(MEASURED_S, db, name, views)
    await db.close()
    return latencies


async def _attempts_for(seconds: float, db: Database, name: str, views: list[CampaignView]) -> list[float]:
    latencies = []
    end = time.perf_counter() + seconds
    for view in itertools.cycle(views):
        started = time.perf_counter()
        if started >= end:
            break
        claimed = (await claim(db, view, name)).claimed
        if claimed is not None and await flip(db, claimed, name, POST_LIMIT_S) is not None:
            latencies.append((time.perf_counter() - started) * 1000)
    return latencies


_END_SOME = """
    with ended as (
        update calls set state = 'ended', ended_at = callwright_now(), posted_at = callwright_now(), outcome = 'no_answer'
        where id in (select id from calls
                     where id > $1 and state = 'requested' and requested_at < callwright_now() - make_interval(secs => $2)
                     order by id limit $3 for no key update skip locked)
        returning id, contact_id
    ), failed as (
        update contacts set status = 'failed', tries = 1, last_outcome = 'no_answer' where id in (select contact_id from ended)
    )
    select coalesce(max(id), $1) from ended
"""


async def _end_calls(db: Database) -> None:
    """Nobody answers: calls end a second after they were asked for. Each bite goes on where the last one ended."""
    after: int = await db.pool.fetchval("select coalesce(max(id), 0) from calls")
    async with db.pool.acquire() as connection:
        await connection.execute("set plan_cache_mode = force_generic_plan")  # else planning each bite takes half as long as making it
        while True:
            after = await connection.fetchval(_END_SOME, after, 1.0, 10)
            await asyncio.sleep(0.01)


async def _load_idle(db: Database, finished: list[int]) -> None:
    """A thousand running campaigns, each with retries that are not due; the large ones have stopped."""
    await db.pool.execute("update campaigns set status = 'paused' where id = any ($1)", finished)
    agent = await db.pool.fetchval("select id from agents")
    number = await db.pool.fetchval("select id from phone_numbers")
    idle = [await _campaign(db, agent, number, 1, CAMPAIGNS * CONTACTS + each * 10, 10) for each in range(IDLE_CAMPAIGNS)]
    await db.pool.execute("update contacts set not_before = callwright_now() + interval '1 day' where campaign_id = any ($1)", idle)
    await db.pool.execute("analyze")


class _NeverAsked:
    """URLs and carrier of a loop that has nobody to call."""

    post_limit_s = POST_LIMIT_S

    def answer(self, call_id: int) -> str:
        raise AssertionError(f"call {call_id} is due in an idle tick")

    status = answer

    async def place(self, order: Order) -> str:
        raise AssertionError(f"call {order.call_id} is placed in an idle tick")

    async def hang_up(self, carrier_call_id: str) -> None:
        raise AssertionError(f"{carrier_call_id} is hung up in an idle tick")

    async def look_up(self, to: str, caller: str, created_after: datetime) -> list[CarrierCall]:
        return []

    async def look_up_call(self, carrier_call_id: str) -> CarrierCall | None:
        return None


async def _idle_ticks(db: Database) -> float:
    """The median of some ticks, ms."""
    loop = DialerLoop(db, {ACCOUNT: _NeverAsked()}, Process("idle", "here", "wss://here/stream", 100), _NeverAsked())
    await loop.start_process()
    spans = []
    for _ in range(TICKS):
        started = time.perf_counter()
        ticked = await loop.run_once()
        spans.append((time.perf_counter() - started) * 1000)
        assert ticked.started == 0
        assert ticked.look_again_at is not None
    return statistics.median(spans)
