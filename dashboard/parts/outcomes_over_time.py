"""How a campaign's calls ended over time, from its first call until now."""

from collections.abc import Sequence
from datetime import tzinfo

import streamlit as st

from dashboard.data import data
from dashboard.parts import charts
from dashboard.parts.analytics_plots import draw
from dashboard.parts.frame import slow
from dashboard.rows import Campaign, OutcomeSpan
from dashboard.times import zone
from dashboard.words import plural

SPANS = {30: "half hour", 60: "hour", 1440: "day", 10080: "week"}


@slow
def outcomes_over_time(campaign: Campaign) -> None:
    """The plot, and in words when most calls were made; nothing before the first call has ended."""
    there = zone(campaign.timezone, st.context.timezone)
    if spans := data().outcomes_over_time(campaign.id, str(there)):
        st.subheader("Calls over time")
        said = busiest(spans, there)
        st.markdown(said)
        draw(charts.outcomes_over_time(spans), f"Calls by {SPANS[spans[0].minutes]} and how they ended. {said}")


def busiest(spans: Sequence[OutcomeSpan], there: tzinfo) -> str:
    """How many calls ended, and in which span most of them were made."""
    made: dict[str, int] = {}
    hours = spans[0].minutes < 1440
    for each in spans:
        named = f"{each.at:%a} {each.at.day} {each.at:%b}" + (f", {each.at:%H:%M}" if hours else "")
        made[named] = made.get(named, 0) + each.calls
    when, most = max(made.items(), key=lambda item: item[1])
    span = SPANS[spans[0].minutes]
    if len(made) == 1:
        return f"{plural(most, 'call')}, all in the {span} from {when} ({there})."
    return f"{plural(sum(made.values()), 'call')} by {span} ({there}); most, {most:,}, in the {span} from {when}."
