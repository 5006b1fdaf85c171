"""A secret that is made here and shown this once: it is kept nowhere, not even in the session of the page."""

from collections.abc import Callable

import streamlit as st

from dashboard.commands import CommandRefused
from dashboard.words import md

Make = Callable[[], str]

_NOTED = "secret_noted"


def make_and_show(title: str, form: Callable[[], Make | None], says: str) -> None:
    """Opens a dialog with `form`, which returns, once it is sent, what makes the secret; then shows that with a button to copy it."""

    def dialog() -> None:
        if st.session_state.get(_NOTED):
            st.rerun()
        place = st.empty()
        with place.container():
            make = form()
        if make is None:
            return
        try:
            secret = make()
        except CommandRefused as refused:
            st.error(md(str(refused)), icon=":material/error:")
            return
        place.empty()
        st.success(says, icon=":material/key:")
        st.code(secret, language=None, wrap_lines=True)
        st.caption("It is shown this once and can't be read again. Copy it before you close this.")
        st.button("I have noted it", type="primary", key=_NOTED)

    st.dialog(title, on_dismiss="rerun")(dialog)()
