"""A conversation with a language model under supervision, over the real protocol: what the model is told, and what the callee hears."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from pipecat.frames.frames import InterimTranscriptionFrame
from pipecat.processors.aggregators.llm_context import LLMContext

from agent_runtime.agent import Agent
from agent_runtime.brain_llm import Endpoint, LanguageModel, shared_http
from agent_runtime.calls import Goal, Speaker
from agent_runtime.providers import Services
from agent_runtime.supervision import AgentState, NextStep
from agent_runtime.telling import Telling
from agent_runtime.turns import CalleeBegins
from tests.agent.call_double import QUICK, CallDouble, begin
from tests.agent.engine_doubles import engines, speech
from tests.agent.leg_double import LegDouble
from tests.agent.openai_double import ModelDouble, Say, serving
from tests.agent.test_parts import DeedsDouble
from tests.agent.watcher_double import WatcherDouble, speaks

GREETING = "Hello, this is the clinic. Can you come on Monday?"
GOAL = "Sam has confirmed the appointment"
ANSWER = "Great, see you on Monday. Goodbye."
END = ("end_call", {"reason": "goodbye", "goal": "met", "evidence": "yes"})
ENDS = Say(ANSWER, (END,))


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    client = shared_http()
    yield client
    await client.aclose()


def talked_to(model: ModelDouble, http: httpx2.AsyncClient, *lines: str) -> tuple[CallDouble, WatcherDouble]:
    """A call whose callee and supervisor say `lines`."""
    heard, _, _ = engines(*lines)
    agent = Agent(
        name="clinic", first_message=GREETING, goal="{{name}} has confirmed the appointment", llm="openai/m", llm_base_url=model.url
    )
    watcher = WatcherDouble()
    return begin(agent, Services(heard, http, {}, QUICK), speech(GREETING).pcm, {"name": "Sam"}, watcher), watcher


def told(model: ModelDouble, request: int) -> list[tuple[str, str]]:
    """What the model was told, but its instruction: role and words."""
    return [(message["role"], message["content"]) for message in model.requests[request]["messages"][1:]]


async def greeted(call: CallDouble, watcher: WatcherDouble) -> None:
    await call.leg.agent_speaks()
    await call.leg.agent_is_done()
    await watcher.until_state(AgentState.LISTENING)


async def test_a_whisper_is_told_to_the_model_for_its_next_turn_and_is_never_heard(http: httpx2.AsyncClient) -> None:
    async with serving(ENDS) as model:
        call, watcher = talked_to(model, http, "Yes.")
        await greeted(call, watcher)
        assert "next turn" in await watcher.conversation.whisper("Mention the parking lot.")
        call.leg.says()
        result = await call.result()
    roles = [role for role, _ in told(model, 0)]
    assert roles == ["assistant", "user", "user"]
    assert told(model, 0)[1] == ("user", "Yes.")
    assert "Your supervisor tells you this, and the callee does not hear it: Mention the parking lot." in told(model, 0)[2][1]
    assert [turn.text for turn in result.turns] == [GREETING, "Yes.", ANSWER]
    assert watcher.settled() == [(turn.speaker, turn.text) for turn in result.turns]


async def test_openai_itself_is_told_as_the_developer(http: httpx2.AsyncClient) -> None:
    def knows_developers(base_url: str | None) -> bool:
        return LanguageModel(Endpoint("m", "key", base_url, http), "talk", LLMContext(), DeedsDouble(), goal="").supports_developer_role

    assert knows_developers(None)
    assert not knows_developers("http://127.0.0.1:9/v1")


async def test_the_goal_is_what_a_model_does_next(http: httpx2.AsyncClient) -> None:
    async with serving() as model:
        call, watcher = talked_to(model, http)
        await greeted(call, watcher)
        call.leg.close()
        await call.result()
    assert watcher.following == [NextStep("", GOAL)]


async def test_a_model_that_gets_the_call_back_knows_what_was_said_and_speaks_at_once(http: httpx2.AsyncClient) -> None:
    async with serving(ENDS) as model:
        call, watcher = talked_to(model, http, "This is Kim. Is Monday fine?", "Yes, Kim.")
        await greeted(call, watcher)
        microphone = watcher.conversation.take_over("Kim")
        speaks(microphone)
        await watcher.until_said(Speaker.SUPERVISOR, "This is Kim. Is Monday fine?")
        call.leg.says()
        await watcher.until_said(Speaker.CALLEE, "Yes, Kim.")
        assert not model.requests
        watcher.conversation.give_back()
        result = await call.result()
    greeting, colleague, callee, back = told(model, 0)
    assert greeting == ("assistant", GREETING)
    assert colleague == ("assistant", "[Your colleague, who had taken over, said:] This is Kim. Is Monday fine?")
    assert callee == ("user", "Yes, Kim.")
    assert back[0] == "user"
    assert "given it back to you" in back[1]
    assert [turn.speaker for turn in result.turns] == [Speaker.AGENT, Speaker.SUPERVISOR, Speaker.CALLEE, Speaker.AGENT]
    assert result.turns[-1].text == ANSWER
    assert result.goal is Goal.MET


async def test_a_model_that_is_thinking_is_silenced_and_asked_anew_when_it_has_the_call_again(http: httpx2.AsyncClient) -> None:
    async with serving(None, ENDS) as model:
        call, watcher = talked_to(model, http, "Yes.")
        await greeted(call, watcher)
        call.leg.says()
        await model.asked.wait()
        assert watcher.states[-1] is AgentState.THINKING
        watcher.conversation.take_over("Kim")
        assert watcher.states[-1] is AgentState.AWAY
        watcher.conversation.give_back()
        result = await call.result()
    assert [role for role, _ in told(model, 1)] == ["assistant", "user", "user"]
    assert [turn.text for turn in result.turns] == [GREETING, "Yes.", ANSWER]


async def test_words_of_a_streaming_recognition_are_told_as_they_come() -> None:
    class Ear:
        """Hands on what is recognised before the end of an utterance, as `Talk` does."""

        def __init__(self) -> None:
            self.watcher = WatcherDouble()
            self._telling = Telling(self.watcher, LegDouble(), None)

        def interim(self, text: str) -> None:
            self._telling.callee_says(text)

    ear = Ear()
    strategy = CalleeBegins(ear)  # type: ignore[arg-type]  # only what is asked of it here
    for text in ("Yes", "Yes I", "Yes I can"):
        await strategy.process_frame(InterimTranscriptionFrame(text, "", ""))
    ear.watcher.reading = False
    await strategy.process_frame(InterimTranscriptionFrame("Yes I can come", "", ""))
    assert [(caption.turn, caption.text, caption.final) for caption in ear.watcher.captions] == [
        (1, "Yes", False),
        (1, "Yes I", False),
        (1, "Yes I can", False),
    ]
