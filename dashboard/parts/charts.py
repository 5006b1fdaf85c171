"""The plots of the analytics: rows in, a chart out. Colours are told apart by colour-blind people, hold 3:1 against a light and a dark
page, and never stand alone: each plot has its numbers in words and as a table beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import altair as alt

from dashboard.reads.analytics import Hour, Period, Step, Try
from dashboard.rows import OutcomeSpan
from dashboard.words import WEEKDAYS

Plot = alt.LayerChart | alt.FacetChart | alt.Chart

FEW = 20  # calls below which a rate is chance
BLUE, GREEN, PINK, GRAY, VIOLET, ORANGE = "#0072b2", "#009e73", "#cc79a7", "#80868c", "#7b68c8", "#d55e00"
OUTCOME_GROUPS = {
    "Talked to a person": (BLUE, ("person", "callback")),
    "Voicemail": (GREEN, ("voicemail_message", "voicemail_no_message")),
    "Dropped": (PINK, ("dropped",)),
    "No answer": (GRAY, ("no_answer",)),
    "Busy": (VIOLET, ("busy",)),
    "Failed": (ORANGE, ("carrier_failure", "refused", "lost")),
}
INK, PAPER = "#101820", "#ffffff"  # of letters, whichever is 4.5:1 on the colour below
WRITTEN_ON_IN_WHITE = ("Talked to a person", "Busy")
LOW_BLUE, HIGH_BLUE, TOO_FEW = "#dbe9f6", "#08468c", "#6b7280"
WHITE_FROM = 0.62  # of the way from low to high blue
LABELLED_FROM = 0.09  # of a bar: its share is written on what is as wide as that
ROW_PX, CELL_PX, PLOT_PX, LOW_PLOT_PX = 40, 36, 280, 260  # heights; the last two with their axes, the others without
AROUND_PX = 90  # of axes and legend


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole over time: its name, its colour, and the field of `Period` that counts it."""

    label: str
    colour: str
    field: str


GOALS = (Share("Met", BLUE, "met"), Share("Unclear", GRAY, "unclear"), Share("Not met", ORANGE, "not_met"))
SENTIMENTS = (Share("Positive", BLUE, "positive"), Share("Neutral", GRAY, "neutral"), Share("Negative", ORANGE, "negative"))


def heat_map(hours: Sequence[Hour]) -> Plot:
    """The share of calls that were answered, by weekday and hour; gray where a rate would be chance."""
    rows = [
        {
            "day": WEEKDAYS[each.weekday],
            "hour": hour_name(each.hour),
            "rate": each.answered / each.calls,
            "calls": each.calls,
            "enough": each.calls >= FEW,
        }
        for each in hours
    ]
    known = [float(str(row["rate"])) for row in rows if row["enough"]] or [0.0, 1.0]
    low, high = min(known), max(max(known), min(known) + 0.1)
    shown = [hour_name(hour) for hour in range(min(each.hour for each in hours), max(each.hour for each in hours) + 1)]
    base = alt.Chart(alt.InlineData(values=rows), height=CELL_PX * len(shown) + AROUND_PX).encode(
        alt.X("day:N", sort=list(WEEKDAYS.values()), scale=alt.Scale(domain=list(WEEKDAYS.values())), title=None).axis(
            orient="top", labelAngle=0
        ),
        alt.Y("hour:N", sort=shown, scale=alt.Scale(domain=shown), title=None),
        tooltip=[
            alt.Tooltip("day:N", title="Weekday"),
            alt.Tooltip("hour:N", title="Hour"),
            alt.Tooltip("rate:Q", title="Answered", format=".0%"),
            alt.Tooltip("calls:Q", title="Calls", format=","),
        ],
    )
    colour = alt.Color("rate:Q", scale=alt.Scale(range=[LOW_BLUE, HIGH_BLUE], domain=[low, high], clamp=True)).legend(
        title="Calls answered", format=".0%", orient="bottom", gradientLength=200
    )
    cells = base.mark_rect(cornerRadius=3).encode(color=alt.condition("datum.enough", colour, alt.value(TOO_FEW)))
    white_from = low + WHITE_FROM * (high - low)
    ink = alt.condition(f"!datum.enough || datum.rate > {white_from}", alt.value(PAPER), alt.value(INK))
    rates = (
        base.mark_text(dy=-6, fontSize=12, fontWeight=600)
        .encode(alt.Text("rate:Q", format=".0%"), color=ink)
        .transform_filter("datum.enough")
    )
    counts = (
        base.mark_text(dy=8, fontSize=10).encode(alt.Text("n:N"), color=ink).transform_calculate(n="'n ' + format(datum.calls, '.2~s')")
    )
    return alt.layer(cells, rates, counts)


