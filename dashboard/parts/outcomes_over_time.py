"""How a campaign's calls ended over time, from its first call until now."""

from collections.abc import Sequence
from datetime import datetime, tzinfo

import streamlit as st

from dashboard.data import data
from dashboard.parts import charts
from dashboard.parts.analytics_plots import draw
from dashboard.parts.frame import slow
from dashboard.rows import Campaign, OutcomeSpan
from dashboard.times import zone
from dashboard.words import plural

DAY = 1440  # minutes
SPANS = {30: "half hour", 60: "hour", DAY: "day", 7 * DAY: "week"}


@slow
def outcomes_over_time(campaign: Campaign) -> None:
    """In words when most calls were made, and the plot; nothing before the first call has ended, no plot of a single span."""
    there = zone(campaign.timezone, st.context.timezone)
    if spans := data().outcomes_over_time(campaign.id, str(there)):
        st.subheader("Calls over time")
        said = busiest(spans, there)
        st.markdown(said)
        if len({each.at for each in spans}) > 1:
            draw(charts.outcomes_over_time(spans), f"Calls by {SPANS[spans[0].minutes]} and how they ended. {said}")


def busiest(spans: Sequence[OutcomeSpan], there: tzinfo) -> str:
    """How many calls ended, and in which span most of them were made."""
    made: dict[datetime, int] = {}
    for each in spans:
        made[each.at] = made.get(each.at, 0) + each.calls
    at, most = max(made.items(), key=lambda item: item[1])
    minutes, day = spans[0].minutes, f"{at:%a} {at.day} {at:%b}"
    when = f"on {day}" if minutes == DAY else f"in the {SPANS[minutes]} from {day}" + (f", {at:%H:%M}" if minutes < DAY else "")
    if len(made) == 1:
        return f"{plural(most, 'call')}, all {when} ({there})."
    return f"{plural(sum(made.values()), 'call')} by {SPANS[minutes]} ({there}); most, {most:,}, {when}."
