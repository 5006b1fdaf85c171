"""What a conversation is given of one call, what it may ask for while it runs, and what it returns."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from agent_runtime.agent import Agent


class Who(StrEnum):
    """Who picked up."""

    HUMAN = "human"
    VOICEMAIL = "voicemail"
    SCREENING = "screening"
    MENU = "menu"
    NO_ONE = "no_one"  # answered, and nobody said a word
    UNKNOWN = "unknown"


class Goal(StrEnum):
    """Whether the call did what it was made for."""

    MET = "met"
    NOT_MET = "not_met"
    UNCLEAR = "unclear"


class EndedBy(StrEnum):
    AGENT = "agent"
    CALLEE = "callee"
    OPERATOR = "operator"
    CARRIER = "carrier"
    FAULT = "fault"  # ours: an engine, a provider, a limit


class EndReason(StrEnum):
    """Why the conversation ended, as the conversation saw it. `dialer.retries` turns it, with `Who`, into an outcome."""

    GOODBYE = "goodbye"  # the agent had said what there was to say
    DECLINED = "declined"
    OPTED_OUT = "opted_out"
    WRONG_PERSON = "wrong_person"
    CALLBACK = "callback"  # the callee asked to be called at `callback_at`
    MESSAGE_LEFT = "message_left"
    NO_MESSAGE = "no_message"  # a mailbox, and nothing left on it
    SILENCE = "silence"
    HUNG_UP = "hung_up"  # the callee ended it before the conversation was done
    LINE_LOST = "line_lost"
    TIME_LIMIT = "time_limit"
    FAILED = "failed"  # an engine or provider failed
    SUPERVISOR = "supervisor"  # a supervisor ended the call


class Speaker(StrEnum):
    AGENT = "agent"
    CALLEE = "callee"
    SUPERVISOR = "supervisor"  # has taken the call over


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the transcript: only what was heard. Times in ms since the leg began.

    `latency_ms`: by stage, for an agent's turn that answers the callee: `end_of_turn`, `recognition`, `brain`, `voice`, `total`
    (`total`: end of the callee's speech to the first audio of this turn at the leg).
    """

    speaker: Speaker
    text: str
    start_ms: int
    end_ms: int
    cut_off: bool = False
    latency_ms: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why we say so: `turn` is the index in the transcript, where a turn shows it."""

    says: str
    turn: int | None = None
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CallResult:
    """What came of one answered call: how it ended, who was there, whether the goal was met, each with its evidence.

    `sentiment`: -1..1; `sentiment_word`: positive, neutral or negative. `first_word_ms`: leg begin to the first agent
    audio given out.
    """

    ended_by: EndedBy
    reason: EndReason
    reason_evidence: Evidence
    who: Who
    who_evidence: Evidence
    goal: Goal
    goal_evidence: Evidence
    turns: tuple[Turn, ...] = ()
    fields: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    sentiment: float = 0.0
    sentiment_word: str = "neutral"
    opted_out: bool = False
    callback_at: datetime | None = None
    first_word_ms: int | None = None
    message_delivered: bool = False


@dataclass(frozen=True, slots=True)
class Brief:
    """All that the conversation knows before the first word. `variables` hold every column of the contact, filled and complete.

    `greeting`: PCM at 8 kHz of the agent's first message, when it was prepared while it rang. `zone`: the callee's
    IANA zone, for "tomorrow at five".
    """

    call_id: str
    agent: Agent
    variables: dict[str, str]
    greeting: bytes | None = None
    zone: str = "UTC"


class CallActions(Protocol):
    """What a conversation may ask of the outside while it runs. The media server implements it. Each returns when it
    is done and durable.
    """

    async def suppress(self, reason: str) -> None:
        """The callee said not to be called again: no campaign dials this number from the moment this returns."""

    async def turn_ended(self, position: int, turn: Turn) -> None:
        """A turn of the transcript is final: kept at once, so that a crash loses nothing and dashboards can follow.
        `position` counts from 0;
        the same position again replaces the turn."""

    async def hang_up(self) -> None:
        """End the phone call at the carrier. Safe on a call that has ended."""

    async def note(self, kind: str, detail: dict[str, str | int | float | bool | None]) -> None:
        """An event for the call's timeline (an answering verdict, a beep, a provider's failure)."""
