"""The table of outcomes, row by row: from a carrier's or a conversation's word to what the contact is, with tries left and without."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from dialer import campaigns
from dialer.carrier import CarrierRefused, CarrierThrottled, NothingSent
from dialer.conversations import ConversationResult
from dialer.lifecycle import CallState
from dialer.loop import DialerLoop
from dialer.rows import Campaign
from tests.dialer.world import NOON, World

DELAY = timedelta(minutes=10)
Ends = Callable[[World, int], Awaitable[None]]


def said(reason: str, who: str, goal: str = "not_met", **what: Any) -> Ends:
    """A conversation ends so."""
    return lambda world, call_id: world.talk(call_id, ConversationResult(ended_by="agent", reason=reason, who=who, goal=goal, **what))


def told(outcome: str) -> Ends:
    """The carrier says so of a call that nobody answered."""
    return lambda world, call_id: world.ring_out(call_id, outcome)


async def answered_by_nobody_of_ours(world: World, call_id: int) -> None:
    await world.report(call_id, CallState.ANSWERED)
    await world.report(call_id, CallState.ENDED, "answered")


@dataclass(frozen=True)
class Row:
    """`again`: what decides whether there is another try: "yes", "no", or the setting. `last`: the contact when there is none."""

    outcome: str
    ends: Ends
    again: str
    last: str


ROWS = {
    "a person, goal met": Row("person", said("goodbye", "human", "met"), "no", "completed"),
    "a person, goal not met": Row("person", said("goodbye", "human", "not_met"), "no", "completed"),
    "a person, unclear": Row("person", said("hung_up", "human", "unclear"), "no", "completed"),
    "declined": Row("person", said("declined", "human"), "no", "completed"),
    "opted out": Row("person", said("opted_out", "human", opted_out=True), "no", "completed"),
    "wrong person": Row("person", said("wrong_person", "human"), "no", "completed"),
    "a supervisor ended it": Row("person", said("supervisor", "human", "unclear"), "no", "completed"),
    "a supervisor ended it at a mailbox": Row("voicemail_no_message", said("supervisor", "voicemail"), "retry_on_voicemail", "failed"),
    "a message on a mailbox": Row(
        "voicemail_message", said("message_left", "voicemail", message_delivered=True), "retry_on_voicemail", "completed"
    ),
    "a message, then the line was lost": Row(
        "voicemail_message", said("line_lost", "voicemail", message_delivered=True), "retry_on_voicemail", "completed"
    ),
    "a mailbox, nothing left": Row("voicemail_no_message", said("no_message", "voicemail"), "retry_on_voicemail", "failed"),
    "a menu": Row("voicemail_no_message", said("goodbye", "menu"), "retry_on_voicemail", "failed"),
    "a person, then the line was lost": Row("dropped", said("line_lost", "human"), "retry_on_dropped", "failed"),
    "our agent failed": Row("dropped", said("failed", "human"), "retry_on_dropped", "failed"),
    "answered, and nobody of ours there": Row("dropped", answered_by_nobody_of_ours, "retry_on_dropped", "failed"),
    "answered, and nobody spoke": Row("no_answer", said("silence", "no_one"), "yes", "failed"),
    "not answered": Row("no_answer", told("no_answer"), "yes", "failed"),
    "busy": Row("busy", told("busy"), "yes", "failed"),
    "the carrier failed": Row("carrier_failure", told("failed"), "yes", "failed"),
    "cancelled, not by us": Row("carrier_failure", told("canceled"), "yes", "failed"),
}


async def one_call(world: World, loop: DialerLoop, campaign: Campaign, ends: Ends) -> Any:
    """The campaign's next call, which ends so; its contact then."""
    assert await world.tick(loop) == 1
    call_id = await world.value("select id from calls where campaign_id = $1 and state <> 'ended'", campaign.id)
    await ends(world, call_id)
    (contact,) = await world.contacts(campaign)
    return contact


@pytest.mark.parametrize("name", ROWS)
async def test_what_a_call_came_to_and_what_follows(world: World, name: str) -> None:
    row = ROWS[name]
    loop = await world.loop()
    for first, wanted in enumerate((True, False)):
        switches = {"retry_on_voicemail": wanted, "retry_on_dropped": wanted}
        again = {"yes": True, "no": False}.get(row.again, wanted)
        campaign = await world.campaign(1, first=first, max_retries=1, retry_delay_min=10, **switches)
        contact = await one_call(world, loop, campaign, row.ends)
        assert (contact.last_outcome, contact.tries) == (row.outcome, 1)
        if again:
            assert (contact.status, contact.not_before) == ("pending", world.now + DELAY)
            await world.later(minutes=10)
            contact = await one_call(world, loop, campaign, row.ends)
            assert contact.tries == 2
        assert contact.status == row.last
        assert await world.status(campaign) == "completed"
        await world.later(seconds=1)


