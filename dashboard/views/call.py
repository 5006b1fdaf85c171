"""One call: what came of it and why we say so, the conversation, the recording, how fast it was, what the carrier said."""

from datetime import tzinfo
from typing import Any

import streamlit as st

from dashboard.data import data
from dashboard.parts import frame
from dashboard.parts.frame import Person, live, shown_number
from dashboard.parts.player import player
from dashboard.parts.status import badge
from dashboard.parts.transcript import latency_rows, transcript
from dashboard.rows import Call
from dashboard.times import clock, duration, moment, offset, zone
from dashboard.words import CALL_STATE, END_REASON, ENDED_BY, GOAL, OUTCOME, SENTIMENT, WHO, Word, md, plain, word
from db.rows import CallEventRow, TurnRow


def show(person: Person) -> None:
    asked = st.query_params.get("id", "")
    call = data().call(int(asked)) if asked.isdecimal() else None
    if call is None:
        st.page_link("views/campaigns.py", label="All campaigns", icon=":material/arrow_back:")
        st.warning("There is no such call. Open it from the call log of its campaign.", icon=":material/search_off:")
        return
    if call.campaign_id is not None:
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
    turns = data().turns(call.id)
    _head(person, call, there)
    if call.state == "ended":
        _result(call, turns)
    said, known = st.columns([3, 2], gap="large")
    with said:
        _conversation(call, turns)
    with known:
        _about(person, call, there)
        _latency(turns)
        _timeline(data().events(call.id), there)


def _head(person: Person, call: Call, there: tzinfo) -> None:
    number = shown_number(person, call.number)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(md(call.contact_name or number), width="content")
        badge(word(OUTCOME, call.outcome) if call.outcome else word(CALL_STATE, call.state))
        if call.opted_out:
            badge(
                Word(
                    "Do not call again",
                    ":material/block:",
                    "red",
                    "The callee asked not to be called again: no campaign dials this number.",
                )
            )
        if call.rehearsal:
            badge(Word("Rehearsal", ":material/science:", "violet", "Made on the simulated phone network."))
    st.caption(f"{md(number)} · {md(moment(call.requested_at or call.planned_at, there))} · try {call.try_} · {duration(call.duration_ms)}")


def _result(call: Call, turns: list[TurnRow]) -> None:
    ended, there, goal = st.columns(3)
    with ended.container(border=True, height="stretch"):
        st.caption("How it ended")
        reason = END_REASON.get(call.end_reason or "") or plain(call.end_reason or call.outcome or "ended")
        by = f" (ended by {ENDED_BY.get(call.ended_by, plain(call.ended_by))})" if call.ended_by else ""
        st.markdown(f"**{md(reason)}**{by}")
        _evidence(call.evidence.get("reason"), turns)
        if call.carrier_code and call.answered_at is None:
            st.caption(f"The carrier's code: {md(call.carrier_code)}")
    with there.container(border=True, height="stretch"):
        st.caption("Who was there")
        _verdict(word(WHO, call.who), call.who)
        _evidence(call.evidence.get("who"), turns)
    with goal.container(border=True, height="stretch"):
        st.caption("Was the goal met?")
        _verdict(word(GOAL, call.goal), call.goal)
        _evidence(call.evidence.get("goal"), turns)


def _verdict(shown: Word, code: str | None) -> None:
    if code is None:
        st.markdown("Not known: the call was not answered.")
    else:
        badge(shown)


def _evidence(found: dict[str, Any] | None, turns: list[TurnRow]) -> None:
    if not found:
        return
    place = found.get("turn")
    at = turns[place].start_ms if isinstance(place, int) and 0 <= place < len(turns) else found.get("at_ms")
    st.caption(f"Why: {md(str(found.get('says', '')))}" + (f" (at {offset(at)})" if isinstance(at, int) else ""))


def _conversation(call: Call, turns: list[TurnRow]) -> None:
    st.subheader("Conversation")
    player(call)
    if turns:
        transcript(turns, md(call.contact_name or "Callee"))
    elif call.state == "ended":
        st.info("Nothing was said on this call.", icon=":material/volume_off:")
    else:
        st.info("The conversation appears here as it is spoken.", icon=":material/hearing:")


def _about(person: Person, call: Call, there: tzinfo) -> None:
    st.subheader("About this call")
    if call.summary:
        st.write(md(call.summary))
    known = {"Agent": f"{call.agent_name}, version {call.agent_version}", "Called from": call.caller}
    if call.sentiment_word:
        score = "" if call.sentiment is None else f" ({call.sentiment:+.2f} on a scale from -1 to 1)"
        known["Sentiment"] = word(SENTIMENT, call.sentiment_word).label + score
    if call.first_word_ms is not None:
        known["First word"] = f"{call.first_word_ms:,} ms after the answer"
    if call.callback_at is not None:
        known["Call back"] = moment(call.callback_at, there)
    known |= {plain(name): str(value) for name, value in call.fields.items()}
    st.markdown("  \n".join(f"{md(name)}: **{md(value)}**" for name, value in known.items()))
    if call.variables and person.sees_numbers:
        with st.expander("Variables of the contact"):
            st.markdown("  \n".join(f"{md(name)}: **{md(str(value))}**" for name, value in call.variables.items()))


def _latency(turns: list[TurnRow]) -> None:
    if rows := latency_rows(turns):
        with st.expander("How fast the agent answered"):
            st.table(rows, border="horizontal", alt="Milliseconds from the end of the callee's speech to the agent's voice, by stage")


def _timeline(events: list[CallEventRow], there: tzinfo) -> None:
    with st.expander("Timeline", expanded=True):
        if not events:
            st.caption("Nothing has been reported yet.")
        for event in events:
            detail = ", ".join(f"{plain(name)}: {value}" for name, value in event.detail.items() if value not in (None, ""))
            st.markdown(
                f"{md(clock(event.at, there))} &ensp; **{md(plain(event.kind))}** · {md(event.source)}"
                + (f"  \n{md(detail)}" if detail else "")
            )


frame.page("this call", show)
