"""The call log finds what fits, page after page, and counts it; what it keeps beside the calls follows every change (see conftest)."""

import asyncio
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from db import call_log
from db.call_log import CallFilter, Counted
from db.database import Database
from dialer import campaigns
from dialer.conversations import KeptTurn, keep_turn
from dialer.rows import Campaign
from tests.dialer.world import NOON, World, number

RESULTS = (
    ("person", "human", "met", "positive"),
    ("person", "human", "not_met", "negative"),
    ("person", "human", "not_met", "neutral"),
    ("voicemail_message", "voicemail", "not_met", "neutral"),
    ("no_answer", None, None, None),
    ("busy", None, None, None),
    ("withdrawn", None, None, None),
)
SPOKEN = ("thursday", "wheelchair", "parking", "calendar", "Größe", "10:30")
APART = 1500  # between the ids of two calls, so that a few hundred lie in many blocks


async def add_calls(world: World, campaign: Campaign, count: int, chance: random.Random) -> list[dict[str, Any]]:
    """Ended calls of the campaign, and one that goes on, oldest first; some with a transcript."""
    made = []
    people = [each.id for each in await world.contacts(campaign)]
    first = await world.value("select coalesce(max(id), 0) + 1 from calls")
    for place in range(count):
        outcome, who, goal, feeling = chance.choice(RESULTS)
        live = place == count - 5
        contact = chance.choice(people[:-1]) if not live else people[-1]
        made.append(
            {
                "id": first + place * APART,
                "contact_id": contact,
                "number": number(people.index(contact)),
                "planned_at": NOON + timedelta(minutes=place // 2),
                "state": "ringing" if live else "ended",
                "outcome": None if live else outcome,
                "who": None if live else who,
                "goal": None if live else goal,
                "sentiment": None if live else feeling,
                "words": set(chance.sample(SPOKEN, 2)) if who and not live else set(),
            }
        )
    async with world.db.transaction() as connection:
        for call in made:
            await connection.execute(
                """insert into calls (id, campaign_id, contact_id, number, phone_number_id, carrier_account_id, agent_id, agent_version,
                                      state, process_id, lease_until, planned_at, outcome, who, goal, sentiment_word)
                   overriding system value values ($1, $2, $3, $4, $5, $6, $7, 1, $8, 'one', $9, $10, $11, $12, $13, $14)""",
                *(call["id"], campaign.id, call["contact_id"], call["number"], world.phone_number_id, world.account_id, world.agent_id),
                *(call["state"], NOON + timedelta(days=1), call["planned_at"]),
                *(call["outcome"], call["who"], call["goal"], call["sentiment"]),
            )
            for position, said in enumerate(sorted(call["words"])):
                await connection.execute(
                    "insert into transcript_turns values ($1, $2, 'callee', $3, 0, 1)", call["id"], position, f"Well, {said}."
                )
    return made


def fits(call: dict[str, Any], wanted: CallFilter) -> bool:
    """Whether the filter wants the call."""
    same = ("outcome", "who", "goal", "sentiment", "contact_id", "number")
    return (
        all(getattr(wanted, name) in (None, call[name]) for name in same)
        and (wanted.since is None or call["planned_at"] >= wanted.since)
        and (wanted.until is None or call["planned_at"] < wanted.until)
        and (wanted.words is None or set(wanted.words.split()) <= call["words"])
    )


def filters(calls: list[dict[str, Any]], chance: random.Random) -> Iterator[CallFilter]:
    """Every field alone, then any of them together."""
    fields: dict[str, list[Any]] = {
        "outcome": ["person", "no_answer", "callback"],
        "who": ["human", "voicemail"],
        "goal": ["met", "not_met"],
        "sentiment": ["negative", "neutral"],
        "contact_id": [call["contact_id"] for call in calls[:3]],
        "number": [call["number"] for call in calls[:3]],
        "since": [call["planned_at"] for call in calls[::40]],
        "until": [call["planned_at"] for call in calls[::40]],
        "words": ["thursday", "wheelchair thursday", "Größe", "10:30", "xylophone"],
    }
    yield CallFilter()
    for name, values in fields.items():
        for value in values:
            yield CallFilter(**{name: value})
    for _ in range(80):
        yield CallFilter(**{name: chance.choice(fields[name]) for name in chance.sample(list(fields), chance.randint(2, 4))})


async def pages(db: Database, campaign: Campaign, wanted: CallFilter, most: int) -> list[int]:
    """The ids of all pages."""
    found: list[int] = []
    while page := await call_log.find(db.pool, campaign.id, wanted, found[-1] if found else None, most):
        found += page
    return found


async def test_every_filter_finds_the_calls_that_fit_page_after_page_and_counts_them(world: World) -> None:
    chance = random.Random(7)
    campaign = await world.campaign(20, start=False)
    other = await world.campaign(3, first=50, start=False)
    calls = await add_calls(world, campaign, 240, chance)
    await add_calls(world, other, 20, chance)
    for wanted in filters(calls, chance):
        expected = [call["id"] for call in reversed(calls) if fits(call, wanted)]
        assert await pages(world.db, campaign, wanted, 7) == expected, wanted
        assert await call_log.count(world.db.pool, campaign.id, wanted) == Counted(len(expected), at_least=False), wanted


async def test_a_count_that_is_not_kept_stops_and_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_log, "COUNTED", 10)
    campaign = await world.campaign(5, start=False)
    await add_calls(world, campaign, 100, random.Random(3))
    assert await call_log.count(world.db.pool, campaign.id, CallFilter(words="thursday")) == Counted(10, at_least=True)
    assert await call_log.count(world.db.pool, campaign.id, CallFilter(since=NOON)) == Counted(10, at_least=True)
    assert await call_log.count(world.db.pool, campaign.id, CallFilter()) == Counted(100, at_least=False)


