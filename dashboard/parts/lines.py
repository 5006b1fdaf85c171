"""The lines of a list that is drawn anew every few seconds: one element for all of them, which the browser draws (lines.js).

Streamlit's own containers, links and boxes cost the server several ms a line each time. This is one message of JSON; and the browser
changes only what is new, so that focus and ticks stay where they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.words import Word

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "lines",
    html=(_HERE / "lines.html").read_text(),
    css=(_HERE / "lines.css").read_text(),
    js=(_HERE / "lines.js").read_text(),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: whom it is about, what stands beside the name, what came of it in badges, and what else there is to tell."""

    id: int
    name: str
    beside: str
    badges: Sequence[Word]
    told: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody did with the lines: which of them are ticked, and which one was just asked about. Ids."""

    ticked: frozenset[int]
    asked: int | None


def tick_turn() -> int:
    """Part of the key of a list whose boxes can all be unticked."""
    return int(st.session_state.get("tick_turn", 0))


def untick() -> None:
    """All boxes begin anew, unticked."""
    st.session_state["tick_turn"] = tick_turn() + 1


def draw_lines(label: str, lines: Sequence[Line], *, key: str, view: str = "", ticks: bool = False, asks: str = "") -> Answer:
    """Draws the lines, and opens the page of the one whose name was clicked.

    Args:
        label: what the list is called for those who can't see it.
        key: tells lists on one page apart. Another key begins with no line ticked.
        view: the page in dashboard/views that a line's name leads to, with the line's id; without it names lead nowhere.
        ticks: each line has a box to tick, and there is one for all.
        asks: what a line's question means; without it lines have no button Why?.
    """
    ticked = (st.session_state.get(key) or {}).get("ticked") or []
    said = _component(
        key=key,
        data={
            "label": label,
            "lines": [_drawn(line) for line in lines],
            "view": view,
            "ticks": ticks,
            "ticked": ticked,
            "asks": asks,
        },
        on_ticked_change=_heard,
        on_asked_change=_heard,
        on_opened_change=_heard,
    )
    if said.opened is not None:
        st.switch_page(f"views/{view}.py", query_params={"id": str(said.opened)})
    return Answer(frozenset(said.ticked or []) & {line.id for line in lines}, said.asked)


def _drawn(line: Line) -> dict[str, Any]:
    """The line as lines.js draws it."""
    return {
        "id": line.id,
        "name": line.name,
        "beside": line.beside,
        "badges": [{"label": badge.label, "icon": _symbol(badge.icon), "colour": badge.colour} for badge in line.badges],
        "told": line.told,
    }


def _symbol(icon: str) -> str:
    """The name of a Material symbol in the font that Streamlit brings: ":material/call:" is "call"."""
    return icon.removeprefix(":material/").removesuffix(":")


def _heard() -> None:
    """Makes what the browser tells part of the component's answer."""
