"""Why a contact was, or was not, called: the reason now, the calls so far, and what was decided before."""

import streamlit as st

from dashboard.commands import CommandRefused, commands
from dashboard.data import data
from dashboard.parts.call_lines import draw_call_lines
from dashboard.parts.frame import Person
from dashboard.parts.status import badge
from dashboard.rows import Campaign, ContactLine
from dashboard.times import moment, zone
from dashboard.words import CONTACT_STATUS, md, plain, word

_VERDICTS = {
    "call": ":material/check: called",
    "wait": ":material/schedule: waits",
    "skip": ":material/block: never",
    "fail": ":material/block: never",
}


@st.dialog("Why?", width="large")
def why(person: Person, campaign: Campaign, contact: ContactLine) -> None:
    """Opens the answer for one contact."""
    there = zone(campaign.timezone, st.context.timezone)
    st.subheader(md(contact.name or contact.number))
    badge(word(CONTACT_STATUS, contact.status))
    if contact.variables and person.sees_numbers:
        st.caption(" · ".join(f"{md(name)}: {md(str(value))}" for name, value in contact.variables.items()))
    _now(contact)
    st.markdown("**Calls**")
    lines = data().calls_of_contact(campaign.id, contact.id)
    draw_call_lines(person, lines, there, key="why")
    if not lines:
        st.caption("Not called so far.")
    if history := data().verdicts(contact.id):
        st.markdown("**What was decided before**")
        for verdict in history:
            st.caption(f"{md(moment(verdict.at, there))}: {_VERDICTS.get(verdict.verdict, plain(verdict.verdict))}, {md(verdict.value)}")


def _now(contact: ContactLine) -> None:
    try:
        reason = str(commands().why(contact.id)["now"])
    except CommandRefused as refused:
        st.warning(md(str(refused)), icon=":material/cloud_off:")
    else:
        st.info(md(reason[:1].upper() + reason[1:]), icon=":material/help:")
