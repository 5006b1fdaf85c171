"""What the dashboard's queries return: frozen rows, one class for each kind of line on a page."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a list to choose from."""

    id: int
    label: str


@dataclass(frozen=True, slots=True)
class Counts:
    """A campaign's contacts by status."""

    pending: int
    in_progress: int
    completed: int
    failed: int
    skipped: int

    @property
    def total(self) -> int:
        return self.pending + self.in_progress + self.completed + self.failed + self.skipped

    @property
    def done(self) -> int:
        """Contacts that nothing more will happen to."""
        return self.completed + self.failed + self.skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignLine(Counts):
    """A campaign in the list."""

    id: int
    name: str
    status: str
    status_reason: str
    timezone: str | None
    scheduled_start: datetime | None
    created_at: datetime
    agent_name: str
    calls_ended: int
    calls_answered: int
    next_retry_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign(Counts):
    """One campaign with its settings; weekdays are ISO, Monday is 1; times of day are of `timezone`."""

    id: int
    name: str
    status: str
    status_reason: str
    version: int
    agent_id: int
    agent_name: str
    phone_number_id: int
    phone_number: str
    phone_number_label: str
    rehearsal: bool
    concurrency: int
    max_retries: int
    retry_delay_min: int | None
    throttle_delay_ms: int | None
    start_time: time | None
    end_time: time | None
    timezone: str | None
    weekdays: list[int]
    scheduled_start: datetime | None
    retry_on_voicemail: bool
    retry_on_dropped: bool
    local_hours: bool
    ring_timeout_s: int
    max_per_24h: int
    max_per_7d: int
    pilot_size: int | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class CallFigures:
    """What came of a campaign's calls so far."""

    ended: int
    running: int
    answered: int
    people: int
    goals_met: int
    mean_duration_ms: float | None
    first_word_p50_ms: float | None
    first_word_p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Tally:
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class OutcomeSpan:
    """Calls with one outcome of a span of `minutes` that began `at`, on the wall clock of the zone that was asked for."""

    at: datetime
    minutes: int
    outcome: str
    calls: int


@dataclass(frozen=True, slots=True)
class Import:
    """A file of contacts and what came of it. `refused`: rows that were left out; not `kept`: all of them were, for it was all or
    nothing; `actor`: who brought it."""

    id: int
    file_name: str
    at: datetime
    actor: str
    imported: int
    refused: int
    kept: bool
    has_problems: bool


@dataclass(frozen=True, slots=True)
class RunningCall:
    """A call that has not ended; `since` is when it entered its state."""

    id: int
    number: str
    contact_name: str
    state: str
    try_: int
    since: datetime
    last_speaker: str | None
    last_text: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Pending contacts that wait for the same thing; `at_least`: there are more."""

    gate: str
    reason: str | None
    count: int
    at_least: bool
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class ContactLine:
    """A contact in the list of its campaign."""

    id: int
    number: str
    name: str
    variables: dict[str, str]
    status: str
    status_reason: str
    tries: int
    not_before: datetime | None
    callback: bool
    last_outcome: str | None
    blocked_by: str | None
    blocked_reason: str | None
    look_again_at: datetime | None
    person_deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One change of a gate's verdict on a contact."""

    at: datetime
    gate: str
    verdict: str
    value: str
    look_again_at: datetime | None


@dataclass(frozen=True, slots=True)
class CallLine:
    """A call in the log."""

    id: int
    number: str
    contact_name: str
    state: str
    try_: int
    at: datetime
    outcome: str | None
    end_reason: str | None
    who: str | None
    goal: str | None
    sentiment_word: str | None
    duration_ms: int | None
    opted_out: bool


@dataclass(frozen=True, slots=True)
class CallFilters:
    """The values that occur in a campaign's calls."""

    outcomes: list[str]
    whos: list[str]
    goals: list[str]
    sentiments: list[str]


@dataclass(frozen=True, slots=True)
class ExportedCall:
    """A call as it goes into a file."""

    id: int
    number: str
    contact_name: str
    try_: int
    planned_at: datetime
    requested_at: datetime | None
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
    summary: str
    fields: dict[str, Any]
    transcript: str | None
    recording_deleted_at: datetime | None
    transcript_deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Call:
    """One call; `evidence` has says, turn and at_ms under reason, who and goal; `recorded`: there is audio to play. `..._deleted_at`: since
    when something that was kept is gone; `..._kept_days`: by which limit, None where the person was erased."""

    id: int
    campaign_id: int | None
    campaign_name: str | None
    timezone: str | None
    contact_id: int | None
    number: str
    contact_name: str
    variables: dict[str, str]
    caller: str
    agent_id: int
    agent_name: str
    agent_version: int
    rehearsal: bool
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
    evidence: dict[str, dict[str, Any]]
    fields: dict[str, Any]
    summary: str
    sentiment: float | None
    sentiment_word: str | None
    opted_out: bool
    callback_at: datetime | None
    duration_ms: int | None
    first_word_ms: int | None
    recorded: bool
    recording_deleted_at: datetime | None
    recording_kept_days: int | None
    transcript_deleted_at: datetime | None
    transcript_kept_days: int | None
    timeline_deleted_at: datetime | None
    person_deleted_at: datetime | None
