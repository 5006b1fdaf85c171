"""One contact by hand."""

import streamlit as st

from dashboard import drafts
from dashboard.commands import CommandRefused, commands
from dashboard.parts.agent_texts import variables
from dashboard.parts.frame import say_and_rerun
from dashboard.reads import agents
from dashboard.rows import Campaign
from dashboard.words import md

OWN = ("phone_number", "contact_name")


def agent_variables(campaign: Campaign) -> dict[str, bool]:
    """Variables of the campaign's agent, True where each contact needs it."""
    agent = agents.agent(campaign.agent_id)
    return variables(agent.definition) if agent else {}


def add_contact(campaign: Campaign, key: str) -> None:
    """Phone number, name, and variables for the agent, one a line."""
    needed = [name for name, is_needed in agent_variables(campaign).items() if is_needed and name not in OWN]
    example = "\n".join(f"{name} = " for name in needed) or "appointment_date = Monday at ten"
    drafts.typed_in(f"{key}_number", f"{key}_name", f"{key}_variables")
    with st.form(f"{key}_form", border=False, enter_to_submit=False):
        number = st.text_input(
            "Phone number", placeholder="+1 415 555 0123", type="phone", key=f"{key}_number", help="With the country code."
        )
        name = st.text_input("Name", placeholder="Optional", key=f"{key}_name")
        written = st.text_area(
            "Variables for the agent", placeholder=example, key=f"{key}_variables",
            help="One a line: name = value." + (f" The agent's texts need {', '.join(needed)}." if needed else " Optional."),
        )  # fmt: skip
        sent = st.form_submit_button("Add contact", type="primary", icon=":material/person_add:")
    if not sent:
        return
    given, unread = parse_variables(written or "")
    if not (number or "").strip():
        st.error("Enter the phone number, with the country code.", icon=":material/error:")
    elif unread:
        st.error(f"This line has no equals sign: {md(unread)}. Write it as name = value.", icon=":material/error:")
    else:
        try:
            commands().add_contact(campaign.id, (number or "").strip(), (name or "").strip(), given)
        except CommandRefused as refused:
            st.error(md(str(refused)), icon=":material/error:")
        else:
            say_and_rerun("Contact added")


def parse_variables(written: str) -> tuple[dict[str, str], str]:
    """The pairs of `name = value` lines, and the first line that is none (empty where all are)."""
    pairs: dict[str, str] = {}
    for line in written.splitlines():
        name, equals, value = line.partition("=")
        if line.strip() and not (equals and name.strip()):
            return {}, line.strip()
        if line.strip():
            pairs[name.strip()] = value.strip()
    return pairs, ""
