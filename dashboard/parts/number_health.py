"""How many of a number's calls are answered, day by day: a number whose rate falls may have been marked as spam."""

from collections.abc import Sequence

import streamlit as st

from dashboard.parts import charts
from dashboard.parts.analytics_plots import LETTERS
from dashboard.reads.phone_numbers import DAYS, Day

ENOUGH_CALLS = 20  # below that a day's rate says little
FALL = 0.5  # of the rate of the days before


def rate(days: Sequence[Day]) -> float | None:
    """Share of the calls that were answered, from 0 to 1; None without calls."""
    calls = sum(day.calls for day in days)
    return sum(day.answered for day in days) / calls if calls else None


def has_fallen(days: Sequence[Day]) -> bool:
    """Whether the last day with enough calls was answered at most half as often as all days before it together."""
    enough = [day for day in days if day.calls >= ENOUGH_CALLS]
    last, before = rate(enough[-1:]), rate(enough[:-1])
    return last is not None and before is not None and last <= before * FALL


def short(days: Sequence[Day]) -> str:
    """The health of a number in a line."""
    share = rate(days)
    if share is None:
        return f"No calls in {DAYS} days"
    fallen = " · :orange-badge[:material/trending_down: Falling]" if has_fallen(days) else ""
    return f"**{share:.0%}** answered in {DAYS} days{fallen}"


def health(days: Sequence[Day], zone: str) -> None:
    """The rate of the last days as a small chart, and its numbers."""
    st.subheader("Answer rate")
    share = rate(days)
    if share is None:
        st.info(
            f"No calls of campaigns in the last {DAYS} days. Once there are some, their answer rate is shown here.", icon=":material/call:"
        )
        return
    calls, answered = sum(day.calls for day in days), sum(day.answered for day in days)
    st.metric(
        f"Last {DAYS} days",
        f"{share:.0%}",
        border=True,
        help=f"{answered:,} of {calls:,} calls answered.",
    )
    if len(days) > 1:
        _plot(days)
    if has_fallen(days):
        st.warning(
            "The answer rate has fallen by half or more. Carriers may be showing this number as spam: call less from it, or use another "
            "one and ask the carrier to have it checked.",
            icon=":material/trending_down:",
        )
    lines = [
        {
            "Day": f"{day.day:%a} {day.day.day} {day.day:%b %Y}",
            "Calls": day.calls,
            "Answered": day.answered,
            "Rate": f"{day.answered / day.calls:.0%}",
        }
        for day in reversed(days)
    ]
    st.dataframe(
        lines, hide_index=True, alt="Calls, and how many of them were answered, on each day", height="content" if len(lines) < 8 else 320
    )
    st.caption(f"Days of {zone} with calls, newest first.")


def _plot(days: Sequence[Day]) -> None:
    """The rate of each day as a line; its numbers stand in the table below."""
    chart = charts.line([(day.day, "Answered", day.answered / day.calls) for day in days], "Calls answered", "day", format_=".0%")
    if st.context.theme.type == "light":  # Streamlit's letters would be too pale
        chart = chart.configure_axis(labelColor=LETTERS, titleColor=LETTERS)
    st.altair_chart(chart, alt="The share of calls that were answered, by day")
