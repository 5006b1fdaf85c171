"""Speech and language services by name, and what a process shares among its calls.

| name | recognition | brain | voice |
| --- | --- | --- | --- |
| local | the engines of this machine | - | the engines of this machine |
| script | - | the agent's script | - |
| openai/MODEL | - | any OpenAI-compatible endpoint | - |
| null | says the same always | says the same always | a tone |
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx2
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService

from agent_runtime.agent import fill
from agent_runtime.brain_llm import Endpoint, LanguageModel, instruction
from agent_runtime.brain_script import Indexes, ScriptBrain
from agent_runtime.calls import Brief
from agent_runtime.directions import Directions
from agent_runtime.engines import Engines, Recognition
from agent_runtime.null_services import NullLLM, NullSTT, ToneTTS
from agent_runtime.per_script import PerScript
from agent_runtime.pipeline import Parts, TurnTiming
from agent_runtime.speech import EngineRecognition, EngineVoice
from agent_runtime.tools import Clock, Deeds, register, tools


class ProviderUnavailable(Exception):
    """An agent names a service that can't be used here; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How patient a conversation is, in seconds.

    `filler`: a slow brain is covered by a word after that; `brain`: and given up after that. `beep`: a mailbox that stays silent so
    long after its greeting takes the message without a beep; `mailbox`: the longest wait for a mailbox altogether. `last_line`: the
    longest that a goodbye may take; `ending`: for taking down what is left.
    """

    turn: TurnTiming = field(default_factory=TurnTiming)
    filler: float = 1.5
    brain: float = 8.0
    beep: float = 3.0
    mailbox: float = 45.0
    screening: float = 25.0
    last_line: float = 20.0
    ending: float = 3.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Services:
    """What the calls of one process share. `openai_http`: one HTTP client for all calls, because a client for each call builds a
    TLS context each, 20 ms on the event loop. `keys`: the providers' keys under their usual names.
    """

    engines: Engines | None = None
    openai_http: httpx2.AsyncClient | None = None
    keys: Mapping[str, str] = field(default_factory=lambda: os.environ)
    timing: Timing = field(default_factory=Timing)
    now: Clock = _utc_now
    indexes: Indexes = field(default_factory=Indexes)
    directions: PerScript[Directions] = field(default_factory=lambda: PerScript(Directions.build))


def services_for(brief: Brief, shared: Services, deeds: Deeds) -> Parts:
    """The services that the agent of `brief` names.

    Raises:
        ProviderUnavailable: one is unknown, not installed, or lacks its key.
    """
    context = LLMContext()
    brain = _brain(brief, shared, deeds, context)
    return Parts(_recognition(brief, shared), brain, brain, _voice(brief, shared), context)


def recognition_for_readers(brief: Brief, shared: Services) -> Recognition | None:
    """What recognises the callee's words while they are still being said; None where nothing does."""
    return shared.engines.drafts if shared.engines is not None and brief.agent.stt == "local" else None


def _recognition(brief: Brief, shared: Services) -> STTService:
    name = brief.agent.stt
    if name == "null":
        return NullSTT()
    if name == "local":
        return EngineRecognition(_engines(shared).recognition)
    raise ProviderUnavailable(f"there is no speech recognition {name!r}: use local or null")


def _voice(brief: Brief, shared: Services) -> TTSService:
    name = brief.agent.tts
    if name == "null":
        return ToneTTS()
    if name == "local":
        return EngineVoice(_engines(shared).voice, brief.agent.voice)
    raise ProviderUnavailable(f"there is no voice service {name!r}: use local or null")


def _brain(brief: Brief, shared: Services, deeds: Deeds, context: LLMContext) -> NullLLM | ScriptBrain | LanguageModel:
    name, _, model = brief.agent.llm.partition("/")
    if name == "null":
        return NullLLM()
    if name == "script" and brief.agent.script is not None:
        return ScriptBrain(brief, brief.agent.script, _engines(shared).understanding, shared, deeds)
    if name == "openai" and model:
        return _language_model(brief, shared, deeds, context, model)
    raise ProviderUnavailable(f"there is no brain {brief.agent.llm!r}: use script, openai/MODEL or null")


def _language_model(brief: Brief, shared: Services, deeds: Deeds, context: LLMContext, model: str) -> LanguageModel:
    base_url = brief.agent.llm_base_url or shared.keys.get("OPENAI_BASE_URL") or None
    key = shared.keys.get("OPENAI_API_KEY", "")
    if not key and base_url is None:
        raise ProviderUnavailable("the agent uses OpenAI, and OPENAI_API_KEY is not set: set it, or give the agent an llm_base_url")
    if shared.openai_http is None:
        raise ProviderUnavailable("the agent uses a language model, and this process has no HTTP client for it: see shared_http")
    given = tools(brief.agent.tools, brief.zone, shared.now)
    context.set_tools(ToolsSchema(standard_tools=[tool.schema for tool in given]))
    endpoint = Endpoint(model, key or "none", base_url, shared.openai_http)
    brain = LanguageModel(endpoint, instruction(brief), context, deeds, goal=fill(brief.agent.goal, brief.variables))
    register(brain, given, deeds)
    return brain


def _engines(shared: Services) -> Engines:
    if shared.engines is None:
        raise ProviderUnavailable("the agent uses the local engines, and this process has none: start them, or name other services")
    return shared.engines
