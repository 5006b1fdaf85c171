"""Keyset pages: the next page begins after the last row of this one, however deep."""

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import streamlit as st

from dashboard.data import PAGE_SIZE

Row = TypeVar("Row")
Cursor = TypeVar("Cursor")


class Pager:
    """Where somebody is in a list. `key` names the list; another `filters` begins at its first page again."""

    def __init__(self, key: str, filters: Hashable) -> None:
        self._key = f"pager_{key}"
        if st.session_state.get(self._key, {}).get("filters") != filters:
            st.session_state[self._key] = {"filters": filters, "cursors": []}

    def read(self, read: Callable[[Cursor | None], Sequence[Row]], cursor_of: Callable[[Row], Cursor]) -> Sequence[Row]:
        """The rows of the present page. `read` gives one row more than a page where more follow."""
        cursors = st.session_state[self._key]["cursors"]
        found = read(cursors[-1] if cursors else None)
        shown = found[:PAGE_SIZE]
        self._next = cursor_of(shown[-1]) if len(found) > PAGE_SIZE else None
        self._first = len(cursors) * PAGE_SIZE + 1
        self._last = self._first + len(shown) - 1
        return shown

    @property
    def is_long(self) -> bool:
        """Whether there is more than one page, once this one is read."""
        return bool(st.session_state[self._key]["cursors"]) or self._next is not None

    def controls(self, noun: str) -> None:
        """Previous and Next, and which rows these are; nothing where all rows are on one page."""
        cursors = st.session_state[self._key]["cursors"]
        if not self.is_long:
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Previous", key=f"{self._key}_back", icon=":material/chevron_left:", disabled=not cursors, on_click=self._back)
            st.button(
                "Next",
                key=f"{self._key}_next",
                icon=":material/chevron_right:",
                disabled=self._next is None,
                on_click=self._on,
                args=(self._next,),
            )
            st.caption(f"{noun} {self._first:,} to {self._last:,}")

    def _back(self) -> None:
        st.session_state[self._key]["cursors"].pop()

    def _on(self, cursor: object) -> None:
        st.session_state[self._key]["cursors"].append(cursor)
