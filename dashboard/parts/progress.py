"""How far a campaign is."""

import streamlit as st

from dashboard.rows import Counts


def bar(counts: Counts) -> None:
    """Contacts that are done, of all, as a bar with its numbers in words."""
    if counts.total == 0:
        st.progress(0.0, text="No contacts yet")
        return
    st.progress(
        counts.done / counts.total, text=f"{counts.done:,} of {counts.total:,} contacts done ({counts.done * 100 // counts.total}%)"
    )
