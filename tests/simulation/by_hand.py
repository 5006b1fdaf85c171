"""Histories made by hand, for the checker to judge: a story is told step by step, and its tables are kept along."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from dialer.campaign_settings import CampaignSettings
from tests.simulation import oracle
from tests.simulation.history import (
    Account,
    Agent,
    Answer,
    CallCommitted,
    CampaignCommitted,
    ContactCommitted,
    ConversationEnded,
    CountsRead,
    Event,
    FinalRows,
    HangUpAsked,
    History,
    Line,
    LineMoved,
    LookedUp,
    PostAccepted,
    PostBegan,
    PostReturned,
    ProcessStarted,
    ResultAnswered,
    SettingsCommitted,
    StreamBound,
    SuppressionCommitted,
    Verb,
    VerbAnswered,
    VerbBegan,
    VerbCommitted,
    WebhookAnswered,
    WebhookSent,
)
from tests.simulation.promises_campaigns import OPEN, STATUSES

_SHOWN = ("campaign_id", "contact_id", "number", "carrier_call_id", "outcome", "end_reason", "callback_at", "cancel_wanted", "fence")
_TIMES = ("requested_at", "ringing_at", "answered_at", "ended_at", "conversation_ended_at")
_FILLED_IN_LATER = ("state", "carrier_call_id", "outcome", "end_reason", "callback_at", *_TIMES)

NOON = datetime(2030, 5, 15, 12, 0, tzinfo=UTC)  # a Wednesday; two in the afternoon in Berlin
CALLER = "+49301234"


def number(contact_id: int) -> str:
    return f"+4930555{contact_id:05}"


@dataclass
class Story:
    """What happened so far. Every method lets one thing happen, at `now`; time goes on by `later`."""

    now: datetime = NOON
    calls_per_second: float = 1.0
    line_concurrency: int | None = None
    line_rate: float | None = None
    holds: int = 100
    events: list[Event] = field(default_factory=list)
    settings: dict[int, CampaignSettings] = field(default_factory=dict)
    status: dict[int, CampaignCommitted] = field(default_factory=dict)
    contacts: dict[int, ContactCommitted] = field(default_factory=dict)
    calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    verbs: int = 0

    def __post_init__(self) -> None:
        self.note(ProcessStarted, process="one", concurrency=self.holds)

    def note(self, kind: type[Event], process: str = "", **what: Any) -> None:
        self.events.append(kind(turn=len(self.events), at=self.now, process=process, **what))

    def later(self, **by: float) -> Self:
        self.now += timedelta(**by)
        return self

    # ------------------------------------------------------------- operators

    def campaign(self, campaign_id: int = 1, people: int = 1, who: Mapping[str, Any] | None = None, **settings: Any) -> Self:
        """Created and started, with the contacts 10 * id, 10 * id + 1 ... (`who`: what there is to say of them). Local hours off, unless
        they are asked for."""
        self.edit(campaign_id, **{"local_hours": False, "concurrency": 3} | settings)
        self.becomes("draft", campaign_id)
        for place in range(people):
            self.add(10 * campaign_id + place, campaign_id, **(who or {}))
        self.verb(Verb.START, campaign_id=campaign_id, then="in_progress")
        return self

    def edit(self, campaign_id: int = 1, **settings: Any) -> Self:
        plain = CampaignSettings(name="Reminders", agent_id=1, phone_number_id=1)
        self.settings[campaign_id] = replace(self.settings.get(campaign_id, plain), **settings)
        self.note(SettingsCommitted, campaign_id=campaign_id, settings=self.settings[campaign_id])
        return self

    def add(self, contact_id: int, campaign_id: int = 1, **what: Any) -> Self:
        values: dict[str, Any] = {
            "number": number(contact_id),
            "zone": None,
            "variables": {},
            "reason": "",
            "tries": 0,
            "lost_tries": 0,
            "extra_tries": 0,
            "not_before": None,
            "callback": False,
            "blocked_by": None,
        }
        self.contact(contact_id, before=None, after="pending", campaign_id=campaign_id, **values | what)
        return self

    def verb(self, verb: Verb, *, answer_after_s: float = 0.1, then: str | None = None, **about: Any) -> Self:
        """An operator's deed: asked, committed, answered. `then`: what the campaign becomes by it."""
        self.asked(verb, **about)
        if then is not None:
            self.becomes(then, about["campaign_id"], reason=f"{verb} by ada")
        self.later(seconds=answer_after_s).answered(verb)
        return self

    def asked(self, verb: Verb, **about: Any) -> Self:
        self.verbs += 1
        self.note(VerbBegan, process="one", verb_id=self.verbs, verb=verb, **about)
        self.note(VerbCommitted, process="one", verb_id=self.verbs)
        return self

    def answered(self, verb: Verb) -> Self:
        self.note(VerbAnswered, process="one", verb_id=self.verbs, verb=verb)
        return self

    def suppress(self, of: str) -> Self:
        self.asked(Verb.SUPPRESS, number=of)
        self.note(SuppressionCommitted, suppression_id=self.verbs, number=of, source="operator")
        return self.later(seconds=0.1).answered(Verb.SUPPRESS)

    # ------------------------------------------------------------- commits

    def becomes(self, status: str, campaign_id: int = 1, *, reason: str = "", pilot_done: bool = False) -> Self:
        before = self.status.get(campaign_id)
        self.note(
            CampaignCommitted,
            campaign_id=campaign_id,
            before=before.after if before else None,
            after=status,
            reason=reason,
            pilot_done=pilot_done,
        )
        self.status[campaign_id] = self._last(CampaignCommitted)
        return self

    def contact(self, contact_id: int, **what: Any) -> Self:
        """The contact's row changes to `what`; the rest of it stays."""
        row = self.contacts.get(contact_id)
        values = {} if row is None else {each.name: getattr(row, each.name) for each in fields(row)}
        values = values | {"before": row.after if row else None} | what | {"contact_id": contact_id}
        for own in ("turn", "at", "process"):
            values.pop(own, None)
        self.note(ContactCommitted, process="one", **values)
        self.contacts[contact_id] = self._last(ContactCommitted)
        return self

    def call(self, call_id: int, after: str, **what: Any) -> Self:
        """The attempt's row changes."""
        row = self.calls[call_id]
        before, row["state"] = row["state"], after
        row.update(what)
        columns = (
            "campaign_id",
            "contact_id",
            "number",
            "carrier_call_id",
            "outcome",
            "end_reason",
            "callback_at",
            "cancel_wanted",
            "fence",
        )
        values = {name: row[name] for name in columns}
        lease = self.now + timedelta(seconds=30)
        self.note(CallCommitted, process="one", call_id=call_id, before=before, after=after, holder="one", lease_until=lease, **values)
        return self

    def _last(self, _kind: type[Event]) -> Any:
        return self.events[-1]

    # ------------------------------------------------------------- an attempt's way

    def planned(self, call_id: int, contact_id: int) -> Self:
        person = self.contacts[contact_id]
        self.calls[call_id] = dict.fromkeys(_FILLED_IN_LATER) | {
            "id": call_id,
            "campaign_id": person.campaign_id,
            "contact_id": contact_id,
            "number": person.number,
            "planned_at": self.now,
            "ring_timeout_s": 30,
            "fence": 0,
            "cancel_wanted": False,
        }
        self.contact(contact_id, after="in_progress", blocked_by=None)
        return self.call(call_id, "planned")

    def flipped(self, call_id: int) -> Self:
        return self.call(call_id, "requested", requested_at=self.now)

    def posted(self, call_id: int) -> Self:
        row = self.calls[call_id]
        self.note(PostBegan, process="one", post_id=call_id, call_id=call_id, to=row["number"], caller=CALLER, ring_timeout_s=30)
        return self

    def accepted(self, call_id: int, carrier_call_id: str = "") -> Self:
        """The carrier makes a call of it."""
        made, to = carrier_call_id or f"CA{call_id}", self.calls[call_id]["number"]
        self.note(PostAccepted, post_id=call_id, call_id=call_id, carrier_call_id=made, to=to, caller=CALLER)
        return self

    def returned(self, call_id: int, answer: Answer = Answer.ACCEPTED) -> Self:
        """The process has the carrier's answer."""
        self.note(PostReturned, process="one", post_id=call_id, call_id=call_id, answer=answer)
        if answer is Answer.ACCEPTED:
            self.calls[call_id]["carrier_call_id"] = f"CA{call_id}"
        return self

    def dialed(self, call_id: int, contact_id: int) -> Self:
        """Planned, flipped, asked for and accepted: all is well so far."""
        self.planned(call_id, contact_id).later(seconds=0.01).flipped(call_id).posted(call_id)
        return self.later(seconds=0.1).accepted(call_id).returned(call_id)

    def moved(self, call_id: int, state: str, outcome: str | None = None, *, told: bool = True, by_us: bool = False) -> Self:
        """The call gets further at the carrier; `told`: and a webhook says so."""
        self.note(LineMoved, carrier_call_id=f"CA{call_id}", call_id=call_id, state=state, outcome=outcome, by_us=by_us)
        if told:
            self.told(call_id, state, outcome)
        return self

    def told(self, call_id: int, state: str, outcome: str | None = None, delivery: int = 1) -> Self:
        key = f"CA{call_id}-{state}"
        own: dict[str, Any] = {"call_id": call_id, "carrier_call_id": f"CA{call_id}", "key": key, "delivery": delivery}
        self.note(WebhookSent, state=state, outcome=outcome, happened_at=self.now, **own)
        self.kept[key] = call_id
        row = self.calls[call_id]
        if state in ("ringing", "answered") and row["state"] != "ended":
            self.call(call_id, state, **{f"{state}_at": self.now})
        self.note(WebhookAnswered, process="one", hang_up=None, **own)
        return self

    def looked(self, call_id: int, *told: str) -> Self:
        """The carrier was asked for the calls to this number; `told`: what it said."""
        self.note(LookedUp, process="one", carrier_call_id=None, to=self.calls[call_id]["number"], found=told)
        return self

    def hung_up(self, call_id: int) -> Self:
        self.note(HangUpAsked, process="one", carrier_call_id=f"CA{call_id}")
        return self

    def talked(self, call_id: int, reason: str = "goodbye", who: str = "human", **what: Any) -> Self:
        """An answered call's conversation, from its stream to its kept result."""
        self.note(StreamBound, process="one", call_id=call_id, carrier_call_id=f"CA{call_id}", fence=1)
        self.later(seconds=20)
        values = {"opted_out": False, "callback_at": None, "message_delivered": False} | what
        if values["opted_out"]:
            self.note(
                SuppressionCommitted, process="one", suppression_id=100 + call_id, number=self.calls[call_id]["number"], source="call"
            )
        self.note(ConversationEnded, process="one", call_id=call_id, fence=1, reason=reason, who=who, **values)
        self.calls[call_id]["conversation_ended_at"] = self.now
        self.calls[call_id]["callback_at"] = values["callback_at"]
        self.note(ResultAnswered, process="one", call_id=call_id, fence=1, kept=True)
        return self

    def ended(self, call_id: int, outcome: str, **contact: Any) -> Self:
        """The attempt's record ends with this outcome, and its contact becomes what the table says, but for `contact`. The campaign is
        completed with its last open one."""
        row = self.calls[call_id]
        self.call(call_id, "ended", ended_at=self.now, outcome=outcome)
        was, own = self.contacts[row["contact_id"]], self.settings[row["campaign_id"]]
        before = oracle.Standing("in_progress", was.tries, was.lost_tries, was.extra_tries, was.not_before, was.callback)
        rules = oracle.Rules(own.max_retries, own.retry_delay_min, own.retry_on_voicemail, own.retry_on_dropped)
        then = oracle.after_call(before, outcome, rules, self.now, row["callback_at"])
        values: dict[str, Any] = {"tries": then.tries, "lost_tries": then.lost, "callback": then.callback, "not_before": then.due}
        self.contact(row["contact_id"], **{"after": then.status} | values | contact)
        return self.completed_if_done(row["campaign_id"])

    def completed_if_done(self, campaign_id: int = 1) -> Self:
        left = [each for each in self.contacts.values() if each.campaign_id == campaign_id and each.after in OPEN]
        if not left and self.status[campaign_id].after == "in_progress":
            self.becomes("completed", campaign_id)
        return self

    def rings_out(self, call_id: int, contact_id: int, **contact: Any) -> Self:
        """A whole attempt that nobody answers."""
        self.dialed(call_id, contact_id).later(seconds=1).moved(call_id, "ringing").later(seconds=30)
        return self.moved(call_id, "ended", "no_answer").ended(call_id, "no_answer", **contact)

    def reaches(self, call_id: int, contact_id: int, reason: str = "goodbye", who: str = "human", **what: Any) -> Self:
        """A whole attempt that is answered and talked."""
        self.dialed(call_id, contact_id).later(seconds=5).moved(call_id, "answered").talked(call_id, reason, who, **what)
        outcome = oracle.outcome_of_talk(reason, who, message_delivered=what.get("message_delivered", False))
        return self.moved(call_id, "ended", "answered").ended(call_id, outcome)

    # ------------------------------------------------------------- the whole

    def counts(self, campaign_id: int = 1) -> dict[str, int]:
        own = [each.after for each in self.contacts.values() if each.campaign_id == campaign_id]
        return {status: own.count(status) for status in STATUSES}

    def look_at_counts(self, **kept: int) -> Self:
        """The counts are read, and are right but for `kept`."""
        self.note(CountsRead, campaign_id=1, kept=self.counts() | kept, counted=self.counts())
        return self

    def history(self, **final: Any) -> History:
        """The history, with the tables as the story left them, but for `final`."""
        contacts = [
            {
                "id": contact_id,
                "campaign_id": each.campaign_id,
                "number": each.number,
                "name": "",
                "status": each.after,
                "tries": each.tries,
            }
            for contact_id, each in self.contacts.items()
            if each.after is not None
        ]
        tables: dict[str, Any] = {
            "campaigns": [{"id": campaign_id, "status": each.after} for campaign_id, each in self.status.items()],
            "campaign_counts": [{"campaign_id": campaign_id} | self.counts(campaign_id) for campaign_id in self.settings],
            "contacts": contacts,
            "calls": list(self.calls.values()),
            "call_events": [{"call_id": call_id, "source": "carrier", "key": key} for key, call_id in self.kept.items()],
            "suppressions": [],
        }
        return History(
            seed=0,
            began_at=NOON,
            ended_at=self.now,
            quiet_out=True,
            post_limit_s=10.0,
            accounts=[Account(id=1, name="scripted", calls_per_second=self.calls_per_second)],
            lines=[Line(id=1, e164=CALLER, account_id=1, concurrency=self.line_concurrency, calls_per_second=self.line_rate)],
            agents=[Agent(id=1, required=frozenset()), Agent(id=2, required=frozenset({"appointment_date"}))],
            events=self.events,
            final=FinalRows(**tables | final),
        )


def without(story: Story, *unwanted: type[Event]) -> Story:
    """The story, but for events of these kinds."""
    story.events = [each for each in story.events if not isinstance(each, unwanted)]
    return story
