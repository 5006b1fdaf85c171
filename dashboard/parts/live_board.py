"""The calls in progress as one list, each with what is said just now and the way to listen.

Drawn by the browser (live_board.js): each refresh changes what is new in it, so that whoever reads a line or is about to press a link
keeps their place.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.parts.frame import Person, shown_number, shown_text
from dashboard.parts.live_attention import mood, silence_s, stuck
from dashboard.parts.live_link import live_address
from dashboard.reads.live import LiveCall
from dashboard.times import duration
from dashboard.words import AGENT_STATE, CALL_STATE, SENTIMENT, SPEAKER, Word, capital, plain, plural, word

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "live_board",
    html=(_HERE / "live_board.html").read_text(),
    css=(_HERE / "live_board.css").read_text(),
    js=(_HERE / "live_board.js").read_text(),
)


def live_board(person: Person, calls: Sequence[LiveCall]) -> None:
    """The calls in the order in which they come; opens the page of one whose name is clicked."""
    said = _component(key="live_board", data={"calls": [board_line(person, call) for call in calls]}, on_opened_change=_heard)
    if said.opened is not None:
        st.switch_page("views/call.py", query_params={"id": str(said.opened)})


def board_line(person: Person, call: LiveCall) -> dict[str, Any]:
    """One call as live_board.js draws it. `signs`: what stands beside it, each with its icon and words."""
    contact = call.contact_name or shown_number(person, call.number)
    return {
        "id": call.id,
        "contact": contact,
        "page": f"call?id={call.id}",
        "about": " · ".join(_about(person, call)),
        "stuck": capital(stuck(call)),
        "signs": [_drawn(sign) for sign in signs(call)],
        "length": duration(call.talking_s * 1000),
        "speaker": SPEAKER.get(call.line_speaker or "", contact),
        "text": shown_text(person, call.line_text),
        "no_text": "" if call.told_s is None else "Nothing has been said yet.",
        "final": call.line_final,
        "listen": live_address(call.id) if person.may_supervise else None,
    }


def signs(call: LiveCall) -> list[Word]:
    """What the agent does, who has the call, how long nobody has spoken, how the callee sounds, and how many listen."""
    found = [word(AGENT_STATE, call.agent_state) if call.agent_state else CALL_STATE["answered"]]
    if call.held_by:
        found = [Word(f"{call.held_by} has the call", ":material/support_agent:", "orange")]
    if silent := silence_s(call):
        found.append(Word(f"Silent for {duration(silent * 1000)}", ":material/volume_off:", "orange"))
    if feeling := mood(call):
        found.append(SENTIMENT[feeling])
    if call.listeners:
        found.append(Word(plural(call.listeners, "person listens", "people listen"), ":material/headphones:", "gray"))
    return found


def _about(person: Person, call: LiveCall) -> list[str]:
    number = [shown_number(person, call.number)] if call.contact_name else []
    step = [plain(call.step)] if call.step else []
    return [*number, call.campaign_name or "Test call", call.agent_name, *step]


def _drawn(sign: Word) -> dict[str, str]:
    return {"icon": sign.icon.removeprefix(":material/").removesuffix(":"), "words": sign.label, "colour": sign.colour}


def _heard() -> None:
    """Makes what the browser tells part of the component's answer."""
