"""Never twice, never lost: whatever the carrier answers and whoever else dials, a contact is in one call at most, and settled at last."""

import asyncio
from datetime import time

import asyncpg
import pytest

from db.database import Database
from dialer import campaigns, contacts, queries, suppressions
from dialer.carrier import CarrierRefused, CarrierThrottled, DialOutcomeUnknown, NothingSent, Order
from dialer.dialing import LEASE_S, TrialCall, TrialCallRefused, claim, flip, withdraw
from dialer.lifecycle import CallState
from dialer.retries import Withdrawn
from dialer.rows import CampaignView
from dialer.settling import SettleCalls
from tests.dialer.world import StandingClock, World, number


class JumpingClock(StandingClock):
    """The clock of a process that stands still for longer than its lease between any two looks at it."""

    def __init__(self) -> None:
        super().__init__()
        self._looks = 0

    def seconds(self) -> float:
        self._looks += 1
        return self._looks * (LEASE_S + 1)


async def view(world: World, campaign_id: int) -> CampaignView:
    found: CampaignView = await queries.dialing.campaign(world.db.pool, campaign_id=campaign_id)
    return found


async def test_two_loops_side_by_side_call_everybody_once(world: World) -> None:
    await world.campaign(30, concurrency=30)
    one, two = await world.loop("one"), await world.loop("two")
    await asyncio.gather(*(world.tick(each) for each in (one, two) for _ in range(3)))
    for _ in range(40):
        await world.later(seconds=1)
        await asyncio.gather(world.tick(one), world.tick(two))
    called = [order.to for order in world.carrier.orders]
    assert sorted(called) == sorted(number(i) for i in range(30))


async def test_the_same_number_in_two_campaigns_is_in_one_call_at_a_time(world: World) -> None:
    first, second = await world.campaign(1), await world.campaign(1)
    loop = await world.loop()
    await world.tick(loop)
    await world.later(seconds=1)
    await world.tick(loop)
    assert len(world.carrier.orders) == 1
    (waiting,) = await world.contacts(second)
    assert (waiting.status, waiting.blocked_by) == ("pending", "live_attempt")
    await world.talk((await world.calls())[0]["id"])
    await world.later(seconds=16)
    await world.tick(loop)
    assert [call["campaign_id"] for call in await world.calls()] == [first.id, second.id]


async def test_the_database_itself_refuses_a_second_live_call(world: World) -> None:
    await world.campaign(1)
    await world.tick(await world.loop())
    columns = "contact_id, number, phone_number_id, carrier_account_id, agent_id, agent_version, process_id, lease_until"
    with pytest.raises(asyncpg.UniqueViolationError):
        await world.db.pool.execute(f"insert into calls ({columns}) select {columns} from calls")


async def test_a_call_never_goes_back(world: World) -> None:
    await world.campaign(1)
    await world.tick(await world.loop())
    (call,) = await world.calls()
    await world.talk(call["id"])
    for state in ("planned", "requested", "ringing", "answered", "unknown"):
        with pytest.raises(asyncpg.CheckViolationError, match="can't go from ended"):
            await world.db.pool.execute("update calls set state = $1", state)


async def test_a_throttled_call_is_no_try_and_the_account_is_left_alone(world: World) -> None:
    campaign = await world.campaign(1)
    loop = await world.loop()
    world.carrier.script = [CarrierThrottled("429", retry_after_s=7)]
    await world.tick(loop)
    (contact,) = await world.contacts(campaign)
    assert (contact.status, contact.tries, contact.last_outcome) == ("pending", 0, "withdrawn")
    await world.later(seconds=6)
    assert await world.tick(loop) == 0
    await world.later(seconds=2)
    assert await world.tick(loop) == 1
    assert await world.value("select back_offs from carrier_accounts") == 0


async def test_back_offs_in_a_row_get_longer(world: World) -> None:
    await world.campaign(1)
    loop = await world.loop()
    world.carrier.script = [NothingSent("refused"), NothingSent("refused"), NothingSent("refused")]
    pauses = []
    for _ in range(3):
        await world.tick(loop)
        until = await world.value("select backed_off_until from carrier_accounts")
        pauses.append((until - world.now).total_seconds())
        await world.at(until)
    assert pauses == [1, 2, 4]


