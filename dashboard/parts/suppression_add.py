"""Numbers onto the do-not-call list: pasted ones, and a file of them. What has a mistake in it stays as it was typed."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import drafts
from dashboard.commands import CommandRefused, commands
from dashboard.errands import begun, errand, question
from dashboard.parts import left_out
from dashboard.parts.frame import say_and_rerun
from dashboard.words import md, plural

MANY = 1000  # pasted numbers; more are a file
SHOWN = 20
_TURN = "suppress_turn"
_FILE_TURN = "suppress_file_turn"


def add_numbers(rehearsal: bool) -> None:
    """One number, or many: one a line, or with commas between them."""
    key = f"suppress_{st.session_state.get(_TURN, 0)}"
    drafts.typed_in(_TURN, f"{key}_")
    with st.form(key, border=False, enter_to_submit=False):
        written = st.text_area(
            "Phone numbers",
            placeholder="+1 202 555 0155",
            key=f"{key}_numbers",
            persist_state="page",
            help="With the country code. One a line, or with commas between them; spaces and dashes do no harm.",
        )
        reason = st.text_input(
            "Reason",
            placeholder="Asked by e-mail",
            max_chars=500,
            key=f"{key}_reason",
            persist_state="page",
            help="Why they are not called.",
        )
        sent = st.form_submit_button("Add to the list", type="primary", icon=":material/add:")
    if not sent:
        return
    numbers = parse_numbers(written or "")
    if not numbers:
        st.error("Enter a phone number, with the country code.", icon=":material/error:")
    elif not (reason or "").strip():
        st.error("Say why: it is shown to whoever looks at the list later.", icon=":material/error:")
    elif len(numbers) > MANY:
        st.error(f"These are {len(numbers):,} numbers. Import more than {MANY:,} as a file, below.", icon=":material/error:")
    else:
        try:
            said = _add(numbers, (reason or "").strip(), rehearsal)
        except CommandRefused as refused:
            st.error(md(str(refused)), icon=":material/error:")
        else:
            if said:
                st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
                say_and_rerun(said)


def parse_numbers(written: str) -> list[str]:
    """The numbers of a pasted text, as they were written."""
    return [part.strip() for part in re.split(r"[\n,;\t]", written) if part.strip()]


def _add(numbers: Sequence[str], reason: str, rehearsal: bool) -> str:
    """Adds all of them and says so; or none, says which are wrong, and returns nothing."""
    if len(numbers) == 1:
        commands().suppress(numbers[0], reason, rehearsal=rehearsal)
        return f"On the do-not-call list: {md(numbers[0])}"
    content = "\n".join(["phone_number", *numbers]).encode()
    looked = commands().suppress_list("pasted.csv", content, reason, rehearsal=rehearsal, dry_run=True)
    if looked["refused"]:
        _wrong(numbers, looked)
        return ""
    return added(commands().suppress_list("pasted.csv", content, reason, rehearsal=rehearsal))


def _wrong(numbers: Sequence[str], report: Mapping[str, Any]) -> None:
    """The numbers that are none. Line 1 of what was sent is the heading."""
    wrong = [
        f"- {md(numbers[problem['line'] - 2])}: {md(problem['problem'])}. {md(problem['what_to_do'].capitalize())}."
        for problem in report["problems"]
    ]
    more = f"\n- and {len(wrong) - SHOWN:,} more" if len(wrong) > SHOWN else ""
    st.error(
        f"Nothing was added: {plural(int(report['refused']), 'of these is no number', 'of these are no numbers')} that can be called.\n\n"
        + "\n".join(wrong[:SHOWN])
        + more,
        icon=":material/error:",
    )


def import_file(rehearsal: bool) -> None:
    """Choose a file, see what would happen, import it."""
    st.write(
        "One number a line, with the country code; or a CSV with a column **phone\\_number** and, if there are reasons, a column "
        "**reason**. Up to 100,000 numbers."
    )
    turn = st.session_state.get(_FILE_TURN, 0)
    chosen = st.file_uploader("List of numbers", type=["csv", "txt", "tsv"], key=f"suppress_file_{turn}")
    _go_on(turn)
    if chosen is None:
        return
    reason = st.text_input(
        "Reason for all numbers without one", "On an imported list", max_chars=500, key=f"suppress_file_reason_{turn}", persist_state="page"
    )
    said = (reason or "").strip() or "On an imported list"
    content = chosen.getvalue()
    try:
        report = _looked_at(chosen.file_id, chosen.name, content, rehearsal)
    except CommandRefused as refused:
        st.error(f"{md(str(refused))}. Mend the file and choose it again.", icon=":material/error:")
        return
    _draw_report(report, chosen.name, content)
    good = int(report["added"])
    if st.button(
        f"Add {plural(good, 'number')}", type="primary", icon=":material/upload:", disabled=good == 0, key=f"suppress_import_{turn}"
    ):
        api, adding = commands(), errand(_adding(turn), (chosen.file_id, said, rehearsal))
        with st.spinner("Adding…"):
            adding.send(lambda _once: api.suppress_list(chosen.name, content, said, rehearsal=rehearsal))
        _go_on(turn)


def _go_on(turn: int) -> None:
    """After an import that was begun, in this run of the page or in one before: what was done, and the place for the next file."""
    answer = begun(_adding(turn))
    if answer is None:
        return
    with st.spinner("Adding…"):
        said = added(answer.result())
    st.session_state[_FILE_TURN] = turn + 1
    say_and_rerun(said)


def _adding(turn: int) -> str:
    return f"adding_numbers_{turn}"


def _looked_at(file_id: str, name: str, content: bytes, rehearsal: bool) -> dict[str, Any]:
    """The report of a dry run, asked for once for each file and list."""
    api, looking = commands(), question("suppress_report", (file_id, rehearsal))
    with st.spinner("Reading the file…"):
        report: dict[str, Any] = looking.send(
            lambda _once: api.suppress_list(name, content, "looked at", rehearsal=rehearsal, dry_run=True)
        )
    return report


def _draw_report(report: Mapping[str, Any], name: str, content: bytes) -> None:
    """What would happen to each row, and what to do about those that are left out."""
    with st.grid(min_column_width=150):
        st.metric("New on the list", f"{int(report['added']):,}", border=True)
        st.metric("There already", f"{int(report['standing']):,}", border=True)
        st.metric("Twice in the file", f"{int(report['duplicates']):,}", border=True)
        st.metric("No numbers", f"{int(report['refused']):,}", border=True)
    if not report["problems"]:
        return
    left_out.table(report)
    st.caption("Mend these and send the file again: what is on the list already does no harm.")
    api = commands()
    label = f"Download all problems ({int(report['refused']):,})"
    left_out.download(label, lambda: api.suppress_list_problems(name, content), "do-not-call-problems.csv", "suppress_problems")


def added(report: Mapping[str, Any]) -> str:
    """What was done, in a sentence."""
    said = f"{plural(int(report['added']), 'number')} added to the do-not-call list"
    return said + (f"; {int(report['standing']):,} stood there already" if report["standing"] else "")
