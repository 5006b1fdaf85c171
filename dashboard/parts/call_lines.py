"""Calls as lines of a list, each leading to its page."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo

import streamlit as st

from dashboard.parts.frame import Person, shown_number
from dashboard.parts.status import inline
from dashboard.rows import CallLine
from dashboard.times import duration, moment
from dashboard.words import CALL_STATE, GOAL, OUTCOME, SENTIMENT, WHO, Word, md, plain, word

# Outcomes whose words already say who was there.
IMPLIED = {"person": ("human",), "voicemail_message": ("voicemail",), "voicemail_no_message": ("voicemail",)}


def draw_call_lines(person: Person, lines: Sequence[CallLine], there: tzinfo, key: str = "log") -> None:
    """Who, when, how long, and what came of it. `key` tells two lists on one page apart."""
    with st.container(gap="xsmall"):
        for line in lines:
            with st.container(border=True, key=f"call_line_{key}_{line.id}"):
                _line(person, line, there)


def _line(person: Person, line: CallLine, there: tzinfo) -> None:
    number = shown_number(person, line.number)
    called, came_of = st.columns([2, 5], vertical_alignment="center")
    with called.container(gap=None):
        st.page_link("views/call.py", label=f"**{md(line.contact_name or number)}**", query_params={"id": str(line.id)})
        st.caption(f"{md(number)} · try {line.try_}")
    with came_of.container(gap=None):
        st.markdown(_result(line))
        length = "" if line.duration_ms is None else f" · {duration(line.duration_ms)}"
        st.caption(md(moment(line.at, there)) + length)


def _result(line: CallLine) -> str:
    if line.state != "ended":
        return inline(word(CALL_STATE, line.state))
    parts = [_outcome(line)]
    parts += [word(WHO, line.who)] if line.who and line.who not in IMPLIED.get(line.outcome or "", ()) else []
    if line.goal:
        goal = word(GOAL, line.goal)
        parts.append(replace(goal, label=f"Goal {goal.label.lower()}"))
    parts += [word(SENTIMENT, line.sentiment_word)] if line.sentiment_word else []
    parts += [Word("Do not call again", ":material/block:", "red")] if line.opted_out else []
    return " ".join(inline(part) for part in parts)


def _outcome(line: CallLine) -> Word:
    return word(OUTCOME, line.outcome) if line.outcome else Word(plain(line.end_reason or "ended"), ":material/call_end:", "gray")
