"""What is told is written in the transaction of what it tells of: all of it, once, and nothing else."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from db.webhook_events import Event
from dialer import campaigns, contacts, ending, suppressions
from dialer.carrier import DialOutcomeUnknown
from dialer.dialing import claim
from dialer.lifecycle import CallState
from dialer.retries import Outcome
from mediaserver.outgoing import endpoints
from mediaserver.outgoing.message import body_of
from tests.dialer.test_never_twice import view
from tests.dialer.world import TALKED, World, number
from tests.outgoing.conftest import Subscribe
from tests.outgoing.test_pure_parts import PAGE

URL = "http://127.0.0.1:1/hook"


async def told(world: World) -> list[tuple[str, dict[str, Any]]]:
    """All that is in the outbox, in its order."""
    return [(row["event"], row["data"]) for row in await world.db.pool.fetch("select event, data from webhook_deliveries order by id")]


async def events(world: World) -> list[str]:
    return [event for event, _ in await told(world)]


async def begun(world: World, **settings: Any) -> int:
    """A campaign of one contact, its call at the carrier: the call's id."""
    await world.campaign(1, **settings)
    loop = await world.loop()
    assert await world.tick(loop) == 1
    call_id: int = await world.value("select max(id) from calls")
    return call_id


async def test_the_end_of_a_call_is_told_with_its_result(world: World, subscribe: Subscribe) -> None:
    await subscribe(URL, Event.CALL_ENDED)
    call_id = await begun(world)
    assert await told(world) == []  # neither the claim nor the dial
    result = replace(TALKED, fields={"answer": "yes"}, summary="Agreed.", sentiment=0.5, sentiment_word="positive", first_word_ms=90)
    await world.talk(call_id, result)
    ((event, data),) = await told(world)
    assert event == "call.ended"
    assert (
        data.items()
        >= {
            "id": str(call_id),
            "campaign_name": "Reminders",
            "number": number(0),
            "caller": "+493012345",
            "outcome": "person",
            "who": "human",
            "goal": "met",
            "fields": {"answer": "yes"},
            "sentiment": 0.5,
            "rehearsal": False,
            "ended_at": "2030-05-15T12:00:00+00:00",
        }.items()
    )
    assert "transcript" not in json.dumps(data)


async def test_the_page_shows_the_fields_that_are_sent(world: World, subscribe: Subscribe) -> None:
    await subscribe(URL)
    call_id = await begun(world)
    await world.talk(call_id)
    await suppressions.add(world.db, number(7), reason="asked", source="operator", actor="olive")
    (example,) = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    sent = {
        row["event"]: json.loads(body_of(row["message_id"], row["event"], row["created_at"], row["data"], "https://calls.example.com"))
        for row in await world.db.pool.fetch("select * from webhook_deliveries")
    }
    ended = sent["call.ended"]
    assert (ended.keys(), ended["data"].keys()) == (example.keys(), example["data"].keys())
    assert ended["data"]["url"] == f"https://calls.example.com/api/v1/calls/{call_id}"
    assert ended["data"]["variables"] == {}
    fields = dict(re.findall(r"^\| `([a-z.*]+)` \| (`id`.+) \|$", PAGE, re.MULTILINE))
    for name, kind in (("campaign.completed", "campaign.*"), ("contact.finished",) * 2, ("suppression.added",) * 2):
        listed = re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", fields[kind]))
        assert set(listed) == set(sent[name]["data"]), name


async def test_a_call_whose_end_is_rolled_back_is_not_told_of(world: World, subscribe: Subscribe) -> None:
    await subscribe(URL)
    call_id = await begun(world)
    before = await events(world)

    async def end_and_fail() -> None:
        async with ending.locked(world.db, call_id) as (connection, call):
            assert await ending.end(connection, call, Outcome.NO_ANSWER)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await end_and_fail()
    assert await events(world) == before
    await world.ring_out(call_id)
    assert await events(world) == [*before, "call.ended", "contact.finished", "campaign.completed"]


async def test_a_call_that_the_carrier_was_never_asked_for_is_not_told_of(world: World, subscribe: Subscribe) -> None:
    await subscribe(URL, Event.CALL_ENDED)
    campaign = await world.campaign(1)
    await world.loop("dead")
    assert (await claim(world.db, await view(world, campaign.id), "dead")).claimed is not None
    await world.later(seconds=31)
    await world.settle("other")
    assert [call["outcome"] for call in await world.calls()] == ["withdrawn"]
    assert await told(world) == []


