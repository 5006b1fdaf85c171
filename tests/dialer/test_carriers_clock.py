"""The carrier's clock may be wrong; what is on record of a call is in order all the same."""

from datetime import timedelta

import pytest

from dialer.lifecycle import CallState
from tests.dialer.world import World


@pytest.mark.parametrize("ahead_s", [-3600, -10, 0, 10, 3600])
async def test_a_call_s_times_are_in_order_whatever_the_carrier_s_clock_says(world: World, ahead_s: int) -> None:
    await world.campaign(1)
    await world.tick(await world.loop())
    ((call_id, requested_at),) = [(call["id"], call["requested_at"]) for call in await world.calls()]
    for state, outcome in ((CallState.RINGING, None), (CallState.ANSWERED, None), (CallState.ENDED, "answered")):
        await world.later(seconds=5)
        await world.report(call_id, state, outcome, at=world.now + timedelta(seconds=ahead_s))
    call = await world.call(call_id)
    times = [requested_at, *(call[name] for name in ("ringing_at", "answered_at", "carrier_ended_at", "ended_at"))]
    assert times == sorted(times)
    assert times[-1] == world.now


async def test_a_report_of_ringing_that_comes_last_lies_before_the_answer(world: World) -> None:
    await world.campaign(1)
    await world.tick(await world.loop())
    (call,) = await world.calls()
    await world.later(seconds=5)
    await world.report(call["id"], CallState.ANSWERED)
    answered_at = world.now
    await world.later(seconds=5)
    await world.report(call["id"], CallState.RINGING, at=world.now)
    assert (await world.call(call["id"]))["ringing_at"] == answered_at