async def test_our_own_fault_pauses_the_campaign_and_costs_no_try(world: World) -> None:
    campaign = await world.campaign(2)
    world.carrier.script = [CarrierRefused("ours", "20003", "authentication failed")] * 2
    await world.tick(await world.loop())
    now = await campaigns.get(world.db, campaign.id)
    assert (now.status, now.pending) == ("paused", 2)
    assert "authentication failed" in now.status_reason
    assert {contact.tries for contact in await world.contacts(campaign)} == {0}


@pytest.mark.parametrize(
    "fault",
    [
        CarrierRefused("ours", "21215", f"not authorized to call {number(0)}"),
        CarrierThrottled(f"too many for {number(0)}"),
        DialOutcomeUnknown(f"no answer for {number(0)}"),
    ],
)
async def test_no_number_is_logged_whatever_the_carrier_says(world: World, caplog: pytest.LogCaptureFixture, fault: Exception) -> None:
    caplog.set_level("DEBUG", "dialer")
    world.carrier.script = [fault]
    await world.campaign(1)
    await world.tick(await world.loop())
    assert caplog.records
    assert number(0)[1:] not in caplog.text


async def test_an_invalid_number_fails_for_good(world: World) -> None:
    campaign = await world.campaign(1, max_retries=3, retry_delay_min=1)
    world.carrier.script = [CarrierRefused("callee", "21211", "invalid number")]
    await world.tick(await world.loop())
    (contact,) = await world.contacts(campaign)
    assert (contact.status, contact.tries) == ("failed", 1)
    assert "21211" in contact.status_reason
    assert await world.status(campaign) == "completed"


@pytest.mark.parametrize("fault", [DialOutcomeUnknown("timeout"), RuntimeError("a carrier's bug")])
async def test_an_unknown_fate_is_looked_up_and_never_asked_for_again(world: World, fault: Exception) -> None:
    async def taken_but_not_told(order: Order) -> Exception:
        world.carrier.take(order)
        return fault

    campaign = await world.campaign(1)
    loop = await world.loop()
    world.carrier.script = [taken_but_not_told]
    await world.tick(loop)
    assert [call["state"] for call in await world.calls()] == ["unknown"]
    await world.tick(loop)
    await world.settle()
    (call,) = await world.calls()
    assert (call["state"], call["carrier_call_id"]) == ("ringing", "CA1")
    await world.talk(call["id"])
    assert len(world.carrier.orders) == 1
    assert await world.status(campaign) == "completed"


async def test_a_webhook_settles_an_unknown_fate(world: World) -> None:
    await world.campaign(1)
    world.carrier.script = [DialOutcomeUnknown("timeout")]
    await world.tick(await world.loop())
    (call,) = await world.calls()
    await world.report(call["id"], CallState.RINGING, carrier_call_id="CA77")
    settled = await world.call(call["id"])
    assert (settled["state"], settled["carrier_call_id"]) == ("ringing", "CA77")


async def test_a_call_is_lost_only_after_all_limits_and_two_looks_a_minute_apart(world: World) -> None:
    campaign = await world.campaign(1)
    loop = await world.loop()
    world.carrier.script = [DialOutcomeUnknown("timeout")] * 2
    for again in (1, 2):
        await world.tick(loop)
        states = []
        for _ in range(8):
            await world.later(seconds=11)
            await world.db.pool.execute("update calls set lease_until = callwright_now() + interval '30 s' where state <> 'ended'")
            await world.settle()
            states.append(await world.value("select state from calls order by id desc limit 1"))
        assert states == ["unknown"] * 6 + ["ended"] * 2  # 30 s lease, 10 s request, 30 s ringing; looks at 11 s and 77 s
        (contact,) = await world.contacts(campaign)
        assert (contact.tries, contact.last_outcome) == (0, "lost")
        assert contact.status == ("pending" if again == 1 else "failed")
        await world.later(minutes=1)
    assert await world.status(campaign) == "completed"


async def test_a_call_that_was_given_up_as_lost_and_turns_up_is_hung_up_and_counted(world: World) -> None:
    campaign = await world.campaign(1, max_retries=3, retry_delay_min=60)
    world.carrier.script = [DialOutcomeUnknown("timeout")]
    await world.tick(await world.loop())
    (call,) = await world.calls()
    for _ in range(9):
        await world.later(seconds=11)
        await world.settle()
    assert (await world.call(call["id"]))["outcome"] == "lost"
    told = await world.report(call["id"], CallState.RINGING, carrier_call_id="CA9")
    assert told.hang_up == "CA9"
    await world.report(call["id"], CallState.ENDED, "no_answer", carrier_call_id="CA9")
    assert (await world.call(call["id"]))["outcome"] == "no_answer"
    (contact,) = await world.contacts(campaign)
    assert contact.tries == 1


