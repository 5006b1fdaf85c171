"""One call: what came of it and why we say so, the conversation, the recording, how fast it was, what the carrier said."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo

import streamlit as st

from dashboard.data import data
from dashboard.parts import frame
from dashboard.parts.conversation import conversation
from dashboard.parts.frame import Person, live, shown_number
from dashboard.parts.latency import latency
from dashboard.parts.live_link import listen_link
from dashboard.parts.player import recording_of
from dashboard.parts.result import collected, result
from dashboard.parts.status import badge
from dashboard.parts.timeline import timeline
from dashboard.rows import Call
from dashboard.times import duration, moment, zone
from dashboard.words import CALL_STATE, OUTCOME, Word, md, word
from db.browser_line import in_the_browser
from db.rows import CallEventRow, TurnRow
from db.said_numbers import unsaid, unsaid_in

OPTED_OUT = Word("Do not call again", ":material/block:", "red", "The callee asked not to be called again: no campaign dials this number.")
REHEARSAL = Word("Rehearsal", ":material/science:", "violet", "Made on the simulated phone network.")
IN_THE_BROWSER = Word("In the browser", ":material/headset_mic:", "violet", "Somebody talked to the agent in the browser; no phone rang.")
TEST_CALL = Word("Test call", ":material/phone_forwarded:", "violet", "Made by hand to hear an agent. It belongs to no campaign.")


def show(person: Person) -> None:
    asked = st.query_params.get("id", "")
    call = data().call(int(asked)) if asked.isdecimal() else None
    if call is None:
        st.page_link("views/campaigns.py", label="All campaigns", icon=":material/arrow_back:")
        st.warning("There is no such call. Open it from the call log of its campaign.", icon=":material/search_off:")
        return
    if call.campaign_id is None:
        of_agent = {"id": str(call.agent_id)}
        st.page_link("views/agent.py", label=md(call.agent_name), icon=":material/arrow_back:", query_params=of_agent)
    else:
        back = {"id": str(call.campaign_id), "tab": "Call Log"}
        st.page_link("views/campaign.py", label=md(call.campaign_name or "Campaign"), icon=":material/arrow_back:", query_params=back)
    if call.state == "ended":
        _draw(person, call)
    else:
        _follow(person, call)


@live
def _follow(person: Person, drawn: Call) -> None:
    """A call in progress, read along."""
    call = data().call(drawn.id) or drawn
    if call.state == "ended":
        st.rerun()
    _draw(person, call)


def _draw(person: Person, call: Call) -> None:
    there = zone(call.timezone, st.context.timezone)
    turns, events = data().turns(call.id), data().events(call.id)
    if not person.sees_numbers:
        call, turns, events = _without_numbers(call, turns, events)
    _head(person, call, there)
    if call.state == "ended":
        result(call, turns)
    said, known = st.columns([3, 2], gap="large")
    with said:
        st.subheader("Conversation")
        conversation(call, turns, events, recording_of(call, there), there)
    with known:
        _about(person, call, there)
        latency(call.first_word_ms, turns)
        timeline(call, events, there)


def _without_numbers(
    call: Call, turns: Sequence[TurnRow], events: Sequence[CallEventRow]
) -> tuple[Call, list[TurnRow], list[CallEventRow]]:
    """The same without the phone numbers that were said, or noted of what was said."""
    told = replace(call, summary=unsaid(call.summary), fields=unsaid_in(call.fields), evidence=unsaid_in(call.evidence))
    said = [replace(turn, text=unsaid(turn.text)) for turn in turns]
    return told, said, [replace(event, detail=unsaid_in(event.detail)) for event in events]


def _head(person: Person, call: Call, there: tzinfo) -> None:
    number = shown_number(person, call.number)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(md(call.contact_name or number), width="content")
        badge(word(OUTCOME, call.outcome) if call.outcome else word(CALL_STATE, call.state))
        if call.opted_out:
            badge(OPTED_OUT)
        if call.campaign_id is None:
            badge(TEST_CALL)
        if call.rehearsal:
            badge(IN_THE_BROWSER if in_the_browser(call.number) else REHEARSAL)
    tried = [] if call.campaign_id is None else [f"try {call.try_}"]
    length = [] if call.duration_ms is None else [duration(call.duration_ms)]
    st.caption(" · ".join(md(part) for part in (number, moment(call.requested_at or call.planned_at, there), *tried, *length)))
    if call.state == "answered":
        listen_link(person, call.id, call.contact_name or number)
    if call.state != "ended":
        st.caption(f"{md(word(CALL_STATE, call.state).means)} This page follows the call by itself.")
    if not person.sees_numbers:
        st.caption(
            "Your role hides phone numbers, said ones too, and contacts' variables. You may read the transcript and hear the recording."
        )


def _about(person: Person, call: Call, there: tzinfo) -> None:
    st.subheader("About this call")
    if call.summary:
        st.write(md(call.summary))
    if call.campaign_id is None:
        st.markdown("A test call: made by hand to hear the agent. It belongs to no campaign and counts in none.")
    line = {} if in_the_browser(call.caller) else {"Called from": call.caller}
    known = {"Agent": f"{call.agent_name}, version {call.agent_version}", **line} | collected(call, there)
    st.markdown("  \n".join(f"{md(name)}: **{md(value)}**" for name, value in known.items()))
    if call.person_deleted_at is not None:
        st.caption(f"Name and variables of the contact were deleted on {moment(call.person_deleted_at, there)}.")
    if call.variables and person.sees_numbers:
        with st.expander("Variables of the contact"):
            st.markdown("  \n".join(f"{md(name)}: **{md(str(value))}**" for name, value in call.variables.items()))


frame.page("this call", show)
