"""Talking to an agent in the browser: a call without a phone, on a page of its own, and what becomes of it."""

import streamlit as st

from dashboard.commands import CommandRefused, commands
from dashboard.data import data
from dashboard.errands import begun, done, errand
from dashboard.parts.agent_preview import Sample
from dashboard.parts.agent_test_call import came_of, sample_line
from dashboard.parts.frame import live
from dashboard.parts.status import badge
from dashboard.reads.agents import Agent
from dashboard.words import Word, md

WAITS = Word("Waits for you", ":material/headset_mic:", "blue", "It begins when its page is open, and ends by itself if nobody comes.")
_WAITING = ("planned", "requested", "unknown", "ringing")


def talk(agent: Agent, values: Sample, *, changed: bool) -> None:
    """The button, and the call that was begun with it."""
    st.subheader("Talk to it in the browser")
    st.write(
        "You are the callee, and no phone rings. The call opens in a new tab, which asks for your microphone; with headphones the agent "
        "does not hear itself. The call is recorded and kept like any other."
    )
    if changed:
        st.info(f"You talk to version {agent.version}, as it is saved. Save your changes to try them.", icon=":material/info:")
    sample_line(values)
    pressed = st.button("Begin a call in the browser", type="primary", icon=":material/headset_mic:", key="talk_begin")
    if pressed or begun(_beginning(agent)) is not None:
        _begin(agent, values)
    if (call := st.session_state.get(_kept(agent))) is not None:
        _follow(*call)


def _begin(agent: Agent, values: Sample) -> None:
    """Begins the call. A refusal leaves the one before in sight: one talks on that, or waits for its end."""
    others = {name: value for name, value in values.items() if name != "contact_name" and value.strip()}
    wanted = {"contact_name": values.get("contact_name", ""), "variables": others}
    api = commands()
    try:
        st.session_state[_kept(agent)] = errand(_beginning(agent), wanted).send(lambda once: api.browser_call(agent.id, wanted, once))
    except CommandRefused as refused:
        st.error(f"The call was not begun: {md(str(refused))}.", icon=":material/phone_disabled:")
    else:
        done(_beginning(agent))


@live
def _follow(call_id: int, page: str) -> None:
    """The way to the call's page while it can be talked on, and how far the call is."""
    call = data().call(call_id)
    if call is None:
        st.info("The call was withdrawn before it began.", icon=":material/undo:")
        return
    if call.state not in _WAITING:
        came_of(call)
        return
    with st.container(border=True, width=560):
        badge(WAITS)
        st.link_button("Open the call and talk", page, type="primary", icon=":material/open_in_new:")
        st.caption("It waits for a minute. Allow the microphone when the browser asks.")


def _kept(agent: Agent) -> str:
    return f"browser_call_{agent.id}"


def _beginning(agent: Agent) -> str:
    return f"beginning_browser_call_{agent.id}"