def hour_name(hour: int) -> str:
    """The hour from its beginning: 09:00."""
    return f"{hour:02d}:00"


def group_of(outcome: str | None) -> str:
    """The group of OUTCOME_GROUPS that an outcome is in."""
    return next((group for group, (_, outcomes) in OUTCOME_GROUPS.items() if outcome in outcomes), "Failed")


def outcomes_over_time(spans: Sequence[OutcomeSpan]) -> Plot:
    """How many calls of each span ended how, one upon the other."""
    rows: list[dict[str, Any]] = []
    for at in sorted({each.at for each in spans}):
        low = 0
        for group in OUTCOME_GROUPS:
            calls = sum(each.calls for each in spans if each.at == at and group_of(each.outcome) == group)
            if calls:
                end = at + timedelta(minutes=spans[0].minutes) * 0.92
                rows.append(
                    {"begin": at.isoformat(), "end": end.isoformat(), "outcome": group, "calls": calls, "low": low, "high": low + calls}
                )
                low += calls
    hours = spans[0].minutes < 1440
    there = [group for group in OUTCOME_GROUPS if any(row["outcome"] == group for row in rows)]
    scale = alt.Scale(domain=there, range=[OUTCOME_GROUPS[group][0] for group in there])
    drawn: alt.Chart = (
        alt.Chart(alt.InlineData(values=rows), height=LOW_PLOT_PX)
        .mark_rect()
        .encode(
            alt.X("begin:T", title=None).axis(format="%a %H:%M" if hours else "%-d %b", labelOverlap=True, tickCount=6, grid=False),
            alt.X2("end:T"),
            alt.Y("low:Q", title="Calls", scale=alt.Scale(nice=True)).axis(format=",d", tickMinStep=1, tickCount=5),
            alt.Y2("high:Q"),
            alt.Color("outcome:N", scale=scale, sort=there).legend(orient="top", title=None, columns=2),
            tooltip=[
                alt.Tooltip("begin:T", title="From", format="%a %-d %b %Y, %H:%M" if hours else "%a %-d %b %Y"),
                alt.Tooltip("outcome:N", title="Ended with"),
                alt.Tooltip("calls:Q", title="Calls", format=","),
            ],
        )
    )
    return drawn


def outcome_shares(tries: Sequence[Try]) -> list[dict[str, Any]]:
    """For each try, the calls of each group of outcomes, where they begin and end as shares of the try, and how many calls it had."""
    rows = []
    for number in sorted({each.try_ for each in tries}):
        counted = dict.fromkeys(OUTCOME_GROUPS, 0)
        for each in tries:
            if each.try_ == number:
                counted[group_of(each.outcome)] += each.calls
        whole, begin = sum(counted.values()), 0.0
        for group, calls in counted.items():
            if calls:
                share = calls / whole
                rows.append(
                    {
                        "try": f"Try {number}",
                        "outcome": group,
                        "calls": calls,
                        "of": whole,
                        "share": share,
                        "from": begin,
                        "to": begin + share,
                    }
                )
                begin += share
    return rows


def flow(tries: Sequence[Try]) -> Plot:
    """How each try ended: one bar for each, all of the same length."""
    rows = outcome_shares(tries)
    names = list(dict.fromkeys(str(row["try"]) for row in rows))
    base = alt.Chart(alt.InlineData(values=rows), height=ROW_PX * len(names) + AROUND_PX).encode(
        alt.Y("try:N", sort=names, title=None, scale=alt.Scale(paddingInner=0.2)),
        tooltip=[
            alt.Tooltip("try:N", title="Try"),
            alt.Tooltip("outcome:N", title="Ended with"),
            alt.Tooltip("calls:Q", title="Calls", format=","),
            alt.Tooltip("of:Q", title="Of", format=","),
            alt.Tooltip("share:Q", title="Share", format=".1%"),
        ],
    )
    scale = alt.Scale(domain=list(OUTCOME_GROUPS), range=[colour for colour, _ in OUTCOME_GROUPS.values()])
    bars = base.mark_bar().encode(
        alt.X("from:Q", title=None, scale=alt.Scale(domain=[0, 1])).axis(format="%", tickCount=5),
        alt.X2("to:Q"),
        alt.Color("outcome:N", scale=scale, sort=list(OUTCOME_GROUPS)).legend(orient="top", title=None, columns=3),
    )
    shares = (
        base.mark_text(fontWeight=600, fontSize=12)
        .transform_filter(f"datum.share >= {LABELLED_FROM}")
        .transform_calculate(middle="(datum.from + datum.to) / 2")
        .encode(
            alt.X("middle:Q"),
            alt.Text("share:Q", format=".0%"),
            color=alt.condition(alt.FieldOneOfPredicate("outcome", list(WRITTEN_ON_IN_WHITE)), alt.value(PAPER), alt.value(INK)),
        )
    )
    return alt.layer(bars, shares)


