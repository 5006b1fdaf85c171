"""The do-not-call list: who is on it and why, adding to it by hand and from a file, and taking off it."""

from datetime import tzinfo

import streamlit as st

from dashboard.commands import commands
from dashboard.parts import confirm, frame
from dashboard.parts.frame import Person, shown_number, shown_text
from dashboard.parts.paging import Pager
from dashboard.parts.status import inline
from dashboard.parts.suppression_add import add_numbers, import_file
from dashboard.parts.suppression_export import as_csv
from dashboard.reads import suppressions
from dashboard.reads.suppressions import Entry, EntryFilter
from dashboard.times import moment, zone
from dashboard.words import Word, md, plain, word

REAL, REHEARSAL = "Real calls", "Rehearsal calls"
SOURCE = {
    "call": Word("In a call", ":material/call:", "blue", "The callee asked for it."),
    "operator": Word("By hand", ":material/person:", "gray"),
    "import": Word("From a list", ":material/upload_file:", "gray"),
}


def show(person: Person) -> None:
    st.title("Do Not Call")
    st.write("No campaign calls a number on this list, from the moment it is added.")
    chosen = st.segmented_control(
        "List",
        [REAL, REHEARSAL],
        default=REAL,
        required=True,
        key="list",
        bind="query-params",
        help="Rehearsals have a list of their own: what is tried out there keeps nobody from being called for real.",
    )
    rehearsal = chosen == REHEARSAL
    if person.may_operate:
        with st.expander("Add numbers", icon=":material/add:"):
            add_numbers(rehearsal)
        with st.expander("Import a list", icon=":material/upload_file:"):
            import_file(rehearsal)
    if not suppressions.any_entry(rehearsal):
        _nobody(person)
        return
    wanted = _filter(person, rehearsal)
    if wanted is not None:
        _list(person, wanted)


def _nobody(person: Person) -> None:
    next_step = " Use **Add numbers** or **Import a list** above for numbers that you know of already." if person.may_operate else ""
    st.info(
        f"Nobody is on this list yet. A callee who says “don't call me again” is put here by the agent, in the call.{next_step}",
        icon=":material/do_not_disturb_off:",
    )


def _filter(person: Person, rehearsal: bool) -> EntryFilter | None:
    """What to list; None where the search can find nothing, which is said."""
    searched = "Search by number"
    placeholder = "Digits of the number" if person.sees_numbers else "The last two digits"
    typed = st.text_input(
        searched, placeholder=placeholder, type="search", live=True, key="entry_search", persist_state="page", max_chars=40
    )
    digits = suppressions.digits_of(typed or "")
    if (typed or "").strip() and not digits:
        st.info("There is no digit in this search. Numbers are found by their digits, such as 202 555.", icon=":material/search_off:")
        return None
    return EntryFilter(rehearsal, digits, masked=not person.sees_numbers)


def _list(person: Person, wanted: EntryFilter) -> None:
    pager = Pager("entries", wanted)
    lines = pager.read(lambda after: suppressions.entries(wanted, after), lambda line: line.id)
    there = zone(st.context.timezone)
    if not lines:
        st.info(
            "No number on this list has these digits in a row. Try fewer of them, and leave out the 0 before an area code.",
            icon=":material/search_off:",
        )
        return
    with st.container(gap="xsmall"):
        for line in lines:
            _line(person, line, there)
    pager.controls("Numbers")
    st.caption(f"Newest first. Times are in {there}.")
    if person.sees_numbers:
        st.download_button(
            "Export as CSV",
            data=lambda: as_csv(suppressions.exported(wanted), there),
            file_name="do-not-call-rehearsal.csv" if wanted.rehearsal else "do-not-call.csv",
            mime="text/csv",
            icon=":material/download:",
            help="All numbers that the search above finds.",
            on_click="ignore",
        )


def _line(person: Person, line: Entry, there: tzinfo) -> None:
    with st.container(border=True, key=f"entry_line_{line.id}"):
        who, why, act = st.columns([2.2, 4, 1.4], vertical_alignment="center")
        with who.container(gap=None):
            st.markdown(f"**{md(shown_number(person, line.number))}**")
            st.caption(f"{md(moment(line.added_at, there))} · {_by(line)}")
        with why.container(gap=None):
            st.markdown(f"{inline(word(SOURCE, line.source))} {md(shown_text(person, line.reason))}")
            if line.call_id is not None:
                st.page_link("views/call.py", label="Open the call", query_params={"id": str(line.call_id)})
        if person.may_operate and act.button(
            "Remove", icon=":material/delete:", key=f"entry_remove_{line.id}", help=f"Remove {line.number}"
        ):
            _remove(line)


def _by(line: Entry) -> str:
    return f"by {md(line.added_by)}" if line.added_by else plain(line.source)


def _remove(line: Entry) -> None:
    means = (
        f"**{md(line.number)}** may be called again, by every campaign that has it as a contact, from now on. "
        f"It was put here because: {md(line.reason)}. Contacts that were skipped for it stay skipped."
    )

    def do() -> None:
        commands().unsuppress(line.id)

    confirm.ask("Remove from the do-not-call list?", means, "Allow calls to it", do, f"Removed: {md(line.number)}")


frame.page("the do-not-call list", show)
