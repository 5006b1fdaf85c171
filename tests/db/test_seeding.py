"""A seeded rehearsal: the same calls from the same seed, counted and searchable like real ones, beside nothing real unless told so."""

from typing import Any

import pytest

from db import call_log
from db.call_log import CallFilter
from db.database import Database
from mediaserver import seeding
from mediaserver.seeding import FREQUENT, Plan, Seeded, fill
from mediaserver.stack import Refused
from tests.dialer.conftest import check_call_log

PLAN = Plan(contacts=60, calls=150, days=3)


async def calls_of(database: Database, campaign_id: int) -> list[tuple[Any, ...]]:
    """What a seed decides on."""
    rows = await database.pool.fetch(
        """select k.number, k.outcome, k.who, k.goal, k.sentiment_word, k.duration_ms, k.planned_at, k.try,
                  (select count(*) from transcript_turns t where t.call_id = k.id) as turns
           from calls k where k.campaign_id = $1 order by k.id""",
        campaign_id,
    )
    return [tuple(row) for row in rows]


async def test_the_same_seed_makes_the_same_calls_and_another_one_others(database: Database) -> None:
    first, again, other = [await fill(database, plan) for plan in (PLAN, PLAN, Plan(contacts=60, calls=150, days=3, seed=2))]
    assert first == Seeded(first.campaign_id, 60, 150)
    made = await calls_of(database, first.campaign_id)
    assert len(made) == 150
    assert made == await calls_of(database, again.campaign_id)
    assert made != await calls_of(database, other.campaign_id)


async def test_what_is_seeded_is_counted_searched_and_in_the_order_of_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeding, "BATCH", 40)
    rows: list[int] = []
    made = await fill(database, PLAN, told=rows.append)
    assert sum(rows) == 60 + 150
    await check_call_log(database)
    pool = database.pool
    statuses = await pool.fetchrow("select pending + completed + failed as of_all, pending from campaign_counts")
    assert statuses is not None
    assert (statuses["of_all"], 0 < statuses["pending"] < 60) == (60, True)
    assert (
        await pool.fetchval("select count(*) from (select planned_at < lag(planned_at) over (order by id) as back from calls) c where back")
        == 0
    )
    assert await pool.fetchval("select max(ended_at) < callwright_now() from calls")
    found = await call_log.find(pool, made.campaign_id, CallFilter(words=FREQUENT), None, 200)
    said = await pool.fetchval("select count(distinct call_id) from transcript_turns where text ilike '%' || $1 || '%'", FREQUENT)
    assert len(found) == said > 20


async def test_nothing_of_it_can_be_dialed(database: Database) -> None:
    made = await fill(database, PLAN)
    row = await database.pool.fetchrow(
        """select c.status, a.rehearsal, a.name from campaigns c join phone_numbers n on n.id = c.phone_number_id
           join carrier_accounts a on a.id = n.carrier_account_id where c.id = $1""",
        made.campaign_id,
    )
    assert row is not None
    assert tuple(row) == ("paused", True, "seeded")
    assert await database.pool.fetchval("select bool_and(rehearsal) from calls")


async def test_beside_campaigns_that_call_real_people_it_must_be_told(database: Database) -> None:
    await database.pool.execute(
        """with account as (insert into carrier_accounts (name, carrier) values ('twilio', 'twilio') returning id),
                number as (insert into phone_numbers (e164, carrier_account_id) select '+493012345', id from account returning id),
                agent as (insert into agents (name) values ('Ada') returning id)
           insert into campaigns (name, agent_id, agent_version, phone_number_id)
           select 'Real', agent.id, 1, number.id from agent, number"""
    )
    with pytest.raises(Refused, match=r"1 campaigns that call real people.*--beside-real"):
        await fill(database, PLAN)
    assert await database.pool.fetchval("select count(*) from calls") == 0
    made = await fill(database, PLAN, beside_real=True)
    assert len(await calls_of(database, made.campaign_id)) == 150
    await check_call_log(database)


@pytest.mark.parametrize("wrong", [{"contacts": 0}, {"contacts": 10_000_001}, {"calls": -1}, {"days": 0}])
def test_a_plan_that_can_not_be_made_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(Refused, match="contacts"):
        Plan(**wrong)