async def test_phrases_alternatives_and_exclusions(world: World) -> None:
    campaign = await world.campaign(1)
    await world.tick(await world.loop())
    (call,) = await world.calls()
    await keep_turn(world.db, call["id"], KeptTurn(position=0, speaker="callee", text="Monday at ten, please", start_ms=0, end_ms=1))
    await world.talk(call["id"])

    async def found(words: str) -> bool:
        return await call_log.find(world.db.pool, campaign.id, CallFilter(words=words), None, 10) == [call["id"]]

    assert [await found(words) for words in ('"monday at ten"', '"ten monday"', "friday or MONDAY", "monday -ten", "-friday")] == [
        True, False, True, False, True,
    ]  # fmt: skip


async def test_a_turn_that_comes_after_the_end_is_found_and_so_is_its_correction(world: World) -> None:
    campaign = await world.campaign(1)
    await world.tick(await world.loop())
    (call,) = await world.calls()
    await world.talk(call["id"])

    async def found(words: str) -> list[int]:
        return await call_log.find(world.db.pool, campaign.id, CallFilter(words=words), None, 10)

    assert await found("goodbye") == []
    await keep_turn(world.db, call["id"], KeptTurn(position=0, speaker="agent", text="Goodbye then", start_ms=0, end_ms=1))
    assert await found("goodbye") == [call["id"]]
    await keep_turn(world.db, call["id"], KeptTurn(position=0, speaker="agent", text="Farewell then", start_ms=0, end_ms=1))
    assert (await found("goodbye"), await found("farewell")) == ([], [call["id"]])


async def test_a_turn_that_is_kept_while_its_call_ends_is_found(world: World) -> None:
    campaign = await world.campaign(1)
    await world.tick(await world.loop())
    (call,) = await world.calls()
    turn = KeptTurn(position=0, speaker="callee", text="Wheelchair", start_ms=0, end_ms=1)
    async with world.db.transaction() as ending:
        await ending.execute("update calls set state = 'ended', outcome = 'person', ended_at = callwright_now() where id = $1", call["id"])
        late = asyncio.create_task(keep_turn(world.db, call["id"], turn))
        while not await world.value(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        ):
            assert not late.done()
    await late
    assert await call_log.find(world.db.pool, campaign.id, CallFilter(words="wheelchair"), None, 10) == [call["id"]]
    await world.db.pool.execute("update contacts set status = 'completed'")  # the contact of a call that nobody settled


async def test_corrections_and_removals_of_ended_calls_are_counted(world: World) -> None:
    campaign = await world.campaign(4, start=False)
    calls = await add_calls(world, campaign, 30, random.Random(5))
    spoken = [call["id"] for call in calls if call["words"]]
    await world.db.pool.execute(
        """update calls set outcome = 'lost', duration_ms = 5, first_word_ms = 9, opted_out = true, answered_at = planned_at
           where id = any ($1)""",
        spoken,
    )
    assert await call_log.find(world.db.pool, campaign.id, CallFilter(outcome="lost", words="thursday or parking"), None, 100)
    await world.db.pool.execute("delete from calls where id = any ($1)", spoken[::2])
    stats = await campaigns.stats(world.db, campaign.id)
    assert (stats.answered, stats.opted_out, stats.mean_duration_ms) == (len(spoken[1::2]), len(spoken[1::2]), 5)


