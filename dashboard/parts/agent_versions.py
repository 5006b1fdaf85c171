"""Versions of an agent: which campaigns use which, what each said, and the way back to one."""

from collections.abc import Sequence

import streamlit as st

from dashboard.commands import CommandRefused, commands
from dashboard.parts import agent_draft
from dashboard.parts.agent_texts import differences
from dashboard.parts.frame import Person, say_and_rerun
from dashboard.parts.paging import Pager
from dashboard.parts.status import inline
from dashboard.reads import agents as reads
from dashboard.reads.agents import Agent, AgentCampaign, AgentVersion
from dashboard.times import moment, zone
from dashboard.words import CAMPAIGN_STATUS, md, plural, word

NAMED = 6


def versions(person: Person, agent: Agent, campaigns: Sequence[AgentCampaign]) -> None:
    """All versions, newest first."""
    st.write("Each save makes a new version. A campaign keeps the version that it has, until somebody edits its settings.")
    pager = Pager(f"versions_{agent.id}", agent.version)
    for found in pager.read(lambda before: reads.versions(agent.id, before), lambda version: version.version):
        with st.container(border=True):
            _version(person, agent, found, [each for each in campaigns if each.agent_version == found.version])
    pager.controls("Versions")


def _version(person: Person, agent: Agent, found: AgentVersion, campaigns: Sequence[AgentCampaign]) -> None:
    newest = found.version == agent.version
    made = md(moment(found.created_at, zone(st.context.timezone)))
    st.markdown(f"**Version {found.version}**{' (newest)' if newest else ''} · {made}")
    _used_by(campaigns)
    if newest:
        return
    changed = differences(found.definition, agent.definition)
    with st.expander(f"Version {found.version}: {plural(len(changed), 'text')} not as in the newest"):
        for place, was, now in changed:
            with st.container(gap=None):
                st.caption(md(place))
                st.markdown(f"Version {found.version}: {md(was) or 'nothing'}  \nNewest: {md(now) or 'nothing'}")
        if not changed:
            st.write("The spoken texts are the same; other settings may differ.")
    if person.may_operate and st.button(f"Restore version {found.version}", icon=":material/history:", key=f"restore_{found.version}"):
        _restore(agent, found)


def _used_by(campaigns: Sequence[AgentCampaign]) -> None:
    if not campaigns:
        st.caption("No campaign uses it.")
        return
    for each in campaigns[:NAMED]:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.page_link("views/campaign.py", label=md(each.name), query_params={"id": str(each.id)}, width="content")
            st.markdown(inline(word(CAMPAIGN_STATUS, each.status)), width="content")
    if len(campaigns) > NAMED:
        st.caption(f"and {plural(len(campaigns) - NAMED, 'more campaign')}")


def _restore(agent: Agent, found: AgentVersion) -> None:
    try:
        made = commands().change_agent(agent.id, agent.name, found.definition, agent.version)
    except CommandRefused as refused:
        st.error(md(str(refused)), icon=":material/error:")
    else:
        agent_draft.drop(agent.id)
        say_and_rerun(f"Version {found.version} is back, as version {made}")
