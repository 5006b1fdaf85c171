"""What is kept for long enough is deleted, and nothing else: no younger thing, no count, no rule."""

import asyncio
import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from db import call_log
from db.call_log import CallFilter
from dialer import campaigns, contacts, retention, suppressions
from dialer.contact_import import imports, problems_csv
from dialer.conversations import KeptTurn, keep_turn
from dialer.errors import NotFound
from dialer.lifecycle import CallState
from dialer.retention import Deleted
from tests.dialer.past import DAY, NAME, NEEDLE, PastCall, imported, opt_out_on, past_call, where_it_says
from tests.dialer.world import World, number

NOTHING = Deleted()


async def no_rest() -> None:
    """Between bites there is nobody to make room for."""


async def run(world: World, **days: int | None) -> Deleted:
    """A pass, with these limits set before."""
    if days:
        await retention.change(world.db, {f"{name}_days": value for name, value in days.items()}, actor="test")
    return await retention.delete_due(world.db, no_rest)


async def counted(world: World) -> Mapping[str, Any]:
    """All that is counted of calls and contacts."""
    tables = ("call_results", "call_first_words", "call_half_hours", "call_half_hour_first_words", "campaign_counts")
    return {name: sorted(tuple(row) for row in await world.db.pool.fetch(f"select {name}::text from {name}")) for name in tables}


