"""Overview: what is happening now, what came of the calls, and what keeps contacts waiting."""

import streamlit as st

from dashboard.data import data
from dashboard.parts import progress
from dashboard.parts.forecast import forecast
from dashboard.parts.frame import Person, live, shown_number, shown_text
from dashboard.parts.live_link import listen_link
from dashboard.parts.outcomes_over_time import outcomes_over_time
from dashboard.parts.status import inline
from dashboard.rows import CallFigures, Campaign, RunningCall, Tally, Waiting
from dashboard.times import clock, duration, moment, zone
from dashboard.words import CALL_STATE, GATE, OUTCOME, SPEAKER, md, percent, plain, plural, word

CALLING = ("in_progress", "pending")


def show(person: Person, campaign: Campaign) -> None:
    _now(person, campaign)
    outcomes_over_time(campaign)
    forecast(campaign)


@live
def _now(person: Person, drawn: Campaign) -> None:
    """Follows the campaign that the page was drawn for."""
    campaign = data().campaign(drawn.id) or drawn
    progress.bar(campaign)
    _totals(campaign)
    if campaign.total == 0:
        st.info("This campaign has no contacts yet. Add them under **Contacts**, then press Start.", icon=":material/person_add:")
        return
    figures = data().call_figures(campaign.id)
    if figures.ended or figures.running:
        _figures(figures)
    elif campaign.status == "draft":
        st.info("Nothing has been called yet. Press **Start** when you are ready.", icon=":material/play_arrow:")
    calling = campaign.status in CALLING or figures.running > 0
    left, right = st.columns(2, gap="large") if calling else (st.container(), st.container())
    with left:
        if calling:
            _calls_now(person, campaign, data().running_calls(campaign.id))
            if campaign.pending and campaign.status in CALLING:
                _waiting(campaign, data().waiting(campaign.id))
    with right:
        if figures.ended:
            _outcomes(data().outcomes(campaign.id))
    there = zone(campaign.timezone, st.context.timezone)
    st.caption(f"Live. Times are in {there}.")


def _totals(campaign: Campaign) -> None:
    with st.grid(min_column_width=120, gap="small"):
        st.metric("Contacts", f"{campaign.total:,}", border=True)
        st.metric("Completed", f"{campaign.completed:,}", border=True)
        st.metric("Pending", f"{campaign.pending:,}", border=True)
        st.metric("In progress", f"{campaign.in_progress:,}", border=True)
        st.metric("Failed", f"{campaign.failed:,}", border=True)
        st.metric("Skipped", f"{campaign.skipped:,}", border=True)


def _figures(figures: CallFigures) -> None:
    with st.grid(min_column_width=170, gap="small"):
        st.metric(
            "Answer rate",
            percent(figures.answered, figures.ended),
            border=True,
            help=f"{figures.answered:,} of {figures.ended:,} calls answered.",
        )
        st.metric(
            "Goal rate",
            percent(figures.goals_met, figures.people),
            border=True,
            help=f"Goal met with {figures.goals_met:,} of {figures.people:,} people reached.",
        )
        st.metric("Average duration", duration(figures.mean_duration_ms), border=True, help="Of answered calls.")
        st.metric(
            "First word",
            "-" if figures.first_word_p50_ms is None else f"{figures.first_word_p50_ms:.0f} ms",
            border=True,
            help="From the answer to the agent's first sound: half of the calls were faster."
            + ("" if figures.first_word_p95_ms is None else f" 95% were faster than {figures.first_word_p95_ms:.0f} ms."),
        )


def _calls_now(person: Person, campaign: Campaign, running: list[RunningCall]) -> None:
    st.subheader(f"Calls now ({len(running)} of {campaign.concurrency})")
    if not running:
        st.caption("No call is in progress.")
    there = zone(campaign.timezone, st.context.timezone)
    for call in running:
        with st.container(border=True, gap="xsmall"):
            name = md(call.contact_name or shown_number(person, call.number))
            st.page_link("views/call.py", label=f"**{name}**", query_params={"id": str(call.id)}, icon=":material/call:")
            st.markdown(f"{inline(word(CALL_STATE, call.state))} since {md(clock(call.since, there))}")
            if call.last_text:
                st.caption(f"{SPEAKER.get(call.last_speaker or '', name)}: {md(shown_text(person, call.last_text))}")
            if call.state == "answered":
                listen_link(person, call.id, call.contact_name or shown_number(person, call.number))


def _waiting(campaign: Campaign, reasons: list[Waiting]) -> None:
    st.subheader("Why contacts wait")
    there = zone(campaign.timezone, st.context.timezone)
    for found in reasons:
        why = GATE.get(found.gate) or found.reason or plain(found.gate)
        again = f" Looked at again {md(moment(found.next_at, there))}." if found.next_at else ""
        many = f"More than {found.count:,} contacts" if found.at_least else plural(found.count, "contact")
        st.markdown(f"**{many}**: {md(why)}.{again}")


def _outcomes(tallies: list[Tally]) -> None:
    st.subheader("How calls ended")
    total = sum(tally.count for tally in tallies)
    with st.grid(min_column_width=300, gap="small"):
        for tally in tallies:
            shown = word(OUTCOME, tally.label)
            st.progress(tally.count / total, text=f"{shown.icon} {md(shown.label)}: **{tally.count:,}** ({percent(tally.count, total)})")
