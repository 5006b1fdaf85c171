"""What the dialer's queries return: frozen rows."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRules:
    """A campaign's status, and what it allows."""

    id: int
    status: str
    version: int
    phone_number_id: int
    carrier_account_id: int
    account: str
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignView(CampaignRules):
    """A campaign as the dialer decides on it. `live`: its calls that have not ended;
    `fresh_allowed`: False once a pilot has begun all its contacts."""

    next_start_at: datetime
    fresh_allowed: bool
    live: int
    next_due_at: datetime | None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """What a call goes out on: the carrier account, the number and the process, each with its limits and what they carry now.
    `live_of_number`: counted only where the number has a limit, 0 else."""

    phone_number_id: int
    carrier_account_id: int
    rehearsal: bool
    account_calls_per_second: float
    account_next_start_at: datetime
    backed_off_until: datetime | None
    number_calls_per_second: float | None
    number_next_start_at: datetime
    number_concurrency: int | None
    live_of_number: int
    process_concurrency: int
    live_of_process: int
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFacts:
    """A contact with all that its gates look at. `missing`: variables that the agent's texts need;
    `tries_7d`: of the number, over all campaigns."""

    id: int
    number: str
    zone: str | None
    tries: int
    extra_tries: int
    lost_tries: int
    callback: bool
    begun: bool
    blocked_by: str | None
    blocked_reason: str | None
    missing: list[str]
    suppressed: bool
    live: bool
    tries_7d: list[datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimView:
    """What a claim decides on, as it is under its locks. `line`: None where the process has not said that it is there;
    `contacts`: those whose turn it is, in their order."""

    campaign: CampaignView
    line: LineView | None
    contacts: list[ContactFacts]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipView:
    """What a flip looks at once more, as it is under its locks. `campaign`: None for a test call; `number`: E.164; `zone`: the contact's
    own, where it is known (IANA)."""

    campaign: CampaignRules | None
    number: str
    zone: str | None
    suppressed: bool
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """A call that the carrier is to be asked for, now and once. `number`, `caller` (ours): E.164."""

    id: int
    number: str
    caller: str
    carrier_account_id: int
    ring_timeout_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """A call as dialing and settling see it. `caller`: our number, E.164; `account`: the name of the carrier account."""

    id: int
    campaign_id: int | None
    contact_id: int | None
    number: str
    zone: str | None
    caller: str
    account: str
    carrier_account_id: int
    phone_number_id: int
    rehearsal: bool
    state: str
    process_id: str
    lease_until: datetime
    fence: int
    ring_timeout_s: int
    requested_at: datetime | None
    posted_at: datetime | None
    unknown_at: datetime | None
    cancel_wanted: bool
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    carrier_call_id: str | None
    looked_up_at: datetime | None
    first_missed_at: datetime | None
    carrier_ended_at: datetime | None
    carrier_outcome: str | None
    conversation_ended_at: datetime | None
    stream_bound_at: datetime | None
    stream_token_hash: bytes | None
    stream_token_expires_at: datetime | None
    stream_token_used_at: datetime | None
    outcome: str | None
    end_reason: str | None
    carrier_code: str | None
    who: str | None
    message_delivered: bool
    callback_at: datetime | None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRules:
    """A contact of a call that ends, with what of its campaign decides on its next state."""

    id: int
    status: str
    tries: int
    extra_tries: int
    lost_tries: int
    callback: bool
    max_retries: int
    retry_delay_min: int | None
    retry_on_voicemail: bool
    retry_on_dropped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign with its settings, its status and the counts of its contacts."""

    id: int
    name: str
    agent_id: int
    agent_version: int
    phone_number_id: int
    status: str
    status_reason: str
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
    version: int
    created_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    pending: int
    in_progress: int
    completed: int
    failed: int
    skipped: int

    @property
    def contacts(self) -> int:
        return self.pending + self.in_progress + self.completed + self.failed + self.skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A contact of a campaign. `not_before`: of its next try; `blocked_*` and `look_again_at`: the gate that said "not now" last;
    `person_deleted_at`: since when name and variables are gone; `erased`: on the person's demand."""

    id: int
    campaign_id: int
    number: str
    name: str
    variables: dict[str, Any]
    status: str
    status_reason: str
    tries: int
    not_before: datetime | None
    callback: bool
    last_outcome: str | None
    blocked_by: str | None
    blocked_reason: str | None
    look_again_at: datetime | None
    created_at: datetime
    updated_at: datetime
    person_deleted_at: datetime | None = None
    erased: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBrief:
    """All that a conversation is begun with. `definition`: the agent, of the campaign's version; `variables`: every column of the
    contact, the number and the name among them; `fence`: to be given back with the result; `campaign_name`: None for a test call."""

    call_id: int
    campaign_id: int | None
    contact_id: int | None
    number: str
    contact_name: str
    variables: dict[str, Any]
    definition: dict[str, Any]
    agent_id: int
    agent_version: int
    agent_name: str
    campaign_name: str | None
    account: str
    carrier_call_id: str | None
    rehearsal: bool
    fence: int
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class MissingVariable:
    """A variable that the agent's texts need, and how many pending contacts lack it."""

    name: str
    contacts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateVerdict:
    """A change of verdict in the ledger."""

    at: datetime
    gate: str
    verdict: str
    value: str
    look_again_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignChange:
    """What a campaign's status became, and why where that was not an operator's plain wish."""

    at: datetime
    status: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What limits a campaign from outside: None where there is no limit; `processes_concurrency`: None where no process lives."""

    number_concurrency: int | None
    number_calls_per_second: float | None
    account_calls_per_second: float
    processes_concurrency: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """A number that is not called. `removed_at`: since when it may be called again."""

    id: int
    number: str
    rehearsal: bool
    reason: str
    source: str
    call_id: int | None
    added_by: str
    added_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStats:
    """What a campaign's calls came to. `people`: calls in which a person was there; withdrawn calls are not counted."""

    live: int
    ended: int
    answered: int
    people: int
    goals_met: int
    voicemails: int
    opted_out: int
    mean_duration_ms: float | None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many pending contacts wait for the same thing (`at_least`: there are more), and when the first of them is looked at again."""

    gate: str
    contacts: int
    at_least: bool
    look_again_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactCall:
    """A call in the history of a contact."""

    id: int
    state: str
    outcome: str | None
    end_reason: str | None
    carrier_code: str | None
    planned_at: datetime
    requested_at: datetime | None
    ended_at: datetime | None
