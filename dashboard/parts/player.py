"""The recording of a call: the browser plays it from the media server with its own session."""

import streamlit as st

from dashboard.commands import public_url
from dashboard.rows import Call


def player(call: Call) -> None:
    """The stereo recording, callee left and agent right; or why there is none."""
    if call.recorded:
        st.audio(
            f"{public_url()}/api/v1/calls/{call.id}/recording", format="audio/wav", alt="Recording of this call, callee left, agent right"
        )
    elif call.answered_at is None:
        st.caption("No recording: the call was not answered.")
    elif call.state != "ended":
        st.caption("The recording can be played once the call has ended.")
    else:
        st.caption("No recording was kept of this call. Whether calls are recorded is set in the agent.")
