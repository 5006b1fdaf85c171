"""Promises about each dial: what the gates had to allow at the instant of its flip, and how starts are paced."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from dialer.campaign_settings import CampaignSettings
from tests.simulation import oracle
from tests.simulation.history import Answer, CallCommitted, ContactCommitted
from tests.simulation.reading import Attempt, Finding, Reading, broken

NO_TRY = ("withdrawn", "lost")
CLOCK_SLACK = timedelta(seconds=1)
BACK_OFF_AT_LEAST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Dial:
    """A flip of a campaign's attempt, with the settings in force and the contact as it stood before it was claimed."""

    attempt: Attempt
    flip: CallCommitted
    settings: CampaignSettings
    contact: ContactCommitted

    def forbidden(self, sentence: str) -> Finding:
        return broken(self.flip.at, sentence, call=self.attempt.id, campaign=self.flip.campaign_id, contact=self.flip.contact_id)

    @property
    def looked_at(self) -> tuple[datetime, datetime]:
        """Between which instants its gates were looked at: a transaction reads the time a little before its commit."""
        return max(self.attempt.plan.at, self.flip.at - CLOCK_SLACK), self.flip.at


def dials(reading: Reading) -> Iterator[Dial]:
    for attempt in reading.attempts.values():
        flip = attempt.flip
        if flip is None:
            continue
        settings, contact = reading.settings_of(attempt, flip.turn), reading.contact_before(attempt.plan.contact_id, attempt.plan.turn)
        if settings is not None and contact is not None:
            yield Dial(attempt, flip, settings, contact)


def campaign_runs(reading: Reading) -> Iterator[Finding]:
    """A call is dialed only while its campaign runs: started, and not paused, completed or cancelled."""
    for dial in dials(reading):
        status = reading.status[dial.contact.campaign_id].before(dial.flip.turn)
        if status is None or status.after not in ("pending", "in_progress"):
            yield dial.forbidden(f"dialed while the campaign is {status.after if status else 'not there'}")


def scheduled_start_has_passed(reading: Reading) -> Iterator[Finding]:
    """Nobody is called before the campaign's scheduled start."""
    for dial in dials(reading):
        start = dial.settings.scheduled_start
        if start is not None and dial.flip.at < start:
            yield dial.forbidden(f"dialed before the scheduled start at {start}")


def window_is_open(reading: Reading) -> Iterator[Finding]:
    """Nobody is called outside the campaign's window and weekdays; an overnight window belongs to the day on which it starts."""
    for dial in dials(reading):
        own = dial.settings
        if not any(oracle.window_allows(own.start_time, own.end_time, own.timezone, own.weekdays, at) for at in dial.looked_at):
            yield dial.forbidden(f"dialed outside the window {own.start_time} to {own.end_time} {own.timezone} on {own.weekdays}")


def callee_hours_fit(reading: Reading) -> Iterator[Finding]:
    """Where local hours are respected, nobody is called unless it is between 8:00 and 21:00 wherever the callee may be."""
    for dial in dials(reading):
        contact = dial.contact
        if dial.settings.local_hours and not any(oracle.callee_allows(contact.number, contact.zone, at) for at in dial.looked_at):
            yield dial.forbidden(f"dialed outside the callee's hours (zone {dial.contact.zone or 'of the number'})")


def suppressed_is_not_dialed(reading: Reading) -> Iterator[Finding]:
    """From the commit of a suppression on, its number is not dialed, in any campaign, until the entry is lifted."""
    for attempt in reading.attempts.values():
        if attempt.flip is not None and reading.is_suppressed(attempt.plan.number, attempt.flip.turn):
            yield broken(attempt.flip.at, "dialed though the number is on the do-not-call list", call=attempt.id)


