"""A language model as the brain, over the real protocol: it talks, uses its tools, is slow, is not there."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from agent_runtime.agent import Agent
from agent_runtime.brain_llm import shared_http
from agent_runtime.calls import EndedBy, EndReason, Goal, Speaker
from agent_runtime.providers import Services
from agent_runtime.talk import APOLOGY, FILLER
from tests.agent.call_double import IMPATIENT, QUICK, begin
from tests.agent.engine_doubles import engines, speech
from tests.agent.openai_double import Say, serving

GREETING = "Hello, this is the clinic. Can you come on Monday?"
AGENT = Agent(
    name="clinic",
    first_message=GREETING,
    prompt="You call {{customer_name}} for the clinic.",
    goal="confirm the appointment",
    fields=("day",),
    llm="openai/some-model",
)
VARIABLES = {"customer_name": "Sam", "doctor": "Dr Lee"}
END = ("end_call", {"reason": "goodbye", "goal": "met", "evidence": "yes, Monday is fine"})


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    client = shared_http()
    yield client
    await client.aclose()


async def test_it_talks_and_ends_when_its_goodbye_was_heard(http: httpx2.AsyncClient) -> None:
    heard, _, _ = engines("Yes, Monday is fine.")
    async with serving(Say("Great, see you on Monday. Goodbye.", (("note_field", {"name": "day", "value": "Monday"}), END))) as model:
        agent = replace_agent(model.url)
        call = begin(agent, Services(heard, http, {}, QUICK), speech(GREETING).pcm, VARIABLES)
        await call.leg.agent_speaks()
        await call.leg.agent_is_done()
        call.leg.says()
        result = await call.result()
    assert call.transcript == [
        (Speaker.AGENT, GREETING),
        (Speaker.CALLEE, "Yes, Monday is fine."),
        (Speaker.AGENT, "Great, see you on Monday. Goodbye."),
    ]
    assert not result.turns[-1].cut_off
    assert (result.ended_by, result.reason, result.goal) == (EndedBy.AGENT, EndReason.GOODBYE, Goal.MET)
    assert result.goal_evidence.turn == 1
    assert result.fields == {"day": "Monday"}
    assert call.actions.asked.count("hang_up") == 1
    told = model.requests[0]["messages"]
    assert "You call Sam for the clinic." in told[0]["content"]
    assert "doctor: Dr Lee" in told[0]["content"]
    assert {"role": "assistant", "content": GREETING} in told
    assert {tool["function"]["name"] for tool in model.requests[0]["tools"]} == set(AGENT.tools)


async def test_an_opt_out_is_suppressed_before_it_has_answered(http: httpx2.AsyncClient) -> None:
    heard, _, _ = engines("I would rather not get these.")
    replies = Say("", (("do_not_call", {"evidence": "rather not get these"}),)), Say("Understood. Goodbye.", (END,))
    async with serving(*replies) as model:
        call = begin(replace_agent(model.url), Services(heard, http, {}, QUICK), speech(GREETING).pcm, VARIABLES)
        await call.leg.agent_speaks()
        await call.leg.agent_is_done()
        call.leg.says()
        await call.actions.until("suppress")
        assert not call.call.done()
        result = await call.result()
    assert result.opted_out
    assert result.goal is Goal.NOT_MET
    assert call.transcript[-1] == (Speaker.AGENT, "Understood. Goodbye.")


async def test_a_slow_model_is_covered_and_then_given_up(http: httpx2.AsyncClient) -> None:
    heard, _, voice = engines("Yes.")
    async with serving(None) as model:
        call = begin(replace_agent(model.url), Services(heard, http, {}, IMPATIENT), speech(GREETING).pcm, VARIABLES)
        await call.leg.agent_speaks()
        await call.leg.agent_is_done()
        call.leg.says()
        result = await call.result()
    assert voice.spoken == [FILLER, APOLOGY]
    assert call.transcript[-2:] == [(Speaker.AGENT, FILLER), (Speaker.AGENT, APOLOGY)]
    assert (result.ended_by, result.reason) == (EndedBy.FAULT, EndReason.FAILED)


async def test_a_cough_while_the_model_thinks_does_not_lose_the_answer(http: httpx2.AsyncClient) -> None:
    heard, _, _ = engines("Yes, Monday is fine.", "")
    async with serving(None, Say("Great, see you on Monday. Goodbye.", (END,))) as model:
        call = begin(replace_agent(model.url), Services(heard, http, {}, QUICK), speech(GREETING).pcm, VARIABLES)
        await call.leg.agent_speaks()
        await call.leg.agent_is_done()
        call.leg.says()
        await model.asked.wait()
        call.leg.says()
        result = await call.result()
    assert [message["role"] for message in model.requests[1]["messages"]] == ["system", "assistant", "user"]
    assert call.transcript[-1] == (Speaker.AGENT, "Great, see you on Monday. Goodbye.")
    assert result.goal is Goal.MET


async def test_a_model_that_is_not_there_ends_the_call_with_an_apology(http: httpx2.AsyncClient) -> None:
    heard, _, _ = engines("Yes.")
    async with serving() as model:
        url = model.url
    call = begin(replace_agent(url), Services(heard, http, {}, QUICK), speech(GREETING).pcm, VARIABLES)
    await call.leg.agent_speaks()
    await call.leg.agent_is_done()
    call.leg.says()
    result = await call.result()
    assert call.transcript[-1] == (Speaker.AGENT, APOLOGY)
    assert result.reason is EndReason.FAILED


async def test_without_a_key_the_call_fails_and_says_what_to_do(http: httpx2.AsyncClient) -> None:
    heard, _, _ = engines()
    call = begin(AGENT, Services(heard, http, {}, QUICK), speech(GREETING).pcm, VARIABLES)
    result = await call.result()
    assert result.reason is EndReason.FAILED
    assert "OPENAI_API_KEY" in result.reason_evidence.says


async def test_a_prompt_that_lacks_its_variable_fails_the_call_and_names_it(http: httpx2.AsyncClient) -> None:
    heard, _, _ = engines()
    result = await begin(replace_agent("http://127.0.0.1:9/v1"), Services(heard, http, {}, QUICK), speech(GREETING).pcm).result()
    assert result.reason is EndReason.FAILED
    assert "customer_name" in result.reason_evidence.says


def replace_agent(url: str) -> Agent:
    return Agent.from_dict({**AGENT.to_dict(), "llm_base_url": url})