async def test_a_webhook_before_the_posts_answer_wins(world: World) -> None:
    async def webhook_first(order: Order) -> str:
        carrier_call_id = world.carrier.take(order)
        await world.report(order.call_id, CallState.RINGING, carrier_call_id=carrier_call_id)
        await world.report(order.call_id, CallState.ENDED, "busy", carrier_call_id=carrier_call_id)
        return carrier_call_id

    campaign = await world.campaign(1)
    world.carrier.script = [webhook_first]
    await world.tick(await world.loop())
    (call,) = await world.calls()
    assert (call["state"], call["outcome"], call["carrier_call_id"]) == ("ended", "busy", "CA1")
    assert world.carrier.hung_up == []
    assert await world.status(campaign) == "completed"


async def test_of_two_calls_for_one_attempt_the_second_is_hung_up(world: World) -> None:
    async def another_id(order: Order) -> str:
        await world.report(order.call_id, CallState.RINGING, carrier_call_id=world.carrier.take(order))
        return world.carrier.take(order)

    await world.campaign(1)
    world.carrier.script = [another_id]
    await world.tick(await world.loop())
    assert world.carrier.hung_up == ["CA2"]
    (call,) = await world.calls()
    assert call["carrier_call_id"] == "CA1"
    told = await world.report(call["id"], CallState.ANSWERED, carrier_call_id="CA3", key="a")
    assert (told.news, told.hang_up) == (True, "CA3")
    again = await world.report(call["id"], CallState.ANSWERED, carrier_call_id="CA3", key="a")
    assert (again.news, again.hang_up) == (False, "CA3")  # told twice, it must still not go on


async def test_doubled_reordered_and_late_reports_change_nothing_that_they_should_not(world: World) -> None:
    campaign = await world.campaign(1)
    await world.tick(await world.loop())
    (call,) = await world.calls()
    first = await world.report(call["id"], CallState.ANSWERED, key="a")
    again = await world.report(call["id"], CallState.ANSWERED, key="a")
    assert (first.news, again.news) == (True, False)
    await world.report(call["id"], CallState.RINGING)
    assert (await world.call(call["id"]))["state"] == "answered"
    await world.report(call["id"], CallState.ENDED, "answered")
    await world.report(call["id"], CallState.RINGING)
    await world.report(call["id"], CallState.ENDED, "answered")
    ended = await world.call(call["id"])
    assert (ended["state"], ended["outcome"]) == ("ended", "dropped")
    assert [contact.tries for contact in await world.contacts(campaign)] == [1]


async def test_a_late_answered_fills_in_its_time_only(world: World) -> None:
    await world.campaign(1)
    await world.tick(await world.loop())
    (call,) = await world.calls()
    await world.report(call["id"], CallState.ENDED, "no_answer")
    before = await world.call(call["id"])
    await world.report(call["id"], CallState.RINGING, at=world.now)
    after = await world.call(call["id"])
    assert after["ringing_at"] == world.now
    assert (after["state"], after["outcome"], after["ended_at"]) == (before["state"], before["outcome"], before["ended_at"])


async def test_what_a_dead_process_had_planned_is_dialed_by_another_and_costs_no_try(world: World) -> None:
    campaign = await world.campaign(1)
    await world.loop("dead")
    planned = (await claim(world.db, await view(world, campaign.id), "dead")).claimed
    assert planned is not None
    await world.later(seconds=31)
    await world.settle("other")
    assert [call["outcome"] for call in await world.calls()] == ["withdrawn"]
    assert await flip(world.db, planned, "dead", 10) is None
    assert await world.tick(await world.loop("other")) == 1


async def test_settling_that_saw_a_plan_does_not_end_what_was_flipped_meanwhile(world: World) -> None:
    campaign = await world.campaign(1)
    await world.loop("slow")
    planned = (await claim(world.db, await view(world, campaign.id), "slow")).claimed
    assert planned is not None
    assert await flip(world.db, planned, "slow", 10) is not None
    assert not await withdraw(world.db, planned.call_id, Withdrawn.NEVER_DIALED)
    assert [call["state"] for call in await world.calls()] == ["requested"]


