"""The story of one call: greet, talk, end, and say what came of it."""

import asyncio
import contextlib

from agent_runtime.agent import Agent, MissingVariable
from agent_runtime.calls import Brief, CallActions, CallResult, EndedBy, EndReason
from agent_runtime.leg import Leg
from agent_runtime.pipeline import CallPipeline
from agent_runtime.providers import ProviderUnavailable, Services, services_for
from agent_runtime.results import result
from agent_runtime.script import fixed_lines
from agent_runtime.talk import ALWAYS_SPOKEN, Talk

OVERTIME_S = 60.0  # beyond the agent's own limit: for a goodbye, a mailbox, a carrier that is slow to hang up
OUTBOX_S = 10.0


async def converse(leg: Leg, brief: Brief, services: Services, actions: CallActions) -> CallResult:
    """Talk on `leg` as `brief` says, until the call is over; the phone call has been hung up and nothing is left running.

    A service that fails ends the call, with an apology where that can still be spoken; it raises nothing. Cancelling this ends the
    call without a word.

    Raises:
        MissingVariable: a text that may be spoken needs a variable that `brief` lacks. Nothing was said.
    """
    fixed_lines(brief.agent, brief.variables)
    talk = Talk(leg, brief, actions, services.timing)
    talk.greet()
    pipeline: CallPipeline | None = None
    try:
        pipeline = CallPipeline(talk.call_out, services_for(brief, services, talk), talk, services.timing.turn)
        talk.connect(pipeline)
        async with asyncio.timeout(brief.agent.max_call_s + OVERTIME_S):
            await talk.over.wait()
    except (ProviderUnavailable, MissingVariable) as error:  # the variable: in the prompt of a language model
        talk.cannot_start(str(error))
    except TimeoutError:
        talk.outcome.ended(EndedBy.FAULT, EndReason.TIME_LIMIT, "the call did not end by itself")
    finally:
        talk.hang_up()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(_take_down(talk, pipeline, services, actions))
    return result(talk.outcome, talk.answering.verdict, talk.transcript, goal_is_message=brief.agent.goal_is_message)


async def prepare(agent: Agent, services: Services) -> None:
    """Have ready what the first call of `agent` in this process would wait for. Call it while it rings; a second time costs nothing.

    Raises:
        EngineUnavailable: an engine can't serve now; the call itself may still succeed.
    """
    if services.engines is None:
        return
    if agent.llm == "script" and agent.script is not None:
        await services.indexes.of(agent.script, services.engines.understanding)
    if agent.tts == "local":
        for line in ALWAYS_SPOKEN:
            await services.engines.voice.speak(line, agent.voice)


async def _take_down(talk: Talk, pipeline: CallPipeline | None, services: Services, actions: CallActions) -> None:
    talk.outbox.put_urgent("hang-up", actions.hang_up())
    if pipeline is not None:
        await pipeline.end(services.timing.ending)
    await talk.outbox.close(OUTBOX_S)
