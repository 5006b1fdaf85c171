"""When a campaign will be done: its finish, calls per hour, what binds it, who is left out, and how that compares with what happened."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

import streamlit as st

from dashboard.commands import CommandRefused, commands
from dashboard.parts.frame import slow
from dashboard.rows import Campaign
from dashboard.times import moment, zone
from dashboard.words import capital, md, plural

Forecast = Mapping[str, Any]
OPEN = ("draft", "pending", "in_progress", "paused")


@slow
def forecast(drawn: Campaign) -> None:
    """The forecast of a campaign as it is saved; for a completed one only how it went. Nothing where there is nothing to foresee."""
    if drawn.total == 0 or drawn.status == "cancelled":
        return
    try:
        answer = commands().forecast(drawn.id)
    except CommandRefused as refused:
        st.caption(f"The forecast can't be shown: {md(str(refused))}")
        return
    there = zone(drawn.timezone, st.context.timezone)
    if drawn.status in OPEN:
        st.subheader("Forecast")
        draw(answer["forecast"], there)
    if answer["compared"]:
        _compared(answer["compared"], there, ended=drawn.status not in OPEN)


def forecast_of_unsaved(campaign: Campaign, settings: Mapping[str, Any], key: str) -> None:
    """A button that foresees the campaign's contacts under `settings` as they stand in the fields; nothing is saved."""
    if campaign.total == 0:
        st.caption("Once there are contacts, a forecast shows here when these settings would be done.")
        return
    if not st.button("Forecast with these settings", icon=":material/timeline:", key=f"forecast_{key}", help="Nothing is saved by it."):
        return
    try:
        found = commands().forecast_unsaved(campaign.id, settings)
    except CommandRefused as refused:
        st.error(md(str(refused)), icon=":material/error:")
        for problem in refused.problems.values():
            st.markdown(f":red[:material/error: {md(problem)}]")
        return
    with st.container(border=True):
        draw(found, zone(settings.get("timezone"), campaign.timezone, st.context.timezone))


def draw(found: Forecast, there: tzinfo) -> None:
    """One forecast: the finish, the figures, calls per hour, what binds it, who is left out, and what is assumed."""
    st.markdown(finish(found, there))
    with st.grid(min_column_width=170, gap="small"):
        st.metric("Will be called", _amount(found["contacts"]), border=True, help="Contacts that are still to be called.")
        st.metric("Calls expected", _amount(found["calls"]), border=True, help="With the further tries.")
        st.metric("People reached", _amount(found["reached"]), border=True)
        st.metric("Calls per hour", _amount(found["calls_per_hour"]), border=True, help="While it calls.")
    if found["buckets"]:
        _chart(found["buckets"], there)
        st.markdown(f"**What takes most of the time:** {md(found['limit']['words'])}.")
    _skipped(found["skipped"])
    with st.expander("What this assumes", icon=":material/rule:"):
        st.markdown("\n".join(f"- {md(each['words'])}" for each in found["assumptions"]))


def finish(found: Forecast, there: tzinfo) -> str:
    """When it will be done, or why it does not finish by itself, as markdown."""
    if found["finishes_at"] is None:
        held = str(found["held"])
        return f"**It does not finish by itself**: {md(held)}."
    expected = f"Done by **{md(moment(_at(found['finishes_at']), there))}**"
    if found["earliest_at"] is None or found["latest_at"] is None:
        return f"{expected}."
    earliest, latest = (md(moment(_at(found[name]), there)) for name in ("earliest_at", "latest_at"))
    return f"{expected}, likely between {earliest} and {latest}."


def per_hour(buckets: Sequence[Mapping[str, Any]], there: tzinfo) -> list[dict[str, Any]]:
    """Each bucket with the pace in it; times are the wall clock of `there`, without a zone, so that each browser shows the same."""
    lines = []
    for bucket in buckets:
        start, end = _at(bucket["start"]), _at(bucket["end"])
        hours = (end - start).total_seconds() / 3600
        wall = [at.astimezone(there).replace(tzinfo=None).isoformat() for at in (start, end)]
        lines.append({"start": wall[0], "end": wall[1], "calls": round(bucket["calls"] / hours, 1)})
    return lines


def _chart(buckets: Sequence[Mapping[str, Any]], there: tzinfo) -> None:
    lines = per_hour(buckets, there)
    calls = {"field": "calls", "type": "quantitative", "title": "Calls per hour"}
    start = {"field": "start", "type": "temporal", "title": f"Time ({there})"}
    over = {"x": {**start, "axis": {"format": "%a %H:%M"}}, "x2": {"field": "end"}, "y": calls, "y2": {"datum": 0}}
    bars = {
        "data": {"values": lines},
        "mark": {"type": "rect", "color": "#2b79bd"},
        "encoding": {**over, "tooltip": [{**start, "format": "%a %d %b, %H:%M"}, calls]},
        "height": 170,
    }
    most = max(lines, key=lambda line: float(line["calls"]))
    told = f"Calls per hour in {plural(len(lines), 'span')} of time; most, {most['calls']:,}, from {most['start']:.16} on ({there})"
    st.vega_lite_chart(bars, alt=told)


def _skipped(skipped: Sequence[Mapping[str, Any]]) -> None:
    if not skipped:
        return
    told = [f"- **{plural(each['contacts'], 'contact')}**: {md(each['reason'])}" for each in skipped]
    st.warning("These would not be called.\n" + "\n".join(told), icon=":material/skip_next:")


def _compared(compared: Mapping[str, Any], there: tzinfo, *, ended: bool) -> None:
    """What was expected at Start, held against what happened."""
    until = "until it ended" if ended else "by now"
    st.subheader("Against the forecast at Start")
    done_by = "" if compared["finishes_at"] is None else f" It was to be done by {moment(_at(compared['finishes_at']), there)}."
    st.markdown(md(sentence(compared["words"]) + done_by))
    with st.grid(min_column_width=170, gap="small"):
        for label, done, expected in (("Calls", "calls", "expected_calls"), ("People reached", "reached", "expected_reached")):
            with st.container(gap="xsmall"):
                st.metric(label, f"{compared[done]:,}", border=True)
                st.caption(f"{_amount(compared[expected])} were expected {until}")


def sentence(words: str) -> str:
    """Words that begin with a small letter, as a sentence."""
    return capital(words) + ("" if words.endswith(".") else ".")


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or round(value, 1) == int(value) else f"{value:,.1f}"


def _at(written: str) -> datetime:
    return datetime.fromisoformat(written)
