"""A campaign's calling hours drawn as a week: a row for each day, and what of a night belongs to the day after."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any

import streamlit as st

from dashboard.words import WEEKDAYS, md

DAY = 24 * 60
LOCAL_START, LOCAL_END = 8 * 60, 21 * 60  # the callee's own hours


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
    st.vega_lite_chart(picture(week, local_hours=local_hours), alt=f"The week: {in_words(week)}")
    told = f"Hours of {zone_name}."
    if local_hours:
        told += " Dashed lines: 8:00 and 21:00. Whoever lives in that time zone is called between them only; others by their own clock."
    st.caption(md(told))


def picture(week: Sequence[Segment], *, local_hours: bool) -> dict[str, Any]:
    """The drawing in Vega-Lite: pale where the window is open, strong where somebody of that zone may be called as well."""
    day = {"field": "day", "type": "nominal", "scale": {"domain": list(WEEKDAYS.values())}, "title": None, "axis": {"labelOverlap": False}}
    hours = {
        "field": "start",
        "type": "quantitative",
        "scale": {"domain": [0, 24]},
        "axis": {"values": list(range(0, 25, 3))},
        "title": "Hour",
    }
    over = {"x": hours, "x2": {"field": "end"}, "y": day}
    strong = [within_local_hours(each) for each in week] if local_hours else week
    mark = {"type": "bar", "color": "#2b79bd"}
    layers: list[dict[str, Any]] = [
        {"data": {"values": _bars(week)}, "mark": {**mark, "fillOpacity": 0.3, "stroke": "#2b79bd"}, "encoding": over},
        {"data": {"values": _bars([each for each in strong if each])}, "mark": mark, "encoding": over},
    ]
    if local_hours:
        edges = [{"start": LOCAL_START / 60}, {"start": LOCAL_END / 60}]
        dashed = {"type": "rule", "strokeDash": [4, 4], "color": "#808495"}
        layers.append({"data": {"values": edges}, "mark": dashed, "encoding": {"x": hours}})
    return {"layer": layers, "height": {"step": 20}}


def _bars(week: Sequence[Segment]) -> list[dict[str, Any]]:
    return [{"day": WEEKDAYS[each.day], "start": each.start / 60, "end": each.end / 60} for each in week]


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _told(segment: Segment) -> str:
    start, end = (f"{minute // 60:02d}:{minute % 60:02d}" for minute in (segment.start, segment.end))
    return f"{start} to {end}{' (of the night before)' if segment.continued else ''}"
