"""A conversation as it was heard: who said what, when, how fast the agent answered, where somebody was cut off, what supervisors did."""

from collections.abc import Sequence
from typing import Any

from dashboard.times import offset
from dashboard.words import SPEAKER
from db.rows import CallEventRow, TurnRow

SUPERVISOR_ICON = "support_agent"  # of the font that Streamlit brings
DID = {
    "mark": ("flag", "{by} marked this moment"),
    "whisper": ("chat", "{by} whispered to the agent"),
    "take_over": ("mic", "{by} took the call over"),
    "give_back": ("undo", "{by} gave the call back to the agent"),
    "hang_up": ("call_end", "{by} hung up"),
}
"""What a supervisor does, by the kind of the event: its icon, and how it is told."""


def conversation_lines(turns: Sequence[TurnRow], events: Sequence[CallEventRow], callee: str) -> list[dict[str, Any]]:
    """The turns as conversation.js draws them, and between them what supervisors did, each at its time."""
    lines = turn_lines(turns, callee)
    for event in events:
        if event.source == "operator" and event.kind in DID:
            note = _note(event)
            later = (place for place, line in enumerate(lines) if line["start_ms"] > note["start_ms"])
            lines.insert(next(later, len(lines)), note)
    return lines


def turn_lines(turns: Sequence[TurnRow], callee: str) -> list[dict[str, Any]]:
    """The turns as conversation.js draws them; of one that was cut off, what was heard of it. `callee`: how to call the person."""
    return [
        {
            "speaker": turn.speaker,
            "name": SPEAKER.get(turn.speaker, callee),
            "icon": SUPERVISOR_ICON if turn.speaker == "supervisor" else "",
            "text": turn.text,
            "start_ms": turn.start_ms,
            "end_ms": turn.end_ms,
            "when": _when(turn),
            "latency": _answered_after(turn),
            "cut_off": turn.cut_off,
        }
        for turn in turns
    ]


def _note(event: CallEventRow) -> dict[str, Any]:
    icon, told = DID[event.kind]
    at_ms = int(event.detail.get("at_ms", 0))
    said = [f"{before}{event.detail[part]}" for part, before in (("text", ""), ("answer", "Answer: ")) if event.detail.get(part)]
    return {
        "speaker": "note",
        "name": told.format(by=event.detail.get("by") or "A supervisor"),
        "icon": icon,
        "text": "\n".join(said),
        "start_ms": at_ms,
        "end_ms": at_ms,
        "when": offset(at_ms),
        "latency": "",
        "cut_off": False,
    }


def _when(turn: TurnRow) -> str:
    start, end = offset(turn.start_ms), offset(turn.end_ms)
    return start if start == end else f"{start} to {end}"


def _answered_after(turn: TurnRow) -> str:
    total = turn.latency_ms.get("total")
    return "" if total is None else f"answered after {total:,} ms"
