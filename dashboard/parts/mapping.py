"""Which column of a file is what: the phone number, the name, a variable for the agent, or left out."""

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from dashboard.commands import Columns
from dashboard.words import md

OWN, NUMBER, NAME, OUT = "=", "phone_number", "contact_name", ""
_MEANS = {NUMBER: "The phone number", NAME: "The name", OUT: "Leave out"}


def chosen(header: Sequence[str], own: Mapping[str, str], key: str) -> Columns:
    """What has been chosen so far for a file of this header; the country only once it is one. `own`: what each column is by its own name,
    header -> variable; chosen to be that, it is left to its name."""
    picked = {column: st.session_state.get(_key(key, column)) for column in header}
    region = str(st.session_state.get(f"{key}_region") or "").strip().upper()
    mapping = {column: target for column, target in picked.items() if target not in (None, OWN, own.get(column))}
    return Columns(mapping, region if len(region) == 2 and region.isascii() and region.isalpha() else "")


def choose(header: Sequence[str], own: Mapping[str, str], key: str) -> None:
    """A choice for each column, each with a name of its own: Streamlit's browser side tells choices by what they are called."""
    with st.grid(min_column_width=200):
        for at, column in enumerate(dict.fromkeys(header), start=1):
            itself = own.get(column, column)
            offered = [OWN, *(each for each in (NUMBER, NAME) if each != itself), OUT]
            st.selectbox(
                md(column) or f"Column {at}", offered, key=_key(key, column), accept_new_options=True,
                format_func=partial(_meaning, itself),
                help="Choose what the column is, or type the name of the variable.",
            )  # fmt: skip
        st.text_input(
            "Country of numbers without country code", max_chars=2, key=f"{key}_region", placeholder="None: each has its own",
            help="Two letters, such as US or DE. Then 030 1234567 is read as a number of that country.",
            validate=("^[A-Za-z]{2}$", "Two letters, such as US or DE"),
        )  # fmt: skip


def _meaning(own: str, target: str) -> str:
    """`own`: how a column is read that goes by its own name."""
    if target == OWN:
        return _MEANS.get(own) or f"Variable: {own}"
    return _MEANS.get(target, target)


def rows(header: Sequence[str], cells: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    """The first rows as they stand in the file, for a table: columns that are called the same are told apart by their place."""
    labels = [column if header.count(column) == 1 and column else f"{column} ({at})" for at, column in enumerate(header, start=1)]
    return [dict(zip(labels, row, strict=False)) for row in cells]


def _key(key: str, column: str) -> str:
    return f"{key}_column_{column}"
