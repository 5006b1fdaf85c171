"""All agents: who speaks in which campaigns; and the templates to begin from."""

import streamlit as st

from dashboard.parts import frame
from dashboard.parts.agent_gallery import SHOWN, gallery
from dashboard.parts.agent_texts import readable
from dashboard.parts.frame import Person
from dashboard.parts.paging import Pager
from dashboard.reads import agents as reads
from dashboard.reads.agents import AgentLine
from dashboard.times import moment, zone
from dashboard.words import md, plural

LIST, TEMPLATES = "Your agents", "Templates"


def show(person: Person) -> None:
    st.title("Agents")
    listed, templates = st.tabs([LIST, TEMPLATES], key=SHOWN, bind="query-params")
    if listed.open:
        with listed:
            _list(person)
    if templates.open:
        with templates:
            if person.may_operate:
                gallery()
            else:
                st.info("Your role can look at agents, not create them.", icon=":material/lock:")


def _list(person: Person) -> None:
    if not reads.any_agent():
        _first_steps(person)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input("Search", placeholder="Name of an agent", type="search", live=True, key="q", bind="query-params") or ""
        if person.may_operate:
            _to_templates("New agent")
    pager = Pager("agents", search)
    lines = pager.read(lambda after: reads.agents(search, after), lambda line: line)
    if not lines:
        st.info("No agent fits. Change the search above.", icon=":material/search_off:")
    with st.container(gap="xsmall"):
        for line in lines:
            _line(line)
    pager.controls("Agents")


def _first_steps(person: Person) -> None:
    with st.container(border=True):
        st.subheader("No agents yet")
        st.write("An agent is who speaks in a call: its first message, its questions, what it leaves on a mailbox.")
        if person.may_operate:
            st.write("Begin with a template: a reminder, a follow-up, a survey, a notification or a collection call.")
            _to_templates("See the templates")
        else:
            st.write("Once an operator has created one, you will see it here.")


def _to_templates(label: str) -> None:
    st.button(label, type="primary", icon=":material/add:", key="to_templates", on_click=_open_templates)


def _open_templates() -> None:
    st.session_state[SHOWN] = TEMPLATES


def _line(line: AgentLine) -> None:
    with st.container(border=True, key=f"agent_line_{line.id}"):
        named, version, used = st.columns([3, 1.6, 3], vertical_alignment="center")
        with named.container(gap=None):
            st.page_link("views/agent.py", label=f"**{md(line.name)}**", query_params={"id": str(line.id)})
            st.caption(md(readable(line.goal)) or "No goal is written down.")
        with version.container(gap=None):
            st.markdown(f"Version {line.version}")
            st.caption(md(moment(line.updated_at, zone(st.context.timezone))))
        used.markdown(_used(line))


def _used(line: AgentLine) -> str:
    if not line.campaigns:
        return "No campaign uses it yet"
    named = ", ".join(md(name) for name in line.newest)
    more = line.campaigns - len(line.newest)
    return f"**{plural(line.campaigns, 'campaign')}** ({line.standing:,} not over): {named}" + (f" and {more:,} more" if more else "")


frame.page("your agents", show)
