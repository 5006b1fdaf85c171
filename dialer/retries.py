"""What came of a call, and what follows for its contact: the table of outcomes, in code. Pure.

The strings of conversations are those of the agent's runtime (`EndReason`, `Who`), which this package may not import.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dialer.lifecycle import ContactStatus


class Outcome(StrEnum):
    PERSON = "person"  # a person was there; goal and reason say what came of it
    CALLBACK = "callback"  # asked to be called back at a time
    VOICEMAIL_MESSAGE = "voicemail_message"  # the message was left
    VOICEMAIL_NO_MESSAGE = "voicemail_no_message"
    DROPPED = "dropped"  # a person, then lost by no one's wish
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    CARRIER_FAILURE = "carrier_failure"
    REFUSED = "refused"  # for good: an invalid or forbidden number
    LOST = "lost"  # asked for, and never found at the carrier
    WITHDRAWN = "withdrawn"  # never placed, or taken back before anyone answered


class Withdrawn(StrEnum):
    """Why a call was withdrawn: kept as its `end_reason`."""

    THROTTLED = "throttled"
    NOTHING_SENT = "nothing_sent"
    OUR_FAULT = "our_fault"
    GATE_CLOSED = "gate_closed"  # between claim and flip
    STOPPED = "stopped"  # Pause, Cancel or a suppression
    QUEUED = "queued"  # the carrier let it wait
    NEVER_DIALED = "never_dialed"  # its process ended before it asked the carrier


MACHINES = frozenset({"voicemail", "screening", "menu"})
CARRIER_OUTCOMES: Mapping[str, Outcome] = {
    "no_answer": Outcome.NO_ANSWER,
    "busy": Outcome.BUSY,
    "failed": Outcome.CARRIER_FAILURE,
    "canceled": Outcome.CARRIER_FAILURE,  # not by us: what we cancel is withdrawn
}
_SAID = {"declined": Outcome.PERSON, "opted_out": Outcome.PERSON, "wrong_person": Outcome.PERSON, "callback": Outcome.CALLBACK}
_MAILBOX = {"message_left": Outcome.VOICEMAIL_MESSAGE, "no_message": Outcome.VOICEMAIL_NO_MESSAGE}
_FAULTS = frozenset({"line_lost", "failed"})


def outcome_of_conversation(reason: str, who: str, *, message_delivered: bool = False) -> Outcome:
    """The outcome of an answered call from how the conversation ended (`EndReason`) and who was there (`Who`)."""
    if reason in _SAID:
        return _SAID[reason]
    if reason in _MAILBOX:
        return _MAILBOX[reason]
    if who in MACHINES:
        return Outcome.VOICEMAIL_MESSAGE if message_delivered else Outcome.VOICEMAIL_NO_MESSAGE
    if reason in _FAULTS:
        return Outcome.DROPPED
    if who == "no_one" or (who == "unknown" and reason == "silence"):
        return Outcome.NO_ANSWER  # the line was open, and nobody spoke
    return Outcome.PERSON


def outcome_of_carrier(outcome: str | None, *, answered: bool) -> Outcome:
    """The outcome of a call that no conversation tells of, from what the carrier said (`CarrierReport.outcome`)."""
    if answered or outcome == "answered":
        return Outcome.DROPPED  # somebody picked up, and nobody of ours was heard
    return CARRIER_OUTCOMES.get(outcome or "", Outcome.CARRIER_FAILURE)


@dataclass(frozen=True, slots=True)
class RetryRules:
    """What of a campaign's settings decides on further tries."""

    max_retries: int
    retry_delay_min: int | None
    retry_on_voicemail: bool
    retry_on_dropped: bool


@dataclass(frozen=True, slots=True)
class Tries:
    """A contact's tries before this call counted. `extra`: granted by Retry; `lost`: calls that were never found."""

    made: int
    extra: int = 0
    lost: int = 0

    def left(self, rules: RetryRules) -> bool:
        return self.made < 1 + rules.max_retries + self.extra


@dataclass(frozen=True, slots=True)
class Next:
    """A contact after a call. `not_before`: of its next try, None: as soon as its turn comes; `callback`: asked for by the callee."""

    status: ContactStatus
    tries: Tries
    reason: str
    not_before: datetime | None = None
    callback: bool = False


LOST_AT_MOST = 2
CALLBACK_WITHOUT_TIME = timedelta(days=1)

_LAST_WORDS: Mapping[Outcome, str] = {
    Outcome.VOICEMAIL_NO_MESSAGE: "reached a mailbox, and nothing was left on it",
    Outcome.DROPPED: "the line was lost after a person had answered",
    Outcome.NO_ANSWER: "nobody answered",
    Outcome.BUSY: "busy",
    Outcome.CARRIER_FAILURE: "the carrier could not connect the call",
}
_COMPLETES = frozenset({Outcome.VOICEMAIL_MESSAGE})


def after(
    outcome: Outcome,
    rules: RetryRules,
    tries: Tries,
    *,
    now: datetime,
    callback_at: datetime | None = None,
    callback: bool = False,
    code: str = "",
) -> Next:
    """What a contact becomes when a call to it ended with `outcome`. `callback`: the call was one that the callee had asked for, and
    is owed until it is made. `code`: the carrier's, for the reason of a refused number."""
    if outcome is Outcome.WITHDRAWN:
        return Next(ContactStatus.PENDING, tries, "", callback=callback)
    if outcome is Outcome.LOST:
        return _after_lost(rules, tries, now, callback)
    counted = Tries(tries.made + 1, tries.extra, tries.lost)
    if outcome is Outcome.PERSON:
        return Next(ContactStatus.COMPLETED, counted, "")
    if outcome is Outcome.CALLBACK:
        return Next(ContactStatus.PENDING, counted, "asked to be called back", callback_at or now + CALLBACK_WITHOUT_TIME, callback=True)
    if outcome is Outcome.REFUSED:
        return Next(ContactStatus.FAILED, counted, f"the carrier refused the number for good{f' (code {code})' if code else ''}")
    if _again(outcome, rules) and counted.left(rules):
        return Next(ContactStatus.PENDING, counted, "", now + _delay(rules))
    if outcome in _COMPLETES:
        return Next(ContactStatus.COMPLETED, counted, "")
    used = "" if not _again(outcome, rules) else ", all tries used" if counted.made == 1 else f", all {counted.made} tries used"
    return Next(ContactStatus.FAILED, counted, f"{_LAST_WORDS[outcome]}{used}")


def _after_lost(rules: RetryRules, tries: Tries, now: datetime, callback: bool) -> Next:
    counted = Tries(tries.made, tries.extra, tries.lost + 1)
    if counted.lost >= LOST_AT_MOST:
        return Next(ContactStatus.FAILED, counted, f"the carrier was asked {counted.lost} times, and no call was ever found there")
    return Next(ContactStatus.PENDING, counted, "", now + _delay(rules), callback)


def _again(outcome: Outcome, rules: RetryRules) -> bool:
    if outcome in (Outcome.VOICEMAIL_MESSAGE, Outcome.VOICEMAIL_NO_MESSAGE):
        return rules.retry_on_voicemail
    return rules.retry_on_dropped if outcome is Outcome.DROPPED else True


def _delay(rules: RetryRules) -> timedelta:
    return timedelta(minutes=rules.retry_delay_min or 1)  # without a delay of the campaign: granted by Retry, or lost
