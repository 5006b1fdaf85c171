"""Streams bind once; conversation and carrier may end in any order, and the call ends once, with the conversation's result."""

from dataclasses import replace

import pytest

from dialer import streams
from dialer.conversations import KeptTurn, Superseded, finish_conversation, keep_event, keep_recording, keep_turn
from dialer.lifecycle import CallState
from dialer.rows import CallBrief
from dialer.streams import CallIsOver, StreamRefused, WhyNot
from tests.dialer.world import TALKED, World, number


async def requested(world: World) -> int:
    await world.campaign(1, max_retries=1, retry_delay_min=5)
    await world.tick(await world.loop())
    call_id: int = (await world.calls())[-1]["id"]
    return call_id


async def bound(world: World, call_id: int, process: str = "one") -> CallBrief:
    token = await streams.issue_stream_token(world.db, call_id)
    return await streams.bind_stream(world.db, token, "MZ1", process)


async def refused(world: World, token: str) -> WhyNot:
    with pytest.raises(StreamRefused) as caught:
        await streams.bind_stream(world.db, token, "MZ1", "one")
    return caught.value.why


async def test_a_stream_brings_all_that_the_conversation_begins_with(world: World) -> None:
    call_id = await requested(world)
    brief = await bound(world, call_id)
    assert (brief.call_id, brief.number, brief.definition["first_message"]) == (call_id, number(0), "Hello {{contact_name|there}}")
    assert brief.variables == {"phone_number": number(0), "contact_name": ""}
    assert (brief.account, brief.carrier_call_id, brief.fence) == ("scripted", "CA1", 1)
    call = await world.call(call_id)
    assert (call["state"], call["stream_id"]) == ("answered", "MZ1")


async def test_a_token_is_good_once_and_for_a_short_time(world: World) -> None:
    call_id = await requested(world)
    token = await streams.issue_stream_token(world.db, call_id)
    assert await refused(world, f"{call_id}.guessed") is WhyNot.UNKNOWN
    await world.later(seconds=121)
    assert await refused(world, token) is WhyNot.EXPIRED
    token = await streams.issue_stream_token(world.db, call_id)
    await streams.bind_stream(world.db, token, "MZ1", "one")
    assert await refused(world, token) is WhyNot.USED


@pytest.mark.parametrize("token", ["", ".", "1", "1.", "x.y", "999999.x", "-1.x", "٣.x", "9" * 40 + ".x"])
async def test_what_was_never_a_token_binds_nothing(world: World, token: str) -> None:
    assert await refused(world, token) is WhyNot.UNKNOWN


async def test_a_call_that_is_over_takes_no_stream(world: World) -> None:
    call_id = await requested(world)
    token = await streams.issue_stream_token(world.db, call_id)
    await world.ring_out(call_id)
    assert await refused(world, token) is WhyNot.CALL_ENDED
    with pytest.raises(CallIsOver):
        await streams.issue_stream_token(world.db, call_id)
    with pytest.raises(CallIsOver):
        await streams.issue_stream_token(world.db, 999_999)


async def test_the_conversation_ends_first_and_the_carrier_took_our_hang_up(world: World) -> None:
    call_id = await requested(world)
    brief = await bound(world, call_id)
    await world.later(seconds=42)
    assert await finish_conversation(world.db, call_id, brief.fence, TALKED, hung_up=True)
    call = await world.call(call_id)
    assert (call["state"], call["outcome"], call["duration_ms"]) == ("ended", "person", 42_000)
    await world.report(call_id, CallState.ENDED, "answered")
    assert (await world.call(call_id))["outcome"] == "person"


async def test_the_carrier_ends_first_and_the_result_is_waited_for(world: World) -> None:
    call_id = await requested(world)
    brief = await bound(world, call_id)
    await world.report(call_id, CallState.ENDED, "answered")
    assert (await world.call(call_id))["state"] == "answered"
    hung_up = replace(TALKED, ended_by="callee", reason="hung_up", goal="not_met", evidence={"goal": {"says": "no answer given"}})
    assert await finish_conversation(world.db, call_id, brief.fence, hung_up, hung_up=False)
    call = await world.call(call_id)
    assert (call["state"], call["outcome"], call["ended_by"], call["goal"]) == ("ended", "person", "callee", "not_met")
    assert call["evidence"]["goal"]["says"] == "no answer given"


