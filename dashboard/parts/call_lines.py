"""Calls as lines of a list, each leading to its page."""

from collections.abc import Sequence
from datetime import tzinfo

import streamlit as st

from dashboard.parts.frame import Person, shown_number
from dashboard.parts.status import inline
from dashboard.rows import CallLine
from dashboard.times import duration, moment
from dashboard.words import CALL_STATE, GOAL, OUTCOME, SENTIMENT, WHO, Word, md, plain, word


def draw_call_lines(person: Person, lines: Sequence[CallLine], there: tzinfo, key: str = "call") -> None:
    """Who, when, how long, and what came of it. `key` tells two lists on one page apart."""
    for line in lines:
        with st.container(border=True, key=f"{key}_{line.id}"):
            called, came_of = st.columns([2, 5], vertical_alignment="center")
            with called:
                name = md(line.contact_name or shown_number(person, line.number))
                st.page_link("views/call.py", label=f"**{name}**", query_params={"id": str(line.id)}, icon=":material/call:")
                st.caption(f"{md(shown_number(person, line.number))} · try {line.try_}")
            with came_of:
                st.markdown(_result(line))
                st.caption(f"{md(moment(line.at, there))} · {duration(line.duration_ms)}")


def _result(line: CallLine) -> str:
    if line.state != "ended":
        return inline(word(CALL_STATE, line.state))
    parts = [inline(_outcome(line))]
    parts += [f"Who: {inline(word(WHO, line.who))}"] if line.who else []
    parts += [f"Goal: {inline(word(GOAL, line.goal))}"] if line.goal else []
    parts += [f"Sentiment: {inline(word(SENTIMENT, line.sentiment_word))}"] if line.sentiment_word else []
    parts += [inline(Word("Do not call again", ":material/block:", "red"))] if line.opted_out else []
    return "&ensp; ".join(parts)


def _outcome(line: CallLine) -> Word:
    return word(OUTCOME, line.outcome) if line.outcome else Word(plain(line.end_reason or "ended"), ":material/call_end:", "gray")
