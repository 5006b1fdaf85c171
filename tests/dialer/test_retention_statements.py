"""A look for what is due finds it by an index, and costs next to nothing where nothing is: at 100,000 calls, contacts and lines."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from db.database import Connection, Database
from dialer.retention import queries
from tests.dialer.test_hot_statements import explained, large_campaign
from tests.dialer.world import World

LIMITS = "recordings_days = {0}, transcripts_days = {0}, contacts_days = {0}, timelines_days = {0}, audit_log_days = {0}"
LARGE = ("calls", "contacts", "call_events", "gate_verdicts", "audit_log", "transcript_turns", "call_words", "suppressions")


@pytest.fixture
async def world(database: Database) -> World:
    """Its past is written by hand, and nothing is counted of it."""
    return await World.build(database)


PAST = (
    "update calls set answered_at = planned_at, who = 'human'",
    "insert into transcript_turns (call_id, position, speaker, text, start_ms, end_ms) select id, 0, 'callee', 'yes', 0, 1 from calls",
    "insert into call_events (call_id, at, source, kind) select id, planned_at, 'carrier', 'ended' from calls",
    "insert into gate_verdicts (contact_id, at, gate, verdict, value) select id, created_at - interval '20 days', 'window', 'wait', '' "
    "from contacts",
    "insert into audit_log (at, actor, action, subject) select planned_at, 'a', 'live.mark', 'call ' || id from calls",
    "update campaigns set status = 'cancelled', ended_at = callwright_now() - interval '20 days'",
)


async def large_past(world: World) -> int:
    """The large campaign, ended twenty days ago, with words, events, verdicts and lines of the log; its id."""
    campaign = await large_campaign(world)
    async with world.db.transaction() as connection:
        await connection.execute("set local session_replication_role = replica")  # what triggers keep of it is not asked for here
        for statement in PAST:
            await connection.execute(statement)
    await world.db.pool.execute("vacuum analyze")
    return campaign.id


def statements(campaign_id: int) -> dict[str, Callable[[Connection], Awaitable[Any]]]:
    async def campaigns_due(connection: Connection) -> list[Any]:
        return [row async for row in queries.campaigns_due(connection, most=100)]

    days = dict.fromkeys(("recordings_days", "transcripts_days", "contacts_days", "timelines_days", "audit_log_days"), 30)
    return {
        "recordings": lambda c: queries.mark_recordings(c, most=200),
        "transcripts": lambda c: queries.hold_transcripts(c, most=200),
        "timelines": lambda c: queries.delete_timelines(c, most=200),
        "verdicts": lambda c: queries.delete_verdicts(c, most=1000),
        "audit log": lambda c: queries.delete_audit_lines(c, most=1000),
        "test calls": lambda c: queries.forget_test_callees(c, most=200),
        "campaigns": campaigns_due,
        "contacts": lambda c: queries.forget_contacts(c, campaign_id=campaign_id, after="", most=200),
        "callees": lambda c: queries.forget_callees(c, campaign_id=campaign_id, after=0, most=200),
        "preview": lambda c: queries.due(c, **days, most=10_000),
    }


@pytest.mark.parametrize("days", [10, 30])
async def test_each_look_for_what_is_due_uses_its_index(world: World, days: int) -> None:
    """Where all of it is due (after 10 days), and where nothing is (30)."""
    campaign_id = await large_past(world)
    await world.db.pool.execute(f"update retention set {LIMITS.format(days)}")
    scanned: dict[str, list[str]] = {}
    async with explained(world) as (connection, plans):
        for name, statement in statements(campaign_id).items():
            plans.clear()
            await statement(connection)
            scanned[name] = [table for table in LARGE for plan in plans if f"Seq Scan on {table} " in plan]
        ids = await connection.fetchval("select array_agg(id) from (select id from calls order by id limit 200) k")
        plans.clear()
        assert await queries.forget_words(connection, ids=ids, kept_days=10) == 200
        scanned["words"] = [table for table in LARGE for plan in plans if f"Seq Scan on {table} " in plan]
        read = await connection.fetchrow("select relpages from pg_class where relname = 'calls'")
    assert {name: tables for name, tables in scanned.items() if tables} == {}
    assert read["relpages"] > 1000  # large enough to be worth an index


async def test_a_pass_with_nothing_due_reads_a_handful_of_pages(world: World) -> None:
    campaign_id = await large_past(world)
    await world.db.pool.execute(f"update retention set {LIMITS.format(30)}")
    async with world.db.pool.acquire() as connection:
        for name, statement in statements(campaign_id).items():
            if name in ("verdicts", "preview"):  # the one looks at a page of the oldest, the other is asked for by hand
                continue
            await statement(connection)  # plans are made and catalogues read
            await connection.execute("select pg_stat_force_next_flush()")
            before = await connection.fetchval(PAGES)
            await statement(connection)
            await connection.execute("select pg_stat_force_next_flush()")
            assert await connection.fetchval(PAGES) - before < 60, name


PAGES = (
    "select sum(heap_blks_read + heap_blks_hit + coalesce(idx_blks_read, 0) + coalesce(idx_blks_hit, 0))::bigint from pg_statio_user_tables"
)
