"""A campaign's calling hours drawn as a week: a row for each day, and what of a night belongs to the day after."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

import streamlit as st

from dashboard.words import WEEKDAYS, md

DAY = 24 * 60
LOCAL_START, LOCAL_END = 8 * 60, 21 * 60  # the callee's own hours
_LEFT, _TOP, _WIDE, _ROW = 36, 16, 384, 20  # of the drawing, in its own units


@dataclass(frozen=True, slots=True)
class Segment:
    """Minutes of one weekday (ISO, Monday is 1) in which calls may be made. `continued`: the night belongs to the day before."""

    day: int
    start: int
    end: int
    continued: bool = False


def segments(start: time | None, end: time | None, weekdays: Sequence[int]) -> list[Segment]:
    """The week of a window, day by day. Without hours, or where both are the same, its days are open all day; an end before the start is
    one of the next day."""
    found = []
    for day in sorted(weekdays):
        if start is None or end is None or start == end:
            found.append(Segment(day, 0, DAY))
        elif start < end:
            found.append(Segment(day, _minutes(start), _minutes(end)))
        else:
            found.append(Segment(day, _minutes(start), DAY))
            if end > time(0):
                found.append(Segment(day % 7 + 1, 0, _minutes(end), continued=True))
    return sorted(found, key=lambda each: (each.day, each.start))


def in_words(week: Sequence[Segment]) -> str:
    """Mon 09:00 to 17:00; Tue 00:00 to 02:00 (of the night before), 20:00 to 24:00; Wed closed; ..."""
    days = []
    for day, name in WEEKDAYS.items():
        times = [_told(each) for each in week if each.day == day]
        days.append(f"{name} {', '.join(times) or 'closed'}")
    return "; ".join(days)


def within_local_hours(segment: Segment) -> Segment | None:
    """What of it lies between 8:00 and 21:00; None where nothing does."""
    start, end = max(segment.start, LOCAL_START), min(segment.end, LOCAL_END)
    return Segment(segment.day, start, end, segment.continued) if start < end else None


def draw(start: time | None, end: time | None, weekdays: Sequence[int], zone_name: str, *, local_hours: bool) -> None:
    """The week as a picture with its words for those who don't see it. `local_hours`: the callee's own are respected."""
    week = segments(start, end, weekdays)
    st.html(picture(week, local_hours=local_hours))
    told = f"Hours of {zone_name}."
    if local_hours:
        told += " Dashed lines: 8:00 and 21:00. Whoever lives in that time zone is called between them only; others by their own clock."
    st.caption(md(told))


def picture(week: Sequence[Segment], *, local_hours: bool) -> str:
    """The drawing as SVG in the colour of the page's text."""
    bottom = _TOP + 7 * _ROW
    parts = [f'<text x="{_x(hour * 60)}" y="{_TOP - 5}" text-anchor="middle">{hour}</text>' for hour in range(0, 25, 3)]
    for day, name in WEEKDAYS.items():
        parts.append(f'<text x="0" y="{_y(day) + 13}">{name}</text>')
        parts.append(_bar(Segment(day, 0, DAY), 'fill="currentColor" fill-opacity="0.07"'))
    for each in week:
        open_part = within_local_hours(each) if local_hours else each
        parts.append(_bar(each, 'fill="#2b79bd" fill-opacity="0.25" stroke="#2b79bd"'))
        parts += [_bar(open_part, 'fill="#2b79bd"')] if open_part else []
    if local_hours:
        parts += [
            f'<line x1="{_x(at)}" x2="{_x(at)}" y1="{_TOP}" y2="{bottom}" stroke="currentColor" stroke-dasharray="3 3"/>'
            for at in (LOCAL_START, LOCAL_END)
        ]
    name = html.escape(f"The week: {in_words(week)}", quote=True)
    size = f'viewBox="0 0 {_LEFT + _WIDE + 8} {bottom + 2}" style="width: 100%; max-width: 560px"'
    return f'<svg role="img" aria-label="{name}" {size} font-size="11" fill="currentColor">{"".join(parts)}</svg>'


def _bar(segment: Segment, look: str) -> str:
    wide = _x(segment.end) - _x(segment.start)
    return f'<rect x="{_x(segment.start)}" y="{_y(segment.day)}" width="{wide:g}" height="{_ROW - 4}" {look}/>'


def _x(minute: int) -> float:
    return _LEFT + _WIDE * minute / DAY


def _y(day: int) -> int:
    return _TOP + (day - 1) * _ROW


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _told(segment: Segment) -> str:
    start, end = (f"{minute // 60:02d}:{minute % 60:02d}" for minute in (segment.start, segment.end))
    return f"{start} to {end}{' (of the night before)' if segment.continued else ''}"
