"""What came of a call in three parts: how it ended, who was there, whether the goal was met. Each says what shows it."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

import streamlit as st

from dashboard.parts.status import badge
from dashboard.rows import Call
from dashboard.times import moment, offset
from dashboard.words import END_REASON, ENDED_BY, GOAL, OUTCOME, SENTIMENT, WHO, Word, md, plain, word
from db.rows import TurnRow


def result(call: Call, turns: Sequence[TurnRow]) -> None:
    """The three parts, side by side, of a call that has ended."""
    ended, there, goal = st.columns(3)
    with ended.container(border=True, height="stretch"):
        st.caption("How it ended")
        _ending(call)
        _evidence(call.evidence.get("reason"), turns)
    with there.container(border=True, height="stretch"):
        st.caption("Who was there")
        _verdict(word(WHO, call.who), call)
        _evidence(call.evidence.get("who"), turns)
    with goal.container(border=True, height="stretch"):
        st.caption("Was the goal met?")
        _verdict(word(GOAL, call.goal), call)
        _evidence(call.evidence.get("goal"), turns)


def collected(call: Call, there: tzinfo) -> dict[str, str]:
    """What else the call brought, by name: the callee's mood, when to call back, whether never again, and each field that was asked for."""
    found = {}
    if call.sentiment_word:
        score = "" if call.sentiment is None else f" ({call.sentiment:+.2f} on a scale from -1 to 1)"
        found["Sentiment"] = word(SENTIMENT, call.sentiment_word).label + score
    if call.callback_at is not None:
        found["Call back"] = moment(call.callback_at, there)
    if call.opted_out:
        found["Do not call again"] = "asked for on this call; no campaign dials this number any more"
    return found | {plain(name): str(value) for name, value in call.fields.items()}


def _ending(call: Call) -> None:
    shown = word(OUTCOME, call.outcome)
    reason = END_REASON.get(call.end_reason or "") or plain(call.end_reason or "")
    named = call.end_reason == "supervisor"  # these words say who
    by = f" (ended by {ENDED_BY.get(call.ended_by, plain(call.ended_by))})" if call.ended_by and not named else ""
    st.markdown(f"**{md(reason or shown.label)}**{by}")
    if shown.means and not reason:
        st.caption(shown.means)
    if call.carrier_code and call.answered_at is None:
        st.caption(f"The carrier's code: {md(call.carrier_code)}")


def _verdict(shown: Word, call: Call) -> None:
    if shown.icon:
        badge(shown)
    elif call.answered_at is None:
        st.markdown("Not known: the call was not answered.")
    else:
        st.markdown("Not known: the conversation ended without a result.")


def _evidence(found: dict[str, Any] | None, turns: Sequence[TurnRow]) -> None:
    if not found or not found.get("says"):
        return
    place = found.get("turn")
    at = turns[place].start_ms if isinstance(place, int) and 0 <= place < len(turns) else found.get("at_ms")
    st.caption(f"Why: {md(str(found['says']))}" + (f" (at {offset(at)})" if isinstance(at, int) else ""))
