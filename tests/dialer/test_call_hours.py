"""What is kept of calls by half hour follows every change of them (held against the calls when each test ends: see conftest)."""

import random

from tests.dialer.test_call_log import add_calls
from tests.dialer.world import World

TOTALS = "select coalesce(sum(calls), 0)::int from call_half_hours"


async def test_ended_calls_are_counted_once_and_withdrawn_ones_and_test_calls_not_at_all(world: World) -> None:
    campaign = await world.campaign(4, start=False)
    calls = await add_calls(world, campaign, 40, random.Random(3))
    counted = sum(call["state"] == "ended" and call["outcome"] != "withdrawn" for call in calls)
    assert await world.value(TOTALS) == counted > 20
    await world.db.pool.execute(
        """insert into calls (id, number, phone_number_id, carrier_account_id, agent_id, agent_version, state, process_id, lease_until,
                              outcome)
           overriding system value values (7, '+4940123', $1, $2, $3, 1, 'ended', 'one', callwright_now(), 'person')""",
        *(world.phone_number_id, world.account_id, world.agent_id),
    )
    assert await world.value(TOTALS) == counted


async def test_a_call_that_was_withdrawn_after_all_is_taken_back_and_one_that_was_not_is_added(world: World) -> None:
    campaign = await world.campaign(4, start=False)
    calls = await add_calls(world, campaign, 40, random.Random(4))
    ended = [call["id"] for call in calls if call["state"] == "ended"]
    await world.db.pool.execute("update calls set outcome = 'withdrawn', first_word_ms = 33 where id = any ($1)", ended)
    assert await world.value(TOTALS) == 0
    await world.db.pool.execute("update calls set outcome = 'busy' where id = any ($1)", ended)
    assert await world.value(TOTALS) == len(ended)
    assert await world.value("select sum(calls)::int from call_half_hour_first_words where first_word_ms = 40") == len(ended)
    await world.db.pool.execute(
        "update calls set first_word_ms = 60, duration_ms = 1000, answered_at = planned_at where id = any ($1)", ended
    )
    await world.db.pool.execute("delete from calls where id = any ($1)", ended[::2])
    assert await world.value("select sum(duration_ms)::int from call_half_hours") == 1000 * len(ended[1::2])


async def test_the_counts_of_a_campaign_go_with_it(world: World) -> None:
    campaign = await world.campaign(4, start=False)
    await add_calls(world, campaign, 20, random.Random(5))
    await world.db.pool.execute("delete from campaigns where id = $1", campaign.id)
    assert await world.value(TOTALS) == 0