def caps_hold(reading: Reading) -> Iterator[Finding]:
    """A number is tried no more often in 24 hours and in 7 days, over all campaigns, than the campaign that dials allows."""
    for dial in dials(reading):
        before = _tries_before(reading, dial.contact.number, dial.attempt.plan.turn)
        if not oracle.caps_allow(before, dial.settings.max_per_24h, dial.settings.max_per_7d, dial.attempt.planned_at):
            limits = f"{dial.settings.max_per_24h} in 24 hours, {dial.settings.max_per_7d} in 7 days"
            yield dial.forbidden(f"dialed over the caps ({limits}): tries at {[f'{each:%a %H:%M:%S.%f}' for each in before[-8:]]}")


def _tries_before(reading: Reading, number: str, turn: int) -> list[datetime]:
    """When the number's tries before a turn were claimed, by any campaign."""
    dialed = (each for each in reading.of_number(number) if each.flip is not None and each.flip.turn < turn)
    return [each.planned_at for each in dialed if _outcome_before(each, turn) not in NO_TRY]


def _outcome_before(attempt: Attempt, turn: int) -> str | None:
    return [each.outcome for each in attempt.commits if each.turn < turn][-1]


def a_try_is_left(reading: Reading) -> Iterator[Finding]:
    """No contact is called more often than 1 + max retries and the tries that Retry granted; a callback it asked for comes on top."""
    for dial in dials(reading):
        contact, retries = dial.contact, dial.settings.max_retries
        if not oracle.tries_allow(contact.tries, retries, contact.extra_tries, callback=contact.callback):
            yield dial.forbidden(f"dialed after {contact.tries} tries, with {retries} retries and {contact.extra_tries} granted")


def variables_are_there(reading: Reading) -> Iterator[Finding]:
    """No contact is called that lacks a variable which the agent's texts need."""
    for dial in dials(reading):
        lacks = missing_of(reading, dial.contact, dial.settings)
        if lacks:
            yield dial.forbidden(f"dialed without {', '.join(lacks)}")


def missing_of(reading: Reading, contact: ContactCommitted, settings: CampaignSettings) -> list[str]:
    """The agent's required variables that the contact lacks; its number and name are variables too."""
    named = {row["id"]: row["name"] for row in reading.history.final.contacts}
    own = {"phone_number": contact.number, "contact_name": named.get(contact.contact_id, ""), **contact.variables}
    return oracle.missing(sorted(reading.agents[settings.agent_id].required), own)


def retry_waits(reading: Reading) -> Iterator[Finding]:
    """A retry or a callback is never dialed before its time."""
    for dial in dials(reading):
        due = dial.contact.not_before
        if due is not None and dial.flip.at < due:
            yield dial.forbidden(f"dialed before the time of its next try, {due:%a %H:%M:%S.%f}")


def pilot_is_kept(reading: Reading) -> Iterator[Finding]:
    """Before its pilot is done a campaign calls no more contacts than the pilot has."""
    for attempt in reading.attempts.values():
        plan = attempt.plan
        settings = reading.settings_of(attempt, plan.turn)
        if settings is None or settings.pilot_size is None:
            continue
        status = reading.status[plan.campaign_id].before(plan.turn) if plan.campaign_id is not None else None
        others = [each for each in reading.attempts.values() if each.plan.campaign_id == plan.campaign_id and each.plan.turn < plan.turn]
        called = {each.plan.contact_id for each in others if not _never_called(each, plan.turn)} | {plan.contact_id}
        known = any(each.plan.contact_id == plan.contact_id and not _never_called(each, plan.turn) for each in others)
        if not known and len(called) > settings.pilot_size and not (status and status.pilot_done):
            yield broken(plan.at, f"contact {len(called)} of a pilot of {settings.pilot_size}", call=attempt.id, campaign=plan.campaign_id)


def _never_called(attempt: Attempt, turn: int) -> bool:
    """Whether it was known by `turn` that the attempt had come to nothing before the carrier took it."""
    end = attempt.end
    return end is not None and end.turn < turn and end.outcome == "withdrawn" and end.carrier_call_id is None


