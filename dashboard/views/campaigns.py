"""All campaigns: how each is doing, and the way to a new one."""

import streamlit as st

from dashboard.data import CampaignFilter, data
from dashboard.parts import frame, progress
from dashboard.parts.frame import Person, live
from dashboard.parts.paging import Pager
from dashboard.parts.status import badge
from dashboard.rows import CampaignLine
from dashboard.times import moment, zone
from dashboard.words import CAMPAIGN_STATUS, capital, md, percent, plural, word

NEW = "views/new_campaign.py"


def show(person: Person) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.title("Campaigns", width="content")
        if person.may_operate and st.button("Create campaign", type="primary", icon=":material/add:"):
            st.switch_page(NEW, query_params={})  # none named, it refuses to leave a search that is in the address
    if not data().any_campaign():
        _first_steps(person)
        return
    search, statuses, by_name = _filters()
    _list(CampaignFilter(tuple(statuses), search, by_name))


def _first_steps(person: Person) -> None:
    with st.container(border=True):
        st.subheader("No campaigns yet")
        st.write("A campaign calls a list of contacts with one of your voice agents.")
        if person.may_operate:
            st.write("Choose **Create campaign**: name it, say when and how fast to call, and upload your contacts as a CSV file.")
        else:
            st.write("Once an operator has created one, you will see it here.")


def _filters() -> tuple[str, list[str], bool]:
    searching, ordering = st.columns([4, 1.2], vertical_alignment="bottom")
    search = searching.text_input("Search", placeholder="Campaign or agent", type="search", live=True, key="q", bind="query-params") or ""
    order = ordering.selectbox("Order", ["Newest first", "By name"], key="order", persist_state="page")
    statuses = st.pills(
        "Status",
        list(CAMPAIGN_STATUS),
        selection_mode="multi",
        format_func=lambda code: CAMPAIGN_STATUS[code].label,
        key="status",
        persist_state="page",
        wrap=True,
    )
    return search, list(statuses or []), order == "By name"


@live
def _list(wanted: CampaignFilter) -> None:
    pager = Pager("campaigns", wanted)
    lines = pager.read(lambda after: data().campaigns(wanted, after), lambda line: line)
    if not lines:
        st.info("No campaign fits. Change the search or the status above.", icon=":material/search_off:")
    with st.container(gap="xsmall"):
        for line in lines:
            _line(line)
    pager.controls("Campaigns")


def _line(line: CampaignLine) -> None:
    with st.container(border=True, key=f"campaign_line_{line.id}"):
        named, state, far, answered = st.columns([3, 1.6, 3, 2], vertical_alignment="center")
        with named.container(gap=None):
            st.page_link("views/campaign.py", label=f"**{md(line.name)}**", query_params={"id": str(line.id)})
            st.caption(f"Agent: {md(line.agent_name)}")
        with state:
            badge(word(CAMPAIGN_STATUS, line.status))
        with far:
            progress.bar(line)
        with answered.container(gap=None):
            st.markdown(_answered(line))
            st.caption(_next(line))


def _answered(line: CampaignLine) -> str:
    if line.calls_ended == 0:
        return "No calls yet"
    return f"**{percent(line.calls_answered, line.calls_ended)}** of {line.calls_ended:,} calls answered"


def _next(line: CampaignLine) -> str:
    """What happens next, or what keeps it from happening."""
    there = zone(line.timezone, st.context.timezone)
    if line.status == "draft":
        return "Ready to start" if line.total else "Next: add contacts"
    if line.status_reason:
        return md(capital(line.status_reason))
    if line.status == "pending" and line.scheduled_start:
        return f"Starts {md(moment(line.scheduled_start, there))}"
    if line.next_retry_at and line.status == "in_progress" and line.in_progress == 0:
        return f"Next try {md(moment(line.next_retry_at, there))}"
    if line.in_progress:
        return f"Now: {plural(line.in_progress, 'call')} in progress"
    return f"Created {md(moment(line.created_at, there))}"


frame.page("your campaigns", show)