async def test_a_conversation_whose_hang_up_was_not_taken_ends_with_the_carriers_report(world: World) -> None:
    call_id = await requested(world)
    brief = await bound(world, call_id)
    assert not await finish_conversation(world.db, call_id, brief.fence, TALKED, hung_up=False)
    await world.report(call_id, CallState.ENDED, "answered")
    assert (await world.call(call_id))["outcome"] == "person"


async def test_a_conversation_that_nobody_hung_up_is_hung_up_by_settling(world: World) -> None:
    call_id = await requested(world)
    brief = await bound(world, call_id)
    world.carrier.becomes("CA1", CallState.ANSWERED)
    await finish_conversation(world.db, call_id, brief.fence, TALKED, hung_up=False)
    await world.later(seconds=11)
    await world.settle()
    assert world.carrier.hung_up == ["CA1"]
    assert (await world.call(call_id))["outcome"] == "person"


async def test_a_result_that_is_given_twice_is_kept_once(world: World) -> None:
    call_id = await requested(world)
    brief = await bound(world, call_id)
    for _ in range(2):
        assert await finish_conversation(world.db, call_id, brief.fence, TALKED, hung_up=True)
    assert await world.value("select tries from contacts") == 1


async def test_a_process_that_died_in_a_conversation_leaves_a_dropped_call(world: World) -> None:
    call_id = await requested(world)
    brief = await bound(world, call_id, "dead")
    world.carrier.becomes("CA1", CallState.ANSWERED)
    await world.later(seconds=31)
    await world.settle("other")
    assert world.carrier.hung_up == ["CA1"]
    call = await world.call(call_id)
    assert (call["state"], call["outcome"], call["process_id"]) == ("ended", "dropped", "other")
    with pytest.raises(Superseded):
        await finish_conversation(world.db, call_id, brief.fence, TALKED, hung_up=True)
    assert await world.value("select status from contacts") == "pending"


async def test_a_stream_that_broke_goes_on_in_another_process(world: World) -> None:
    call_id = await requested(world)
    old = await bound(world, call_id, "dead")
    new = await bound(world, call_id, "other")
    with pytest.raises(Superseded):
        await finish_conversation(world.db, call_id, old.fence, TALKED, hung_up=False)
    assert await finish_conversation(world.db, call_id, new.fence, TALKED, hung_up=True)


async def test_a_callee_who_answers_when_the_dialing_process_is_gone_is_served_by_another(world: World) -> None:
    call_id = await requested(world)
    await world.later(seconds=31)
    await world.settle("other")
    await world.report(call_id, CallState.ANSWERED)
    brief = await bound(world, call_id, "third")
    assert await finish_conversation(world.db, call_id, brief.fence, TALKED, hung_up=True)


async def test_an_answered_call_to_which_no_stream_came_is_hung_up(world: World) -> None:
    call_id = await requested(world)
    await world.report(call_id, CallState.ANSWERED)
    world.carrier.becomes("CA1", CallState.ANSWERED)
    await world.later(seconds=20)
    await world.settle()
    assert world.carrier.hung_up == []
    await world.db.pool.execute("update calls set lease_until = callwright_now() + interval '30 s'")
    await world.later(seconds=11)
    await world.settle()
    assert world.carrier.hung_up == ["CA1"]
    assert (await world.call(call_id))["outcome"] == "dropped"


async def test_turns_events_and_the_recording_are_kept_as_they_come(world: World) -> None:
    call_id = await requested(world)
    turn = KeptTurn(position=0, speaker="agent", text="Hello", start_ms=0, end_ms=500, latency_ms={"total": 80})
    await keep_turn(world.db, call_id, turn)
    await keep_turn(world.db, call_id, replace(turn, text="Hello Ann", cut_off=True))
    await keep_event(world.db, call_id, "agent", "beep", {"at_ms": 900})
    await keep_recording(world.db, call_id, "recordings/1.wav")
    turns = await world.db.pool.fetch("select text, cut_off, latency_ms from transcript_turns")
    assert [tuple(row) for row in turns] == [("Hello Ann", True, {"total": 80})]
    assert await world.value("select detail from call_events where source = 'agent'") == {"at_ms": 900}
    assert (await world.call(call_id))["recording"] == "recordings/1.wav"
