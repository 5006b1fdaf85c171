"""The calling hours ahead of a campaign, cut into spans in which nothing opens or closes. Pure.

Who may be called when is decided by `dialer.calling_hours` alone: this only asks its windows at each instant at which one may change.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dialer.calling_hours import LOCAL_END, LOCAL_START, Window

HOURLY_FOR = timedelta(days=14)
_HOUR, _DAY, _WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)

Group = frozenset[ZoneInfo]  # callees who may be in any of these zones; empty: their local hours do not matter


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end` (exclusive) the same may be called. `bucket`: the start of the hour or, far ahead, of the day that it belongs
    to; `window_open`: the campaign's own; `open`: groups that may be called."""

    start: datetime
    end: datetime
    bucket: datetime
    window_open: bool
    open: frozenset[Group]


class HoursAhead:
    """The spans from `begin` to `until`, worked out as far as they are asked for, and kept for who asks next.

    Hours in the zone `where` for the first two weeks, days after that. `campaign`: its own window.
    """

    def __init__(self, campaign: Window | None, groups: Sequence[Group], where: ZoneInfo, begin: datetime, until: datetime) -> None:
        self._campaign = campaign
        self._windows = {group: tuple(Window(LOCAL_START, LOCAL_END, zone) for zone in group) for group in groups}
        self._where, self._begin, self._until = where, begin.astimezone(UTC), until.astimezone(UTC)
        self._made: list[Span] = []
        self._more = self._spans()

    def __iter__(self) -> Iterator[Span]:
        position = 0
        while True:
            while position < len(self._made):
                yield self._made[position]
                position += 1
            following = next(self._more, None)
            if following is None:
                return
            self._made.append(following)

    def _spans(self) -> Iterator[Span]:
        start = self._begin
        while start < self._until:
            end = min(start + _WEEK, self._until)
            yield from self._week(start, end)
            start = end

    def _week(self, start: datetime, end: datetime) -> list[Span]:
        windows = {window for all_of in self._windows.values() for window in all_of} | ({self._campaign} if self._campaign else set())
        changing: dict[datetime, list[Window]] = {start: list(windows)}
        for window in windows:
            for instant in _changes(window, start, end):
                changing.setdefault(instant, []).append(window)
        buckets = _buckets(self._where, start, end, hourly=start < self._begin + HOURLY_FOR)
        cuts = sorted({*changing, *(instant for instant in buckets if start < instant < end)})
        is_open: dict[Window, bool] = {}
        made: list[Span] = []
        days_begin = start == self._begin + HOURLY_FOR  # in mid-day: what is left of it is a bucket
        bucket = start if days_begin else max(instant for instant in buckets if instant <= start)
        callable_now = (False, frozenset[Group]())
        for cut in cuts:
            if cut in changing:
                is_open |= {window: window.is_open(cut) for window in changing[cut]}
                callable_now = self._open(is_open)
            bucket = cut if cut in buckets else bucket
            span = Span(cut, end, bucket, *callable_now)
            if made and (made[-1].bucket, made[-1].window_open, made[-1].open) == (span.bucket, span.window_open, span.open):
                continue
            if made:
                made[-1] = replace(made[-1], end=cut)
            made.append(span)
        return made

    def _open(self, is_open: dict[Window, bool]) -> tuple[bool, frozenset[Group]]:
        if self._campaign is not None and not is_open[self._campaign]:
            return False, frozenset()
        return True, frozenset(group for group, windows in self._windows.items() if all(is_open[window] for window in windows))


def _changes(window: Window, start: datetime, end: datetime) -> Iterator[datetime]:
    day, last = start.astimezone(window.zone).date(), end.astimezone(window.zone).date()
    while day <= last:
        yield from (instant for instant in window.changes(day) if start < instant < end)
        day += _DAY


def _buckets(where: ZoneInfo, start: datetime, end: datetime, *, hourly: bool) -> set[datetime]:
    """Starts of the hours or days of `where` that touch the time from `start` to `end`."""
    if hourly:
        local = start.astimezone(where)
        first = start - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return {first + _HOUR * n for n in range(int((end - first) / _HOUR) + 1)}
    day, last = start.astimezone(where).date(), end.astimezone(where).date()
    return {datetime.combine(day + _DAY * n, time(0), tzinfo=where).astimezone(UTC) for n in range((last - day).days + 1)}


def alike(zones: Group, begin: datetime, known: dict[tuple[timedelta | None, ...], ZoneInfo]) -> Group:
    """The group with each zone replaced by the first in `known` whose clock goes as its own does over the coming year, looked at each week:
    callees in Detroit and in New York are one group."""
    return frozenset(known.setdefault(_clock(zone, begin), zone) for zone in zones)


def _clock(zone: ZoneInfo, begin: datetime) -> tuple[timedelta | None, ...]:
    return tuple((begin + _WEEK * n).astimezone(zone).utcoffset() for n in range(53))