def account_rate_holds(reading: Reading) -> Iterator[Finding]:
    """Starts on a carrier account are spaced by its calls per second, strictly."""
    for account in reading.accounts.values():
        own = [each for each in reading.attempts.values() if reading.account_id(each) == account.id]
        yield from _spaced(own, timedelta(seconds=1 / account.calls_per_second), f"account {account.name}")


def number_rate_holds(reading: Reading) -> Iterator[Finding]:
    """Starts on a phone number with calls per second of its own are spaced by them, strictly."""
    for line in reading.lines.values():
        if line.calls_per_second is not None:
            own = [each for each in reading.attempts.values() if reading.line_id(each) == line.id]
            yield from _spaced(own, timedelta(seconds=1 / line.calls_per_second), f"number {line.e164}")


def throttle_holds(reading: Reading) -> Iterator[Finding]:
    """Between the starts of two calls of a campaign lies its throttle delay at least."""
    for campaign_id, settings in reading.settings.items():
        own = [each for each in reading.attempts.values() if each.plan.campaign_id == campaign_id]
        for one, two in _neighbours(own):
            delays = [each.throttle_delay_ms or 0 for each in settings.between(one.plan.turn, two.plan.turn)]
            yield from _spaced([one, two], timedelta(milliseconds=min(delays)), f"campaign {campaign_id}")


def _neighbours(attempts: Iterable[Attempt]) -> list[tuple[Attempt, Attempt]]:
    ordered = sorted(attempts, key=lambda each: each.plan.turn)
    return list(pairwise(ordered))


def _spaced(attempts: Iterable[Attempt], least: timedelta, what: str) -> Iterator[Finding]:
    for one, two in _neighbours(attempts):
        if oracle.too_close([one.planned_at, two.planned_at], least):
            apart = two.planned_at - one.planned_at
            yield broken(two.plan.at, f"{what} starts two calls {apart} apart, not {least}", calls=(one.id, two.id))


def campaign_concurrency_holds(reading: Reading) -> Iterator[Finding]:
    """No campaign is in more calls at the carrier at once than its concurrency, at any instant at which one starts."""

    def limit(attempt: Attempt, turn: int) -> int | None:
        settings = reading.settings[attempt.plan.campaign_id or 0].between(attempt.plan.turn, turn)
        return max((each.concurrency for each in settings), default=None)

    yield from _never_above(reading, lambda attempt: attempt.plan.campaign_id, limit, "campaign")


def number_concurrency_holds(reading: Reading) -> Iterator[Finding]:
    """No number of ours is in more calls at the carrier at once than its own limit."""

    def limit(attempt: Attempt, _turn: int) -> int | None:
        line_id = reading.line_id(attempt)
        return reading.lines[line_id].concurrency if line_id is not None else None

    yield from _never_above(reading, reading.line_id, limit, "number")


def _never_above(
    reading: Reading, of: Callable[[Attempt], int | None], limit: Callable[[Attempt, int], int | None], kind: str
) -> Iterator[Finding]:
    """Who counts: attempts with a live call at the carrier, but for those given up as lost, of which nobody knows any more."""
    for attempt in reading.attempts.values():
        if of(attempt) is None:
            continue
        for call in attempt.at_carrier[:1]:
            turn = call.accepted.turn
            most = limit(attempt, turn)
            together = [
                each
                for each in reading.attempts.values()
                if of(each) == of(attempt) and any(own.live_at(turn) for own in each.at_carrier) and not _given_up(each, turn)
            ]
            if most is not None and len(together) > most:
                ids = [each.id for each in together]
                yield broken(call.accepted.at, f"{kind} {of(attempt)} is in {len(together)} calls at once, {most} are allowed", calls=ids)


def _given_up(attempt: Attempt, turn: int) -> bool:
    return attempt.end is not None and attempt.end.turn < turn and attempt.end.outcome == "lost"


