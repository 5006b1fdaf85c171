"""One call's story when something fails: the conversation, the carrier, the database, the process itself."""

import asyncio
import wave
from typing import Any

import pytest
from aiohttp import WSCloseCode, web

from agent_runtime.calls import EndReason, Speaker, Turn
from mediaserver import calls
from tests.carriers.twilio_double import problem
from tests.media.caller import stream
from tests.media.conftest import MediaServer
from tests.media.conversations import Ears, fail, keep_listening, outcome, say_a_tone


async def test_a_conversation_that_breaks_leaves_an_ended_call_and_what_was_said(server: MediaServer) -> None:
    server.converse = fail
    call, carrier_id = await server.call()
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        assert await caller.until_closed() == WSCloseCode.OK
    row = await server.ended(call)
    assert (row["state"], row["end_reason"], row["ended_by"], row["outcome"]) == ("ended", "failed", "fault", "dropped")
    assert server.network.calls[carrier_id]["status"] == "completed"
    assert await server.db.pool.fetchval("select text from transcript_turns where call_id = $1", call) == "well"


async def test_an_agent_that_can_not_be_read_ends_the_call_in_order(server: MediaServer, caplog: pytest.LogCaptureFixture) -> None:
    call, carrier_id = await server.call(first_message="")
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        await caller.until_closed()
    assert (await server.ended(call))["end_reason"] == "failed"
    assert server.network.calls[carrier_id]["status"] == "completed"
    assert "first_message is empty" in caplog.text


async def test_what_the_conversation_is_given(server: MediaServer) -> None:
    briefs = []

    async def look(leg: Any, brief: Any, actions: Any) -> Any:
        briefs.append(brief)
        return outcome()

    server.converse = look
    call, carrier_id = await server.call()
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        await caller.until_closed()
    await server.settled()
    [brief] = briefs
    assert (brief.call_id, brief.agent.name, brief.variables["contact_name"]) == (str(call), "Ann", "Bo")
    assert brief.variables["phone_number"].startswith("+1202")
    assert brief.zone == "America/New_York"


async def test_an_opt_out_suppresses_the_number_while_the_call_goes_on(server: MediaServer) -> None:
    suppressed: asyncio.Queue[int] = asyncio.Queue()

    async def opt_out(leg: Any, brief: Any, actions: Any) -> Any:
        await actions.suppress("said so")
        suppressed.put_nowait(await server.db.pool.fetchval("select count(*) from suppressions where call_id = $1", int(brief.call_id)))
        return await keep_listening(leg, brief, actions)

    server.converse = opt_out
    call, carrier_id = await server.call()
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        assert await suppressed.get() == 1
        assert (await server.row(call))["state"] == "answered"


async def test_a_call_is_recorded_where_its_agent_wants_it(server: MediaServer) -> None:
    server.converse = say_a_tone
    call, carrier_id = await server.call(record=True)
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        await caller.speak(5)
        await caller.until_closed()
    recording = (await server.ended(call))["recording"]
    assert recording == f"recordings/{call}.wav"
    await server.switch.stop()  # the file is complete when the switch is
    with wave.open(str(server.data_dir / recording)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes() > 4000) == (2, 8000, True)


async def test_a_hang_up_is_asked_for_until_the_carrier_takes_it(server: MediaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "HANG_UP_PAUSES_S", (0.0, 0.0))
    answers = iter([problem(503, 20503, "later"), problem(429, 20429, "too many")])

    async def not_at_first(_request: web.Request) -> web.Response:
        answer = next(answers, None)
        if answer is None:
            server.network.instead = None
            return problem(400, 21220, "Call is not in-progress.")
        return answer

    server.converse = say_a_tone
    server.network.instead = not_at_first
    call, carrier_id = await server.call()
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        await caller.until_closed()
    assert (await server.ended(call))["state"] == "ended"
    assert [method for method, _, _ in server.network.asked] == ["POST"] * 3


async def test_a_carrier_that_can_not_be_reached_leaves_the_call_to_settling(server: MediaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "HANG_UP_PAUSES_S", ())

    async def never(_request: web.Request) -> web.Response:
        return problem(503, 20503, "later")

    server.converse = say_a_tone
    server.network.instead = never
    call, carrier_id = await server.call()
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        assert await caller.until_closed() == WSCloseCode.OK
    row = await server.ended(call)
    assert (row["state"], row["end_reason"], row["summary"]) == ("answered", "goodbye", "it went well")


