"""Where a call in progress is listened to: a page of the media server's own, in a tab of its own."""

import streamlit as st

from dashboard.commands import public_url
from dashboard.parts.frame import Person
from dashboard.words import md


def live_address(call_id: int) -> str:
    """The live page of a call."""
    return f"{public_url()}/live/{call_id}"


def listen_link(person: Person, call_id: int, contact: str) -> None:
    """The way to the live page of a call in progress, for whoever may supervise it. `contact`: as people call them."""
    if person.may_supervise:
        st.link_button(
            "Listen live", live_address(call_id), icon=":material/hearing:", help=f"Opens the call with {md(contact)} in a new tab."
        )
