"""Contacts from a CSV: how its columns are read, what would happen row by row, then the import and what came of it."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard.commands import ApiUnreachable, Columns, CommandRefused, SignInNeeded, commands
from dashboard.errands import begun, errand, question
from dashboard.parts import left_out, mapping
from dashboard.parts.add_contact import agent_variables
from dashboard.parts.frame import say_and_rerun
from dashboard.rows import Campaign
from dashboard.words import md, plural

ALWAYS = {"phone_number": "+14155550123", "contact_name": "Ada Lovelace"}
EXAMPLES = {"appointment_date": "Monday, the third of May", "appointment_time": "ten o'clock"}
MIB = 1 << 20
ROWS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class File:
    """A chosen file. `id`: another one for each choice."""

    id: str
    name: str
    content: bytes


def upload(campaign: Campaign, key: str) -> None:
    """Choose a file, say what its columns are, see what would happen, import it."""
    campaign_id, known = campaign.id, agent_variables(campaign)
    needed = [f"**{md(name)}**" for name, is_needed in known.items() if is_needed]
    st.write(
        "One contact a line. The column **phone\\_number** is required, with the country code (+1…). **contact\\_name** is optional. "
        "Every other column is a variable for the agent."
        + (f" The texts of {md(campaign.agent_name)} need: {', '.join(needed)}." if needed else "")
    )
    turn = st.session_state.get(f"{key}_turn", 0)
    chosen = st.file_uploader("CSV file", type=["csv", "txt", "tsv"], key=f"{key}_file_{turn}")
    try:
        _go_on(key, turn)
    except CommandRefused as refused:
        st.error(md(str(refused)), icon=":material/error:")
    if chosen is None:
        example = example_file(known)
        st.download_button("Download an example file", example, "contacts.csv", "text/csv", icon=":material/download:", on_click="ignore")
        if done := st.session_state.get(f"{key}_done"):
            _last_import(done)
        return
    file = File(chosen.file_id, chosen.name, chosen.getvalue())
    try:
        columns = _columns(campaign_id, file, key)
        report = _checked(campaign_id, file, columns, key) if columns is not None else None
    except CommandRefused as refused:
        advice = "" if isinstance(refused, ApiUnreachable | SignInNeeded) else " Mend the file and choose it again."
        st.error(md(str(refused)) + advice, icon=":material/error:")
        return
    if columns is not None and report is not None:
        draw_report(report)
        _offer(campaign_id, file, columns, report, key, turn)


def example_file(columns: Mapping[str, bool]) -> str:
    """A file with one contact and a column for each variable: as an agent needs it that has these in its texts."""
    row = ALWAYS | {name: EXAMPLES.get(name, f"the {name.replace('_', ' ')}") for name in columns if name not in ALWAYS}
    written = io.StringIO()
    csv.writer(written).writerows([row.keys(), row.values()])
    return written.getvalue()


def _columns(campaign_id: int, file: File, key: str) -> Columns | None:
    """How the columns are to be read, shown on the first rows; None where they can't be read like that."""
    own_key = f"{key}_{file.id}"
    plain = _preview(campaign_id, file, Columns(), f"{key}_plain")
    header: Sequence[str] = plain["header"]
    columns = mapping.chosen(header, plain["columns"], own_key)
    preview = _preview(campaign_id, file, columns, f"{key}_mapped")
    st.markdown("**The first rows of the file**")
    st.dataframe(mapping.rows(header, preview["cells"][:ROWS_SHOWN]), hide_index=True, alt="The first rows as they stand in the file")
    with st.expander("What the columns are", icon=":material/view_column:", expanded=bool(plain["why_not"])):
        mapping.choose(header, plain["columns"], own_key)
    if preview["why_not"]:
        st.warning(f"The file can't be imported like this: {md(preview['why_not'])}.", icon=":material/view_column:")
        return None
    if preview["contacts"]:
        st.markdown("**The first contacts**, with all that the agent will know")
        st.dataframe(preview["contacts"][:ROWS_SHOWN], hide_index=True, alt="What the first rows of the file become")
    return columns


