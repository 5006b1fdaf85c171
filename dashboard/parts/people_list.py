"""Accounts: who can sign in, and as what. For admins."""

from collections.abc import Callable
from datetime import tzinfo

import streamlit as st

from dashboard.commands import KNOWN_PERSON, CommandRefused, commands
from dashboard.parts import confirm
from dashboard.parts.frame import Person, say_and_rerun
from dashboard.parts.paging import Pager
from dashboard.parts.people_roles import ROLE, choose_role
from dashboard.parts.status import badge
from dashboard.parts.tokens_shown_once import make_and_show
from dashboard.reads import people
from dashboard.reads.people import Account
from dashboard.times import moment
from dashboard.words import Word, md, word

DISABLED = Word("Disabled", ":material/block:", "red", "Can't sign in.")


def draw_people(person: Person, there: tzinfo) -> None:
    """All accounts with what may be done to each, and the way to a new one."""
    if st.button("Add a person", type="primary", icon=":material/person_add:"):
        make_and_show("Add a person", _new_account, "The account is made. This is its first password: hand it over safely.")
    pager = Pager("accounts", ())
    for account in pager.read(people.accounts, lambda account: account.id):
        _line(person, account, there)
    pager.controls("People")


def _new_account() -> Callable[[], str] | None:
    name = (st.text_input("Name", max_chars=100, key="new_user_name", help="What they sign in with.") or "").strip()
    role = choose_role("Role", "new_user_role")
    sent = st.button("Add this person", type="primary", key="new_user_send")
    if sent and not name:
        st.error("Enter a name.", icon=":material/error:")
        return None
    return (lambda: commands().add_user(name, role)) if sent else None


def _line(person: Person, account: Account, there: tzinfo) -> None:
    with st.container(border=True, key=f"account_line_{account.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            you = " (you)" if account.name == person.name else ""
            st.markdown(f"**{md(account.name)}**{you}", width="content")
            badge(word(ROLE, account.role))
            if account.disabled_at:
                badge(DISABLED)
        since = md(moment(account.created_at, there))
        last = f"last signed in {md(moment(account.last_signed_in, there))}" if account.last_signed_in else "not signed in lately"
        st.caption(f"Since {since}, {last}")
        with st.container(horizontal=True):
            if st.button("Change role", key=f"role_{account.id}", icon=":material/badge:"):
                st.dialog(f"Role of {md(account.name)}")(_change_role)(account)
            if st.button("New password", key=f"password_{account.id}", icon=":material/key:"):
                _reset(account)
            if account.disabled_at is None:
                if st.button("Disable", key=f"disable_{account.id}", icon=":material/block:"):
                    _disable(person, account)
            elif st.button("Enable", key=f"enable_{account.id}", icon=":material/check:"):
                commands().change_user(account.id, disabled=False)
                say_and_rerun(f"{md(account.name)} can sign in again")


def _change_role(account: Account) -> None:
    role = choose_role("Role", f"new_role_{account.id}", account.role)
    if st.button("Save the role", type="primary", key="save_role"):
        try:
            commands().change_user(account.id, role=role)
        except CommandRefused as refused:
            st.error(md(str(refused)), icon=":material/error:")
        else:
            _look_again()
            say_and_rerun(f"{md(account.name)} is now {ROLE[role].label}")


def _disable(person: Person, account: Account) -> None:
    loses = f"**{md(account.name)}** is signed out everywhere and can't sign in any more. What they did stays in the audit log."
    if account.name == person.name:
        loses = f"This is your own account. {loses}"

    def do() -> None:
        commands().change_user(account.id, disabled=True)
        _look_again()

    confirm.ask("Disable this account?", loses, "Disable the account", do, f"Disabled: {md(account.name)}")


def _reset(account: Account) -> None:
    def form() -> Callable[[], str] | None:
        st.write(f"The present password of **{md(account.name)}** stops working, and they are signed out everywhere.")
        sent = st.button("Make a new password", type="primary", key="reset_send", icon=":material/warning:")
        return (lambda: commands().reset_password(account.id)) if sent else None

    make_and_show("Make a new password?", form, f"The new password of {md(account.name)}. Hand it over safely.")


def _look_again() -> None:
    """One's own rights may have changed: they are asked for anew."""
    st.session_state.pop(KNOWN_PERSON, None)
