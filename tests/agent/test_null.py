"""The pipeline on a leg with services that cost nothing: turns are taken, and a call leaves nothing behind."""

import asyncio
import gc

from pipecat.pipeline.worker import PipelineWorker

from agent_runtime.agent import Agent
from agent_runtime.calls import EndedBy, EndReason, Goal, Speaker, Who
from agent_runtime.null_services import HEARD, SAID, tone
from agent_runtime.providers import Services
from agent_runtime.talk import Talk
from tests.agent.call_double import QUICK, CallDouble, begin

AGENT = Agent(name="null", first_message="Hello, this is a test. Do you have a minute?", llm="null", stt="null", tts="null")
SERVICES = Services(timing=QUICK)
CALLS = 50


async def take_a_turn(call: CallDouble) -> None:
    """Greeted, answer, be answered, hang up."""
    await call.leg.agent_speaks()
    await call.leg.agent_is_done()
    call.leg.says()
    await call.leg.agent_speaks()
    await call.leg.agent_is_done()
    await call.actions.until_turns(3)
    call.leg.close()


async def test_a_turn_is_taken_and_the_transcript_has_both_sides() -> None:
    call = begin(AGENT, SERVICES, greeting=tone())
    await take_a_turn(call)
    result = await call.result()
    assert [turn.speaker for turn in result.turns] == [Speaker.AGENT, Speaker.CALLEE, Speaker.AGENT]
    assert result.turns[0].text == AGENT.first_message
    assert result.turns[1].text == HEARD
    assert result.turns[2].latency_ms.keys() == {"end_of_turn", "recognition", "brain", "voice", "total"}
    assert (result.who, result.goal) == (Who.HUMAN, Goal.UNCLEAR)
    assert (result.ended_by, result.reason) == (EndedBy.CALLEE, EndReason.HUNG_UP)
    assert call.actions.turns == dict(enumerate(result.turns))


async def test_the_prepared_greeting_is_on_the_line_before_anything_else_is_built() -> None:
    call = begin(AGENT, SERVICES, greeting=tone())
    await call.leg.agent_speaks()
    assert call.leg.played_before_listening == tone()
    call.leg.close()
    await call.result()


async def ten_calls() -> None:
    calls = [begin(AGENT, SERVICES, greeting=tone()) for _ in range(10)]
    await asyncio.gather(*(take_a_turn(call) for call in calls))
    results = await asyncio.gather(*(call.result() for call in calls))
    for result in results:
        assert [turn.text for turn in result.turns] == [AGENT.first_message, HEARD, SAID]


async def test_calls_leave_no_task_and_no_pipeline_behind() -> None:
    before = asyncio.all_tasks()
    for _ in range(CALLS // 10):
        await ten_calls()
    assert asyncio.all_tasks() == before
    gc.collect()
    assert not [kept for kept in gc.get_objects() if isinstance(kept, PipelineWorker | Talk)]
