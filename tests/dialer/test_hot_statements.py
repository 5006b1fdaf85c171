"""The statements of every tick and every call find their rows by an index, however many contacts and calls there are."""

from datetime import timedelta

from dialer import campaigns, contacts
from dialer.campaign_settings import CampaignSettings
from dialer.lifecycle import CallState
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


async def test_a_tick_a_call_and_its_end_read_no_large_table_from_end_to_end(world: World) -> None:
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
    loop = await world.loop()
    before = await full_scans(world)
    await campaigns.start(world.db, campaign.id, actor="test")
    await world.tick(loop)
    await world.settle()
    (call_id,) = [call["id"] for call in await world.db.pool.fetch("select id from calls where state <> 'ended'")]
    await world.report(call_id, CallState.RINGING)
    await world.talk(call_id)
    await world.tick(loop)
    (contact_id,) = [row["contact_id"] for row in await world.db.pool.fetch("select contact_id from calls where id = $1", call_id)]
    await contacts.why(world.db, contact_id)
    await campaigns.get(world.db, campaign.id)
    await campaigns.pause(world.db, campaign.id, actor="test")
    after = await full_scans(world)
    assert {name: after[name] - before[name] for name in ("contacts", "calls")} == {"contacts": 0, "calls": 0}
