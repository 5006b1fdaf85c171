"""What queries return. Fields are named as the columns of the statement; times have a zone, ids are the database's."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent with its newest definition (`agent_runtime.agent.Agent.from_dict` reads it)."""

    id: int
    name: str
    version: int
    definition: dict[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PhoneNumberRow:
    """A number that campaigns call from. `number`: E.164; limits: None where only the carrier account's count."""

    id: int
    number: str
    label: str
    carrier_account: str
    rehearsal: bool
    concurrency: int | None
    calls_per_second: float | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class UserRow:
    id: int
    name: str
    role: str
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whose session or token it is."""

    id: int
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class TokenRow:
    id: int
    name: str
    role: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuditRow:
    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CallLine:
    """A call in a list. Durations in ms; `number`: E.164 of the callee."""

    id: int
    campaign_id: int | None
    contact_id: int | None
    number: str
    contact_name: str
    try_: int
    state: str
    planned_at: datetime
    requested_at: datetime | None
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    outcome: str | None
    end_reason: str | None
    ended_by: str | None
    carrier_code: str | None
    who: str | None
    goal: str | None
    sentiment: float | None
    sentiment_word: str | None
    opted_out: bool
    callback_at: datetime | None
    duration_ms: int | None
    first_word_ms: int | None
    recording: str | None


@dataclass(frozen=True, slots=True)
class CallDetail:
    """What only the page of one call shows."""

    agent_id: int
    agent_version: int
    carrier_call_id: str | None
    variables: dict[str, Any]
    evidence: dict[str, Any]
    fields: dict[str, Any]
    summary: str


@dataclass(frozen=True, slots=True)
class TurnRow:
    """A turn of a transcript; times in ms since the leg began."""

    position: int
    speaker: str
    text: str
    start_ms: int
    end_ms: int
    cut_off: bool
    latency_ms: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CallEventRow:
    id: int
    at: datetime
    source: str
    kind: str
    detail: dict[str, Any]
