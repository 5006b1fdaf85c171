"""What happened on a call and who told it: the dialer, the carrier and the agent, in order, each with its time since the start."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

import streamlit as st

from dashboard.rows import Call
from dashboard.times import clock, offset
from dashboard.times import moment as day_and_clock
from dashboard.words import OUTCOME, WHO, md, plain, word
from db.rows import CallEventRow

EVENTS = {
    ("carrier", "requested"): "The carrier took the call",
    ("carrier", "ringing"): "The phone rings",
    ("carrier", "answered"): "Answered",
    ("carrier", "ended"): "The carrier says it is over",
    ("agent", "answered_by"): "The agent knows who is there",
    ("agent", "message_left"): "A message was left",
    ("agent", "no_message"): "No message was left",
    ("agent", "callback"): "Asked to be called back",
    ("agent", "brain_too_slow"): "The agent's model was too slow",
    ("agent", "service_failed"): "A service of the agent failed",
    ("operator", "whisper"): "A whisper to the agent",
    ("operator", "take_over"): "Taken over by a supervisor",
    ("operator", "give_back"): "Given back to the agent",
    ("operator", "hang_up"): "A supervisor hung up",
    ("operator", "mark"): "A moment was marked",
}
_SOURCES = {"dialer": "our dialer", "carrier": "the carrier", "agent": "the agent", "operator": "an operator"}
_FIRST = ("who", "outcome")  # the parts that say the most
_ELSEWHERE = ("at", "by", "carrier_call_id")  # parts of an event that the page shows in another place


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline. `told_by`: dialer, carrier, agent, operator or a person's name; `detail`: for people, empty for none."""

    at: datetime
    what: str
    told_by: str
    detail: str = ""


def moments(call: Call, events: Sequence[CallEventRow]) -> list[Moment]:
    """What was told, and what the call itself knows, in the order in which it happened."""
    own = [(call.planned_at, "Planned"), (call.requested_at, "Dialed"), (call.ended_at, "The call is over")]
    found = [Moment(at, what, "dialer") for at, what in own if at is not None]
    if call.answered_at is not None and call.first_word_ms is not None:
        found.append(Moment(call.answered_at + timedelta(milliseconds=call.first_word_ms), "The agent's first word", "agent"))
    for event in events:
        what = EVENTS.get((event.source, event.kind)) or plain(event.kind)
        found.append(Moment(event.at, what, str(event.detail.get("by") or event.source), _detail(event.detail)))
    return sorted(found, key=lambda moment: moment.at)


def since(at: datetime, start: datetime) -> str:
    """The time from `start` to `at`: +8.4 s, +1:05 min, with a minus for what came before."""
    seconds = (at - start).total_seconds()
    sign, seconds = "-" if round(seconds, 1) < 0 else "+", abs(seconds)
    return f"{sign}{seconds:.1f} s" if seconds < 60 else f"{sign}{int(seconds) // 60}:{int(seconds) % 60:02d} min"


def timeline(call: Call, events: Sequence[CallEventRow], there: tzinfo) -> None:
    """The moments of a call, counted from when it was dialed; the zone of the clock is `there`."""
    start = call.requested_at or call.planned_at
    with st.expander("Timeline", expanded=True), st.container(gap="xsmall"):
        st.caption("Counted from the moment of dialing." if call.requested_at else "Not dialed: counted from when it was planned.")
        for moment in moments(call, events):
            told = [_SOURCES.get(moment.told_by, moment.told_by), clock(moment.at, there), *([moment.detail] if moment.detail else [])]
            st.markdown(f"**{md(since(moment.at, start))}** &ensp; {md(moment.what)}  \n:gray[{md(' · '.join(told))}]")
        if call.timeline_deleted_at is not None:
            st.caption(f"What was told about this call was deleted on {day_and_clock(call.timeline_deleted_at, there)}.")
        carrier_ids = [event.detail["carrier_call_id"] for event in events if event.detail.get("carrier_call_id")]
        if carrier_ids:
            st.caption(f"The carrier's id of this call: {md(str(carrier_ids[0]))}")


def _detail(detail: dict[str, Any]) -> str:
    told = [(name, value) for name, value in detail.items() if value not in (None, "") and name not in _ELSEWHERE]
    return ", ".join(_told(*each) for each in sorted(told, key=lambda each: (each[0] not in _FIRST, each[0] == "at_ms")))


def _told(name: str, value: Any) -> str:
    match name:
        case "who":
            return word(WHO, str(value)).label
        case "outcome":
            return word(OUTCOME, str(value)).label
        case "at_ms":
            return f"at {offset(int(value))}"
        case "duration_s":
            return f"{value} s long"
        case "evidence":
            return str(value)
        case "text":
            return f"“{value}”"
        case _ if isinstance(value, bool):
            return f"{plain(name)}: {'yes' if value else 'no'}"
        case _:
            return f"{plain(name)}: {value}"
