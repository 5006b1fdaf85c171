"""States, outcomes and verdicts as badges: always a word and an icon, never a colour alone."""

import streamlit as st

from dashboard.words import Word, md


def badge(shown: Word) -> None:
    """The word as a badge; what it means on hover and focus."""
    st.badge(shown.label, icon=shown.icon or None, color=shown.colour, help=shown.means or None)


def inline(shown: Word) -> str:
    """The word as a badge inside a line of markdown."""
    return f":{shown.colour}-badge[{shown.icon} {md(shown.label)}]" if shown.icon else md(shown.label)
