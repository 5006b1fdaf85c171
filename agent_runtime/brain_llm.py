"""The brain that is a language model: any endpoint that speaks OpenAI's chat protocol, through Pipecat's own service."""

from dataclasses import dataclass
from typing import Any

import httpx2
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from pipecat.frames.frames import Frame, LLMContextFrame, LLMRunFrame, StartFrame
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.openai.llm import OpenAILLMService

from agent_runtime.agent import fill
from agent_runtime.calls import Brief
from agent_runtime.supervision import NextStep
from agent_runtime.tools import Deeds

CONNECTIONS = 1000

_MANNERS = """You are on the phone: what you write is spoken. Use one or two short sentences at a time, plain words, no lists, no symbols.
Say numbers, dates and times as people say them. Ask one thing at a time. If asked, say truthfully that you are an automated assistant.
If they do not want to be called again, use do_not_call, confirm it in one sentence and end the call.
When there is nothing left to say, say goodbye and use end_call in the same reply."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is asked. `base_url`: None for OpenAI's own. `http`: shared by all calls of the process."""

    model: str
    api_key: str
    base_url: str | None
    http: httpx2.AsyncClient


class LanguageModel(OpenAILLMService):
    """Pipecat's service on an HTTP client that all calls of the process share. Implements `Guided`.

    A client of its own for each call costs 20 ms on the event loop and 1.7 MB, most of it for a TLS context.

    What a supervisor tells it stands in the context as a developer's message. Only OpenAI itself is sure to know that role: for
    every other endpoint Pipecat makes a user's of it, which all of them take at any place; the brackets say whose it is.
    """

    def __init__(self, endpoint: Endpoint, instruction: str, context: LLMContext, deeds: Deeds, *, goal: str) -> None:
        self._http, self._talked, self._deeds, self._goal = endpoint.http, context, deeds, goal
        self._whispers: list[str] = []
        self.supports_developer_role = endpoint.base_url is None
        super().__init__(
            api_key=endpoint.api_key,
            base_url=endpoint.base_url,
            settings=OpenAILLMService.Settings(model=endpoint.model, system_instruction=instruction),
        )

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        if self._goal:
            self._deeds.next_is(NextStep("", self._goal))

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, LLMContextFrame):
            if not self._deeds.may_answer():
                return  # the result of a tool that was called beside end_call
            self._hear_whispers()
        await super().process_frame(frame, direction)

    # Guided

    async def whisper(self, text: str) -> str:
        self._whispers.append(text)
        return "The agent was told, and uses it in its next turn."

    def colleague_said(self, text: str) -> None:
        self._talked.add_message({"role": "assistant", "content": f"[Your colleague, who had taken over, said:] {text}"})

    def given_back(self) -> Frame:
        self._tell(
            "[A colleague had taken over the call and has given it back to you. What was said meanwhile stands above; the callee has heard "
            "all of it.] Go on from there, in one or two sentences, as if you had listened. Do not greet again."
        )
        return LLMRunFrame()

    def _hear_whispers(self) -> None:
        """Read them behind all that was said: what the agent was saying when they came is no answer to them."""
        for text in self._whispers:
            self._tell(f"[Your supervisor tells you this, and the callee does not hear it: {text}] Use it in your next turn.")
        self._whispers.clear()

    def _tell(self, text: str) -> None:
        self._talked.add_message({"role": "developer", "content": text})

    def create_client(
        self,
        api_key: Any = None,
        base_url: Any = None,
        organization: Any = None,
        project: Any = None,
        default_headers: Any = None,
        **_kwargs: Any,
    ) -> AsyncOpenAI:
        return AsyncOpenAI(api_key=api_key, base_url=base_url, http_client=self._http)


def shared_http() -> httpx2.AsyncClient:
    """The HTTP client for all language models of a process. Close it (`aclose`) when the process ends."""
    limits = httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS // 10, keepalive_expiry=None)
    return DefaultAsyncHttpxClient(limits=limits)


def instruction(brief: Brief) -> str:
    """What the model is told before the call: the agent's prompt, the goal, what is known of the callee, and manners.

    Raises:
        MissingVariable: the prompt needs a variable that the contact lacks.
    """
    agent, variables = brief.agent, brief.variables
    parts = [fill(agent.prompt, variables)]
    if agent.goal:
        parts.append(f"The goal of this call: {fill(agent.goal, variables)}")
    if agent.fields:
        parts.append(f"Find out, and keep with note_field: {', '.join(agent.fields)}.")
    if variables:
        parts.append("Known of the person you call:\n" + "\n".join(f"{name}: {value}" for name, value in variables.items()))
    parts.append(f"Goodbye, in your words or these: {fill(agent.goodbye, variables)}")
    return "\n\n".join([*(part for part in parts if part.strip()), _MANNERS])
