"""A test call: the agent calls a number that one types, and one watches what becomes of it."""

from typing import Any

import streamlit as st

from dashboard.commands import CommandRefused, commands
from dashboard.data import data
from dashboard.errands import begun, done, errand
from dashboard.parts.agent_preview import Sample
from dashboard.parts.frame import live
from dashboard.parts.status import badge
from dashboard.reads.agents import Agent
from dashboard.rows import Call
from dashboard.words import CALL_STATE, END_REASON, OUTCOME, md, plain, word


def test_call(agent: Agent, values: Sample, *, changed: bool) -> None:
    """The form, and the call that it placed."""
    numbers = data().phone_numbers()
    st.subheader("Let it call a phone")
    st.write("The agent calls you, or whomever you name, at once. Do-not-call list and calling rates hold as for any call.")
    if changed:
        st.info(f"It calls with version {agent.version}, as it is saved. Save your changes to try them.", icon=":material/info:")
    if not numbers:
        st.warning("There is no phone number to call from. Add one on the Phone Numbers page first.", icon=":material/dialpad:")
        return
    with st.form(f"test_call_form_{agent.id}", border=True, width=560, enter_to_submit=False):
        number = st.text_input(
            "Number to call", placeholder="+1 415 555 0123", type="phone", key="test_call_number", help="With the country code."
        )
        caller = st.selectbox("Call from", numbers, format_func=lambda choice: choice.label)
        sample_line(values)
        sent = st.form_submit_button("Call now", type="primary", icon=":material/call:", key="test_call_now")
    if sent or begun(_placing(agent)) is not None:
        others = {name: value for name, value in values.items() if name != "contact_name" and value.strip()}
        called = {"number": (number or "").strip(), "phone_number_id": str(caller.id)}
        _place(agent, {**called, "contact_name": values.get("contact_name", ""), "variables": others})
    if (placed := st.session_state.get(_kept(agent))) is not None:
        _follow(placed)


def _place(agent: Agent, wanted: dict[str, Any]) -> None:
    """Places the call. A refusal leaves the one before in sight: a second click on the button is refused, and the first call goes on."""
    if not wanted["number"]:
        st.error("Enter the number to call, with the country code.", icon=":material/error:")
        return
    api = commands()
    try:
        st.session_state[_kept(agent)] = errand(_placing(agent), wanted).send(lambda once: api.test_call(agent.id, wanted, once))
    except CommandRefused as refused:
        st.error(f"The call was not made: {md(str(refused))}.", icon=":material/phone_disabled:")
    else:
        done(_placing(agent))


@live
def _follow(call_id: int) -> None:
    """How far the call is, until it has ended."""
    call = data().call(call_id)
    if call is None:
        st.info("The call was withdrawn before anybody was called.", icon=":material/undo:")
        return
    came_of(call)


def came_of(call: Call) -> None:
    """How far a call is, and the way to its record."""
    with st.container(border=True, width=560):
        badge(word(OUTCOME, call.outcome) if call.outcome else word(CALL_STATE, call.state))
        if call.end_reason:
            st.write(md(END_REASON.get(call.end_reason) or plain(call.end_reason)) + ".")
        st.page_link("views/call.py", label="Open this call", icon=":material/open_in_new:", query_params={"id": str(call.id)})


def sample_line(values: Sample) -> None:
    """What the texts of the call are filled with."""
    said = "; ".join(f"{plain(name)}: {value}" for name, value in values.items() if value.strip())
    st.caption(f"The texts are filled with the sample contact of the Preview tab. {md(said)}")


def _placing(agent: Agent) -> str:
    return f"test_call_placing_{agent.id}"


def _kept(agent: Agent) -> str:
    return f"test_call_{agent.id}"
