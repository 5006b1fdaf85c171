"""The house's settings: one's own account; for admins people, API tokens, webhooks, retention, the audit log; and what each role may do."""

from collections.abc import Callable

import streamlit as st

from dashboard.commands import KNOWN_PERSON, CommandRefused, commands
from dashboard.parts import confirm, frame
from dashboard.parts.audit_log import draw_audit_log
from dashboard.parts.frame import Person, say_and_rerun
from dashboard.parts.people_list import draw_people
from dashboard.parts.people_roles import rights_table
from dashboard.parts.retention import draw_retention
from dashboard.parts.tokens_list import draw_tokens
from dashboard.parts.webhooks_list import draw_webhooks
from dashboard.times import zone
from dashboard.words import md


def show(person: Person) -> None:
    st.title("Settings")
    there = zone(st.context.timezone)
    parts: dict[str, Callable[[], None]] = {"My account": lambda: _account(person)}
    if person.role == "admin":
        parts |= {
            "People": lambda: draw_people(person, there),
            "API tokens": lambda: draw_tokens(there),
            "Webhooks": lambda: draw_webhooks(there),
            "Retention": lambda: draw_retention(there),
            "Audit log": lambda: draw_audit_log(there),
        }
    parts["Roles"] = lambda: rights_table(person.role)
    for tab, draw in zip(st.tabs(list(parts), key="part", bind="query-params"), parts.values(), strict=True):
        if tab.open:
            with tab:
                draw()


def _account(person: Person) -> None:
    with st.container(width=480):
        st.subheader("Change my password")
        _change_password()
        st.subheader("Sign out everywhere")
        st.write("Ends your sessions in all browsers, for example on a computer that you left or lost.")
        if st.button("Sign out everywhere", icon=":material/logout:"):
            loses = f"All sessions of **{md(person.name)}** end, this one too. Sign in again to go on."
            confirm.ask("Sign out everywhere?", loses, "Sign out everywhere", _sign_out_everywhere, "Signed out everywhere")


def _change_password() -> None:
    turn = st.session_state.get("password_turn", 0)
    with st.form(f"password_form_{turn}", border=False):
        old = st.text_input("Present password", type="password", autocomplete="current-password", key=f"password_old_{turn}") or ""
        new = st.text_input(
            "New password", type="password", autocomplete="new-password", key=f"password_new_{turn}", help="At least 10 characters."
        )
        again = st.text_input("New password again", type="password", autocomplete="new-password", key=f"password_again_{turn}")
        sent = st.form_submit_button("Change my password", type="primary", icon=":material/key:")
    if not sent:
        return
    if not old or not new:
        st.error("Enter your present password, and the new one twice.", icon=":material/error:")
    elif new != again:
        st.error("The new password is not the same twice. Type it again.", icon=":material/error:")
    else:
        try:
            commands().change_password(old, new)
        except CommandRefused as refused:
            st.error(md(str(refused)), icon=":material/error:")
        else:
            st.session_state["password_turn"] = turn + 1
            say_and_rerun("Password changed. Your other sessions have ended.")


def _sign_out_everywhere() -> None:
    commands().sign_out_everywhere()
    st.session_state.pop(KNOWN_PERSON, None)


frame.page("the settings", show)
