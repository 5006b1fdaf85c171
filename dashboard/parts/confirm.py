"""Destructive actions ask first: they name the thing and say what is lost."""

from collections.abc import Callable

import streamlit as st

from dashboard.commands import CommandRefused
from dashboard.parts.frame import say
from dashboard.words import md


def ask(title: str, loses: str, verb: str, do: Callable[[], str | None], done: str = "", then: str = "") -> None:
    """Opens the question. `verb` is the button that does it; what `do` returns is said afterwards, else `done`. `then`: the page to go
    to (this one)."""

    def question() -> None:
        st.write(loses)
        with st.container(horizontal=True):
            agreed = st.button(verb, type="primary", key="confirm_yes", icon=":material/warning:")
            kept = st.button("Go back", key="confirm_no")
        if kept:
            st.rerun()
        if agreed:
            try:
                said = do()
            except CommandRefused as refused:
                st.error(md(str(refused)), icon=":material/error:")
            else:
                say(said or done)
                if then:
                    st.switch_page(then, query_params={})  # none named, it refuses to leave a tab that is in the address
                st.rerun()

    st.dialog(title)(question)()
