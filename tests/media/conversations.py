"""Small conversations for tests of what is around them: each is a `converse` without a pipeline."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np

from agent_runtime.calls import Brief, CallActions, CallResult, EndedBy, EndReason, Evidence, Goal, Speaker, Turn, Who
from agent_runtime.leg import SAMPLE_RATE, Leg

Converse = Callable[[Leg, Brief, CallActions], Awaitable[CallResult]]

TONE = (np.sin(np.arange(SAMPLE_RATE) / SAMPLE_RATE * 2 * np.pi * 440) * 8000).astype("<i2").tobytes()
_WHY = Evidence("the test says so")


def outcome(reason: EndReason = EndReason.GOODBYE, ended_by: EndedBy = EndedBy.AGENT, turns: tuple[Turn, ...] = ()) -> CallResult:
    return CallResult(ended_by, reason, _WHY, Who.HUMAN, _WHY, Goal.MET, _WHY, turns=turns, summary="it went well")


class Ears:
    """Hears what happens on a leg; `closed` when the line is gone, `digits` as they come."""

    def __init__(self, leg: Leg) -> None:
        self.closed = asyncio.Event()
        self.digits: asyncio.Queue[str] = asyncio.Queue()
        self.reached = asyncio.Event()
        self._leg = leg
        leg.listen(self)

    async def all_heard(self) -> None:
        await self.reached.wait()

    def voice_started(self, at_ms: int, pre_roll: bytes) -> None: ...

    def voice_audio(self, pcm: bytes) -> None: ...

    def voice_stopped(self, at_ms: int) -> None: ...

    def heard(self, offset: int) -> None:
        if offset == self._leg.queued_up_to():
            self.reached.set()

    def digit(self, digit: str) -> None:
        self.digits.put_nowait(digit)

    def beep(self, at_ms: int) -> None: ...

    def line_closed(self) -> None:
        self.closed.set()


async def keep_listening(leg: Leg, _brief: Brief, _actions: CallActions) -> CallResult:
    """Say nothing until the callee is gone."""
    await Ears(leg).closed.wait()
    return outcome(EndReason.HUNG_UP, EndedBy.CALLEE)


async def say_a_tone(leg: Leg, _brief: Brief, actions: CallActions) -> CallResult:
    """Play one second, wait until it was heard, and end the call."""
    ears = Ears(leg)
    leg.play(TONE)
    done = [asyncio.create_task(ears.all_heard()), asyncio.create_task(ears.closed.wait())]
    await asyncio.wait(done, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.cancel()
    turn = Turn(Speaker.AGENT, "a tone", 0, 1000)
    await actions.turn_ended(0, turn)
    return outcome(turns=(turn,))


async def fail(leg: Leg, _brief: Brief, actions: CallActions) -> CallResult:
    """Say a word, and break."""
    await actions.turn_ended(0, Turn(Speaker.AGENT, "well", 0, 300))
    raise RuntimeError("this conversation is broken on purpose")