async def test_a_call_goes_on_without_the_database_and_nothing_is_lost(server: MediaServer) -> None:
    async def talk_without(leg: Any, brief: Any, actions: Any) -> Any:
        turns = tuple(Turn(Speaker.AGENT, f"line {n}", n * 1000, n * 1000 + 900) for n in range(4))
        await actions.turn_ended(0, turns[0])
        await server.cable.cut()
        for position in (1, 2):
            await actions.turn_ended(position, turns[position])
        await actions.note("beep", {"at_ms": 1500})
        await actions.suppress("never again")
        return outcome(EndReason.OPTED_OUT, turns=turns)

    server.converse = talk_without
    call, carrier_id = await server.call()
    token = await server.token(call)
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=token)
        assert await caller.until_closed() == WSCloseCode.OK  # hung up and closed, while the database is still away
    assert server.network.calls[carrier_id]["status"] == "completed"
    assert len(server.live) == 1
    await server.cable.mend()
    row = await server.ended(call)
    assert (row["state"], row["end_reason"]) == ("ended", "opted_out")
    said = await server.db.pool.fetch("select text from transcript_turns where call_id = $1 order by position", call)
    assert [turn["text"] for turn in said] == ["line 0", "line 1", "line 2", "line 3"]
    assert await server.db.pool.fetchval("select count(*) from call_events where call_id = $1 and kind = 'beep'", call) == 1
    assert await server.db.pool.fetchval("select count(*) from suppressions where call_id = $1 and removed_at is null", call) == 1


async def test_a_stream_that_comes_while_the_database_is_away_is_sent_back_to_the_answer_door(server: MediaServer) -> None:
    call, carrier_id = await server.call()
    token = await server.token(call)
    await server.cable.cut()
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=token)
        assert await caller.until_closed() == WSCloseCode.INTERNAL_ERROR
    await server.settled()
    await server.cable.mend()
    assert (await server.row(call))["stream_token_used_at"] is None
    assert server.network.asked == []


async def test_a_stopping_process_lets_its_calls_finish_and_takes_no_new_ones(server: MediaServer) -> None:
    go_on, begun = asyncio.Event(), asyncio.Event()

    async def until_told(leg: Any, _brief: Any, _actions: Any) -> Any:
        begun.set()
        await go_on.wait()
        return outcome()

    server.converse = until_told
    call, carrier_id = await server.call()
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        await begun.wait()
        draining = asyncio.create_task(server.live.drain(60))
        async with stream(server.stream_url) as late:
            assert await late.until_closed() == WSCloseCode.SERVICE_RESTART
        go_on.set()
        assert await caller.until_closed() == WSCloseCode.OK
        await draining
    assert (await server.row(call))["end_reason"] == "goodbye"


async def test_a_process_that_may_wait_no_longer_ends_its_calls_in_order(server: MediaServer) -> None:
    begun = asyncio.Event()

    async def listen(leg: Any, brief: Any, actions: Any) -> Any:
        begun.set()
        return await keep_listening(leg, brief, actions)

    server.converse = listen
    call, carrier_id = await server.call()
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        await begun.wait()
        stopping = asyncio.create_task(server.app.shutdown())
        assert await caller.until_closed() == WSCloseCode.GOING_AWAY
        await stopping
    row = await server.row(call)
    assert (row["state"], row["end_reason"], row["outcome"]) == ("ended", "line_lost", "dropped")
    assert server.network.calls[carrier_id]["status"] == "completed"


async def test_a_call_that_another_process_took_over_keeps_its_result_to_itself(
    server: MediaServer, caplog: pytest.LogCaptureFixture
) -> None:
    begun = asyncio.Event()

    async def listen(leg: Any, _brief: Any, _actions: Any) -> Any:
        ears = Ears(leg)
        begun.set()
        await ears.closed.wait()
        return outcome()

    server.converse = listen
    call, carrier_id = await server.call()
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        await begun.wait()
        await server.db.pool.execute("update calls set fence = fence + 1, process_id = 'p2' where id = $1", call)
    assert (await server.ended(call))["end_reason"] is None
    assert "is held by p2 now" in caplog.text


async def test_a_process_does_not_wait_for_ever_for_a_database_that_is_away(server: MediaServer, caplog: pytest.LogCaptureFixture) -> None:
    server.converse = say_a_tone
    call, carrier_id = await server.call()
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        await caller.received()
        await server.cable.cut()
        await caller.until_closed()
    await server.live.drain(0, settle_within_s=0)
    assert len(server.live) == 0
    assert "1 calls could not be settled" in caplog.text