def shares_over_time(periods: Sequence[Period], shares: Sequence[Share], step: Step) -> Plot:
    """What became of the calls with a person, as bars of the same height, one for each period that had any."""
    rows = []
    for period in periods:
        counted = [(share, int(getattr(period, share.field))) for share in shares]
        whole, begin = sum(calls for _, calls in counted), 0.0
        for share, calls in counted:
            if calls:
                end = begin + calls / whole
                rows.append(
                    {**_span(period.day, step), "what": share.label, "calls": calls, "share": calls / whole, "low": begin, "high": end}
                )
                begin = end
    scale = alt.Scale(domain=[share.label for share in shares], range=[share.colour for share in shares])
    drawn: alt.Chart = (
        alt.Chart(alt.InlineData(values=rows), height=PLOT_PX)
        .mark_rect()
        .encode(
            _time_axis("begin"),
            alt.X2("end:T"),
            alt.Y("low:Q", title=None, scale=alt.Scale(domain=[0, 1])).axis(format="%", tickCount=5),
            alt.Y2("high:Q"),
            alt.Color("what:N", scale=scale, sort=[share.label for share in shares]).legend(orient="top", title=None, columns=3),
            tooltip=[
                alt.Tooltip("begin:T", title=step.capitalize(), format="%a %-d %b %Y"),
                alt.Tooltip("what:N", title="What"),
                alt.Tooltip("calls:Q", title="Calls", format=","),
                alt.Tooltip("share:Q", title="Share", format=".0%"),
            ],
        )
    )
    return drawn


def line(values: Sequence[tuple[date, str, float]], unit: str, step: Step, *, format_: str = ",.0f") -> Plot:
    """Values of one or two named series over time, from zero; `unit` names the axis. The second series is dashed and has squares."""
    names = list(dict.fromkeys(name for _, name, _ in values))
    rows = [{"day": _local(day), "what": name, "value": value} for day, name, value in values]
    legend = alt.Legend(orient="top", title=None, columns=2) if len(names) > 1 else None
    base = alt.Chart(alt.InlineData(values=rows), height=PLOT_PX).encode(
        _time_axis("day"),
        alt.Y("value:Q", title=unit, scale=alt.Scale(zero=True, nice=True)).axis(format=format_, tickCount=5),
        alt.Color("what:N", scale=alt.Scale(domain=names, range=[BLUE, ORANGE][: len(names)]), legend=legend),
        tooltip=[
            alt.Tooltip("day:T", title=step.capitalize(), format="%a %-d %b %Y"),
            alt.Tooltip("what:N", title="What"),
            alt.Tooltip("value:Q", title=unit, format=format_),
        ],
    )
    drawn = base.mark_line(strokeWidth=2).encode(
        strokeDash=alt.StrokeDash("what:N", scale=alt.Scale(domain=names, range=[[1, 0], [6, 3]][: len(names)]), legend=None)
    )
    marks = base.mark_point(filled=True, size=36, opacity=1).encode(
        shape=alt.Shape("what:N", scale=alt.Scale(domain=names, range=["circle", "square"][: len(names)]), legend=None)
    )
    return alt.layer(drawn, marks)


def _time_axis(field: str) -> alt.X:
    return alt.X(f"{field}:T", title=None).axis(format="%-d %b", labelOverlap=True, tickCount=6, grid=False)


def _span(day: date, step: Step) -> dict[str, str]:
    """Where the bar of a period begins and ends, with a gap to the next one."""
    width = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}[step]
    return {"begin": _local(day), "end": (datetime.combine(day, time()) + width * 0.88).isoformat()}


def _local(day: date) -> str:
    """Midnight without a zone: a browser draws a date alone as one of UTC, the day before in America."""
    return datetime.combine(day, time()).isoformat()
