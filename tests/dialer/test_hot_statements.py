"""The statements of every tick and every call find their rows by an index, however many contacts and calls there are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import msgspec

from db.database import Connection
from dialer import campaigns, contacts, queries
from dialer.campaign_settings import CampaignSettings
from dialer.lifecycle import CallState
from dialer.rows import Campaign, ClaimView, Requested
from tests.dialer.world import World


async def full_scans(world: World) -> dict[str, int]:
    """How often the large tables were read from end to end, by every connection so far."""
    await world.db.pool.expire_connections()  # a connection tells its counts at the latest when it closes
    async with world.db.pool.acquire() as connection:
        await connection.execute("select pg_stat_force_next_flush()")
        rows = await connection.fetch(
            "select relname, seq_scan from pg_stat_user_tables where relname in ('contacts', 'calls', 'call_events', 'gate_verdicts')"
        )
    return {row["relname"]: row["seq_scan"] for row in rows}


async def large_campaign(world: World) -> Campaign:
    """A draft of 100,000 contacts, each called before: a third is done, a third waits for a retry, and a third is fresh."""
    settings = CampaignSettings(
        name="Large", agent_id=world.agent_id, phone_number_id=world.phone_number_id, max_retries=1, retry_delay_min=60, local_hours=False
    )
    campaign = await campaigns.create(world.db, settings, actor="test")
    async with world.db.transaction() as connection:
        await connection.execute(
            """insert into contacts (campaign_id, number, status, not_before)
               select $1, '+4930' || (1000000 + g), case when g % 3 = 0 then 'completed' else 'pending' end,
                      case when g % 3 = 1 then $2::timestamptz + g * interval '1 s' end
               from generate_series(1, 100000) g""",
            campaign.id,
            world.now,
        )
        await connection.execute(
            """insert into calls (campaign_id, contact_id, number, phone_number_id, carrier_account_id, agent_id, agent_version, state,
                                  process_id, lease_until, planned_at, requested_at, ended_at, outcome)
               select campaign_id, id, number, $1, $2, $3, 1, 'ended', 'gone', $4, $4, $4, $4, 'no_answer' from contacts""",
            world.phone_number_id,
            world.account_id,
            world.agent_id,
            world.now - timedelta(days=20),
        )
    await world.db.pool.execute("analyze")
    return campaign


async def test_a_tick_a_call_and_its_end_read_no_large_table_from_end_to_end(world: World) -> None:
    campaign = await large_campaign(world)
    loop = await world.loop()
    before = await full_scans(world)
    await campaigns.start(world.db, campaign.id, actor="test")
    await world.tick(loop)
    await world.settle()
    (call_id,) = [call["id"] for call in await world.db.pool.fetch("select id from calls where live")]
    await world.report(call_id, CallState.RINGING)
    await world.talk(call_id)
    await world.tick(loop)
    (contact_id,) = [row["contact_id"] for row in await world.db.pool.fetch("select contact_id from calls where id = $1", call_id)]
    await contacts.why(world.db, contact_id)
    await campaigns.get(world.db, campaign.id)
    await campaigns.pause(world.db, campaign.id, actor="test")
    after = await full_scans(world)
    assert {name: after[name] - before[name] for name in ("contacts", "calls")} == {"contacts": 0, "calls": 0}


@asynccontextmanager
async def explained(world: World) -> AsyncIterator[tuple[Connection, list[str]]]:
    """A connection, and the plans of all that it runs, the statements inside functions among them."""
    plans: list[str] = []

    def hear(_connection: object, message: asyncpg.PostgresLogMessage) -> None:
        plans.append(f"{message}")

    async with world.db.pool.acquire() as connection:
        await connection.execute("load 'auto_explain'")
        for name, value in (("log_min_duration", "0"), ("log_nested_statements", "on"), ("log_level", "notice")):
            await connection.execute(f"set auto_explain.{name} = {value}")
        connection.add_log_listener(hear)
        yield connection, plans
        connection.remove_log_listener(hear)
        await connection.execute("reset all")


async def test_each_statement_of_tick_claim_and_flip_finds_its_rows_by_an_index(world: World) -> None:
    campaign = await large_campaign(world)
    await campaigns.start(world.db, campaign.id, actor="test")
    await world.loop("one")
    async with explained(world) as (connection, plans):
        ticked = [each async for each in queries.dialing.campaigns(connection, accounts=["scripted"])]
        for put_aside in (False, True):
            told: str = await queries.dialing.claim_view(
                connection,
                account_id=world.account_id,
                phone_number_id=world.phone_number_id,
                campaign_id=campaign.id,
                process_id="one",
                most=20 if put_aside else 1,
                alone=put_aside,
            )
        seen = msgspec.json.decode(told, type=ClaimView)
        call_id: int = await queries.dialing.plan(
            connection,
            contact_id=seen.contacts[0].id,
            process_id="one",
            lease_s=30.0,
            now=world.now,
            account_next=world.now,
            number_next=world.now,
            campaign_next=world.now,
        )
        await queries.dialing.flip_view(connection, call_id=call_id)
        requested: Requested = await queries.dialing.flip(
            connection, call_id=call_id, process_id="one", fence=0, post_limit_s=10.0, version=seen.campaign.version, open_until=None
        )
    assert (len(ticked), len(seen.contacts), requested.id) == (1, 20, call_id)
    choosing = [plan for plan in plans if "order by due_at, id limit most" in plan]
    assert len(choosing) == 4  # retries and fresh contacts, twice
    assert all("using contacts_due" in plan and "Sort" not in plan for plan in choosing)
    assert sum("contacts_pkey" in plan for plan in plans) >= 2
    assert not [plan for plan in plans if "Seq Scan on contacts" in plan or "Seq Scan on calls" in plan]


async def test_why_contacts_wait_is_found_by_who_is_due(world: World) -> None:
    """Also where none is fresh any more and statistics would have it that many are."""
    campaign = await large_campaign(world)
    await world.db.pool.execute("update contacts set status = 'skipped' where status = 'pending' and not_before is null")
    await world.db.pool.execute("analyze contacts")
    async with explained(world) as (connection, plans):
        found = [each async for each in queries.campaigns.waiting(connection, campaign_id=campaign.id, most=2000)]
    assert [each.gate for each in found] == ["retry_delay"]
    assert any("using contacts_due" in plan for plan in plans)
    assert not [plan for plan in plans if "contacts_pkey" in plan or "Seq Scan on contacts" in plan]


async def test_how_far_a_call_got_is_written_into_no_index(world: World) -> None:
    """Ring and answer are updates that PostgreSQL keeps within the row's page, whatever indexes the table has."""
    await world.campaign()
    await world.tick(await world.loop())
    await world.settle()
    (call_id,) = [call["id"] for call in await world.calls()]
    await world.db.pool.expire_connections()  # counts are of what a connection has not told yet
    async with world.db.pool.acquire() as connection, connection.transaction():
        await connection.execute("update calls set state = 'ringing', ringing_at = callwright_now() where id = $1", call_id)
        await connection.execute("update calls set state = 'answered', answered_at = callwright_now() where id = $1", call_id)
        counted = await connection.fetchrow("select n_tup_upd, n_tup_hot_upd from pg_stat_xact_user_tables where relname = 'calls'")
    assert tuple(counted) == (2, 2)
