"""What to mend before Start: variables that contacts lack, and settings that will not do what they seem to say."""

from collections.abc import Mapping

import streamlit as st

from dashboard.commands import CommandRefused, commands
from dashboard.words import md, plural


def missing_variables(campaign_id: int) -> None:
    """Names each variable with the number of contacts that lack it; nothing where none does."""
    try:
        missing = commands().missing_variables(campaign_id)
    except CommandRefused as refused:
        st.warning(md(str(refused)), icon=":material/cloud_off:")
        return
    if missing:
        lines = "\n".join(f"- **{md(name)}**: missing for {plural(count, 'contact')}" for name, count in missing.items())
        advice = "These contacts would be skipped. Add the column to your file, or give the text a default: {{name|there}}."
        st.warning(f"The agent's texts need variables that some contacts lack.\n{lines}\n\n{md(advice)}", icon=":material/warning:")


def warnings_by_field(campaign_id: int) -> Mapping[str, str]:
    """What will really happen with the settings as they are saved. Nothing where the API can't be asked: what is typed into the fields
    stays on the page only as long as they are drawn."""
    try:
        found: Mapping[str, str] = commands().standing(campaign_id)["warnings"]
    except CommandRefused:
        return {}
    return found
