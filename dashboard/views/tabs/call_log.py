"""Call Log: every call of the campaign, by what came of it, and as a file."""

from collections.abc import Sequence

import streamlit as st

from dashboard.data import CallFilter, data
from dashboard.parts import export
from dashboard.parts.call_lines import draw_call_lines
from dashboard.parts.frame import Person, live
from dashboard.parts.paging import Pager
from dashboard.rows import Campaign
from dashboard.times import zone
from dashboard.words import GOAL, OUTCOME, SENTIMENT, WHO, Word, word


def show(person: Person, campaign: Campaign) -> None:
    values = data().call_filters(campaign.id)
    with st.grid(min_column_width=150):
        wanted = CallFilter(
            outcome=_choice("Outcome", OUTCOME, values.outcomes, "log_outcome"),
            who=_choice("Who was there", WHO, values.whos, "log_who"),
            goal=_choice("Goal", GOAL, values.goals, "log_goal"),
            sentiment=_choice("Sentiment", SENTIMENT, values.sentiments, "log_sentiment"),
        )
    _lines(person, campaign, wanted)
    if person.sees_numbers:
        there = zone(campaign.timezone, st.context.timezone)
        st.download_button(
            "Export as CSV",
            data=lambda: export.call_log(data().exported_calls(campaign.id, wanted), there),
            file_name=f"calls-of-campaign-{campaign.id}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            help="All calls that fit the filters, with their transcripts.",
        )


def _choice(label: str, table: dict[str, Word], values: Sequence[str], key: str) -> str | None:
    chosen: str | None = st.selectbox(
        label, values, index=None, placeholder="Any", format_func=lambda code: word(table, code).label, key=key, persist_state="page"
    )
    return chosen


@live
def _lines(person: Person, campaign: Campaign, wanted: CallFilter) -> None:
    pager = Pager(f"calls_{campaign.id}", wanted)
    lines = pager.read(lambda after_id: data().calls(campaign.id, wanted, after_id), lambda line: line.id)
    if lines:
        draw_call_lines(person, lines, zone(campaign.timezone, st.context.timezone))
    elif wanted == CallFilter():
        st.info(
            "No calls yet. Once the campaign is started, each call appears here with its outcome and transcript.", icon=":material/call:"
        )
    else:
        st.info("No call fits. Change the filters above.", icon=":material/search_off:")
    pager.controls("Calls")
