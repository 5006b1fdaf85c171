"""Analytics: what came of the calls of a range of days, when people answer, what each try brings, and who or what does best."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, tzinfo

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.parts import analytics_plots as plots
from dashboard.parts import analytics_tables as tables
from dashboard.parts import frame
from dashboard.parts.frame import Person
from dashboard.reads import analytics
from dashboard.reads.analytics import Figures, Scope, Step, Thing
from dashboard.rows import Choice
from dashboard.times import duration, zone, zones
from dashboard.words import md, percent

PERIODS = {"Last 7 days": 7, "Last 30 days": 30, "Last 90 days": 90}
CHOSEN = "Days that you choose"
KINDS = {"All": None, "Real": False, "Rehearsal": True}
THINGS: dict[str, Thing] = {"By campaign": "campaign", "By agent": "agent", "By number": "number"}


def show(person: Person) -> None:
    st.title("Analytics")
    known = analytics.ground()
    if not known.any_call:
        st.info(
            "No call has ended yet. Start a campaign: as its calls end, this page shows when people answer and what the calls bring.",
            icon=":material/insights:",
        )
        st.page_link("views/campaigns.py", label="Go to the campaigns", icon=":material/campaign:")
        return
    filters = st.grid(min_column_width=180)
    there, first, last = _days(filters, known)
    if last < first:
        st.warning(f"Until is before From. Days are those of {there}.", icon=":material/event_busy:")
        return
    scope = _scope(filters, there, first, last)
    periods = analytics.by_day(scope)
    st.caption(
        f"Calls of {first:%a} {first.day} {first:%b %Y} to {last:%a} {last.day} {last:%b %Y}. "
        f"Days and hours are those of **{md(str(there))}**. Withdrawn calls and test calls are not counted."
    )
    if not periods:
        st.info("No call fits. Choose more days, or take away a filter above.", icon=":material/search_off:")
        return
    _figures(analytics.total(periods))
    plots.when_people_answer(analytics.by_hour(scope))
    plots.what_each_try_brings(analytics.by_try(scope))
    plots.goals_and_sentiment(periods, scope.step)
    plots.duration_and_voicemail(periods, scope.step)
    plots.first_words(analytics.first_words(scope), scope.step)
    _tables(scope)


def _days(filters: DeltaGenerator, known: analytics.Ground) -> tuple[tzinfo, date, date]:
    """The zone, the first day and the last day that are asked for."""
    mine = str(zone(st.context.timezone))
    with filters:
        period = st.selectbox("Period", [*PERIODS, CHOSEN], index=1, key="analytics_period", persist_state="page")
        choices = list(dict.fromkeys([mine, *zones()]))
        there = zone(st.selectbox("Time zone", choices, key="analytics_zone", persist_state="page", help="Of the days and hours below."))
        today = known.now.astimezone(there).date()
        if period != CHOSEN:
            return there, today - timedelta(days=PERIODS[period or "Last 30 days"] - 1), today
        help_ = f"In {there}."
        first = st.date_input("From", today - timedelta(days=29), key="analytics_from", persist_state="page", required=True, help=help_)
        last = st.date_input("Until", today, key="analytics_until", persist_state="page", required=True, help=help_)
        return there, first, last


def _scope(filters: DeltaGenerator, there: tzinfo, first: date, last: date) -> Scope:
    with filters:
        campaigns = _names(analytics.campaigns())
        chosen = st.multiselect(
            "Campaigns", campaigns, format_func=campaigns.__getitem__, placeholder="All", key="analytics_campaigns", persist_state="page"
        )
        agent = _one_of("Agent", analytics.agents(), "analytics_agent")
        number = _one_of("Number", analytics.phone_numbers(), "analytics_number")
        kind = st.selectbox(
            "Calls",
            list(KINDS),
            key="analytics_kind",
            persist_state="page",
            help="Rehearsal calls went to simulated phones, to no real person.",
        )
    since = datetime.combine(first, time(0), tzinfo=there)
    until = datetime.combine(last + timedelta(days=1), time(0), tzinfo=there)
    return Scope(since, until, str(there), _step((last - first).days), tuple(chosen), agent, number, KINDS[kind or "All"])


def _one_of(label: str, choices: Sequence[Choice], key: str) -> int | None:
    names = _names(choices)
    chosen: int | None = st.selectbox(
        label, names, index=None, placeholder="All", format_func=names.__getitem__, key=key, persist_state="page"
    )
    return chosen


def _names(choices: Sequence[Choice]) -> dict[int, str]:
    return {choice.id: choice.label for choice in choices}


def _step(days: int) -> Step:
    """How long one bar lasts, so that there are about a hundred of them at most."""
    return "day" if days <= 92 else "week" if days <= 731 else "month"


def _figures(figures: Figures) -> None:
    with st.grid(min_column_width=170, gap="small"):
        st.metric("Calls", f"{figures.calls:,}", border=True, help="Calls that have ended.")
        st.metric(
            "Answered", percent(figures.answered, figures.calls), border=True, help=f"{figures.answered:,} of {figures.calls:,} calls."
        )
        st.metric("People reached", f"{figures.people:,}", border=True, help="Calls in which a person was on the line.")
        st.metric(
            "Goal rate",
            percent(figures.met, figures.people),
            border=True,
            help=f"Goal met with {figures.met:,} of {figures.people:,} people.",
        )
        st.metric("Average duration", duration(figures.mean_duration_ms), border=True, help="Of answered calls.")
        st.metric(
            "Voicemail",
            percent(figures.voicemails, figures.answered),
            border=True,
            help=f"A mailbox picked up {figures.voicemails:,} of {figures.answered:,} answered calls.",
        )
        st.metric("Opted out", f"{figures.opted_out:,}", border=True, help="Asked not to be called again.")


def _tables(scope: Scope) -> None:
    st.header("By campaign, agent and number")
    st.caption("A click on a column's name sorts by it.")
    opened = st.tabs(list(THINGS), key="figures", bind="query-params")
    for tab, (title, thing) in zip(opened, THINGS.items(), strict=True):
        if tab.open:
            with tab:
                found = analytics.by_thing(scope, thing)
                tables.draw(tables.lines(thing, found), f"the figures {title.lower()}")
                if len(found) == analytics.MOST_LINES:
                    st.caption(f"These are the {analytics.MOST_LINES} with the most calls. Choose fewer days or campaigns to see others.")


frame.page("the analytics", show)
