"""One campaign: its status and actions, and its four tabs."""

from collections.abc import Callable

import streamlit as st

from dashboard.commands import commands
from dashboard.data import data
from dashboard.parts import frame
from dashboard.parts.actions import action_buttons, rested
from dashboard.parts.frame import Person, live
from dashboard.parts.status import badge
from dashboard.parts.warnings import missing_variables
from dashboard.rows import Campaign
from dashboard.views.tabs import call_log, contacts, overview, settings
from dashboard.words import CAMPAIGN_STATUS, capital, md, word

AGENT, TEST_CALL = "views/agent.py", "Test call"
TABS: dict[str, Callable[[Person, Campaign], None]] = {
    "Overview": overview.show,
    "Contacts": contacts.show,
    "Settings": settings.show,
    "Call Log": call_log.show,
}


def show(person: Person) -> None:
    asked = st.query_params.get("id", "")
    campaign = data().campaign(int(asked)) if asked.isdecimal() else None
    st.page_link("views/campaigns.py", label="All campaigns", icon=":material/arrow_back:")
    if campaign is None:
        st.warning("There is no such campaign. It may have been deleted; the list has all there are.", icon=":material/search_off:")
        return
    _head(person, campaign)
    _watch(campaign)
    opened = st.tabs(list(TABS), key="tab", bind="query-params")
    for tab, draw in zip(opened, TABS.values(), strict=True):
        if tab.open:
            with tab:
                draw(person, campaign)


def _head(person: Person, campaign: Campaign) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="campaign_head"):
        st.title(md(campaign.name), width="content")
        badge(word(CAMPAIGN_STATUS, campaign.status))
        if campaign.rehearsal:
            st.badge(
                "Rehearsal", icon=":material/science:", color="violet", help="Calls go to the simulated phone network, to no real person."
            )
    _who_speaks(person, campaign)
    if campaign.status_reason:
        st.info(md(capital(campaign.status_reason)), icon=":material/info:")
    if person.may_operate:
        action_buttons(campaign, commands().standing(campaign.id)["allowed_actions"])
        if campaign.status in ("draft", "paused") and campaign.pending:
            missing_variables(campaign.id)


def _who_speaks(person: Person, campaign: Campaign) -> None:
    """Agent and number, and before the first call the way to hear the agent."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="campaign_ground"):
        query = {"id": str(campaign.agent_id)}
        st.page_link(AGENT, label=md(campaign.agent_name), icon=":material/record_voice_over:", query_params=query, width="content")
        number = f"{campaign.phone_number} {campaign.phone_number_label}".strip()
        st.page_link(
            "views/phone_numbers.py", label=md(number), icon=":material/dialpad:", query_params={"id": str(campaign.phone_number_id)},
            width="content",
        )  # fmt: skip
        if person.may_operate and campaign.status == "draft":
            trying = {**query, "tab": TEST_CALL}
            st.page_link(AGENT, label="Make a test call", icon=":material/phone_forwarded:", query_params=trying, width="content")


@live
def _watch(drawn: Campaign) -> None:
    """Draws the whole page anew when the status has changed, for other actions are allowed then, or when they have rested."""
    now = data().campaign(drawn.id)
    if rested() or now is None or (now.status, now.status_reason, now.version) != (drawn.status, drawn.status_reason, drawn.version):
        st.rerun()


frame.page("this campaign", show)
