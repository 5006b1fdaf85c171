"""What to mend before Start: variables that the agent's texts need and contacts lack."""

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
