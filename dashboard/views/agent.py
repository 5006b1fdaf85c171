"""One agent: its texts and script, how they read and sound, its versions, and a call to try it out."""

from collections.abc import Sequence

import streamlit as st

from dashboard.commands import CommandRefused, commands
from dashboard.errands import begun, done, errand
from dashboard.parts import agent_draft, agent_form, agent_preview, confirm, frame
from dashboard.parts.agent_draft import Draft
from dashboard.parts.agent_gallery import MAKING
from dashboard.parts.agent_graph import dot, in_words
from dashboard.parts.agent_talk import talk
from dashboard.parts.agent_test_call import test_call
from dashboard.parts.agent_texts import Definition
from dashboard.parts.agent_versions import versions
from dashboard.parts.frame import Person, say_and_rerun
from dashboard.reads import agents as reads
from dashboard.reads.agents import Agent, AgentCampaign
from dashboard.words import md, plural

EDIT, PREVIEW, SCRIPT, VERSIONS, TEST_CALL = "Edit", "Preview", "Script", "Versions", "Test call"


def show(person: Person) -> None:
    done(MAKING)
    asked = st.query_params.get("id", "")
    agent = reads.agent(int(asked)) if asked.isdecimal() else None
    st.page_link("views/agents.py", label="All agents", icon=":material/arrow_back:")
    if agent is None:
        st.warning("There is no such agent. It may have been deleted; the list has all there are.", icon=":material/search_off:")
        return
    campaigns = reads.campaigns_of(agent.id)
    with st.container(horizontal=True, vertical_alignment="center", key="agent_head"):
        st.title(md(agent.name), width="content")
        st.badge(f"Version {agent.version}", icon=":material/history:", color="gray")
    if person.may_operate:
        _operate(person, agent, campaigns)
    else:
        _look(person, agent, campaigns)


def _look(person: Person, agent: Agent, campaigns: Sequence[AgentCampaign]) -> None:
    st.info("Your role can look at agents, not change them.", icon=":material/lock:")
    reading, script, kept = st.tabs([PREVIEW, SCRIPT, VERSIONS], key="tab", bind="query-params")
    with reading:
        agent_preview.preview(agent.definition, agent_preview.sample(agent, agent.definition))
    with script:
        _script(agent.definition)
    with kept:
        versions(person, agent, campaigns)


def _operate(person: Person, agent: Agent, campaigns: Sequence[AgentCampaign]) -> None:
    """All tabs are drawn, open or not: what is typed in one is read in the others."""
    draft = agent_draft.begun(agent)
    if (saved := begun(_saving(draft))) is not None:
        _go_on(agent, saved.result())
    actions = st.container()
    edit, reading, script, kept, calling = st.tabs([EDIT, PREVIEW, SCRIPT, VERSIONS, TEST_CALL], key="tab", bind="query-params")
    with edit:
        fields, found = st.columns([3, 2], gap="large")
        with fields:
            name, edited = agent_form.fields(draft)
        with found:
            agent_preview.found(edited)
    changed = (name, edited) != (agent.name, agent.definition)
    with reading:
        left, right = st.columns(2, gap="large")
        with right:
            sample = agent_preview.sample(agent, edited)
            agent_preview.greeting(agent, sample, changed=changed)
        with left:
            agent_preview.preview(edited, sample)
    with script:
        _script(edited)
    with kept:
        versions(person, agent, campaigns)
    with calling:
        talk(agent, sample, changed=changed)
        test_call(agent, sample, changed=changed)
    with actions:
        _actions(agent, draft, name, edited, campaigns, changed=changed)


def _script(definition: Definition) -> None:
    if not definition.get("script"):
        st.info("This agent has no script: a language model decides what to say next.", icon=":material/forum:")
        return
    st.graphviz_chart(dot(definition), width="content", alt="The script as a graph; the same in words is below")
    with st.expander("The same in words", expanded=True):
        st.markdown("\n".join(f"- {line}" for line in in_words(definition)))
        st.caption("At any time the callee may ask who is calling, ask to be called later, or not to be called again.")


def _actions(agent: Agent, draft: Draft, name: str, edited: Definition, campaigns: Sequence[AgentCampaign], *, changed: bool) -> None:
    standing = [each for each in campaigns if not each.over]
    if draft.version != agent.version:
        st.warning(
            f"Somebody else has saved version {agent.version} since you began. Yours can't be saved over theirs.", icon=":material/group:"
        )
        st.button("Show theirs, and drop mine", on_click=agent_draft.drop, args=(agent.id,), icon=":material/refresh:", key="take_theirs")
    with st.container(horizontal=True, vertical_alignment="center"):
        saving = st.button(f"Save as version {agent.version + 1}", type="primary", icon=":material/save:", key="save_agent")
        deleting = st.button("Delete", icon=":material/delete:", key="delete_agent", disabled=bool(standing))
        if changed:
            st.badge("Not saved yet", icon=":material/edit:", color="orange")
    if standing:
        kept = ", ".join(md(each.name) for each in standing[:3]) + (f" and {len(standing) - 3} more" if len(standing) > 3 else "")
        many = plural(len(standing), "campaign that is", "campaigns that are")
        st.caption(f"Used by {many} not over: {kept}. So it can't be deleted.")
    if saving:
        _save(agent, draft, name, edited, changed=changed)
    if deleting:
        loses = (
            f"**{md(agent.name)}** will be gone from the list, with its {plural(agent.version, 'version')}. Calls that it made are kept."
        )
        confirm.ask(
            "Delete this agent?",
            loses,
            "Delete the agent",
            lambda: commands().delete_agent(agent.id),
            f"Deleted: {md(agent.name)}",
            then="views/agents.py",
        )


def _save(agent: Agent, draft: Draft, name: str, edited: Definition, *, changed: bool) -> None:
    if not changed:
        st.info("Nothing was changed, so there is nothing to save.", icon=":material/info:")
        return
    if not name.strip():
        st.error("Give the agent a name.", icon=":material/error:")
        return
    try:
        api = commands()
        saving = errand(_saving(draft), (name, edited))
        made = saving.send(lambda _once: api.change_agent(agent.id, name.strip(), edited, draft.version))
    except CommandRefused as refused:
        st.error(md(str(refused)), icon=":material/error:")
        return
    _go_on(agent, made)


def _saving(draft: Draft) -> str:
    return f"saving_{draft.key}"


def _go_on(agent: Agent, made: int) -> None:
    """After a version was made, in this run of the page or in one before: from here on the fields are those of the newest."""
    agent_draft.drop(agent.id)
    say_and_rerun(f"Saved as version {made}. Campaigns take it when they are edited")


frame.page("this agent", show)