def process_concurrency_holds(reading: Reading) -> Iterator[Finding]:
    """No process claims a call while it holds as many as it may hold at once."""
    for attempt in reading.attempts.values():
        plan, most = attempt.plan, reading.capacity.get(attempt.plan.holder)
        held = [
            each for each in reading.attempts.values() if each.ends_turn > plan.turn and each.holder_at(attempt.planned_at) == plan.holder
        ]
        if most is not None and len(held) >= most:
            yield broken(plan.at, f"{plan.holder} holds {len(held)} calls and claims one more, {most} are allowed", call=attempt.id)


def throttled_backs_off(reading: Reading) -> Iterator[Finding]:
    """After the carrier throttled us or could not be reached, the account is left alone for a second at least, unless it takes a call."""
    for attempt in reading.attempts.values():
        for answer in attempt.returns:
            if answer.answer not in (Answer.THROTTLED, Answer.NOTHING_SENT) or attempt.end is None:
                continue
            for other in reading.attempts.values():
                same = reading.account_id(other) == reading.account_id(attempt)
                soon = other.plan.turn > attempt.end.turn and other.plan.at < answer.at + BACK_OFF_AT_LEAST
                if same and soon and not _well_between(reading, attempt, answer.turn, other.plan.turn):
                    yield broken(
                        other.plan.at, "a call is claimed though the carrier has just asked us to wait", calls=(attempt.id, other.id)
                    )


def _well_between(reading: Reading, attempt: Attempt, first: int, last: int) -> bool:
    """Whether another request that was on its way was taken meanwhile."""
    return any(
        each.answer is Answer.ACCEPTED and each.turn < last and other.ends_turn > first
        for other in reading.attempts.values()
        if other is not attempt and reading.account_id(other) == reading.account_id(attempt)
        for each in other.returns
    )


def retries_go_first(reading: Reading) -> Iterator[Finding]:
    """While a retry of the campaign is due and nothing holds it back, no fresh contact is called."""
    for attempt in reading.attempts.values():
        plan = attempt.plan
        chosen, settings = reading.contact_before(plan.contact_id, plan.turn), reading.settings_of(attempt, plan.turn)
        if chosen is None or settings is None or chosen.not_before is not None:
            continue
        for contact_id, rows in reading.contacts.items():
            other = rows.before(plan.turn)
            if other is None or other.campaign_id != plan.campaign_id or other.after != "pending" or other.not_before is None:
                continue
            due = max(other.not_before, other.at)
            if due < attempt.planned_at and other.blocked_by is None and _could_go(reading, other, settings, plan):
                yield broken(plan.at, f"fresh contact {chosen.contact_id} goes before the due retry of {contact_id}", call=attempt.id)


def _could_go(reading: Reading, contact: ContactCommitted, settings: CampaignSettings, plan: CallCommitted) -> bool:
    live = any(each.live_before(plan.turn) for each in reading.of_number(contact.number))
    hours = not settings.local_hours or oracle.callee_allows(contact.number, contact.zone, plan.at)
    tries = oracle.tries_allow(contact.tries, settings.max_retries, contact.extra_tries, callback=contact.callback)
    made = _tries_before(reading, contact.number, plan.turn)
    caps = oracle.caps_allow(made, settings.max_per_24h, settings.max_per_7d, plan.at)
    listed = reading.is_suppressed(contact.number, plan.turn)
    return hours and tries and caps and not (live or listed or missing_of(reading, contact, settings))


PROMISES = (
    campaign_runs,
    scheduled_start_has_passed,
    window_is_open,
    callee_hours_fit,
    suppressed_is_not_dialed,
    caps_hold,
    a_try_is_left,
    variables_are_there,
    retry_waits,
    pilot_is_kept,
    account_rate_holds,
    number_rate_holds,
    throttle_holds,
    campaign_concurrency_holds,
    number_concurrency_holds,
    process_concurrency_holds,
    throttled_backs_off,
    retries_go_first,
)