def _preview(campaign_id: int, file: File, columns: Columns, key: str) -> dict[str, Any]:
    api = commands()
    looked = question(key, (file.id, columns)).send(lambda _once: api.preview_import(campaign_id, file.name, file.content[:MIB], columns))
    preview: dict[str, Any] = looked
    return preview


def _checked(campaign_id: int, file: File, columns: Columns, key: str) -> dict[str, Any] | None:
    """The report of a dry run of the whole file. A large one is checked when somebody asks for it: None before."""
    checking = question(f"{key}_report", (file.id, columns))
    if len(file.content) > MIB and checking.begun is None:
        size, asking = f"{len(file.content) / MIB:,.0f} MB", st.empty()
        if not asking.button(f"Check all rows ({size})", type="primary", icon=":material/fact_check:", key=f"{key}_check"):
            return None
        asking.empty()
    api = commands()
    with st.spinner("Reading the file…"):
        report: dict[str, Any] = checking.send(
            lambda once: api.import_contacts(campaign_id, file.name, file.content, columns, once=once, dry_run=True)
        )
    return report


def _offer(campaign_id: int, file: File, columns: Columns, report: Mapping[str, Any], key: str, turn: int) -> None:
    """The import of the good rows, or of all or nothing."""
    good, bad = int(report["imported"]), int(report["refused"])
    strict = st.checkbox("All or nothing: import only when every row is good", key=f"{key}_strict") if good else False
    refused = strict and bad > 0
    if refused:
        st.warning("Some rows have problems, so nothing would be imported. Mend the file, or untick the box.", icon=":material/warning:")
    label = f"Import {plural(good, 'contact')}"
    if not st.button(label, type="primary", icon=":material/upload:", disabled=good == 0 or refused, key=f"{key}_import"):
        return
    api = commands()

    def imported(once: str) -> dict[str, Any]:
        done = api.import_contacts(campaign_id, file.name, file.content, columns, once=once, all_or_nothing=strict)
        return {**done, "file_name": file.name}

    try:
        with st.spinner("Importing…"):
            errand(_importing(key, turn), (file.id, columns, strict)).send(imported)
        _go_on(key, turn)
    except CommandRefused as no:
        st.error(md(str(no)), icon=":material/error:")


def _go_on(key: str, turn: int) -> None:
    """After an import that was begun, in this run of the page or in one before: its answer, and the place for the next file."""
    answer = begun(_importing(key, turn))
    if answer is None:
        return
    with st.spinner("Importing…"):
        done = answer.result()
    st.session_state[f"{key}_done"] = done
    st.session_state[f"{key}_turn"] = turn + 1
    say_and_rerun(f"{plural(int(done['imported']), 'contact')} imported")


def _importing(key: str, turn: int) -> str:
    return f"{key}_importing_{turn}"


def _last_import(done: Mapping[str, Any]) -> None:
    """What came of the import before; its problems can still be downloaded."""
    imported, refused, name = int(done["imported"]), int(done["refused"]), md(done["file_name"])
    if done["kept"]:
        without = f" {plural(refused, 'row')} left out." if refused else ""
        st.success(f"{plural(imported, 'contact')} imported from {name}.{without}", icon=":material/check_circle:")
    else:
        st.warning(
            f"Nothing was imported from {name}: {plural(refused, 'row')} had problems, and it was all or nothing.",
            icon=":material/warning:",
        )
    _download_problems(done)


def draw_report(report: Mapping[str, Any]) -> None:
    """What would be imported; what not, and what to do about it."""
    with st.grid(min_column_width=150):
        st.metric("Good rows", f"{int(report['imported']):,}", border=True)
        st.metric("Rows with problems", f"{int(report['refused']):,}", border=True)
    if not report["problems"]:
        return
    left_out.table(report)
    _download_problems(report)


def _download_problems(report: Mapping[str, Any]) -> None:
    if not int(report["refused"]):
        return
    api, import_id, refused = commands(), str(report["import_id"]), int(report["refused"])
    label, name = f"Download all problems ({refused:,})", f"import-{import_id}-problems.csv"
    left_out.download(label, lambda: api.import_problems(import_id), name, f"problems_{import_id}")