async def test_a_lost_call_that_is_found_is_corrected(world: World, subscribe: Subscribe) -> None:
    await subscribe(URL, Event.CALL_ENDED, Event.CALL_CORRECTED)
    world.carrier.script = [DialOutcomeUnknown("timeout")]
    call_id = await begun(world)
    for _ in range(9):
        await world.later(seconds=11)
        await world.settle()
    assert (await world.call(call_id))["outcome"] == "lost"
    await world.report(call_id, CallState.ENDED, "busy", carrier_call_id="CA9")
    assert [(event, data["id"], data["outcome"]) for event, data in await told(world)] == [
        ("call.ended", str(call_id), "lost"),
        ("call.corrected", str(call_id), "busy"),
    ]


async def test_what_becomes_of_a_campaign_is_told_and_its_hours_are_not(world: World, subscribe: Subscribe) -> None:
    await subscribe(URL, *(event for event in Event if event.value.startswith("campaign.")))
    campaign = await world.campaign(1)
    loop = await world.loop()
    await world.db.pool.execute("update campaigns set scheduled_start = $1", world.now.replace(hour=18))
    await loop.run_once()  # waits now
    await world.db.pool.execute("update campaigns set scheduled_start = null")
    await campaigns.pause(world.db, campaign.id, actor="olive")
    await campaigns.resume(world.db, campaign.id, actor="olive")
    await world.tick(loop)
    await world.ring_out(await world.value("select id from calls"))
    other = await world.campaign(1, first=50, name="Other")
    await campaigns.cancel(world.db, other.id, actor="olive")
    seen = [(event, data["status"], data["reason"]) for event, data in await told(world)]
    assert [event for event, _, _ in seen] == [
        "campaign.started",
        "campaign.paused",
        "campaign.resumed",
        "campaign.completed",
        "campaign.started",
        "campaign.cancelled",
    ]
    assert seen[1] == ("campaign.paused", "paused", "paused by olive")
    done = (await told(world))[3][1]
    assert done["contacts"] == {"pending": 0, "in_progress": 0, "completed": 0, "failed": 1, "skipped": 0}


async def test_a_contact_that_is_done_is_told_once_with_why(world: World, subscribe: Subscribe) -> None:
    await subscribe(URL, Event.CONTACT_FINISHED)
    campaign = await world.campaign(2, start=False)
    first, _ = await world.contacts(campaign)
    await contacts.skip(world.db, first.id, actor="olive")
    await campaigns.start(world.db, campaign.id, actor="olive")
    loop = await world.loop()
    await world.tick(loop)
    await world.talk(await world.value("select id from calls"))
    seen = [(data["number"], data["status"], data["last_outcome"]) for _, data in await told(world)]
    assert seen == [(number(0), "skipped", None), (number(1), "completed", "person")]


async def test_an_opt_out_is_told_and_an_imported_list_is_not(world: World, subscribe: Subscribe) -> None:
    await subscribe(URL, Event.SUPPRESSION_ADDED)
    for source in ("call", "operator", "import"):
        await suppressions.add(world.db, number(len(source)), reason="asked", source=source, actor="olive")
    await suppressions.add(world.db, number(4), reason="again", source="operator", actor="olive")  # stands there already
    assert [data["source"] for _, data in await told(world)] == ["call", "operator"]


async def test_only_active_endpoints_that_want_it_are_told(world: World, subscribe: Subscribe) -> None:
    wants, _ = await subscribe(URL, Event.SUPPRESSION_ADDED)
    await subscribe(URL, Event.CALL_ENDED)
    paused, _ = await subscribe(URL, Event.SUPPRESSION_ADDED)
    keep: dict[str, Any] = {"url": None, "events": None, "description": None, "actor": "test", "private_allowed": True}
    await endpoints.change(world.db, paused.id, active=False, **keep)
    await suppressions.add(world.db, number(1), reason="asked", source="operator", actor="olive")
    assert await world.db.pool.fetch("select webhook_id from webhook_deliveries") == [(wants.id,)]


async def test_an_endpoint_that_is_deleted_just_then_neither_holds_up_a_call_nor_makes_it_fail(world: World, subscribe: Subscribe) -> None:
    webhook, _ = await subscribe(URL, Event.CALL_ENDED)
    call_id = await begun(world)
    async with world.db.transaction() as connection:
        await connection.execute("delete from webhooks where id = $1", webhook.id)
        await world.ring_out(call_id)  # not seen as deleted yet
    assert (await world.call(call_id))["state"] == "ended"
    assert await events(world) == ["call.ended"]