async def test_why_contacts_wait_is_told_by_gate_and_exactly_while_one_group_is_large(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaigns, "WAITING_COUNTED", 5)
    campaign = await world.campaign(30, start=False)
    people = [each.id for each in await world.contacts(campaign)]
    later = world.now + timedelta(hours=1)

    async def block(ids: list[int], gate: str) -> None:
        await world.db.pool.execute(
            "update contacts set blocked_by = $2, blocked_reason = 'not now', look_again_at = $3 where id = any ($1)", ids, gate, later
        )

    async def waiting() -> list[tuple[str, int, bool]]:
        return [(each.gate, each.contacts, each.at_least) for each in await campaigns.waiting(world.db, campaign.id)]

    assert await waiting() == [("queue", 30, False)]
    await block(people[:4], "local_hours")
    await block(people[4:7], "frequency_cap")
    await world.db.pool.execute("update contacts set not_before = $2 where id = any ($1)", people[7:9], later)
    await world.db.pool.execute("update contacts set not_before = $2 where id = any ($1)", people[9:11], world.now)
    assert await waiting() == [("queue", 21, False), ("local_hours", 4, False), ("frequency_cap", 3, False), ("retry_delay", 2, False)]
    assert {each.look_again_at for each in await campaigns.waiting(world.db, campaign.id)} == {None, later}
    await block(people[11:23], "local_hours")
    assert await waiting() == [("local_hours", 5, True), ("queue", 5, True), ("frequency_cap", 3, False), ("retry_delay", 2, False)]


async def rows_read(world: World) -> int:
    """Rows and index entries of the large tables that were read so far, by every connection; an end-to-end reading is not allowed."""
    await world.db.pool.expire_connections()  # a connection tells its counts at the latest when it closes
    async with world.db.pool.acquire() as connection:
        await connection.execute("select pg_stat_force_next_flush()")
        tables = ["contacts", "calls", "call_words", "transcript_turns"]
        scans = await connection.fetchval("select sum(seq_tup_read) from pg_stat_user_tables where relname = any ($1)", tables)
        entries = await connection.fetchval("select sum(idx_tup_read) from pg_stat_user_indexes where relname = any ($1)", tables)
    return int(scans) + int(entries)


async def test_pages_counts_and_figures_of_a_large_campaign_read_little(world: World) -> None:
    campaign = await world.campaign(1, start=False)
    async with world.db.transaction() as connection:
        await connection.execute(
            """insert into contacts (campaign_id, number, blocked_by, look_again_at, not_before)
               select $1, '+4940' || (1000000 + g), case when g % 2 = 0 then 'local_hours' end,
                      case when g % 2 = 0 then $2::timestamptz + interval '1 h' end,
                      case when g % 3 = 0 then $2::timestamptz + interval '2 h' end
               from generate_series(1, 100000) g""",
            campaign.id,
            world.now,
        )
        await connection.execute(
            """insert into calls (campaign_id, contact_id, number, phone_number_id, carrier_account_id, agent_id, agent_version, state,
                                  process_id, lease_until, planned_at, outcome, who, goal, sentiment_word)
               select $1, id, number, $2, $3, $4, 1, 'ended', 'gone', $5::timestamptz,
                      $5::timestamptz + id * interval '1 s',
                      case when id = 777 then 'callback' when id % 10 < 6 then 'person' else 'no_answer' end,
                      case when id % 10 < 6 then 'human' end,
                      case when id % 10 < 6 then case when id % 2 = 0 then 'met' else 'not_met' end end,
                      case when id % 10 < 6 then case when id % 3 = 0 then 'positive' else 'neutral' end end
               from contacts where campaign_id = $1 order by id""",
            *(campaign.id, world.phone_number_id, world.account_id, world.agent_id, world.now),
        )
        await connection.execute(
            """insert into transcript_turns (call_id, position, speaker, text, start_ms, end_ms)
               select id, 0, 'callee', case when id % 1000 = 1 then 'a wheelchair' when id % 3 = 0 then 'on thursday' else 'yes' end, 0, 1
               from calls where who = 'human'"""
        )
    await world.db.pool.execute("analyze")
    middle = await world.value("select min(id) + 50000 from calls")
    since, until = world.now + timedelta(hours=10), world.now + timedelta(hours=11)
    for wanted, at_most in (
        (CallFilter(), 2_000),
        (CallFilter(outcome="callback"), 100),
        (CallFilter(who="human"), 2_000),
        (CallFilter(goal="met", sentiment="positive"), 2_000),
        (CallFilter(outcome="no_answer", goal="met"), 100),
        (CallFilter(since=since, until=until), 20_000),
        (CallFilter(number="+49401000777"), 100),
        (CallFilter(words="thursday"), 40_000),
        (CallFilter(words="wheelchair"), 10_000),
        (CallFilter(words="thursday", outcome="no_answer"), 2_000),
    ):
        before = await rows_read(world)
        await call_log.find(world.db.pool, campaign.id, wanted, middle, 50)
        await call_log.count(world.db.pool, campaign.id, wanted)
        assert await rows_read(world) - before <= at_most, wanted
    before = await rows_read(world)
    await campaigns.get(world.db, campaign.id)
    await campaigns.stats(world.db, campaign.id)
    await campaigns.waiting(world.db, campaign.id)
    assert await rows_read(world) - before <= 12 * campaigns.WAITING_COUNTED
