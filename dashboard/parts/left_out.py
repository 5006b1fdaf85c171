"""Rows of a file that an import leaves out, and why: the first of them as a table, all of them as a file."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.words import md

SHOWN = 20
COLUMNS = {"Line": "line", "Column": "column", "Problem": "problem", "What to do": "what_to_do"}


def table(report: Mapping[str, Any]) -> None:
    """The first of the rows that were refused; a table, so that its sentences can be read to their end."""
    problems: Sequence[Mapping[str, Any]] = report["problems"][:SHOWN]
    st.markdown("**These rows are left out**")
    if int(report["refused"]) > SHOWN:
        st.caption(f"The first {SHOWN} of {int(report['refused']):,}. The download has them all.")
    columns = {name: part for name, part in COLUMNS.items() if part != "column" or any(each["column"] for each in problems)}
    lines = [{name: md(str(each.get(part, ""))) for name, part in columns.items()} for each in problems]
    st.table(lines, border="horizontal", hide_index=True, alt="Rows of the file that can't be imported, and why")


def download(label: str, file: Callable[[], bytes], file_name: str, key: str, tip: str | None = None) -> None:
    """All of them as a CSV, which `file` fetches when somebody asks for it."""
    st.download_button(label, file, file_name, "text/csv", icon=":material/download:", on_click="ignore", key=key, help=tip)
