"""What happened in one simulated world, as its parts saw it: the only thing that the checker is given.

Nothing here is a verdict of the dialer's. There are three witnesses: the **carrier** (what it was asked, what it made of it), the
**operators** (what they asked and when they were answered) and the **database** (`...Committed`: a row as a commit left it, read from
a trigger on the table and not from the dialer's statements). `turn` orders everything: of two events at the same time, the one with
the lower turn came first. All times are UTC, by the one clock of the world.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from dialer.campaign_settings import CampaignSettings

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A carrier account. It never changes in a run."""

    id: int
    name: str
    calls_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A phone number of ours. It never changes in a run. `concurrency`, `calls_per_second`: None where it has no limit of its own."""

    id: int
    e164: str
    account_id: int
    concurrency: int | None
    calls_per_second: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A voice agent. `required`: the variables that a contact must have."""

    id: int
    required: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`at`: the world's time when it happened; `process`: who did it, "" where it was nobody of ours."""

    turn: int
    at: datetime
    process: str = ""

    def __str__(self) -> str:
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("turn", "at", "process")}
        told = "  ".join(f"{name}={_short(value)}" for name, value in own.items())
        return f"{self.turn:6}  {self.at:%a %d %H:%M:%S.%f}  {self.process or '-':8}  {type(self).__name__:22}  {told}"


def _short(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%a %d %H:%M:%S.%f}"
    if isinstance(value, CampaignSettings):
        plain = CampaignSettings(name=value.name, agent_id=value.agent_id, phone_number_id=value.phone_number_id)
        set_here = {
            each.name: getattr(value, each.name) for each in fields(value) if getattr(value, each.name) != getattr(plain, each.name)
        }
        return f"({', '.join(f'{name}: {_short(what)}' for name, what in set_here.items())}, number {value.phone_number_id})"
    return str(value)


# ----------------------------------------------------------------- processes


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStarted(Event):
    """A process begins to dial, under an id that no other ever had. `concurrency`: calls that it may hold at once."""

    concurrency: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessKilled(Event):
    """From here on it does nothing: its connections are cut, what it had not committed is rolled back, its requests go unanswered.
    A COMMIT on its way to the database may still be made, later."""

    doing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStopping(Event):
    """It was asked to end (SIGTERM): it begins no call from here on, and hands its leases back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStopped(Event):
    """It has ended by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFrozen(Event):
    """Nothing of it runs for so many seconds: its machine is busy with something else. Never between a flip and the answer to its POST."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessThawed(Event):
    """It goes on as if no time had passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLost(Event):
    """A process that lives on lost its connection in mid-statement. `made`: the database had done it, and only the answer was lost."""

    doing: str
    made: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged(Event):
    """What the process wrote into its log: for who reads the story, it proves nothing."""

    level: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietBegan(Event):
    """No faults are begun from here on: processes live, the carrier does as asked, operators only resume what is paused."""


# ----------------------------------------------------------------- operators


class Verb(StrEnum):
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    EDIT = "edit"
    ADD = "add"  # a contact to a campaign
    RETRY = "retry"
    SKIP = "skip"
    REMOVE = "remove"
    SUPPRESS = "suppress"
    UNSUPPRESS = "unsuppress"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbBegan(Event):
    """An operator asks. `verb_id` is new for each; of the three others, those are given that the verb is about.
    `process`: the one that does it; if that is killed, there is no answer."""

    verb_id: int
    verb: Verb
    campaign_id: int | None = None
    contact_id: int | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbCommitted(Event):
    """The verb's first transaction has been committed: others see it from here on. Not there where it was refused or rolled back.
    What it changed is in the `...Committed` events just after it, of the same `at`."""

    verb_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbAnswered(Event):
    """The operator has the answer. `refused`: None where it was done, else the error's kind and words."""

    verb_id: int
    verb: Verb
    refused: str | None = None


# ----------------------------------------------------------------- the database, commit by commit


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsCommitted(Event):
    """A campaign was created, or edited: these settings are in force from here on. The agent is its newest version, always."""

    campaign_id: int
    settings: CampaignSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignCommitted(Event):
    """The campaign's status as of this commit. `before`: None where it was created. `pilot_done`: as the row has it."""

    campaign_id: int
    before: str | None
    after: str
    reason: str
    pilot_done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactCommitted(Event):
    """The contact's row as of this commit: added (`before` None), changed in status, tries or due time, or removed (`after` None).

    `zone`: its own time zone, None where only its number tells. `extra_tries`: granted by Retry; `not_before`: of a retry or a callback.
    """

    contact_id: int
    campaign_id: int
    number: str
    zone: str | None
    variables: Mapping[str, str]
    before: str | None
    after: str | None
    reason: str
    tries: int
    lost_tries: int
    extra_tries: int
    not_before: datetime | None
    callback: bool
    blocked_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCommitted(Event):
    """An attempt's row as of this commit, where its state, holder, fence or outcome changed. `before` None: it was planned now.

    planned -> requested is the flip, the last commit before the POST. `holder`: the process that the row names.
    """

    call_id: int
    campaign_id: int | None
    contact_id: int | None
    number: str
    before: str | None
    after: str
    holder: str
    fence: int
    lease_until: datetime
    carrier_call_id: str | None
    outcome: str | None
    end_reason: str | None
    callback_at: datetime | None
    cancel_wanted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionCommitted(Event):
    """The number is on the do-not-call list from this commit on; `source`: operator, or call (the callee said so)."""

    suppression_id: int
    number: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionLifted(Event):
    """The entry no longer stands from this commit on."""

    suppression_id: int
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsRead(Event):
    """One look at the database in mid-run, in one snapshot: `kept` is the row of campaign_counts, `counted` comes from the contacts."""

    campaign_id: int
    kept: Mapping[str, int]
    counted: Mapping[str, int]


