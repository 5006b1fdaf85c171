"""A conversation as it was heard: who said what, when, and where somebody was cut off."""

from collections.abc import Sequence

import streamlit as st

from dashboard.times import offset
from dashboard.words import md
from db.rows import TurnRow

_STAGES = {"end_of_turn": "end of turn", "recognition": "recognition", "brain": "thinking", "voice": "voice"}


def transcript(turns: Sequence[TurnRow], callee: str) -> None:
    """The turns as a conversation. `callee`: how to call the person, as markdown."""
    for turn in turns:
        by_agent = turn.speaker == "agent"
        with st.chat_message("ai" if by_agent else "human", avatar=":material/support_agent:" if by_agent else ":material/person:"):
            st.markdown(f"**{'Agent' if by_agent else callee}** &ensp; :gray[{_when(turn)}]")
            st.markdown(md(turn.text) + (" :orange-badge[:material/content_cut: cut off here]" if turn.cut_off else ""))


def _when(turn: TurnRow) -> str:
    said = f"{offset(turn.start_ms)} to {offset(turn.end_ms)}"
    total = turn.latency_ms.get("total")
    if total is None:
        return said
    return f"{said} · answered after {total:,} ms"


def latency_rows(turns: Sequence[TurnRow]) -> list[dict[str, str]]:
    """The agent's answers with the time that each stage took, for a table; stages that nobody measured are left out."""
    answers = [turn for turn in turns if turn.speaker == "agent" and turn.latency_ms]
    stages = [name for name in _STAGES if any(name in turn.latency_ms for turn in answers)]
    return [
        {"At": offset(turn.start_ms)}
        | {_STAGES[name].capitalize() + " (ms)": _ms(turn.latency_ms.get(name)) for name in stages}
        | {"Total (ms)": _ms(turn.latency_ms.get("total"))}
        for turn in answers
    ]


def _ms(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
