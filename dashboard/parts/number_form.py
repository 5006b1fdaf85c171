"""A phone number's fields: adding one, changing its label and limits."""

from collections.abc import Sequence

import streamlit as st

from dashboard import drafts
from dashboard.commands import CommandRefused, commands
from dashboard.errands import begun, errand
from dashboard.parts.frame import say, say_and_rerun
from dashboard.reads.phone_numbers import Account, NumberLine
from dashboard.words import md

HERE = "views/phone_numbers.py"
ADDING = "adding_number"  # the errand; over once the new number's own page is drawn


def add_number(accounts: Sequence[Account]) -> None:
    """The form for a new number; what was typed stays whatever the answer is."""
    drafts.typed_in("number_add_")
    with st.form("number_add", border=False, enter_to_submit=False):
        number = st.text_input(
            "Phone number",
            placeholder="+1 415 555 0100",
            type="phone",
            key="number_add_number",
            persist_state="page",
            help="With the country code; spaces and dashes do no harm. The carrier account must own it.",
        )
        label = st.text_input(
            "Label", placeholder="Front desk", max_chars=200, key="number_add_label", persist_state="page", help="Optional."
        )
        account = st.selectbox(
            "Carrier account",
            accounts,
            format_func=lambda each: f"{each.name} (rehearsal)" if each.rehearsal else each.name,
            key="number_add_account",
            persist_state="page",
        )
        concurrency, calls_per_second = _limits("number_add")
        sent = st.form_submit_button("Add number", type="primary", icon=":material/add:")
    adding = begun(ADDING) is not None
    if not (sent or adding):
        return
    if not (number or "").strip() and not adding:
        st.error("Enter the phone number, with the country code.", icon=":material/error:")
        return
    values = {
        "number": (number or "").strip(),
        "label": (label or "").strip(),
        "carrier_account": account.name,
        "concurrency": concurrency,
        "calls_per_second": calls_per_second,
    }
    try:
        api = commands()
        added = errand(ADDING, values).send(lambda once: api.add_phone_number(values, once))
    except CommandRefused as refused:
        _refused(refused)
    else:
        say("Number added")
        st.switch_page(HERE, query_params={"id": str(added)})


def change_number(line: NumberLine) -> None:
    """The form for the label and the limits of a number."""
    key = f"number_{line.id}"
    drafts.typed_in(f"{key}_")
    with st.form(f"{key}_change", border=False, enter_to_submit=False):
        label = st.text_input("Label", line.label, max_chars=200, key=f"{key}_label", persist_state="page")
        concurrency, calls_per_second = _limits(key, line.concurrency, line.calls_per_second)
        sent = st.form_submit_button("Save", type="primary", icon=":material/save:")
    if not sent:
        return
    try:
        commands().change_phone_number(
            line.id, {"label": (label or "").strip(), "concurrency": concurrency, "calls_per_second": calls_per_second}
        )
    except CommandRefused as refused:
        _refused(refused)
    else:
        say_and_rerun("Number saved")


def _limits(key: str, concurrency: int | None = None, calls_per_second: float | None = None) -> tuple[int | None, float | None]:
    with st.grid(min_column_width=200):
        most = st.number_input(
            "Concurrency",
            1,
            1000,
            concurrency,
            placeholder="No limit",
            key=f"{key}_concurrency",
            persist_state="page",
            help="Calls from this number at the same time, over all campaigns. Empty: only the campaigns' own limits count.",
        )
        pace = st.number_input(
            "Calls per second",
            0.01,
            100.0,
            calls_per_second,
            placeholder="As the carrier account",
            key=f"{key}_calls_per_second",
            persist_state="page",
            help="Starts of calls from this number. Empty: only the carrier account's limit counts.",
        )
    return most, pace


def _refused(refused: CommandRefused) -> None:
    st.error(md(str(refused)), icon=":material/error:")
