"""Contacts from a CSV: first what would happen, row by row, then the upload."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.commands import CommandRefused, commands
from dashboard.parts.export import neutral
from dashboard.parts.frame import say_and_rerun
from dashboard.words import md, plural

TEMPLATE = "phone_number,contact_name,appointment_date\n+14155550123,Ada Lovelace,Monday at ten\n"


def upload(campaign_id: int, key: str) -> None:
    """Choose a file, see what would happen, import it."""
    st.write(
        "One contact a line. The column **phone\\_number** is required, with the country code (+1…). **contact\\_name** is optional. "
        "Every other column is a variable for the agent."
    )
    turn = st.session_state.get(f"{key}_turn", 0)
    chosen = st.file_uploader("CSV file", type=["csv", "txt", "tsv"], key=f"{key}_file_{turn}")
    if chosen is None:
        st.download_button("Download an example file", TEMPLATE, "contacts.csv", "text/csv", icon=":material/download:", on_click="ignore")
        return
    content = chosen.getvalue()
    try:
        report = _looked_at(campaign_id, chosen.file_id, chosen.name, content, key)
    except CommandRefused as refused:
        st.error(f"{md(str(refused))} Mend the file and choose it again.", icon=":material/error:")
        return
    draw_report(report)
    good = int(report["imported"])
    strict = (
        st.checkbox("All or nothing: import only when every row is good", key=f"{key}_strict") if report["problems"] and good else False
    )
    refused_as_whole = strict and bool(report["problems"])
    if refused_as_whole:
        st.warning("Some rows have problems, so nothing would be imported. Mend the file, or untick the box.", icon=":material/warning:")
    label = f"Import {plural(good, 'contact')}"
    if st.button(label, type="primary", icon=":material/upload:", disabled=good == 0 or refused_as_whole, key=f"{key}_import"):
        with st.spinner("Importing…"):
            done = commands().import_contacts(campaign_id, chosen.name, content, all_or_nothing=strict)
        st.session_state[f"{key}_turn"] = turn + 1
        say_and_rerun(f"{plural(int(done['imported']), 'contact')} imported")


def _looked_at(campaign_id: int, file_id: str, name: str, content: bytes, key: str) -> dict[str, Any]:
    """The report of a dry run, asked for once for each file."""
    known = st.session_state.get(f"{key}_report")
    if known is None or known[0] != file_id:
        with st.spinner("Reading the file…"):
            known = (file_id, commands().import_contacts(campaign_id, name, content, dry_run=True))
        st.session_state[f"{key}_report"] = known
    report: dict[str, Any] = known[1]
    return report


def draw_report(report: Mapping[str, Any]) -> None:
    """What would be, or was, imported; what not, and what to do about it."""
    problems: Sequence[Mapping[str, Any]] = report["problems"]
    with st.grid(min_column_width=150):
        st.metric("Good rows", f"{int(report['imported']):,}", border=True)
        st.metric("Rows with problems", f"{int(report['refused']):,}", border=True)
    if preview := report.get("preview"):
        st.markdown("**The first contacts**")
        st.dataframe(list(preview), hide_index=True, alt="The first contacts of the file")
    if problems:
        st.markdown("**These rows are left out**")
        lines = [
            {"Line": p.get("line"), "Column": p.get("column"), "Problem": p.get("problem"), "What to do": p.get("what_to_do")}
            for p in problems
        ]
        st.dataframe(lines, hide_index=True, alt="Rows of the file that can't be imported, and why")
        st.download_button(
            "Download these problems", _as_csv(lines), "problems.csv", "text/csv", icon=":material/download:", on_click="ignore"
        )


def _as_csv(lines: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(lines[0])
    writer.writerows([neutral(str(cell if cell is not None else "")) for cell in line.values()] for line in lines)
    return b"\xef\xbb\xbf" + text.getvalue().encode()
