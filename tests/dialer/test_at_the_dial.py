"""What closes between claim and flip is seen in the flip: no request is sent, no try is counted, and the ledger says why."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time

import pytest

from dialer import campaigns, contacts, queries, suppressions
from dialer.dialing import claim, flip
from dialer.loop import DialerLoop, Process
from dialer.rows import Campaign, CampaignView
from tests.dialer.world import Urls, World, number

EVENING = datetime(2030, 5, 15, 18, 59, tzinfo=UTC)  # 20:59 in Berlin, a Wednesday
Closes = Callable[[World, Campaign], Awaitable[object]]


async def _edited(world: World, campaign: Campaign, **changes: object) -> None:
    await campaigns.pause(world.db, campaign.id, actor="test")
    await campaigns.edit(world.db, campaign.id, changes, version=None, actor="test")
    await campaigns.resume(world.db, campaign.id, actor="test")


async def _passes(world: World, _campaign: Campaign) -> None:
    """A minute passes, in which the process renews its lease."""
    await world.later(minutes=1)
    await queries.dialing.heartbeat(world.db.pool, process_id="one", lease_s=30.0)


CLOSES: dict[str, tuple[Closes, str, str]] = {
    "pause": (lambda world, campaign: campaigns.pause(world.db, campaign.id, actor="test"), "pending", "campaign_status"),
    "cancel": (lambda world, campaign: campaigns.cancel(world.db, campaign.id, actor="test"), "pending", "campaign_status"),
    "suppression": (
        lambda world, _: suppressions.add(world.db, number(0), reason="asked", source="operator", actor="test"),
        "skipped",
        "suppression",
    ),
    "window": (_passes, "pending", "window"),
    "local hours": (_passes, "pending", "local_hours"),
    "scheduled start": (
        lambda world, campaign: _edited(world, campaign, scheduled_start="2030-06-01T00:00:00Z"),
        "pending",
        "scheduled_start",
    ),
    "weekday": (lambda world, campaign: _edited(world, campaign, weekdays=[4], timezone="Europe/Berlin"), "pending", "window"),
    "zone": (
        lambda world, _: world.db.pool.execute("update campaigns set timezone = 'Mars/Olympus', version = version + 1"),
        "pending",
        "window",
    ),
}


@pytest.mark.parametrize("gate", CLOSES)
async def test_a_gate_that_closes_between_claim_and_flip_is_seen(world: World, gate: str) -> None:
    closes, status, named = CLOSES[gate]
    await world.at(EVENING)
    settings = {"window": {"start_time": time(9), "end_time": time(21), "timezone": "Europe/Berlin"}, "local hours": {"local_hours": True}}
    settings["zone"] = {"start_time": time(9), "end_time": time(22), "timezone": "Europe/Berlin"}
    campaign = await world.campaign(1, **settings.get(gate, {}))
    await world.loop()
    view: CampaignView = await queries.dialing.campaign(world.db.pool, campaign_id=campaign.id)
    planned = (await claim(world.db, view, "one")).claimed
    assert planned is not None
    await closes(world, campaign)
    assert await flip(world.db, planned, "one", 10) is None
    assert await flip(world.db, planned, "one", 10) is None
    assert world.carrier.orders == []
    (contact,) = await world.contacts(campaign)
    assert (contact.status, contact.tries, contact.blocked_by) == (status, 0, named)
    (verdict,) = (await contacts.why(world.db, contact.id)).verdicts
    assert (verdict.gate, verdict.verdict) == (named, "skip" if status == "skipped" else "wait")
    assert [call["requested_at"] for call in await world.calls()] == [None]


@pytest.mark.parametrize("gate", ["edited", "minute"])
async def test_a_call_whose_gates_are_open_after_all_that_has_changed_is_placed(world: World, gate: str) -> None:
    await world.at(EVENING)
    campaign = await world.campaign(1)
    await world.loop()
    view: CampaignView = await queries.dialing.campaign(world.db.pool, campaign_id=campaign.id)
    planned = (await claim(world.db, view, "one")).claimed
    assert planned is not None
    await (_edited(world, campaign, name="Another") if gate == "edited" else _passes(world, campaign))
    requested = await flip(world.db, planned, "one", 10)
    assert requested is not None
    assert (requested.id, requested.number) == (planned.call_id, number(0))


async def test_a_number_is_not_called_more_often_in_seven_days_than_its_cap(world: World) -> None:
    loop = await world.loop()
    begun = world.now
    for _ in range(7):
        await world.campaign(1)
        await world.tick(loop)
        await world.ring_out((await world.calls())[-1]["id"])
        await world.later(hours=12)
    eighth = await world.campaign(1, max_per_24h=7)
    assert await world.tick(loop) == 0
    (contact,) = await world.contacts(eighth)
    assert (contact.blocked_by, contact.look_again_at) == ("frequency_cap", begun.replace(day=begun.day + 7))
    await world.at(begun.replace(day=begun.day + 7))
    assert await world.tick(loop) == 1


async def test_calls_of_a_rehearsal_count_for_no_cap_of_real_ones_and_hold_no_number(world: World) -> None:
    await world.db.pool.execute(
        "insert into carrier_accounts (name, carrier, rehearsal, calls_per_second) values ('r', 'scripted', true, 1000)"
    )
    rehearsed = await world.value(
        "insert into phone_numbers (e164, carrier_account_id) select '+493099999', id from carrier_accounts where rehearsal returning id"
    )
    real, rehearsal = await world.campaign(1, max_per_24h=1), await world.campaign(1, max_per_24h=1, phone_number_id=rehearsed)
    process = Process("both", "host", "wss://host/stream", 100)
    loop = DialerLoop(world.db, {"scripted": world.carrier, "r": world.carrier}, process, Urls())
    await loop.start_process()
    assert await world.tick(loop) == 2
    calls = await world.calls()
    assert {(call["campaign_id"], call["rehearsal"], call["number"]) for call in calls} == {
        (real.id, False, number(0)),
        (rehearsal.id, True, number(0)),
    }


async def test_the_circuit_breaker_pauses_with_a_reason_fails_nobody_who_waits_and_counts_anew_after_resume(world: World) -> None:
    campaign = await world.campaign(40, concurrency=1)
    loop = await world.loop()

    async def fail(most: int) -> int:
        """Calls that fail at the carrier, until the campaign pauses, `most` at most: how many."""
        for made in range(most):
            await world.later(seconds=1)
            if await world.tick(loop) == 0:
                return made
            await world.ring_out((await world.calls())[-1]["id"], "failed")
        return most

    for round_ in (1, 2):
        assert await fail(20) == 10
        now = await campaigns.get(world.db, campaign.id)
        assert (now.status, now.failed, now.pending) == ("paused", 10 * round_, 40 - 10 * round_)
        assert now.status_reason.startswith("10 of the last 10 calls failed at the carrier: look at the carrier account")
        await campaigns.resume(world.db, campaign.id, actor="test")
    assert await fail(9) == 9
    assert await world.status(campaign) == "in_progress"
