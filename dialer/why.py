"""Why a contact was, or was not, called: what each gate says now, in words. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dialer.calling_hours import UnknownZone, zone
from dialer.gates import Seen, Verdict, campaign_gates, contact_gates
from dialer.lifecycle import CallState, ContactStatus, shown
from dialer.pacing import pace
from dialer.retries import Outcome
from dialer.rows import Campaign, CampaignChange, CampaignView, Contact, ContactCall, ContactFacts, GateVerdict, LineView

BEFORE_AT_MOST = 1001  # so many contacts ahead in the queue are counted, and no more

_CAME_TO: Mapping[str, str] = {
    Outcome.PERSON: "a person was reached",
    Outcome.CALLBACK: "a person was reached, who asked to be called back",
    Outcome.VOICEMAIL_MESSAGE: "the message was left on a mailbox",
    Outcome.VOICEMAIL_NO_MESSAGE: "a mailbox was reached, and nothing was left on it",
    Outcome.DROPPED: "the line was lost after somebody had answered",
    Outcome.NO_ANSWER: "nobody answered",
    Outcome.BUSY: "the line was busy",
    Outcome.CARRIER_FAILURE: "the carrier could not connect the call",
    Outcome.REFUSED: "the carrier refused the number",
    Outcome.LOST: "the carrier was asked, and the call was never found there",
    Outcome.WITHDRAWN: "the call was taken back before anybody answered",
}
_UNDER_WAY: Mapping[str, str] = {
    CallState.PLANNED: "is about to be called",
    CallState.REQUESTED: "the carrier has been asked to call",
    CallState.UNKNOWN: "the carrier was asked to call, and it is being found out whether it does",
    CallState.RINGING: "it rings",
    CallState.ANSWERED: "is in a call",
}
_WHOSE: Mapping[str, str] = {
    "concurrency": "the campaign has ",
    "number_concurrency": "the phone number has ",
    "node_concurrency": "the media server has ",
}
_FOR_A_MOMENT = frozenset({"account_rate", "number_rate"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why a contact was, or was not, called. `now`: in words; `gates`: each gate of a pending contact as it stands now, the campaign's
    and the line's among them; `verdicts`: the ledger of its own gates; `campaign`: that of the campaign; `calls`. Newest first."""

    contact: Contact
    now: str
    gates: tuple[Seen, ...]
    verdicts: tuple[GateVerdict, ...]
    campaign: tuple[CampaignChange, ...]
    calls: tuple[ContactCall, ...]


def gates_now(campaign: CampaignView, line: LineView | None, contact: Contact, facts: ContactFacts) -> list[Seen]:
    """Every gate between a pending contact and its call. `line`: with the process that has most room, None where none lives."""
    now = campaign.now
    nobody = Seen("node_concurrency", Verdict.WAIT, "no running process that could make calls: start one")
    return [
        *campaign_gates(campaign, now),
        *(pace(campaign, line, now) if line is not None else [nobody]),
        _pilot(campaign, contact),
        _turn(contact, now),
        *contact_gates(campaign, facts, now),
    ]


def _pilot(campaign: CampaignView, contact: Contact) -> Seen:
    if campaign.fresh_allowed or contact.not_before is not None:
        return Seen("pilot", Verdict.CALL, "not held back by a pilot")
    return Seen("pilot", Verdict.WAIT, "the pilot has begun all its contacts; the others follow when the campaign is resumed")


def _turn(contact: Contact, now: datetime) -> Seen:
    """A retry's delay, or the time for which the callee asked to be called back."""
    if contact.not_before is None:
        return Seen("retry_delay", Verdict.CALL, "its first try")
    came_to = _CAME_TO.get(contact.last_outcome or "", "tried before")
    value = "the callee asked to be called back" if contact.callback else f"{came_to}: it is tried again"
    waits = contact.not_before > now
    return Seen("retry_delay", Verdict.WAIT if waits else Verdict.CALL, value, contact.not_before if waits else None)


def in_words(contact: Contact, campaign: Campaign, gates: Sequence[Seen], calls: Sequence[ContactCall], before: int) -> str:
    """The reason now, for people. `before`: how many contacts come first. Times are the campaign's local ones, UTC where it has no zone."""
    if contact.status != ContactStatus.PENDING:
        return _settled(contact, calls)
    closed = [each for each in gates if each.verdict is not Verdict.CALL]
    if any(each.gate == "campaign_status" for each in closed):
        reason = f": {campaign.status_reason}" if campaign.status_reason else ""
        return f"the campaign is {shown(campaign.status)}{reason}"
    never = next((each for each in closed if each.verdict is not Verdict.WAIT), None)
    if never is not None:
        return f"it will not be called: {never.value}"
    if closed:
        return "; ".join(_waits(each, campaign) for each in closed)
    if before:
        come = "1 contact comes" if before == 1 else f"{'more than 1,000' if before >= BEFORE_AT_MOST else before} contacts come"
        return f"waits for its turn: {come} first"
    return "waits for its turn: it is the next"


def _settled(contact: Contact, calls: Sequence[ContactCall]) -> str:
    if contact.status_reason:
        return contact.status_reason
    if contact.status == ContactStatus.IN_PROGRESS:
        return next((_UNDER_WAY[each.state] for each in calls if each.state in _UNDER_WAY), "is being called")
    came_to = _CAME_TO.get(contact.last_outcome or "")
    return f"the contact is {shown(contact.status)}{f': {came_to}' if came_to else ''}"


def _waits(seen: Seen, campaign: Campaign) -> str:
    value = f"{_WHOSE.get(seen.gate, '')}{seen.value}"
    if seen.look_again_at is None or seen.gate in _FOR_A_MOMENT:
        return value
    return f"{value}, until {_local(seen.look_again_at, campaign.timezone)}"


def _local(at: datetime, zone_name: str | None) -> str:
    try:
        where = zone(zone_name) if zone_name else UTC
    except UnknownZone:
        where = UTC
    return f"{at.astimezone(where):%Y-%m-%d %H:%M %Z}"