@pytest.mark.parametrize(
    ("reason", "who", "delivered", "agent_says", "met"),
    [
        ("message_left", "voicemail", True, "not_met", 0),
        ("message_left", "voicemail", True, "met", 1),  # the agent's goal is to leave it
        ("no_message", "voicemail", False, "met", 0),
        ("goodbye", "menu", False, "met", 0),
        ("hung_up", "screening", False, "met", 0),
    ],
)
async def test_reaching_a_mailbox_is_never_counted_as_a_goal_unless_leaving_it_is_the_goal(
    world: World, reason: str, who: str, delivered: bool, agent_says: str, met: int
) -> None:
    campaign = await world.campaign(1)
    await one_call(world, await world.loop(), campaign, said(reason, who, agent_says, message_delivered=delivered))
    stats = await campaigns.stats(world.db, campaign.id)
    assert (stats.voicemails, stats.people, stats.goals_met) == (1, 0, met)


@pytest.mark.parametrize(("setting", "refusal"), [("refused", CarrierRefused("callee", "21211", "invalid")), ("ours", None)])
async def test_a_refused_number_fails_for_good_and_our_fault_costs_nothing(
    world: World, setting: str, refusal: CarrierRefused | None
) -> None:
    campaign = await world.campaign(1, max_retries=5, retry_delay_min=10)
    world.carrier.script = [refusal or CarrierRefused("ours", "20003", "authenticate")]
    await world.tick(await world.loop())
    (contact,) = await world.contacts(campaign)
    expected = ("failed", 1, "refused") if refusal else ("pending", 0, "withdrawn")
    assert (contact.status, contact.tries, contact.last_outcome) == expected, setting
    assert await world.status(campaign) == ("completed" if refusal else "paused")


async def test_what_was_withdrawn_is_no_try_however_often(world: World) -> None:
    campaign = await world.campaign(1)
    loop = await world.loop()
    world.carrier.script = [CarrierThrottled("429"), NothingSent("refused"), CarrierThrottled("429")]
    for _ in range(3):
        await world.tick(loop)
        (contact,) = await world.contacts(campaign)
        assert (contact.status, contact.tries, contact.last_outcome) == ("pending", 0, "withdrawn")
        await world.later(minutes=1)
    contact = await one_call(world, loop, campaign, said("goodbye", "human", "met"))
    assert (contact.status, contact.tries) == ("completed", 1)


CALL_ME = {"ended_by": "callee", "reason": "callback", "who": "human", "goal": "not_met"}


async def test_a_callback_beyond_max_retries_waits_for_the_window_and_is_then_made_once(world: World) -> None:
    campaign = await world.campaign(1, start_time=time(9), end_time=time(13), timezone="UTC")
    loop = await world.loop()
    at = NOON + timedelta(hours=5)  # the window is closed then
    contact = await one_call(world, loop, campaign, lambda w, call: w.talk(call, ConversationResult(**CALL_ME, callback_at=at)))
    assert (contact.status, contact.status_reason, contact.not_before) == ("pending", "asked to be called back", at)
    await world.at(at)
    assert await world.tick(loop) == 0
    assert await world.status(campaign) == "pending"
    await world.at(datetime(2030, 5, 16, 9, tzinfo=UTC))
    contact = await one_call(world, loop, campaign, told("no_answer"))
    assert (contact.status, contact.tries) == ("failed", 2)


async def test_a_callback_that_the_carrier_throttled_is_still_made_though_no_try_is_left(world: World) -> None:
    campaign = await world.campaign(1)
    loop = await world.loop()
    await one_call(world, loop, campaign, lambda w, call: w.talk(call, ConversationResult(**CALL_ME, callback_at=w.now)))
    world.carrier.script = [CarrierThrottled("429")]
    await world.later(minutes=1)
    await world.tick(loop)
    assert [each.status for each in await world.contacts(campaign)] == ["pending"]
    await world.later(minutes=1)
    contact = await one_call(world, loop, campaign, said("goodbye", "human", "met"))
    assert (contact.status, contact.tries) == ("completed", 2)


async def test_a_callback_without_a_time_is_made_a_day_later(world: World) -> None:
    campaign = await world.campaign(1)
    contact = await one_call(world, await world.loop(), campaign, lambda w, call: w.talk(call, ConversationResult(**CALL_ME)))
    assert contact.not_before == NOON + timedelta(days=1)
