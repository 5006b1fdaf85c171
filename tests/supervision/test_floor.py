"""The calls of a process: found while they are in progress, fed while somebody listens, each on its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from agent_runtime.supervision import AgentState
from mediaserver.supervision.floor import Floor
from mediaserver.supervision.protocol import OverTold
from mediaserver.switch.switch import Switch
from mediaserver.switch.voice import SpeechModel
from tests.supervision.conversations import FACTS, joined
from tests.supervision.pages import audio_next, serving, told_next
from tests.switch.line import Line, PlainCodec, hand_driven, tone


@asynccontextmanager
async def running(floor: Floor) -> AsyncIterator[None]:
    task = asyncio.create_task(floor.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_call_is_found_while_it_is_in_progress(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    floor = Floor(switch)
    with floor.opened(7, Line(switch, clock).leg, FACTS) as call, floor.opened(8, Line(switch, clock).leg, FACTS):
        call.state_is(AgentState.THINKING)
        assert floor.find(7) is call
        assert floor.find(9) is None
        assert [(status.call_id, status.agent_state) for status in floor.statuses()] == [(7, "thinking"), (8, "listening")]
    assert floor.find(7) is None
    assert not floor.statuses()


async def test_pages_of_a_call_that_ends_are_told(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    floor = Floor(switch)
    async with serving() as pages, pages.page() as (listener, page):
        with floor.opened(7, Line(switch, clock).leg, FACTS) as call:
            call.join(listener)
        assert await told_next(page, OverTold) == OverTold("")


async def test_those_who_listen_get_audio_and_those_who_come_later_too(model: SpeechModel) -> None:
    switch = Switch(model=model)
    leg = switch.add(PlainCodec(), lambda _text: None)
    floor = Floor(switch)
    async with running(floor), serving() as pages:
        with floor.opened(7, leg, FACTS) as call:
            leg.play(tone(5000, 440).tobytes())
            async with joined(pages, call, "audio") as (_, page):
                first = await audio_next(page)
                second = await audio_next(page)
                assert second[0] == first[0] + len(first[1])
            async with joined(pages, call, "audio") as (_, page):
                assert (await audio_next(page))[0] > second[0]
    await switch.stop()


async def test_a_call_that_fails_costs_no_other_its_audio_or_its_place_on_the_board(
    model: SpeechModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    switch, clock = hand_driven(model)
    floor = Floor(switch)
    bad, good = Line(switch, clock), Line(switch, clock)

    def fails() -> None:
        raise RuntimeError("a fault of this call's")

    async with serving() as pages:
        with floor.opened(7, bad.leg, FACTS) as failing, floor.opened(8, good.leg, FACTS) as call:
            async with joined(pages, failing, "audio"), joined(pages, call, "audio") as (_, page):
                monkeypatch.setattr(failing, "feed", fails)
                monkeypatch.setattr(failing, "status", fails)
                good.run(500, floor.run_once)
                assert (await audio_next(page))[0] == 0
                assert [status.call_id for status in floor.statuses()] == [8]
            monkeypatch.undo()
            async with joined(pages, failing, "audio") as (_, page):  # whoever comes in later hears it
                bad.run(500, floor.run_once)
                assert (await audio_next(page))[0] == bad.leg.now_ms() * 8 - 4000
    assert caplog.text.count("is not given out any more") == 1
    await switch.stop()


async def test_the_floor_rests_while_nobody_listens(model: SpeechModel, monkeypatch: pytest.MonkeyPatch) -> None:
    switch, clock = hand_driven(model)
    floor = Floor(switch)
    line = Line(switch, clock)
    fed: list[int] = []
    with floor.opened(7, line.leg, FACTS) as call:
        monkeypatch.setattr(call, "feed", lambda: fed.append(call.now_ms))
        line.run(500, floor.run_once)
        assert not fed
        async with serving() as pages, joined(pages, call, "audio"):
            line.run(100, floor.run_once)
        assert len(fed) == 5
        line.run(500, floor.run_once)
        assert len(fed) == 5
    await switch.stop()
