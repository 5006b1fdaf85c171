"""Calls in the browser under the dialer: where nothing rings, a call still begins once, ends by itself, and outlives its process."""

import asyncio

import pytest

from db.browser_line import number_of
from db.database import Database
from dialer.carrier import DialOutcomeUnknown
from dialer.dialing import TrialCall, TrialCallRefused
from dialer.lifecycle import CallState
from dialer.loop import DialerLoop, Process
from dialer.settling import SettleCalls
from dialer.streams import bind_stream, issue_stream_token
from mediaserver.carriers.browser.carrier import BrowserCarrier, ensure_line
from tests.dialer.world import Urls, World


@pytest.fixture
async def world(database: Database) -> World:
    return await World.build(database)


@pytest.fixture
async def line(world: World) -> int:
    return await ensure_line(world.db)


@pytest.fixture
async def loop(world: World) -> DialerLoop:
    return await process(world, "one")


async def process(world: World, name: str) -> DialerLoop:
    made = DialerLoop(world.db, {"browser": BrowserCarrier(world.db)}, Process(name, "host", "wss://host/stream", 100), Urls())
    await made.start_process()
    return made


async def settle(world: World, name: str = "one") -> int:
    """One pass of that process: how many calls ended."""
    return (await SettleCalls(world.db, {"browser": BrowserCarrier(world.db)}, name).run_once()).ended


async def begin(world: World, loop: DialerLoop, line: int, user: int = 17) -> int:
    wanted = TrialCall(
        agent_id=world.agent_id, phone_number_id=line, number=number_of(user), contact_name="Ada", variables={}, ring_timeout_s=60
    )
    call = await loop.place_test_call(wanted)
    await loop.placed()
    return call


async def joined(world: World, call: int, process: str = "one") -> None:
    """The page has opened its stream."""
    await bind_stream(world.db, await issue_stream_token(world.db, call), "browser-1", process)


async def test_a_call_waits_for_its_page(world: World, loop: DialerLoop, line: int) -> None:
    call = await begin(world, loop, line)
    await world.later(seconds=59)
    assert await settle(world) == 0
    await joined(world, call)
    row = await world.call(call)
    assert (row["state"], row["number"], row["carrier_call_id"], row["rehearsal"]) == ("answered", "browser:17", f"browser-{call}", True)


async def test_a_call_that_nobody_comes_to_ends_by_itself(world: World, loop: DialerLoop, line: int) -> None:
    call = await begin(world, loop, line)
    await world.later(seconds=60)
    assert await settle(world) == 1
    row = await world.call(call)
    assert (row["state"], row["outcome"], row["answered_at"]) == ("ended", "no_answer", None)
    await begin(world, loop, line)


async def test_a_person_is_in_one_call_at_a_time_and_others_in_theirs(world: World, loop: DialerLoop, line: int) -> None:
    await begin(world, loop, line)
    with pytest.raises(TrialCallRefused, match="another call"):
        await begin(world, loop, line)
    await world.later(seconds=1)
    await begin(world, loop, line, user=18)


async def test_a_call_that_is_talked_on_is_no_business_of_another_process(world: World, loop: DialerLoop, line: int) -> None:
    call = await begin(world, loop, line)
    await joined(world, call)
    await world.later(seconds=20)
    assert await settle(world, "two") == 0
    assert (await world.call(call))["process_id"] == "one"


async def test_another_process_ends_the_call_of_one_that_died(world: World, loop: DialerLoop, line: int) -> None:
    call = await begin(world, loop, line)
    await joined(world, call)
    await world.later(seconds=31)
    assert await settle(world, "two") == 1
    row = await world.call(call)
    assert (row["state"], row["outcome"], row["ended_by"]) == ("ended", "dropped", "fault")


async def test_a_page_comes_back_to_the_call_of_a_process_that_died(world: World, loop: DialerLoop, line: int) -> None:
    call = await begin(world, loop, line)
    await joined(world, call)
    await joined(world, call, "two")
    await world.later(seconds=20)
    assert await settle(world, "two") == 0
    row = await world.call(call)
    assert (row["state"], row["process_id"]) == ("answered", "two")


async def test_a_call_whose_process_died_while_it_was_placed_is_found_and_waits_on(world: World, loop: DialerLoop, line: int) -> None:
    call = await begin(world, loop, line)
    await world.db.pool.execute("update calls set carrier_call_id = null, posted_at = null where id = $1", call)
    await world.later(seconds=31)
    assert await settle(world, "two") == 0
    assert (await world.call(call))["carrier_call_id"] == f"browser-{call}"
    await joined(world, call, "two")
    assert (await world.call(call))["state"] == "answered"


async def test_a_call_that_was_taken_back_before_anybody_came_is_withdrawn(world: World, loop: DialerLoop, line: int) -> None:
    call = await begin(world, loop, line)
    await world.db.pool.execute("update calls set cancel_wanted = true where id = $1", call)
    assert await settle(world) == 1
    assert (await world.call(call))["outcome"] == "withdrawn"


async def test_the_line_is_one_for_all_processes_and_in_no_list(world: World) -> None:
    lines = await asyncio.gather(*(ensure_line(world.db) for _ in range(8)))
    assert len(set(lines)) == 1
    assert await world.value("select count(*) from phone_numbers where deleted_at is null and e164 = 'browser'") == 0


async def test_a_carrier_knows_what_became_of_its_calls(world: World, loop: DialerLoop, line: int) -> None:
    carrier, call = BrowserCarrier(world.db), await begin(world, loop, line)
    asked = world.now
    [found] = await carrier.look_up("browser:17", "browser", asked)
    assert (found, found.state, found.queued) == (await carrier.look_up_call(f"browser-{call}"), CallState.REQUESTED, False)
    assert await carrier.look_up("browser:18", "browser", asked) == []
    assert await carrier.look_up_call("browser-999") is None
    await carrier.hang_up(found.carrier_call_id)
    await joined(world, call)
    talking = await carrier.look_up_call(f"browser-{call}")
    assert talking is not None
    assert talking.state is CallState.ANSWERED


async def test_a_database_that_is_away_leaves_it_unknown(world: World) -> None:
    carrier = BrowserCarrier(world.db)
    await world.db.close()
    with pytest.raises(DialOutcomeUnknown):
        await carrier.look_up_call("browser-1")
    with pytest.raises(DialOutcomeUnknown):
        await carrier.look_up("browser:17", "browser", world.now)
