"""What was said on a call, with the recording above it: a waveform that is played, and the transcript that follows it.

Drawn by the browser (conversation.js), because what is played must go on while the page is drawn anew, and the marked turn has to keep
up with the sound. Data goes in and nothing comes back: to listen is no command.
"""

from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path

import streamlit as st

from dashboard.parts.deleted import why_deleted
from dashboard.parts.player import NoRecording, Recording
from dashboard.parts.transcript import conversation_lines
from dashboard.rows import Call
from db.rows import CallEventRow, TurnRow

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "call_conversation",
    html=(_HERE / "conversation.html").read_text(),
    css=(_HERE / "conversation.css").read_text(),
    js=(_HERE / "conversation.js").read_text(),
)


def conversation(
    call: Call, turns: Sequence[TurnRow], events: Sequence[CallEventRow], recording: Recording | NoRecording, there: tzinfo
) -> None:
    """The recording, the turns and what supervisors did; in words, why there is no recording, and why no words. Times in `there`."""
    heard = recording.drawn() if isinstance(recording, Recording) else None
    callee = call.contact_name or "Callee"
    lines = conversation_lines(turns, events, callee)
    if heard or lines:
        _component(key=f"conversation_{call.id}", data={"callee": callee, "turns": lines, "recording": heard})
    if isinstance(recording, NoRecording) and recording.why:
        st.caption(recording.why)
    if not turns:
        st.info(why_no_words(call, there), icon=":material/hearing:" if call.state != "ended" else ":material/volume_off:")


def why_no_words(call: Call, there: tzinfo) -> str:
    """What to say of a call without a transcript."""
    if call.state == "answered":
        return "The conversation appears here as it is spoken."
    if call.state != "ended":
        return "Nobody has answered yet. What is said appears here as it is spoken."
    if call.outcome == "withdrawn":
        return "Nobody was called, so nothing was said."
    if call.answered_at is None:
        again = "" if call.campaign_id is None else " Whether and when the contact is called again is told under Contacts in its campaign."
        return f"Nobody answered, so nothing was said.{again}"
    if call.transcript_deleted_at is not None:
        return why_deleted("What was said on this call was", call.transcript_deleted_at, call.transcript_kept_days, "transcripts", there)
    return "The call was answered, but no words of it were kept: nobody spoke."
