"""How fast the agent was on one call: its first word, its answers, and the silences between."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import streamlit as st

from dashboard.times import offset
from dashboard.words import plural
from db.rows import TurnRow

FIGURE_WIDTH = 135  # px: two beside each other, also on a phone held upright
_STAGES = {"end_of_turn": "end of turn", "recognition": "recognition", "brain": "thinking", "voice": "voice"}


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody spoke for `lasts_ms`, from `from_ms` of the conversation on."""

    from_ms: int
    lasts_ms: int


def answer_times(turns: Sequence[TurnRow]) -> list[int]:
    """How long each measured answer of the agent took, in ms from the end of the callee's speech."""
    return [turn.latency_ms["total"] for turn in turns if turn.speaker == "agent" and turn.latency_ms.get("total") is not None]


def longest_silence(turns: Sequence[TurnRow]) -> Silence | None:
    """The longest time between two turns in which neither spoke; None where there is none."""
    longest, ends = None, None
    for turn in sorted(turns, key=lambda each: each.start_ms):
        if ends is not None and turn.start_ms - ends > (longest.lasts_ms if longest else 0):
            longest = Silence(ends, turn.start_ms - ends)
        ends = max(ends or 0, turn.end_ms)
    return longest


def stage_rows(turns: Sequence[TurnRow]) -> list[dict[str, str]]:
    """The agent's answers with the time that each stage took, for a table; stages that nobody measured are left out."""
    answers = [turn for turn in turns if turn.speaker == "agent" and turn.latency_ms]
    stages = [name for name in _STAGES if any(name in turn.latency_ms for turn in answers)]
    return [
        {"At": offset(turn.start_ms)}
        | {f"{_STAGES[name].capitalize()} (ms)": _ms(turn.latency_ms.get(name)) for name in stages}
        | {"Total (ms)": _ms(turn.latency_ms.get("total"))}
        for turn in answers
    ]


def latency(first_word_ms: int | None, turns: Sequence[TurnRow]) -> None:
    """The summary in figures, and each answer by stage; nothing where nothing was measured."""
    answers, silence = answer_times(turns), longest_silence(turns)
    figures = []
    if first_word_ms is not None:
        figures.append(("First word", f"{first_word_ms:,} ms", "From the answer to the agent's first sound."))
    if answers:
        counted = plural(len(answers), "answer was", "answers were")
        figures.append(("Answers, median", f"{round(median(answers)):,} ms", f"{counted} measured, from the end of the callee's speech."))
        figures.append(("Slowest answer", f"{max(answers):,} ms", "From the end of the callee's speech to the agent's voice."))
    if silence is not None:
        figures.append(("Longest silence", f"{silence.lasts_ms:,} ms", f"Neither spoke, from {offset(silence.from_ms)} on."))
    if not figures:
        return
    st.subheader("How fast it was")
    with st.container(horizontal=True):
        for label, value, means in figures:
            st.metric(label, value, help=means, width=FIGURE_WIDTH)
    if rows := stage_rows(turns):
        with st.expander("Each answer by stage"):
            st.table(rows, border="horizontal", alt="Milliseconds from the end of the callee's speech to the agent's voice, by stage")


def _ms(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
