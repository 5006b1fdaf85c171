"""Call Log: every call of the campaign, by what came of it, when it was and what was said, and as a file."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, tzinfo

import streamlit as st

from dashboard.data import CallFilter, Counted, data
from dashboard.parts import export
from dashboard.parts.call_lines import draw_call_lines
from dashboard.parts.frame import Person, live
from dashboard.parts.paging import Pager
from dashboard.rows import Campaign
from dashboard.times import zone
from dashboard.words import GOAL, OUTCOME, SENTIMENT, WHO, Word, plural, word


def show(person: Person, campaign: Campaign) -> None:
    there = zone(campaign.timezone, st.context.timezone)
    wanted = _filter(campaign, there)
    if wanted is None:
        return
    _lines(person, campaign, wanted, _counted_once(campaign, wanted))
    if person.sees_numbers:
        st.download_button(
            "Export as CSV",
            data=lambda: export.call_log(data().exported_calls(campaign.id, wanted), there),
            file_name=f"calls-of-campaign-{campaign.id}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            help="All calls that fit the filters, with their transcripts.",
        )


def _filter(campaign: Campaign, there: tzinfo) -> CallFilter | None:
    """What is asked for; None where it can't be answered, and then the page says why."""
    words = st.text_input(
        "Words of the transcript", type="search", max_chars=200, key="log_words", persist_state="page",
        placeholder='appointment "call me later" -refund',
        help='All of the words; "several in a row"; one **or** the other; **-not** this one. Calls are searched once they have ended.',
    )  # fmt: skip
    values = data().call_filters(campaign.id)
    with st.grid(min_column_width=168):  # four beside each other, two on a phone
        outcome = _choice("Outcome", OUTCOME, values.outcomes, "log_outcome")
        who = _choice("Who was there", WHO, values.whos, "log_who")
        goal = _choice("Goal", GOAL, values.goals, "log_goal")
        sentiment = _choice("Sentiment", SENTIMENT, values.sentiments, "log_sentiment")
        first = st.date_input("From", None, key="log_from", persist_state="page", help=f"The first day, in {there}.")
        last = st.date_input("Until", None, key="log_until", persist_state="page", help=f"The last day, in {there}.")
    words = (words or "").strip()
    if words and not data().can_search(words):
        st.warning("There is no word in this search. Write one, such as: appointment.", icon=":material/search_off:")
        return None
    if first and last and last < first:
        st.warning(f"Until is before From. Days are those of {there}.", icon=":material/event_busy:")
        return None
    since, until = between(first, last, there)
    return CallFilter(outcome=outcome, who=who, goal=goal, sentiment=sentiment, since=since, until=until, words=words or None)


def between(first: date | None, last: date | None, there: tzinfo) -> tuple[datetime | None, datetime | None]:
    """The instants at which the first day begins and the last one is over, in the zone `there`; None where a day is left open."""
    since = None if first is None else datetime.combine(first, time(0), tzinfo=there)
    until = None if last is None else datetime.combine(last + timedelta(days=1), time(0), tzinfo=there)
    return since, until


def _choice(label: str, table: dict[str, Word], values: Sequence[str], key: str) -> str | None:
    chosen: str | None = st.selectbox(
        label, values, index=None, placeholder="Any", format_func=lambda code: word(table, code).label, key=key, persist_state="page"
    )
    return chosen


def _counted_once(campaign: Campaign, wanted: CallFilter) -> Counted | None:
    """The count where it has to be made; None where it is kept and can be read with each refresh."""
    made = wanted.words is not None or wanted.since is not None or wanted.until is not None
    return data().count_calls(campaign.id, wanted) if made else None


def how_many(counted: Counted) -> str:
    """1 call; 10,000+ calls where counting stopped there."""
    return f"{counted.calls:,}+ calls" if counted.at_least else plural(counted.calls, "call")


@live
def _lines(person: Person, campaign: Campaign, wanted: CallFilter, counted: Counted | None) -> None:
    there = zone(campaign.timezone, st.context.timezone)
    pager = Pager(f"calls_{campaign.id}", wanted)
    lines = pager.read(lambda after_id: data().calls(campaign.id, wanted, after_id), lambda line: line.id)
    if lines:
        st.markdown(f"**{how_many(counted or data().count_calls(campaign.id, wanted))}**, newest first. Times and days are in {there}.")
        draw_call_lines(person, lines, there)
    elif wanted == CallFilter():
        st.info(
            "No calls yet. Once the campaign is started, each call appears here with its outcome and transcript.", icon=":material/call:"
        )
    else:
        st.info("No call fits. Change the search, the days or the filters above.", icon=":material/search_off:")
    pager.controls("Calls")