async def test_a_process_that_stood_still_after_its_flip_does_not_dial(world: World) -> None:
    campaign = await world.campaign(1)
    await world.tick(await world.loop("slow", clock=JumpingClock()))
    assert world.carrier.orders == []
    assert [call["state"] for call in await world.calls()] == ["requested"]
    for _ in range(3):  # nothing is found at the carrier
        await world.later(seconds=61)
        await world.settle("other")
    assert [call["outcome"] for call in await world.calls()] == ["lost"]
    assert [contact.tries for contact in await world.contacts(campaign)] == [0]


async def test_what_a_dead_process_had_asked_for_is_looked_up_and_never_queued_again(world: World) -> None:
    campaign = await world.campaign(1)
    loop = await world.loop("dead")
    planned = (await claim(world.db, await view(world, campaign.id), "dead")).claimed
    assert planned is not None
    flipped = await flip(world.db, planned, "dead", 10)
    assert flipped is not None
    world.carrier.take(Order(flipped.id, flipped.number, flipped.caller, "", "", 30))
    await world.later(seconds=29)
    await world.settle("other")
    assert (await world.call(flipped.id))["state"] == "requested"
    await world.later(seconds=2)
    await world.settle("other")
    taken = await world.call(flipped.id)
    assert (taken["state"], taken["process_id"], taken["fence"]) == ("ringing", "other", 1)
    await world.tick(loop)
    assert world.carrier.orders == []


async def test_a_process_that_was_cut_off_itself_takes_nothing_over(world: World) -> None:
    campaign = await world.campaign(1)
    await world.loop("dead")
    await claim(world.db, await view(world, campaign.id), "dead")
    await world.later(seconds=31)
    await world.settle("other", take_over=False)
    assert [call["state"] for call in await world.calls()] == ["planned"]


async def test_a_flip_needs_a_lease_that_outlasts_the_request(world: World) -> None:
    campaign = await world.campaign(1)
    await world.loop()
    planned = (await claim(world.db, await view(world, campaign.id), "one")).claimed
    assert planned is not None
    await world.later(seconds=21)
    assert await flip(world.db, planned, "one", 10) is None
    assert [call["outcome"] for call in await world.calls()] == ["withdrawn"]


async def test_a_suppression_between_claim_and_flip_is_in_time(world: World) -> None:
    campaign = await world.campaign(1)
    await world.loop()
    planned = (await claim(world.db, await view(world, campaign.id), "one")).claimed
    assert planned is not None
    await suppressions.add(world.db, number(0), reason="asked", source="operator", actor="test")
    assert await flip(world.db, planned, "one", 10) is None
    (contact,) = await world.contacts(campaign)
    assert (contact.status, contact.blocked_by) == ("skipped", "suppression")
    assert await world.status(campaign) == "completed"


async def test_a_suppression_waits_for_a_flip_that_was_first(world: World) -> None:
    """The callee's lock makes one of them second: a flip that has committed is seen by the suppression, and taken back."""
    going, asked = asyncio.Event(), asyncio.Event()

    async def slow(order: Order) -> str:
        asked.set()
        await going.wait()
        return world.carrier.take(order)

    campaign = await world.campaign(1)
    loop = await world.loop()
    world.carrier.script = [slow]
    await loop.run_once()
    await asked.wait()
    clock = StandingClock()
    adding = asyncio.create_task(suppressions.add(world.db, number(0), reason="asked", source="operator", actor="test", clock=clock))
    await clock.waited.wait()
    assert not adding.done()
    going.set()
    await loop.placed()
    clock.goes_on.set()
    await adding
    assert world.carrier.hung_up == ["CA1"]
    (call,) = await world.calls()
    await world.report(call["id"], CallState.ENDED, "canceled")
    (contact,) = await world.contacts(campaign)
    assert (contact.status, contact.tries) == ("pending", 0)
    await world.later(seconds=1)
    await world.tick(loop)
    (contact,) = await world.contacts(campaign)
    assert contact.status == "skipped"


async def test_after_pause_has_answered_no_call_starts(world: World) -> None:
    going, asked = asyncio.Event(), asyncio.Event()

    async def slow(order: Order) -> str:
        asked.set()
        await going.wait()
        return world.carrier.take(order)

    campaign = await world.campaign(3, concurrency=1)
    loop = await world.loop()
    world.carrier.script = [slow]
    await loop.run_once()
    await asked.wait()
    clock = StandingClock()
    pausing = asyncio.create_task(campaigns.pause(world.db, campaign.id, actor="test", clock=clock))
    await clock.waited.wait()
    assert not pausing.done()
    going.set()
    await loop.placed()
    clock.goes_on.set()
    assert (await pausing).status == "paused"
    assert world.carrier.hung_up == ["CA1"]
    await world.later(seconds=5)
    assert await world.tick(loop) == 0
    assert len(world.carrier.orders) == 1


