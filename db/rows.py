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
    """A call in a list. Durations in ms; `number`: E.164 of the callee. `recording_deleted_at`: since when the recording, which it had, is
    gone; `recording_kept_days`: the limit by which it went, None where somebody was erased."""

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
    recording_deleted_at: datetime | None
    recording_kept_days: int | None


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
    transcript_deleted_at: datetime | None
    transcript_kept_days: int | None
    timeline_deleted_at: datetime | None
    person_deleted_at: datetime | None


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


@dataclass(frozen=True, slots=True)
class GrantUsed:
    """Who comes in by a grant, and what for: `kind` is supervise or talk."""

    kind: str
    user_id: int
    name: str


@dataclass(frozen=True, slots=True)
class GrantAsItIs:
    """A grant that let nobody in."""

    call_id: int
    session_hash: bytes
    used: bool
    expired: bool


@dataclass(frozen=True, slots=True)
class CallHolder:
    """Who holds a call in progress. `address`: of its process, empty where it told none; `alive`: its lease lasts; `number`: of the
    callee."""

    call_id: int
    process_id: str
    address: str
    alive: bool
    number: str


@dataclass(frozen=True, slots=True)
class LiveCallRow:
    """A call in progress as it is just now. `quiet_since`: nobody has spoken since then; `stuck`: why it may need help, else empty."""

    id: int
    campaign_id: int | None
    campaign_name: str | None
    contact_id: int | None
    number: str
    contact_name: str
    agent_id: int
    agent_name: str
    answered_at: datetime
    rehearsal: bool
    told_at: datetime
    agent_state: str
    step: str
    line_speaker: str | None
    line_text: str
    line_final: bool
    quiet_since: datetime | None
    sentiment: float | None
    held_by: str | None
    listeners: int
    stuck: str


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """An endpoint of outgoing webhooks, without its secret. `failing_since`: of the first failure since the last success."""

    id: int
    url: str
    description: str
    events: list[str]
    active: bool
    disabled_reason: str
    failing_since: datetime | None
    last_error: str
    last_delivered_at: datetime | None
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A message for an endpoint. `state`: waiting, delivered or given_up; `due_at`: of the next attempt while it waits; `status_code`,
    `error`, `response` (its beginning) and `duration_ms`: of the last attempt."""

    id: int
    webhook_id: int
    message_id: str
    event: str
    data: dict[str, Any]
    created_at: datetime
    state: str
    due_at: datetime
    attempts: int
    delivered_at: datetime | None
    status_code: int | None
    error: str
    response: str
    duration_ms: int | None


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A message that this process is to deliver now. `old_secret`: signs too, where there is one."""

    id: int
    webhook_id: int
    message_id: str
    event: str
    data: dict[str, Any]
    created_at: datetime
    attempts: int
    url: str
    secret: str
    old_secret: str | None
