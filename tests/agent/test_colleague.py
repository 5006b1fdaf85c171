"""A supervisor's microphone after the call: what is said into it belongs to nothing any more."""

import asyncio

from agent_runtime.calls import Turn
from agent_runtime.colleague import Colleague
from tests.agent.engine_doubles import RecognitionDouble
from tests.agent.leg_double import LegDouble

VOICE = bytes(3200)


async def test_who_speaks_on_when_the_call_is_over_is_neither_recognised_nor_waited_for() -> None:
    said: list[Turn] = []
    colleague = Colleague(LegDouble(), RecognitionDouble("Hello?"), said.append)
    await colleague.close()
    tasks = asyncio.all_tasks()
    colleague.voice_started(0, VOICE)
    colleague.voice_audio(VOICE)
    colleague.voice_stopped(400)
    colleague.line_closed()
    assert asyncio.all_tasks() == tasks
    assert colleague.settled
    assert said == []
