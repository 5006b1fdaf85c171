"""The story of one call: greet, talk, end, and say what came of it."""

import asyncio
import contextlib

from agent_runtime.agent import Agent, MissingVariable
from agent_runtime.calls import Brief, CallActions, CallResult
from agent_runtime.leg import Leg
from agent_runtime.pipeline import CallPipeline
from agent_runtime.providers import ProviderUnavailable, Services, recognition_for_readers, services_for
from agent_runtime.results import result
from agent_runtime.script import fixed_lines
from agent_runtime.supervised import SupervisedTalk
from agent_runtime.supervision import Nobody, Watcher
from agent_runtime.talk import ALWAYS_SPOKEN, Talk
from agent_runtime.telling import Telling

_NOBODY = Nobody()
OUTBOX_S = 10.0


async def converse(leg: Leg, brief: Brief, services: Services, actions: CallActions, watcher: Watcher = _NOBODY) -> CallResult:
    """Talk on `leg` as `brief` says, until the call is over; the phone call has been hung up and nothing is left running. `watcher` is
    told all the while, and may act on the conversation.

    A service that fails ends the call, with an apology where that can still be spoken; it raises nothing. Cancelling this ends the
    call without a word.

    Raises:
        MissingVariable: a text that may be spoken needs a variable that `brief` lacks. Nothing was said.
    """
    fixed_lines(brief.agent, brief.variables)
    telling = Telling(watcher, leg, recognition_for_readers(brief, services))
    talk = Talk(leg, brief, actions, services.timing, telling)
    supervised = SupervisedTalk(talk, leg, services.engines.recognition if services.engines is not None else None)
    watcher.began(supervised)
    talk.greet()
    pipeline: CallPipeline | None = None
    try:
        pipeline = CallPipeline(talk.call_out, services_for(brief, services, talk), talk, services.timing.turn)
        talk.connect(pipeline)
        await talk.over.wait()
    except (ProviderUnavailable, MissingVariable) as error:  # the variable: in the prompt of a language model
        talk.cannot_start(str(error))
    finally:
        talk.hang_up()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(_take_down(talk, pipeline, supervised, services, actions))
        telling.over()
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


async def _take_down(
    talk: Talk, pipeline: CallPipeline | None, supervised: SupervisedTalk, services: Services, actions: CallActions
) -> None:
    talk.outbox.put_urgent("hang-up", actions.hang_up())
    await supervised.close(services.timing.ending)
    if pipeline is not None:
        await pipeline.end(services.timing.ending)
    await talk.outbox.close(OUTBOX_S)
