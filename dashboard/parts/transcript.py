"""A conversation as it was heard: who said what, when, how fast the agent answered, and where somebody was cut off."""

from collections.abc import Sequence
from typing import Any

from dashboard.times import offset
from db.rows import TurnRow


def turn_lines(turns: Sequence[TurnRow], callee: str) -> list[dict[str, Any]]:
    """The turns as conversation.js draws them; of one that was cut off, what was heard of it. `callee`: how to call the person."""
    return [
        {
            "speaker": turn.speaker,
            "name": "Agent" if turn.speaker == "agent" else callee,
            "text": turn.text,
            "start_ms": turn.start_ms,
            "end_ms": turn.end_ms,
            "when": _when(turn),
            "latency": _answered_after(turn),
            "cut_off": turn.cut_off,
        }
        for turn in turns
    ]


def _when(turn: TurnRow) -> str:
    start, end = offset(turn.start_ms), offset(turn.end_ms)
    return start if start == end else f"{start} to {end}"


def _answered_after(turn: TurnRow) -> str:
    total = turn.latency_ms.get("total")
    return "" if total is None else f"answered after {total:,} ms"
