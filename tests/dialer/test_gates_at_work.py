"""Every gate at every dial: what waits, until when, what never passes, and that it can be read back why."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from dialer import campaigns, contacts, suppressions
from dialer.carrier import CarrierRefused, CarrierThrottled, DialOutcomeUnknown
from dialer.conversations import ConversationResult
from dialer.lifecycle import CallState
from tests.dialer.world import NOON, World, number


async def test_a_campaign_keeps_to_its_concurrency(world: World) -> None:
    await world.campaign(5, concurrency=2)
    loop = await world.loop()
    for _ in range(4):
        await world.tick(loop)
        await world.later(seconds=1)
    assert len(world.carrier.orders) == 2
    await world.talk((await world.calls())[0]["id"])
    await world.tick(loop)
    assert len(world.carrier.orders) == 3


async def test_a_number_keeps_to_its_concurrency_over_all_campaigns_and_serves_them_in_turn(world: World) -> None:
    await world.db.pool.execute("update phone_numbers set concurrency = 2")
    first = await world.campaign(3)
    second = await campaigns.duplicate(world.db, first.id, actor="test")
    await world.db.pool.execute("update contacts set number = '+49301' || id where campaign_id = $1", second.id)
    await campaigns.start(world.db, second.id, actor="test")
    loop = await world.loop()
    for _ in range(4):
        await world.tick(loop)
        await world.later(seconds=1)
    assert {call["campaign_id"] for call in await world.calls()} == {first.id, second.id}
    assert len(world.carrier.orders) == 2


async def test_a_process_keeps_to_its_own_concurrency(world: World) -> None:
    await world.campaign(5)
    loop = await world.loop()
    await world.db.pool.execute("update processes set concurrency = 3")
    for _ in range(5):
        await world.tick(loop)
        await world.later(seconds=1)
    assert len(world.carrier.orders) == 3


async def test_calls_per_second_of_the_account_hold_over_all_campaigns(world: World) -> None:
    await world.db.pool.execute("update carrier_accounts set calls_per_second = 1")
    await world.campaign(5)
    other = await world.campaign(0, start=False)
    await contacts.add(world.db, other.id, [contacts.NewContact(number="+49309999999")], actor="test")
    await campaigns.start(world.db, other.id, actor="test")
    loop = await world.loop()
    made = []
    for _ in range(8):
        await world.tick(loop)
        made.append(len(world.carrier.orders))
        await world.later(milliseconds=500)
    assert made == [1, 1, 2, 2, 3, 3, 4, 4]


async def test_calls_per_second_of_a_number_hold_for_it_and_for_no_other(world: World) -> None:
    await world.db.pool.execute("update carrier_accounts set calls_per_second = 1e9")
    await world.db.pool.execute("update phone_numbers set calls_per_second = 1")
    other = await world.value(
        "insert into phone_numbers (e164, carrier_account_id) values ('+493099999', $1) returning id", world.account_id
    )
    slow, fast = await world.campaign(5), await world.campaign(5, first=100, phone_number_id=other)
    loop = await world.loop()
    for _ in range(4):
        await world.tick(loop)
        await world.later(milliseconds=500)
    made = [call["campaign_id"] for call in await world.calls()]
    assert (made.count(slow.id), made.count(fast.id)) == (2, 5)


async def test_a_process_that_has_not_said_that_it_is_there_dials_nobody(world: World) -> None:
    await world.campaign(1)
    loop = await world.loop()
    await world.db.pool.execute("delete from processes")
    assert await world.tick(loop) == 0
    await loop.start_process()
    assert await world.tick(loop) == 1


async def test_the_throttle_delay_lies_between_the_starts_of_two_calls(world: World) -> None:
    await world.campaign(5, throttle_delay_ms=30_000)
    loop = await world.loop()
    ticked = await loop.run_once()
    assert ticked.look_again_at == NOON + timedelta(seconds=30)
    await world.later(seconds=29)
    assert await world.tick(loop) == 0
    await world.later(seconds=1)
    assert await world.tick(loop) == 1


async def test_due_retries_go_before_fresh_contacts(world: World) -> None:
    await world.campaign(3, concurrency=1, max_retries=1, retry_delay_min=5)
    loop = await world.loop()
    await world.tick(loop)
    await world.ring_out((await world.calls())[0]["id"], "busy")
    await world.later(minutes=1)
    await world.tick(loop)
    await world.later(minutes=10)
    await world.ring_out((await world.calls())[1]["id"], "busy")
    await world.tick(loop)
    assert [order.to for order in world.carrier.orders] == [number(0), number(1), number(0)]


async def test_a_contact_is_tried_as_often_as_the_campaign_says_after_its_delay(world: World) -> None:
    campaign = await world.campaign(1, max_retries=2, retry_delay_min=10)
    loop = await world.loop()
    for made in (1, 2, 3):
        assert await world.tick(loop) == 1
        await world.ring_out((await world.calls())[-1]["id"])
        if made < 3:
            await world.later(minutes=9)
            assert await world.tick(loop) == 0
            await world.later(minutes=1)
    (contact,) = await world.contacts(campaign)
    assert (contact.status, contact.tries) == ("failed", 3)
    assert "all 3 tries used" in contact.status_reason
    assert await world.status(campaign) == "completed"


async def test_a_callback_is_made_at_its_time_though_all_tries_are_used(world: World) -> None:
    campaign = await world.campaign(1)
    loop = await world.loop()
    await world.tick(loop)
    at = world.now + timedelta(hours=5)
    asked = ConversationResult(ended_by="callee", reason="callback", who="human", goal="unclear", callback_at=at)
    await world.talk((await world.calls())[0]["id"], asked)
    assert (await world.contacts(campaign))[0].callback
    await world.later(hours=4)
    assert await world.tick(loop) == 0
    await world.later(hours=1)
    assert await world.tick(loop) == 1


async def test_a_campaign_waits_for_its_scheduled_start_and_then_runs_by_itself(world: World) -> None:
    campaign = await world.campaign(1, scheduled_start=NOON + timedelta(hours=2))
    assert campaign.status == "pending"
    loop = await world.loop()
    ticked = await loop.run_once()
    assert (ticked.started, ticked.look_again_at) == (0, NOON + timedelta(hours=2))
    await world.later(hours=2)
    assert await world.tick(loop) == 1
    assert await world.status(campaign) == "in_progress"


async def test_a_window_that_closes_stops_dialing_lets_calls_finish_and_opens_again(world: World) -> None:
    campaign = await world.campaign(2, concurrency=1, start_time=time(9), end_time=time(12, 30), timezone="UTC")
    loop = await world.loop()
    await world.tick(loop)
    await world.later(minutes=30)
    await world.talk((await world.calls())[0]["id"])
    assert await world.tick(loop) == 0
    now = await campaigns.get(world.db, campaign.id)
    assert now.status == "pending"
    assert "09:00 to 12:30" in now.status_reason
    await world.at(datetime(2030, 5, 16, 9, tzinfo=UTC))
    assert await world.tick(loop) == 1
    assert await world.status(campaign) == "in_progress"


async def test_a_zone_that_is_not_known_any_more_keeps_the_campaign_closed(world: World) -> None:
    campaign = await world.campaign(1, start_time=time(9), end_time=time(9), timezone="UTC")
    await world.db.pool.execute("update campaigns set timezone = 'Mars/Olympus'")
    assert await world.tick(await world.loop()) == 0
    assert await world.status(campaign) == "pending"


async def test_nobody_is_called_at_night_where_the_callee_is(world: World) -> None:
    await world.at(datetime(2030, 5, 15, 4, tzinfo=UTC))
    campaign = await world.campaign(1, local_hours=True)
    loop = await world.loop()
    assert await world.tick(loop) == 0
    (contact,) = await world.contacts(campaign)
    assert (contact.status, contact.blocked_by) == ("pending", "local_hours")
    assert contact.look_again_at == datetime(2030, 5, 15, 6, tzinfo=UTC)  # 8:00 in Berlin
    await world.at(contact.look_again_at)
    assert await world.tick(loop) == 1
    why = await contacts.why(world.db, contact.id)
    assert [(each.gate, each.verdict) for each in why.verdicts] == [("local_hours", "call"), ("local_hours", "wait")]


async def test_what_can_never_pass_is_skipped_with_its_reason_and_the_campaign_completes(world: World) -> None:
    await world.db.pool.execute("update agent_versions set definition = $1", {"first_message": "Hello {{customer_name}}"})
    campaign = await world.campaign(0, start=False, local_hours=True)
    await contacts.add(
        world.db,
        campaign.id,
        [
            contacts.NewContact(number="+493012345671"),
            contacts.NewContact(number="+88212345678", variables={"customer_name": "Ann"}),
            contacts.NewContact(number="+493012345672", variables={"customer_name": "Bo"}),
            contacts.NewContact(number="+493012345673", variables={"customer_name": "Cy", "timezone": "Mars/Olympus"}),
        ],
        actor="test",
    )
    missing = await campaigns.missing_variables(world.db, campaign.id)
    assert [(each.name, each.contacts) for each in missing] == [("customer_name", 1)]
    await suppressions.add(world.db, "+493012345672", reason="asked", source="operator", actor="test")
    await campaigns.start(world.db, campaign.id, actor="test")
    await world.tick(await world.loop())
    there = await world.contacts(campaign)
    assert [(each.status, each.blocked_by) for each in there] == [
        ("skipped", "variables"),
        ("skipped", "local_hours"),
        ("skipped", "suppression"),
        ("skipped", "local_hours"),
    ]
    assert "customer_name" in there[0].status_reason
    assert world.carrier.orders == []
    assert await world.status(campaign) == "completed"
    why = await contacts.why(world.db, there[0].id)
    assert [(each.gate, each.verdict) for each in why.verdicts] == [("variables", "skip")]


async def test_a_number_is_not_called_more_often_than_its_cap_over_all_campaigns(world: World) -> None:
    loop = await world.loop()
    for _ in range(3):
        await world.campaign(1)
        await world.tick(loop)
        await world.ring_out((await world.calls())[-1]["id"])
        await world.later(hours=1)
    fourth = await world.campaign(1)
    assert await world.tick(loop) == 0
    (contact,) = await world.contacts(fourth)
    assert (contact.blocked_by, contact.look_again_at) == ("frequency_cap", NOON + timedelta(hours=24))
    await world.at(NOON + timedelta(hours=24))
    assert await world.tick(loop) == 1


async def test_a_rehearsal_keeps_suppressions_and_caps_of_its_own(world: World) -> None:
    await suppressions.add(world.db, number(0), reason="asked", source="operator", actor="test")
    await world.db.pool.execute("update carrier_accounts set rehearsal = true")
    await world.campaign(1)
    assert await world.tick(await world.loop()) == 1


async def test_a_suppressed_number_whose_retry_is_queued_is_not_dialed(world: World) -> None:
    campaign = await world.campaign(1, max_retries=3, retry_delay_min=1)
    loop = await world.loop()
    await world.tick(loop)
    await world.ring_out((await world.calls())[0]["id"])
    entry = await suppressions.add(world.db, number(0), reason="asked", source="operator", actor="test")
    again = await suppressions.add(world.db, number(0), reason="asked again", source="operator", actor="test")
    assert again.id == entry.id
    await world.later(minutes=2)
    assert await world.tick(loop) == 0
    assert [contact.status for contact in await world.contacts(campaign)] == ["skipped"]
    await suppressions.remove(world.db, entry.id, actor="test")
    assert await suppressions.look_up(world.db, number(0)) is None


async def test_a_suppression_takes_a_ringing_call_back_and_leaves_one_that_talks(world: World) -> None:
    await world.campaign(2)
    loop = await world.loop()
    await world.tick(loop)
    await world.later(seconds=1)
    await world.tick(loop)
    ringing, talking = [call["id"] for call in await world.calls()]
    await world.report(ringing, CallState.RINGING)
    await world.report(talking, CallState.ANSWERED)
    for each in (0, 1):
        await suppressions.add(world.db, number(each), reason="asked", source="operator", actor="test")
    await world.settle()
    assert world.carrier.hung_up == ["CA1"]
    assert (await world.call(talking))["state"] == "answered"


async def test_a_pilot_is_not_done_with_a_contact_whom_the_carrier_did_not_call(world: World) -> None:
    campaign = await world.campaign(3, pilot_size=1)
    loop = await world.loop()
    world.carrier.script = [CarrierThrottled("slow down")]
    await world.tick(loop)
    assert await world.status(campaign) == "in_progress"
    await world.later(seconds=60)
    await world.tick(loop)
    assert [order.to for order in world.carrier.orders] == [number(0), number(0)]
    await world.talk((await world.calls())[-1]["id"])
    now = await campaigns.get(world.db, campaign.id)
    assert (now.status, now.completed) == ("paused", 1)


async def test_our_fault_is_the_reason_of_the_pause_also_where_a_pilot_would_have_ended(world: World) -> None:
    campaign = await world.campaign(3, pilot_size=1)
    world.carrier.script = [CarrierRefused("ours", "20003", "authentication failed")]
    await world.tick(await world.loop())
    now = await campaigns.get(world.db, campaign.id)
    assert now.status == "paused"
    assert "authentication failed" in now.status_reason


async def test_a_pilot_calls_the_first_contacts_and_then_pauses(world: World) -> None:
    campaign = await world.campaign(5, pilot_size=2)
    loop = await world.loop()
    for _ in range(4):
        await world.tick(loop)
        await world.later(seconds=1)
    assert [order.to for order in world.carrier.orders] == [number(0), number(1)]
    for call in await world.calls():
        await world.talk(call["id"])
    now = await campaigns.get(world.db, campaign.id)
    assert now.status == "paused"
    assert "pilot of 2" in now.status_reason
    await campaigns.resume(world.db, campaign.id, actor="test")
    for _ in range(4):
        await world.tick(loop)
        await world.later(seconds=1)
    assert len(world.carrier.orders) == 5


async def test_too_many_failures_at_the_carrier_pause_the_campaign_with_a_reason(world: World) -> None:
    campaign = await world.campaign(15)
    loop = await world.loop()
    for _ in range(12):
        await world.tick(loop)
        await world.later(seconds=1)
    for call in (await world.calls())[:10]:
        await world.ring_out(call["id"], "failed")
    now = await campaigns.get(world.db, campaign.id)
    assert now.status == "paused"
    assert "10 of the last 10" in now.status_reason
    await campaigns.resume(world.db, campaign.id, actor="test")
    assert await world.status(campaign) == "in_progress"


async def test_why_a_contact_waits_can_be_read_at_any_time(world: World) -> None:
    campaign = await world.campaign(3, start=False, concurrency=1, max_retries=1, retry_delay_min=30)
    first, second, third = await world.contacts(campaign)
    assert (await contacts.why(world.db, first.id)).now == "the campaign is Draft"
    await campaigns.start(world.db, campaign.id, actor="test")
    assert (await contacts.why(world.db, first.id)).now == "the media server has no running process that could make calls: start one"
    await world.tick(await world.loop())
    await world.later(seconds=1)
    assert (await contacts.why(world.db, first.id)).now == "the carrier has been asked to call"
    assert (await contacts.why(world.db, second.id)).now == "the campaign has 1 of 1 calls at the same time"
    await world.ring_out((await world.calls())[0]["id"])
    why = await contacts.why(world.db, first.id)
    assert why.now == "nobody answered: it is tried again, until 2030-05-15 12:30 UTC"
    assert [call.outcome for call in why.calls] == ["no_answer"]
    assert (await contacts.why(world.db, second.id)).now == "waits for its turn: it is the next"
    assert (await contacts.why(world.db, third.id)).now == "waits for its turn: 1 contact comes first"
    waiting = {each.gate: each.contacts for each in await campaigns.waiting(world.db, campaign.id)}
    assert waiting == {"retry_delay": 1, "queue": 2}
    await campaigns.pause(world.db, campaign.id, actor="ada")
    assert (await contacts.why(world.db, second.id)).now == "the campaign is Paused: paused by ada"
    await suppressions.add(world.db, number(1), reason="asked", source="operator", actor="test")
    await campaigns.resume(world.db, campaign.id, actor="test")
    assert (await contacts.why(world.db, second.id)).now == "it will not be called: the number is on the do-not-call list"
    await world.tick(world.loops[0])
    assert (await contacts.why(world.db, second.id)).now == "the number is on the do-not-call list"
    changes = [(each.status, each.reason) for each in (await contacts.why(world.db, second.id)).campaign]
    assert changes == [("in_progress", ""), ("paused", "paused by ada"), ("in_progress", ""), ("draft", "")]


async def test_all_that_holds_a_contact_back_is_named_the_campaigns_and_the_lines_gates_too(world: World) -> None:
    await world.db.pool.execute("update phone_numbers set concurrency = 1")
    hours: dict[str, Any] = {"start_time": time(9), "end_time": time(12, 30), "timezone": "Europe/Berlin"}
    campaign = await world.campaign(2, **hours, concurrency=1, pilot_size=1, scheduled_start=NOON + timedelta(hours=1))
    other = await world.campaign(1)
    await world.tick(await world.loop())
    (_, second) = await world.contacts(campaign)
    assert (await contacts.why(world.db, second.id)).now == (
        "the campaign starts at 2030-05-15 13:00 UTC, until 2030-05-15 15:00 CEST; "
        "Wednesday 14:00 of 09:00 to 12:30, Europe/Berlin, until 2030-05-16 09:00 CEST; "
        "1000 calls per second of the account; the phone number has 1 of 1 calls at the same time"
    )
    await world.talk((await world.calls())[0]["id"])
    assert await world.status(other) == "completed"
    await world.at(datetime(2030, 5, 16, 8, tzinfo=UTC))
    await world.loops[0].start_process()
    await world.tick(world.loops[0])
    closed = {each.gate for each in (await contacts.why(world.db, second.id)).gates if each.verdict != "call"}
    assert closed == {"account_rate", "number_concurrency", "concurrency", "pilot"}
    gates = {each.gate for each in (await contacts.why(world.db, second.id)).gates}
    assert gates >= {"campaign_status", "scheduled_start", "window", "local_hours", "suppression", "live_attempt", "frequency_cap"}
    assert gates >= {"max_tries", "variables", "account_rate", "number_rate", "back_off", "node_concurrency", "throttle", "retry_delay"}


async def test_the_ledger_says_when_a_contact_that_waited_was_called_also_after_an_edit(world: World) -> None:
    await world.at(datetime(2030, 5, 15, 4, tzinfo=UTC))
    campaign = await world.campaign(1, local_hours=True)
    loop = await world.loop()
    await world.tick(loop)
    await world.tick(loop)
    await campaigns.pause(world.db, campaign.id, actor="test")
    await campaigns.edit(world.db, campaign.id, {"local_hours": False}, version=None, actor="test")
    await campaigns.resume(world.db, campaign.id, actor="test")
    await world.tick(loop)
    (contact,) = await world.contacts(campaign)
    why = await contacts.why(world.db, contact.id)
    assert [(each.gate, each.verdict) for each in why.verdicts] == [("local_hours", "call"), ("local_hours", "wait")]


@pytest.mark.parametrize("failed_way", ["busy", "unknown"])
async def test_nobody_is_forgotten_in_a_long_campaign(world: World, failed_way: str) -> None:
    campaign = await world.campaign(12, concurrency=3, max_retries=1, retry_delay_min=1)
    loop = await world.loop()
    if failed_way == "unknown":
        world.carrier.script = [DialOutcomeUnknown("timeout")] * 4
    for _ in range(200):
        await world.tick(loop)
        for call in await world.calls():
            if call["state"] == "requested" and call["id"] % 3:
                await world.ring_out(call["id"], "busy")
            elif call["state"] == "requested":
                await world.talk(call["id"])
        await world.later(seconds=7)
        await world.settle()
        if await world.status(campaign) == "completed":
            break
        if await world.status(campaign) == "paused":
            await campaigns.resume(world.db, campaign.id, actor="test")
    assert await world.status(campaign) == "completed"
    assert {contact.status for contact in await world.contacts(campaign)} <= {"completed", "failed"}
