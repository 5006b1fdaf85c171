"""Calls as lines of a list, each leading to its page."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo

from dashboard.parts.frame import Person, shown_number
from dashboard.parts.lines import Line, draw_lines
from dashboard.rows import CallLine
from dashboard.times import duration, moment
from dashboard.words import CALL_STATE, GOAL, OUTCOME, SENTIMENT, WHO, Word, plain, word

# Outcomes whose words already say who was there.
IMPLIED = {"person": ("human",), "voicemail_message": ("voicemail",), "voicemail_no_message": ("voicemail",)}


def draw_call_lines(person: Person, lines: Sequence[CallLine], there: tzinfo, key: str = "log") -> None:
    """Who, when, how long, and what came of it. `key` tells two lists on one page apart."""
    draw_lines("Calls", [_line(person, line, there) for line in lines], key=f"call_lines_{key}", view="call")


def _line(person: Person, line: CallLine, there: tzinfo) -> Line:
    number = shown_number(person, line.number)
    length = "" if line.duration_ms is None else f" · {duration(line.duration_ms)}"
    return Line(line.id, line.contact_name or number, f"{number} · try {line.try_}", _result(line), moment(line.at, there) + length)


def _result(line: CallLine) -> list[Word]:
    if line.state != "ended":
        return [word(CALL_STATE, line.state)]
    parts = [_outcome(line)]
    parts += [word(WHO, line.who)] if line.who and line.who not in IMPLIED.get(line.outcome or "", ()) else []
    if line.goal:
        goal = word(GOAL, line.goal)
        parts.append(replace(goal, label=f"Goal {goal.label.lower()}"))
    parts += [word(SENTIMENT, line.sentiment_word)] if line.sentiment_word else []
    parts += [Word("Do not call again", ":material/block:", "red")] if line.opted_out else []
    return parts


def _outcome(line: CallLine) -> Word:
    return word(OUTCOME, line.outcome) if line.outcome else Word(plain(line.end_reason or "ended"), ":material/call_end:", "gray")