async def test_a_pause_between_claim_and_flip_is_in_time(world: World) -> None:
    campaign = await world.campaign(1)
    await world.loop()
    planned = (await claim(world.db, await view(world, campaign.id), "one")).claimed
    assert planned is not None
    await campaigns.pause(world.db, campaign.id, actor="test")
    assert await flip(world.db, planned, "one", 10) is None
    (contact,) = await world.contacts(campaign)
    assert (contact.status, contact.tries) == ("pending", 0)


async def test_a_window_that_closes_between_claim_and_flip_is_seen(world: World) -> None:
    campaign = await world.campaign(1, start_time=time(9), end_time=time(12, 1), timezone="UTC")
    await world.loop()
    planned = (await claim(world.db, await view(world, campaign.id), "one")).claimed
    assert planned is not None
    await world.later(seconds=60)
    await world.db.pool.execute("update calls set lease_until = callwright_now() + interval '30 s'")
    assert await flip(world.db, planned, "one", 10) is None
    (contact,) = await world.contacts(campaign)
    assert (contact.status, contact.blocked_by) == ("pending", "window")
    assert [(each.gate, each.verdict) for each in (await contacts.why(world.db, contact.id)).verdicts] == [("window", "wait")]


async def test_calls_that_the_carrier_only_queues_are_cancelled(world: World) -> None:
    async def queued(order: Order) -> str:
        return world.carrier.take(order, state=CallState.REQUESTED, queued=True)

    campaign = await world.campaign(1)
    world.carrier.script = [queued]
    await world.tick(await world.loop())
    await world.later(seconds=11)
    await world.settle()
    assert world.carrier.hung_up == ["CA1"]
    await world.report((await world.calls())[0]["id"], CallState.ENDED, "canceled")
    (contact,) = await world.contacts(campaign)
    assert (contact.status, contact.tries, contact.last_outcome) == ("pending", 0, "withdrawn")


async def test_a_carrier_that_can_not_be_asked_leaves_the_call_as_it_is(world: World) -> None:
    await world.campaign(1)
    world.carrier.script = [DialOutcomeUnknown("timeout")]
    await world.tick(await world.loop())
    world.carrier.look_up_fails = DialOutcomeUnknown("still down")
    for _ in range(10):
        await world.later(seconds=11)
        await world.settle()
    assert [call["state"] for call in await world.calls()] == ["unknown"]


async def test_looking_up_leaves_out_calls_that_are_others(world: World) -> None:
    await world.campaign(1)
    loop = await world.loop()
    await world.tick(loop)
    (first,) = await world.calls()
    await world.ring_out(first["id"])
    await world.campaign(1)
    world.carrier.script = [DialOutcomeUnknown("timeout")]
    await world.later(seconds=1)
    await world.tick(loop)
    await world.settle()
    assert [(call["state"], call["carrier_call_id"]) for call in await world.calls()] == [("ended", "CA1"), ("unknown", None)]


async def test_a_test_call_passes_the_same_do_not_call_and_rate_gates(world: World) -> None:
    loop = await world.loop()
    wanted = TrialCall(
        agent_id=world.agent_id, phone_number_id=world.phone_number_id, number=number(0), contact_name="Ann", variables={"city": "Bonn"}
    )
    call_id = await loop.place_test_call(wanted)
    await loop.placed()
    assert (await world.call(call_id))["carrier_call_id"] == "CA1"
    with pytest.raises(TrialCallRefused, match="another call"):
        await loop.place_test_call(wanted)
    await world.ring_out(call_id)
    await suppressions.add(world.db, number(0), reason="asked", source="operator", actor="test")
    with pytest.raises(TrialCallRefused, match="do-not-call"):
        await loop.place_test_call(wanted)


async def test_settling_is_shared_and_no_call_is_looked_at_by_two(world: World, database: Database) -> None:
    await world.campaign(10)
    world.carrier.script = [DialOutcomeUnknown("timeout")] * 10
    loop = await world.loop()
    for _ in range(10):
        await world.tick(loop)
        await world.later(milliseconds=2)
    await world.later(seconds=31)
    two = [SettleCalls(database, {"scripted": world.carrier}, name) for name in ("two", "three")]
    results = await asyncio.gather(*(each.run_once() for each in two))
    assert sum(each.looked_at for each in results) == 10