async def test_everything_is_kept_until_somebody_says_otherwise(world: World) -> None:
    campaign = await world.campaign(1)
    call = await past_call(world, number(0), 4000 * DAY, campaign=campaign)
    assert await run(world) == NOTHING
    assert NEEDLE in str(dict(await world.call(call.id)))


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_older_than_its_limit_goes_and_what_is_younger_stays(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(retention, "CALLS_A_BITE", 7)  # many bites
    campaign = await world.campaign(60)
    calls = [
        await past_call(
            world,
            number(place),
            timedelta(hours=chance.choice([1, 23, 25, 239, 241, 2000])),
            answered=chance.random() < 0.8,
            campaign=campaign,
        )
        for place in range(60)
    ]
    limits = {name: chance.choice([1, 10, 83, 84, None]) for name in ("recordings", "transcripts", "timelines")}
    before = await counted(world)
    deleted = await run(world, **limits)
    assert await counted(world) == before

    def due(what: str) -> list[PastCall]:
        days = limits[what]
        return [] if days is None else [call for call in calls if call.ended > days * DAY]

    for call in calls:
        row = await world.call(call.id)
        assert (row["recording_deleted_at"] is not None) == (call in due("recordings") and call.answered)
        assert (row["transcript_deleted_at"] is not None) == (call in due("transcripts") and call.answered)
        assert (row["timeline_deleted_at"] is not None) == (call in due("timelines"))
        said = await where_it_says(world, NEEDLE, [call.id]) - {"audit_log"}
        kept_words = {"calls", "transcript_turns", "call_words", "call_events"} if call.answered else set()
        if call in due("transcripts"):
            kept_words = set()
        if call in due("timelines"):
            kept_words -= {"call_events"}
        assert said == kept_words
        assert await world.value("select count(*) from call_events where call_id = $1", call.id) == (
            0 if call in due("timelines") else 3 if call.answered else 1
        )
    talked = [call for call in calls if call.answered]
    assert deleted == Deleted(
        recordings=len([call for call in due("recordings") if call in talked]),
        transcripts=len([call for call in due("transcripts") if call in talked]),
        timelines=len(due("timelines")),
    )
    assert await run(world) == NOTHING


async def test_words_go_from_wherever_they_were_quoted_and_are_not_found_any_more(world: World) -> None:
    campaign = await world.campaign(1)
    call = await past_call(world, number(0), 31 * DAY, campaign=campaign)
    await opt_out_on(world, call, number(0))
    wanted = CallFilter(words=NEEDLE)
    assert await call_log.find(world.db.pool, campaign.id, wanted, None, 10) == [call.id]
    quoted = {"calls", "transcript_turns", "call_words", "call_events", "audit_log", "suppressions"}
    assert await where_it_says(world, NEEDLE) == quoted
    assert (await run(world, transcripts=30)).transcripts == 1
    assert await where_it_says(world, NEEDLE) == set()
    assert await call_log.find(world.db.pool, campaign.id, wanted, None, 10) == []
    row = await world.call(call.id)
    assert (row["transcript_kept_days"], row["who"], row["goal"], row["contact_name"]) == (30, "human", "met", NAME)
    entry = await suppressions.look_up(world.db, number(0))
    assert entry is not None
    assert entry.reason == "asked for on a call"


async def test_a_turn_that_comes_after_its_words_were_deleted_is_not_kept(world: World) -> None:
    campaign = await world.campaign(1)
    call = await past_call(world, number(0), 31 * DAY, campaign=campaign)
    await run(world, transcripts=30)
    await keep_turn(world.db, call.id, KeptTurn(position=7, speaker="callee", text=NEEDLE, start_ms=0, end_ms=1))
    assert await where_it_says(world, NEEDLE) == set()


async def test_names_and_variables_go_once_their_campaign_has_ended_long_ago(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CALLS_A_BITE", 2)
    ended, running = await world.campaign(5), await world.campaign(1, first=100)
    for campaign in (ended, running):
        await world.db.pool.execute("update contacts set name = $2, variables = $3 where campaign_id = $1", campaign.id, NAME, {"a": NAME})
    await past_call(world, number(0), 90 * DAY, campaign=ended)
    await past_call(world, number(0), 90 * DAY)
    await past_call(world, number(0), DAY / 2)
    await campaigns.cancel(world.db, ended.id, actor="test")
    await world.later(days=29)
    before = await counted(world)
    assert (await run(world, contacts=30)).contacts == 1  # the old test call belongs to no campaign
    await world.later(days=2)
    assert (await run(world)).contacts == 5 + 1
    assert await counted(world) == before
    kept = await world.db.pool.fetch("select distinct campaign_id, name, variables from contacts order by 1")
    assert [tuple(row) for row in kept] == [(ended.id, "", {}), (running.id, NAME, {"a": NAME})]
    assert await world.value("select count(*) from calls where contact_name <> '' or variables <> '{}'") == 0
    assert await run(world) == NOTHING


async def test_reports_of_imports_quote_nobody_once_the_contacts_of_their_campaign_are_gone(world: World) -> None:
    ended, kept = await world.campaign(1, start=False), await world.campaign(1, start=False)
    without_header = {number(7): "phone_number", NAME: "contact_name"}
    for campaign in (ended, kept):
        report = await imported(world, campaign, f"{number(7)},{NAME}\n{number(8)},Grace\n12,Bob\n", f"{NAME}.csv", without_header)
        assert (report.imported, report.refused) == (1, 1)
    await campaigns.start(world.db, ended.id, actor="test")
    await campaigns.cancel(world.db, ended.id, actor="test")
    await world.later(days=29)
    assert await run(world, contacts=30) == NOTHING
    assert [each.file_name for each in await imports(world.db, ended.id)] == [f"{NAME}.csv"]
    await world.later(days=2)
    assert (await run(world)).contacts == 2
    assert await where_it_says(world, number(7)) == {"contact_imports"}  # of the campaign that has not ended
    (forgotten,), (other,) = await imports(world.db, ended.id), await imports(world.db, kept.id)
    assert (forgotten.file_name, forgotten.report["imported"], forgotten.report["refused"]) == ("", 1, 1)
    assert NAME not in str(forgotten)
    with pytest.raises(NotFound, match="not kept any more"):
        await problems_csv(world.db, forgotten.id)
    assert b"".join(await problems_csv(world.db, other.id)).count(b"\n") == 2
    assert await run(world) == NOTHING


async def test_a_campaign_that_goes_on_again_keeps_its_names_and_loses_them_after_its_new_end(world: World) -> None:
    campaign = await world.campaign(1)
    loop = await world.loop()
    assert await world.tick(loop) == 1
    (call,) = await world.calls()
    await world.ring_out(call["id"])
    assert await world.status(campaign) == "completed"
    await world.later(days=31)
    assert (await run(world, contacts=30)).contacts == 1
    (contact,) = await world.contacts(campaign)
    await contacts.retry(world.db, contact.id, actor="test")
    await world.db.pool.execute("update contacts set name = $1, person_deleted_at = null", NAME)  # as if it were added now
    assert await run(world) == NOTHING
    await world.tick(loop)
    await world.ring_out((await world.calls())[-1]["id"])
    assert await world.status(campaign) == "completed"
    assert await run(world) == NOTHING
    await world.later(days=31)
    assert (await run(world)).contacts == 1


async def test_caps_suppressions_and_never_twice_hold_without_names_and_words(world: World) -> None:
    caps = {"max_per_24h": 1, "max_per_7d": 1}
    await world.campaign(2, **caps)
    loop = await world.loop()
    for _ in range(2):
        await world.tick(loop)
        await world.later(seconds=1)
    first, second = await world.calls()
    await world.talk(first["id"])
    await world.ring_out(second["id"])
    await suppressions.add(world.db, number(1), reason="asked", source="operator", actor="test")
    await world.later(days=2)
    assert await run(world, recordings=1, transcripts=1, contacts=1, timelines=1, audit_log=1)
    again = await world.campaign(2, **caps)
    for _ in range(2):
        assert await world.tick(loop) == 0
        await world.later(seconds=1)
    held = [(each.number, each.status, each.blocked_by) for each in await world.contacts(again)]
    assert held == [(number(0), "pending", "frequency_cap"), (number(1), "skipped", "suppression")]


async def test_a_call_in_progress_is_left_alone_however_old_it_is(world: World) -> None:
    await world.campaign(1)
    await world.tick(await world.loop())
    (call,) = await world.calls()
    await world.report(call["id"], CallState.ANSWERED)
    await keep_turn(world.db, call["id"], KeptTurn(position=0, speaker="callee", text=NEEDLE, start_ms=0, end_ms=1))
    await world.later(days=100)
    assert await run(world, recordings=1, transcripts=1, timelines=1, contacts=1) == NOTHING
    assert await where_it_says(world, NEEDLE) == {"transcript_turns"}


async def test_the_ledger_of_gates_and_the_audit_log_go_by_their_own_age(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "LINES_A_BITE", 3)
    campaign = await world.campaign(1)
    (contact,) = await world.contacts(campaign)
    for age in range(10, 0, -1):
        await world.db.pool.execute(
            "insert into gate_verdicts (contact_id, at, gate, verdict, value) values ($1, $2, 'window', 'wait', '')",
            *(contact.id, world.now - age * DAY),
        )
        await world.db.pool.execute("insert into audit_log (at, actor, action, subject) values ($1, 'a', 'b', 'c')", world.now - age * DAY)
    await world.later(minutes=1)
    assert (await run(world, timelines=4, audit_log=7)).audit_lines == 4
    assert await world.value("select count(*) from gate_verdicts") == 3
    assert await world.value("select count(*) from audit_log where actor = 'a'") == 6


async def test_a_change_is_in_the_audit_log_with_both_values_and_a_day_s_deletions_in_one_line(world: World) -> None:
    campaign = await world.campaign(3)
    for place in range(3):
        await past_call(world, number(place), 31 * DAY, campaign=campaign)
    await run(world, recordings=30)
    await retention.change(world.db, {"recordings_days": 30}, actor="test")  # changes nothing
    await run(world, recordings=None, transcripts=7)
    await world.later(days=1)
    await asyncio.gather(run(world), run(world))
    lines = await world.db.pool.fetch("select actor, action, detail from audit_log where action like 'retention.%' order by id")
    assert [(line["action"], line["detail"]) for line in lines] == [
        ("retention.change", {"recordings_days": "for ever, now 30 days"}),
        ("retention.change", {"recordings_days": "30 days, now for ever", "transcripts_days": "for ever, now 7 days"}),
        (
            "retention.delete",
            {"day": "2030-05-15", "recordings": 3, "transcripts": 3, "contacts": 0, "timelines": 0, "audit_lines": 0},
        ),
    ]
    assert [each.recordings for each in await retention.last_days(world.db)] == [3]


async def test_a_preview_says_what_the_next_pass_deletes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = await world.campaign(6)
    for place in range(6):
        await past_call(world, number(place), (20 + 5 * place) * DAY, answered=place != 5, campaign=campaign)
    await campaigns.cancel(world.db, campaign.id, actor="test")
    await world.later(days=2)
    limits = {"recordings_days": 30, "transcripts_days": 25, "contacts_days": 1, "timelines_days": 40, "audit_log_days": 1}
    told, at_least = await retention.preview(world.db, limits)
    assert await retention.preview(world.db, {}) == (NOTHING, frozenset())
    monkeypatch.setattr(retention, "MOST_COUNTED", 2)
    capped, more = await retention.preview(world.db, limits)
    assert (at_least, more) == (frozenset(), {"recordings", "transcripts", "audit_lines"})
    assert (capped.contacts, capped.timelines, capped.audit_lines) == (6, 2, 2)
    await retention.change(world.db, limits, actor="test")
    assert await retention.delete_due(world.db, no_rest) == told


async def test_two_passes_at_once_delete_each_thing_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CALLS_A_BITE", 3)
    campaign = await world.campaign(20)
    for place in range(20):
        await past_call(world, number(place), 31 * DAY, campaign=campaign)
    await retention.change(world.db, {"recordings_days": 30, "transcripts_days": 30, "timelines_days": 30}, actor="test")
    one, other = await asyncio.gather(*(retention.delete_due(world.db, no_rest) for _ in range(2)))
    rest = await retention.delete_due(world.db, no_rest)  # what each left alone for the other
    assert one + other + rest == Deleted(20, 20, 0, 20, 0)
    (day,) = await retention.last_days(world.db)
    assert (day.recordings, day.transcripts, day.timelines) == (20, 20, 20)


async def test_what_somebody_holds_is_left_for_the_next_pass(world: World) -> None:
    campaign = await world.campaign(2)
    calls = [await past_call(world, number(place), 31 * DAY, campaign=campaign) for place in range(2)]
    await campaigns.cancel(world.db, campaign.id, actor="test")
    await world.later(days=31)
    async with world.db.transaction() as holder:
        await holder.execute("select from calls where id = $1 for update", calls[0].id)
        await holder.execute("select from contacts where number = $1 for update", number(1))
        assert await run(world, recordings=30, contacts=30) == Deleted(recordings=1, contacts=1)
    assert await run(world) == Deleted(recordings=1, contacts=1)
    assert await run(world) == NOTHING


async def test_a_pass_that_dies_after_any_bite_is_taken_up_where_it_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CALLS_A_BITE", 2)
    campaign = await world.campaign(5)
    for place in range(5):
        await past_call(world, number(place), 31 * DAY, campaign=campaign)
    await campaigns.cancel(world.db, campaign.id, actor="test")
    await world.later(days=31)
    limits = dict.fromkeys(("recordings_days", "transcripts_days", "contacts_days", "timelines_days"), 30)
    await retention.change(world.db, limits, actor="test")

    async def dies() -> None:
        raise asyncio.CancelledError

    deaths = 0
    for _ in range(50):
        try:
            await retention.delete_due(world.db, dies)
        except asyncio.CancelledError:
            deaths += 1
            continue
        break
    assert deaths > 5
    (day,) = await retention.last_days(world.db)
    assert (day.recordings, day.transcripts, day.contacts, day.timelines) == (5, 5, 5, 5)
    assert await where_it_says(world, NEEDLE) == set()
    assert await where_it_says(world, NAME) == set()
