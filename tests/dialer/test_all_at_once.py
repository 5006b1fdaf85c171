"""Everybody at once: loops, webhooks, settling, operators and suppressions on the same contacts. Nothing waits in a circle, and nobody is
called twice."""

import asyncio
import random

import pytest

from dialer import campaigns, contacts, queries, suppressions
from dialer.carrier import CarrierThrottled, DialOutcomeUnknown, Order
from dialer.dialing import CANDIDATES, claim, flip, lock_callee
from dialer.errors import NotAllowed
from dialer.lifecycle import CallState
from dialer.rows import Campaign, CampaignView
from dialer.settling import SettleCalls
from tests.dialer.world import World, number

PEOPLE = 40


async def dial(world: World, name: str, done: asyncio.Event) -> None:
    loop = await world.loop(name)
    while not done.is_set():
        await loop.run_once()
        await loop.placed()


async def settle(world: World, done: asyncio.Event) -> None:
    duty = SettleCalls(world.db, {"scripted": world.carrier}, "settler")
    while not done.is_set():
        await duty.run_once()


async def operate(world: World, all_of_them: list[Campaign], chance: random.Random, done: asyncio.Event) -> None:
    while not done.is_set():
        campaign = chance.choice(all_of_them)
        try:
            await campaigns.pause(world.db, campaign.id, actor="test")
            await campaigns.resume(world.db, campaign.id, actor="test")
        except NotAllowed:
            await suppressions.add(world.db, number(chance.randrange(PEOPLE)), reason="asked", source="operator", actor="test")


async def people(world: World, chance: random.Random) -> None:
    """The carrier's reports on every call that is live, and time going on, until every contact is settled."""
    for _ in range(1000):
        live = await world.db.pool.fetch("select id, carrier_call_id from calls where state in ('requested', 'ringing', 'answered')")
        for call in chance.sample(live, len(live)):
            if call["carrier_call_id"] is not None:
                await world.report(call["id"], CallState.RINGING)
                await world.report(call["id"], CallState.ENDED, chance.choice(["busy", "no_answer"]))
        await world.later(milliseconds=700)
        if not await world.value("select count(*) from contacts where status in ('pending', 'in_progress')"):
            return
    pytest.fail("somebody was never settled")


@pytest.mark.parametrize("seed", [1, 2])
async def test_everybody_at_once(world: World, seed: int) -> None:
    chance = random.Random(seed)

    async def moody(order: Order) -> object:
        mood = chance.random()
        if mood < 0.05:
            return CarrierThrottled("429")
        taken = world.carrier.take(order)
        return DialOutcomeUnknown("timeout") if mood < 0.1 else taken

    world.carrier.script = [moody] * 5000
    all_of_them = [await world.campaign(0, start=False, max_retries=1, retry_delay_min=1) for _ in range(3)]
    for campaign in all_of_them:
        order = chance.sample(range(PEOPLE), PEOPLE)
        await contacts.add(world.db, campaign.id, [contacts.NewContact(number=number(i)) for i in order], actor="test")
        await campaigns.start(world.db, campaign.id, actor="test")
    await world.db.pool.execute("update campaigns set max_per_24h = 100, max_per_7d = 100")
    done = asyncio.Event()

    async def until_settled() -> None:
        try:
            await people(world, chance)
        finally:
            done.set()

    async with asyncio.TaskGroup() as everybody:
        for name in ("one", "two"):
            everybody.create_task(dial(world, name, done))
        everybody.create_task(settle(world, done))
        everybody.create_task(operate(world, all_of_them, chance, done))
        everybody.create_task(until_settled())
    placed = await world.db.pool.fetch("select contact_id, count(*) from calls where outcome not in ('withdrawn', 'lost') group by 1")
    assert max(row["count"] for row in placed) <= 2
    overlapping = await world.value(
        """select count(*) from calls a join calls b on a.number = b.number and a.id < b.id
           where a.requested_at is not null and b.requested_at is not null and b.requested_at < a.ended_at"""
    )
    assert overlapping == 0
    assert {await world.status(each) for each in all_of_them} <= {"completed", "paused"}


async def second_account(world: World) -> int:
    """Another carrier account with a number of its own: claims on it do not take turns with those on the first."""
    account = await world.value(
        "insert into carrier_accounts (name, carrier, calls_per_second) values ('second', 'scripted', 1000) returning id"
    )
    number_id: int = await world.value("insert into phone_numbers (e164, carrier_account_id) values ('+493099', $1) returning id", account)
    return number_id


async def test_claims_over_the_same_people_in_opposite_orders_and_a_suppression_wait_in_no_circle(world: World) -> None:
    """A claim that puts contacts aside holds many callees at once: all take them in the order of their numbers."""
    await world.loop("one")
    forth = await world.campaign(0, start=False)
    back = await world.campaign(0, start=False, phone_number_id=await second_account(world))
    for campaign, order in ((forth, range(CANDIDATES)), (back, reversed(range(CANDIDATES)))):
        await contacts.add(world.db, campaign.id, [contacts.NewContact(number=number(i)) for i in order], actor="test")
        await campaigns.start(world.db, campaign.id, actor="test")
    views = [await queries.dialing.campaign(world.db.pool, campaign_id=each.id) for each in (forth, back)]
    async with world.db.transaction() as suppressing:
        await lock_callee(suppressing, number(CANDIDATES // 2), False)
        claims = [asyncio.create_task(claim(world.db, view, "one", put_aside=True)) for view in views]
        while await world.value("select count(*) from pg_locks where not granted") < 2:
            assert not any(each.done() for each in claims)
    assert all(each.claimed is not None for each in await asyncio.gather(*claims))
    assert {call["number"] for call in await world.calls()} == {number(0), number(CANDIDATES - 1)}


async def test_claims_and_flips_of_a_campaign_do_not_wait_for_each_other(world: World) -> None:
    campaign = await world.campaign(2)
    await world.loop("one")
    view: CampaignView = await queries.dialing.campaign(world.db.pool, campaign_id=campaign.id)
    first = (await claim(world.db, view, "one")).claimed
    assert first is not None
    await world.later(seconds=1)
    async with world.db.transaction() as flipping:
        await queries.dialing.flip_view(flipping, call_id=first.call_id)
        second = await asyncio.wait_for(claim(world.db, view, "one"), 30)
        assert second.claimed is not None
        assert await asyncio.wait_for(flip(world.db, second.claimed, "one", 10), 30) is not None


async def test_a_claim_alone_need_not_be_durable_but_a_flip_is(world: World) -> None:
    campaign = await world.campaign(1)
    await world.loop("one")
    view: CampaignView = await queries.dialing.campaign(world.db.pool, campaign_id=campaign.id)
    async with world.db.transaction() as claiming:
        await queries.dialing.claim_view(
            claiming,
            account_id=view.carrier_account_id,
            phone_number_id=view.phone_number_id,
            campaign_id=view.id,
            process_id="one",
            most=1,
            alone=False,
        )
        assert await claiming.fetchval("show synchronous_commit") == "off"
    planned = (await claim(world.db, view, "one")).claimed
    assert planned is not None
    async with world.db.transaction() as flipping:
        await queries.dialing.flip_view(flipping, call_id=planned.call_id)
        assert await flipping.fetchval("show synchronous_commit") == "on"
