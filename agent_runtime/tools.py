"""What a brain may do in a call, beside talking: the deeds, and their form as function calls for a language model."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.frames.frames import FunctionCallResultProperties
from pipecat.services.llm_service import FunctionCallParams, LLMService

from agent_runtime.callback_time import callback_time
from agent_runtime.calls import EndReason, Goal
from agent_runtime.supervision import NextStep

Clock = Callable[[], datetime]
"""The time now, with a zone."""


class Deeds(Protocol):
    """What a brain decides; the conversation does it. Methods return at once. `says`: the evidence, in words for people."""

    def goal_is(self, goal: Goal, says: str) -> None: ...

    def note_field(self, name: str, value: str) -> None:
        """Keep what was learnt; an empty value forgets it."""

    def opt_out(self, says: str) -> None:
        """Never to be called again: suppressed at once, while the agent still talks."""

    def call_back(self, at: datetime | None, says: str) -> None:
        """Asked to be called later; `at` where a time was understood."""

    def last_line(self, reason: EndReason, says: str) -> None:
        """What is being said now is the last: heard to its end, uninterrupted, and then the call ends."""

    def said_all(self) -> None:
        """Everything the brain had to say before has been heard: if `last_line` was called, the call ends, with a goodbye if the
        brain said nothing itself."""

    def wait(self) -> None:
        """Nothing is to be said: it is the callee's turn still."""

    def resume(self) -> None:
        """The callee only listens: go on with what was cut off, or with speaking."""

    def unheard(self) -> bool:
        """Whether some of what the agent said was cut off or is still to be heard."""

    def lines(self) -> list[str]:
        """What the callee said, turn by turn, as far as the brain is to answer it; grows during the call."""

    def may_answer(self) -> bool:
        """Whether the brain is wanted: not after the last line, nor while a supervisor has the call."""

    def next_is(self, following: NextStep) -> None:
        """What the callee's next turn answers, for those who read along."""


_REASONS = {
    "goodbye": EndReason.GOODBYE,
    "declined": EndReason.DECLINED,
    "wrong_person": EndReason.WRONG_PERSON,
    "opted_out": EndReason.OPTED_OUT,
    "callback": EndReason.CALLBACK,
}
_GOALS = {"met": Goal.MET, "not_met": Goal.NOT_MET, "unclear": Goal.UNCLEAR}


@dataclass(frozen=True, slots=True)
class Tool:
    """One function for a language model. `run` does the deed and returns what the model is told."""

    schema: FunctionSchema
    run: Callable[[dict[str, Any], Deeds], dict[str, str]]
    ends: bool = False


def _text(arguments: dict[str, Any], name: str) -> str:
    return str(arguments.get(name) or "").strip()


def _end_call(arguments: dict[str, Any], deeds: Deeds) -> dict[str, str]:
    says = _text(arguments, "evidence") or "the agent ended the call"
    deeds.goal_is(_GOALS.get(_text(arguments, "goal"), Goal.UNCLEAR), says)
    deeds.last_line(_REASONS.get(_text(arguments, "reason"), EndReason.GOODBYE), says)
    return {"status": "the call ends"}


def _do_not_call(arguments: dict[str, Any], deeds: Deeds) -> dict[str, str]:
    deeds.opt_out(_text(arguments, "evidence") or "the callee asked not to be called again")
    return {"status": "the number is not called again; confirm it in one sentence and end the call"}


def _note_field(arguments: dict[str, Any], deeds: Deeds) -> dict[str, str]:
    deeds.note_field(_text(arguments, "name"), _text(arguments, "value"))
    return {"status": "noted"}


def _schedule_callback(zone: str, now: Clock) -> Callable[[dict[str, Any], Deeds], dict[str, str]]:
    def run(arguments: dict[str, Any], deeds: Deeds) -> dict[str, str]:
        words = _text(arguments, "when")
        at = callback_time(words, now().astimezone(ZoneInfo(zone)))
        deeds.call_back(at, f"asked to be called {words}".strip())
        if at is None:
            return {"status": "the time was not understood; ask for a day and an hour"}
        return {"status": f"scheduled for {at:%A %d %B, %H:%M}"}

    return run


def tools(names: tuple[str, ...], zone: str, now: Clock) -> list[Tool]:
    """The tools of these names. `zone`: the callee's, `now`: the time, for "tomorrow at five".

    Raises:
        KeyError: there is no tool of a name.
    """
    evidence = {"type": "string", "description": "The callee's words that show it, quoted."}
    known = {
        "end_call": Tool(
            FunctionSchema(
                "end_call",
                "End the call. Say goodbye in the same reply, before this.",
                {
                    "reason": {"type": "string", "enum": list(_REASONS)},
                    "goal": {"type": "string", "enum": list(_GOALS), "description": "Whether the goal of the call was met."},
                    "evidence": evidence,
                },
                ["reason", "goal"],
            ),
            _end_call,
            ends=True,
        ),
        "do_not_call": Tool(
            FunctionSchema("do_not_call", "The callee does not want to be called again, ever.", {"evidence": evidence}, []),
            _do_not_call,
        ),
        "schedule_callback": Tool(
            FunctionSchema(
                "schedule_callback",
                "The callee wants to be called at another time.",
                {"when": {"type": "string", "description": "The time in the callee's words: tomorrow at five."}},
                ["when"],
            ),
            _schedule_callback(zone, now),
        ),
        "note_field": Tool(
            FunctionSchema(
                "note_field",
                "Keep something that the callee said.",
                {"name": {"type": "string"}, "value": {"type": "string"}},
                ["name", "value"],
            ),
            _note_field,
        ),
    }
    return [known[name] for name in names]


def register(brain: LLMService[Any], given: list[Tool], deeds: Deeds) -> None:
    """Let `brain` call these tools."""
    for tool in given:
        brain.register_function(tool.schema.name, _handler(tool, deeds))


def _handler(tool: Tool, deeds: Deeds) -> Callable[[FunctionCallParams], Awaitable[None]]:
    async def handle(params: FunctionCallParams) -> None:
        told = tool.run(dict(params.arguments), deeds)
        properties = FunctionCallResultProperties(run_llm=False, on_context_updated=_heard(deeds)) if tool.ends else None
        await params.result_callback(told, properties=properties)

    return handle


def _heard(deeds: Deeds) -> Callable[[], Awaitable[None]]:
    """Runs when the result has come to the end of the pipeline, which is when all speech before it has been heard."""

    async def heard() -> None:
        deeds.said_all()

    return heard
