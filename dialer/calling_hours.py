"""When people may be called: a campaign's window and weekdays, and the callee's own local hours. Pure.

All instants are aware datetimes. A window is wall-clock time of a zone; what the clock skips in spring is skipped, and what it repeats
in autumn counts both times.
"""

from calendar import day_name
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import timezone as number_zones

_NO_PLACE = frozenset({"localtime", "posixrules", "Factory"})  # files of the database that mean something else on each machine
_SOME_MONDAY = datetime(2030, 1, 7, tzinfo=UTC)
ALL_DAYS = frozenset(range(1, 8))
LOCAL_START, LOCAL_END = time(8), time(21)


class UnknownZone(ValueError):
    """No IANA zone has this name."""


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name.

    Raises:
        UnknownZone
    """
    try:
        if name in _NO_PLACE:
            raise ValueError(name)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: names such as "Europe" are folders of the database
        raise UnknownZone(f"{name!r} is not a time zone: use a name such as Europe/Berlin or America/New_York") from error


@dataclass(frozen=True, slots=True)
class Window:
    """`start` = `end` means all day; `end` before `start` goes over midnight and belongs to the weekday on which it starts.
    `weekdays`: ISO, Monday is 1, at least one."""

    start: time
    end: time
    zone: ZoneInfo
    weekdays: frozenset[int] = ALL_DAYS

    @property
    def overnight(self) -> bool:
        return self.end < self.start

    def is_open(self, at: datetime) -> bool:
        local = at.astimezone(self.zone)
        clock, today = local.time(), local.isoweekday()
        if self.start == self.end:
            return today in self.weekdays
        if not self.overnight:
            return today in self.weekdays and self.start <= clock < self.end
        yesterday = (today - 2) % 7 + 1
        return (today in self.weekdays and clock >= self.start) or (yesterday in self.weekdays and clock < self.end)

    def next_opening(self, at: datetime) -> datetime:
        """The first instant from `at` on at which the window is open; `at` itself where it is open now."""
        if self.is_open(at):
            return at
        today = at.astimezone(self.zone).date()
        for ahead in range(22):  # three weeks: what a clock change swallows on its one weekday opens the week after
            opening = [instant for instant in self._openings(today + timedelta(days=ahead)) if instant > at and self.is_open(instant)]
            if opening:
                return min(opening)
        raise AssertionError("a window with at least one weekday opens within three weeks")

    def words(self) -> str:
        """The window for people, an overnight one said so."""
        days = "" if self.weekdays == ALL_DAYS else f" on {_days_in_words(self.weekdays)}"
        if self.start == self.end:
            return f"all day{days}, {self.zone.key}"
        night = " of the next day (overnight: it belongs to the day on which it starts)" if self.overnight else ""
        return f"{self.start:%H:%M} to {self.end:%H:%M}{night}{days}, {self.zone.key}"

    def changes(self, day: date) -> list[datetime]:
        """Every instant of `day` (of the window's zone) at which it may open or close, in order; in between it stays as it is."""
        return sorted(self._instants(day, {self.start, self.end, time(0)}))

    def _openings(self, day: date) -> set[datetime]:
        """Instants of `day` at which the window may open: its start (twice where the clock repeats it), midnight, a change of the clock."""
        return self._instants(day, {self.start, time(0)} if self.start == self.end else {self.start})

    def _instants(self, day: date, clocks: Iterable[time]) -> set[datetime]:
        """When the wall clock of `day` shows one of `clocks`, and when it is changed."""
        shown = [datetime.combine(day, clock, tzinfo=self.zone).replace(fold=fold).astimezone(UTC) for clock in clocks for fold in (0, 1)]
        return {instant for instant in (*shown, *_clock_change(day, self.zone)) if instant.astimezone(self.zone).date() == day}


def _days_in_words(weekdays: frozenset[int]) -> str:
    """Monday to Friday; Saturday; Monday, Wednesday and Friday."""
    days = sorted(weekdays)
    names = [day_name[day - 1] for day in days]
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return f"{names[0]} to {names[-1]}"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


@lru_cache(maxsize=4096)
def _clock_change(day: date, where: ZoneInfo) -> tuple[datetime, ...]:
    """The instant at which the clock changes on `day`, to the second, if it does."""
    before = datetime.combine(day, time(0), tzinfo=where).astimezone(UTC) - timedelta(hours=3)
    after = before + timedelta(hours=30)
    offset = before.astimezone(where).utcoffset()
    if offset == after.astimezone(where).utcoffset():
        return ()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(where).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return (after.replace(microsecond=0),)


def window(start: time | None, end: time | None, zone_name: str | None, weekdays: Iterable[int]) -> Window | None:
    """A campaign's window; None where it may call at any time. Without hours, its weekdays still hold, all day.

    Raises:
        UnknownZone
    """
    days = frozenset(weekdays)
    if start is None or end is None:
        if days == ALL_DAYS:
            return None
        start = end = time(0)
    if zone_name is None:
        raise UnknownZone("the campaign has calling hours but no time zone: set one such as Europe/Berlin")
    return Window(start, end, zone(zone_name), days)


def callee_zones(number: str, own_zone: str | None) -> tuple[ZoneInfo, ...]:
    """The zones that the callee may be in: `own_zone` (the contact's, IANA) where it is known, else all that the number (E.164) may mean.
    Empty where neither says."""
    if own_zone:
        try:
            return (zone(own_zone),)
        except UnknownZone:
            return ()
    return _zones_of(number)


@lru_cache(maxsize=65536)
def _zones_of(number: str) -> tuple[ZoneInfo, ...]:
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ()
    names = number_zones.time_zones_for_number(parsed)
    try:
        return tuple(zone(name) for name in names)
    except UnknownZone:  # libphonenumber's "Etc/Unknown"
        return ()


@dataclass(frozen=True, slots=True)
class LocalHours:
    """Whether it is a fit time where the callee is. `opens`: from when on it is (now, where it is open); None where it never will be."""

    known: bool
    open: bool
    value: str
    opens: datetime | None = None


def local_hours(number: str, own_zone: str | None, at: datetime, campaign: Window | None = None) -> LocalHours:
    """8:00 to 21:00 in every zone that the callee may be in; not known means not open. `campaign`: its hours, which a later time
    must be in as well."""
    zones = callee_zones(number, own_zone)
    if not zones:
        return LocalHours(False, False, f"zone {own_zone!r} unknown" if own_zone else "the number does not tell its zone")
    windows = tuple(Window(LOCAL_START, LOCAL_END, where) for where in zones)
    value = ", ".join(f"{at.astimezone(where):%H:%M} in {where.key}" for where in zones[:3])
    if len(zones) > 3:
        value += f" and {len(zones) - 3} zones more"
    if all(each.is_open(at) for each in windows):
        return LocalHours(True, True, value, at)
    opens = _common_opening((*windows, *([campaign] if campaign is not None else [])), at)
    if opens is None:
        among = "all of them" if campaign is None else f"the campaign's {campaign.words()}"
        return LocalHours(True, False, f"{value}: no hour from {LOCAL_START:%H:%M} to {LOCAL_END:%H:%M} there is in {among}")
    return LocalHours(True, False, value, opens)


def meet(*windows: Window) -> bool:
    """Whether there is a time at which all are open."""
    return _common_opening(windows, _SOME_MONDAY) is not None


@lru_cache(maxsize=1024)
def _common_opening(windows: tuple[Window, ...], at: datetime) -> datetime | None:
    """The first instant from `at` on at which all are open; None where they have no hour in common within two weeks."""
    instant = at
    while instant - at < timedelta(days=15):
        if all(each.is_open(instant) for each in windows):
            return instant
        instant = max(each.next_opening(instant) for each in windows)
    return None
