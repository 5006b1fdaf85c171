"""The templates that ship with the product: each becomes an agent of one's own."""

from typing import Any

import streamlit as st

from dashboard.commands import CommandRefused, commands
from dashboard.errands import begun, errand
from dashboard.parts.agent_texts import readable, variables
from dashboard.parts.frame import say
from dashboard.reads.agents import free_name
from dashboard.words import md

AGENT = "views/agent.py"
SHOWN = "show"  # key of the tab that the gallery is in
MAKING = "making_agent"  # the errand; over once the new agent's own page is drawn


def gallery() -> None:
    """A card for each template. Using one creates an agent, and leads to its texts."""
    st.write("Each says who is calling and why, asks one clear thing, and knows what to do with a mailbox. Make one yours, then edit it.")
    if (made := begun(MAKING)) is not None:
        _go_on(made.result())
    columns = st.columns(2)
    for at, each in enumerate(commands().agent_templates()):
        with columns[at % 2].container(border=True, key=f"template_{at}"):
            _card(each, f"template_{at}")


def _card(template: dict[str, Any], key: str) -> None:
    st.subheader(md(template["name"]))
    st.write(md(template["what_for"]))
    with st.container(gap=None):
        st.caption("It begins with")
        st.markdown(md(readable(template["definition"]["first_message"])))
    needed = [name for name, needs in variables(template["definition"]).items() if needs]
    st.caption(f"Each contact needs: {md(', '.join(needed))}" if needed else "No column is needed beside the phone number.")
    name = st.text_input("Name of your agent", free_name(template["name"]), key=f"{key}_name", max_chars=200) or ""
    if st.button(f"Use {md(template['name'])}", icon=":material/add:", type="primary", key=f"{key}_use"):
        _use(name.strip() or template["name"], template["definition"])


def _use(name: str, definition: dict[str, Any]) -> None:
    api = commands()
    try:
        made = errand(MAKING, (name, definition)).send(lambda once: api.create_agent(name, definition, once))
    except CommandRefused as refused:
        st.error(md(str(refused)), icon=":material/error:")
        return
    _go_on(made)


def _go_on(made: int) -> None:
    """To the agent that was made, in this run of the page or in one before."""
    say("The agent is yours: edit it here")
    st.session_state.pop(SHOWN, None)  # whoever comes back looks for their agents
    st.switch_page(AGENT, query_params={"id": str(made)})