# ----------------------------------------------------------------- the carrier


@dataclass(frozen=True, slots=True, kw_only=True)
class PostBegan(Event):
    """A process sends the request for a call: `call_id` is the attempt that its callback URLs name. It may never arrive."""

    post_id: int
    call_id: int
    to: str
    caller: str
    ring_timeout_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PostAccepted(Event):
    """The carrier has made a call of it: the call has started. It may be that nobody hears of it: the answer can be lost."""

    post_id: int
    call_id: int
    carrier_call_id: str
    to: str
    caller: str


class Answer(StrEnum):
    """What the process that sent the request was told."""

    ACCEPTED = "accepted"
    LOST = "lost"  # timeout or broken connection: the request may have been acted on
    SERVER_ERROR = "server_error"  # 5xx: the request may have been acted on
    THROTTLED = "throttled"  # 429
    NOTHING_SENT = "nothing_sent"
    OUR_FAULT = "our_fault"  # 401 and the like
    CALLEES_FAULT = "callees_fault"  # an invalid number


@dataclass(frozen=True, slots=True, kw_only=True)
class PostReturned(Event):
    """The process has its answer. Not there where the process was killed before."""

    post_id: int
    call_id: int
    answer: Answer
    carrier_call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMoved(Event):
    """What the carrier's call became: "queued", "ringing", "answered" or "ended"; when ended, `outcome` is answered, no_answer, busy,
    failed or canceled. `by_us`: by a hang-up that we asked for."""

    carrier_call_id: str
    call_id: int
    state: str
    outcome: str | None = None
    by_us: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUpAsked(Event):
    """The carrier was asked to end a call. `failed`: the asker was told of an error (and the carrier may have done it even so)."""

    carrier_call_id: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp(Event):
    """The carrier was asked what it knows of one of its calls, or of those between two numbers. `found`: None where it gave no answer."""

    carrier_call_id: str | None
    to: str | None
    found: Sequence[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSent(Event):
    """A report reaches a process. `happened_at`: when the carrier's call came to that state; `delivery`: 1 is the first of this `key`."""

    call_id: int
    carrier_call_id: str
    state: str
    outcome: str | None
    key: str
    happened_at: datetime
    delivery: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAnswered(Event):
    """The report has been kept, `process` says so. `hang_up`: the call that is to be ended, at once."""

    call_id: int
    carrier_call_id: str
    key: str
    delivery: int
    hang_up: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamBound(Event):
    """An answered call's media stream is served by this process from here on. `fence`: what it has to show when it brings the result."""

    call_id: int
    carrier_call_id: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRefused(Event):
    """Nobody serves the media stream of this answered call; `why` in words. `left`: the carrier had given this stream up before."""

    call_id: int
    carrier_call_id: str
    why: str
    left: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationEnded(Event):
    """What was said has come to an end, and its result is brought to the database now. `reason` and `who`: as in the agent's runtime."""

    call_id: int
    fence: int
    reason: str
    who: str
    opted_out: bool
    callback_at: datetime | None
    message_delivered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultAnswered(Event):
    """Whether the result was kept: False where another process holds the call by now, or it had ended."""

    call_id: int
    fence: int
    kept: bool


# ----------------------------------------------------------------- the whole


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalRows:
    """The tables when the run was over, each row by its columns, ordered by id."""

    campaigns: Sequence[Row]
    campaign_counts: Sequence[Row]
    contacts: Sequence[Row]
    calls: Sequence[Row]
    call_events: Sequence[Row]
    suppressions: Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One run. `quiet_out`: the run ended because nothing was due any more; False: its bound was reached first.
    `post_limit_s`: after so long the process gives up waiting for the answer to a POST."""

    seed: int
    began_at: datetime
    ended_at: datetime
    quiet_out: bool
    post_limit_s: float
    accounts: Sequence[Account]
    lines: Sequence[Line]
    agents: Sequence[Agent]
    events: Sequence[Event]
    final: FinalRows

    def story(self) -> str:
        """Everything in order, a line each, for people."""
        head = [f"seed {self.seed}: {self.began_at:%Y-%m-%d %H:%M:%S} to {self.ended_at:%Y-%m-%d %H:%M:%S}, UTC"]
        head += [str(each) for each in (*self.accounts, *self.lines, *self.agents)]
        end = [_row("campaign", each, ("id", "status", "status_reason", "pilot_done")) for each in self.final.campaigns]
        end += [
            _row("contact", each, ("id", "campaign_id", "number", "status", "status_reason", "tries", "not_before", "blocked_reason"))
            for each in self.final.contacts
        ]
        end += [
            _row("call", each, ("id", "contact_id", "number", "state", "outcome", "end_reason", "carrier_call_id", "process_id"))
            for each in self.final.calls
        ]
        stopped = "nothing was due any more" if self.quiet_out else "its bound was reached, and something was still due"
        return "\n".join([*head, "", *(str(each) for each in self.events), "", f"the run ended: {stopped}", *end])


def _row(kind: str, row: Row, names: Sequence[str]) -> str:
    return f"{kind:9} " + "  ".join(f"{name}={_short(row[name])}" for name in names)
