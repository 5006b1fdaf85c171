"""The rules of dialing a second time, in plain form, for the checker alone: what a campaign's settings allow at an instant, and what
follows from an outcome.

Nothing here is shared with the product's own rules, so that a mistake of theirs is not repeated: windows are read as spans of the
wall clock laid out day by day, and the table of outcomes is written out again. All instants are aware datetimes.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import timezone as zones_by_prefix

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
FIRST_HOUR, LAST_HOUR = time(8), time(21)
MIDNIGHT, ONE_DAY, SEVEN_DAYS = time(0), timedelta(days=1), timedelta(days=7)
LOST_AT_MOST = 2


def window_allows(start: time | None, end: time | None, zone: str | None, weekdays: Collection[int], at: datetime) -> bool:
    """Whether the campaign's own hours are open. `weekdays`: ISO, Monday is 1; without hours they hold from midnight to midnight."""
    if start is None or end is None:
        if set(weekdays) == set(EVERY_DAY):
            return True
        start = end = MIDNIGHT
    where = known_zone(zone)
    if where is None:
        return False
    wall = at.astimezone(where).replace(tzinfo=None)
    return any(opens <= wall < closes for opens, closes in _spans(start, end, weekdays, wall))


def _spans(start: time, end: time, weekdays: Collection[int], wall: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The window's spans of wall clock that may hold `wall`: those that begin on its day and on the day before."""
    for day in (wall.date() - ONE_DAY, wall.date()):
        if day.isoweekday() not in weekdays:
            continue
        if start == end:
            yield datetime.combine(day, MIDNIGHT), datetime.combine(day + ONE_DAY, MIDNIGHT)
        else:
            last = day if start < end else day + ONE_DAY
            yield datetime.combine(day, start), datetime.combine(last, end)


def callee_allows(number: str, zone: str | None, at: datetime) -> bool:
    """Whether it is between 8:00 and 21:00 wherever the callee may be. `zone`: the contact's own (IANA); else the number's (E.164)."""
    names = (zone,) if zone else _zones_of(number)
    places = [known_zone(name) for name in names]
    return bool(places) and all(place is not None and FIRST_HOUR <= at.astimezone(place).time() < LAST_HOUR for place in places)


def ever_allows(
    number: str, zone: str | None, start: time | None, end: time | None, campaign_zone: str | None, weekdays: Collection[int], at: datetime
) -> bool:
    """Whether the callee's hours and the campaign's have an instant in common within two weeks. If they have, then also one at which a
    day, the campaign's window or the hours of a zone of the callee's begin."""
    begins = [(name, FIRST_HOUR) for name in ((zone,) if zone else _zones_of(number))] + [
        (campaign_zone, start or MIDNIGHT),
        (campaign_zone, MIDNIGHT),
    ]
    instants = [at]
    for name, clock in begins:
        where = known_zone(name)
        if where is not None:
            instants += [datetime.combine(at.date() + timedelta(days=ahead), clock, tzinfo=where) for ahead in range(15)]
    return any(
        at <= each < at + 2 * SEVEN_DAYS and callee_allows(number, zone, each) and window_allows(start, end, campaign_zone, weekdays, each)
        for each in instants
    )


def _zones_of(number: str) -> Sequence[str]:
    try:
        names: Sequence[str] = zones_by_prefix.time_zones_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return ()
    return names


def known_zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (LookupError, ValueError, OSError):  # no such zone; no such name; a folder of the zone database
        return None


def caps_allow(tries: Iterable[datetime], per_24h: int, per_7d: int, at: datetime) -> bool:
    """`tries`: when the number was called before, by any campaign. A try that is a whole day or week old counts no more."""
    before = list(tries)
    return sum(at - each < ONE_DAY for each in before) < per_24h and sum(at - each < SEVEN_DAYS for each in before) < per_7d


def tries_allow(made: int, max_retries: int, granted: int, *, callback: bool = False) -> bool:
    """Whether one more try is left; a callback that the callee asked for needs none."""
    return callback or made < 1 + max_retries + granted


def missing(required: Iterable[str], variables: Mapping[str, str]) -> list[str]:
    """Required variables that the contact lacks; an empty value is none."""
    return [name for name in required if not str(variables.get(name) or "").strip()]


def too_close(starts: Iterable[datetime], least: timedelta) -> list[tuple[datetime, datetime]]:
    """Neighbours among the starts that are less than `least` apart."""
    return [(one, two) for one, two in pairwise(sorted(starts)) if two - one < least]


@dataclass(frozen=True, slots=True)
class Span:
    """Something that lasted; `ends` None: to the end of the run."""

    id: int
    begins: datetime
    ends: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether it had begun and not ended at this instant."""
        return self.begins <= at and (self.ends is None or at < self.ends)


def overlaps(spans: Iterable[Span]) -> list[tuple[Span, Span]]:
    """Pairs of which the later one began before the earlier one ended."""
    ordered = sorted(spans, key=lambda each: each.begins)
    return [(one, two) for i, one in enumerate(ordered) for two in ordered[i + 1 :] if one.holds(two.begins)]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table of outcomes. `again`: always, never, at the time asked for, or the name of the setting that says so."""

    counts: bool
    again: str
    final: str


TABLE: Mapping[str, Row] = {
    "person": Row(True, "never", "completed"),
    "callback": Row(True, "asked", "pending"),
    "voicemail_message": Row(True, "retry_on_voicemail", "completed"),
    "voicemail_no_message": Row(True, "retry_on_voicemail", "failed"),
    "dropped": Row(True, "retry_on_dropped", "failed"),
    "no_answer": Row(True, "always", "failed"),
    "busy": Row(True, "always", "failed"),
    "carrier_failure": Row(True, "always", "failed"),
    "refused": Row(True, "never", "failed"),
    "lost": Row(False, "always", "failed"),
    "withdrawn": Row(False, "always", "pending"),
}


_LINE = {"no_answer": "no_answer", "busy": "busy", "failed": "carrier_failure", "canceled": "carrier_failure"}
_SAID = {"declined": "person", "opted_out": "person", "wrong_person": "person", "callback": "callback"}
_MAILBOX = {"message_left": "voicemail_message", "no_message": "voicemail_no_message"}


def outcome_of_line(ended_as: str | None, *, by_us: bool) -> str:
    """The outcome of a call that nobody answered, from how it ended at the carrier."""
    return "withdrawn" if by_us else _LINE[ended_as or "failed"]


def outcome_of_talk(reason: str, who: str, *, message_delivered: bool) -> str:
    """The outcome of an answered call, from its conversation: what was said decides, then who was there, then how it broke off."""
    if reason in _SAID:
        return _SAID[reason]
    if reason in _MAILBOX:
        return _MAILBOX[reason]
    if who in ("voicemail", "screening", "menu"):
        return "voicemail_message" if message_delivered else "voicemail_no_message"
    if reason in ("line_lost", "failed"):
        return "dropped"
    nobody = who == "no_one" or (who == "unknown" and reason == "silence")
    return "no_answer" if nobody else "person"


@dataclass(frozen=True, slots=True)
class Rules:
    """What of a campaign's settings says whether a contact is called again."""

    max_retries: int = 0
    retry_delay_min: int | None = None
    retry_on_voicemail: bool = False
    retry_on_dropped: bool = True

    @property
    def delay(self) -> timedelta:
        """The least time between the end of a call and a further try; a minute where the campaign names none."""
        return timedelta(minutes=self.retry_delay_min or 1)


@dataclass(frozen=True, slots=True)
class Standing:
    """A contact between two calls. `due`: not called before, None: when its turn comes."""

    status: str = "pending"
    tries: int = 0
    lost: int = 0
    granted: int = 0
    due: datetime | None = None
    callback: bool = False


def after_call(before: Standing, outcome: str, rules: Rules, ended_at: datetime, asked_for: datetime | None = None) -> Standing:
    """What the table makes of a contact whose call ended. `asked_for`: the time of the callback that the callee wanted."""
    row = TABLE[outcome]
    tries, lost = before.tries + row.counts, before.lost + (outcome == "lost")
    if outcome == "withdrawn":
        return Standing("pending", tries, lost, before.granted, before.due, before.callback)
    if row.again == "asked":
        return Standing("pending", tries, lost, before.granted, asked_for or ended_at + ONE_DAY, True)
    callback = before.callback and outcome == "lost"  # what the callee asked for is still to be done
    again = row.again == "always" or (row.again != "never" and bool(getattr(rules, row.again)))
    left = lost < LOST_AT_MOST if outcome == "lost" else tries_allow(tries, rules.max_retries, before.granted)
    if again and left:
        return Standing("pending", tries, lost, before.granted, ended_at + rules.delay, callback)
    return Standing(row.final, tries, lost, before.granted)


def granted_by_retry(before: Standing, max_retries: int, at: datetime) -> Standing:
    """A failed contact after an operator's Retry: one more try is left, at once."""
    return Standing("pending", before.tries, 0, max(before.granted, before.tries - max_retries), at)
