"""API tokens: programs that may ask the API. For admins."""

from collections.abc import Callable
from datetime import tzinfo

import streamlit as st

from dashboard.commands import commands
from dashboard.parts import confirm
from dashboard.parts.paging import Pager
from dashboard.parts.people_roles import ROLE, choose_role
from dashboard.parts.status import badge
from dashboard.parts.tokens_shown_once import make_and_show
from dashboard.reads import people
from dashboard.reads.people import Token
from dashboard.times import moment
from dashboard.words import md, word


def draw_tokens(there: tzinfo) -> None:
    """All tokens that are not revoked, and the way to a new one."""
    st.write("A token lets a program use the API. It may do what its role may: give it the least that it needs.")
    if st.button("Create a token", type="primary", icon=":material/add:"):
        make_and_show("Create a token", _new_token, "The token is made. The program sends it as `Authorization: Bearer`.")
    pager = Pager("tokens", ())
    lines = pager.read(people.tokens, lambda token: token.id)
    if not lines:
        st.info("No tokens yet. Create one for each program, so that each can be revoked alone.", icon=":material/key:")
    for token in lines:
        _line(token, there)
    pager.controls("Tokens")


def _new_token() -> Callable[[], str] | None:
    name = (st.text_input("Name", max_chars=100, key="new_token_name", help="Which program uses it, and for what.") or "").strip()
    role = choose_role("Role", "new_token_role", "viewer")
    sent = st.button("Create this token", type="primary", key="new_token_send")
    if sent and not name:
        st.error("Enter a name.", icon=":material/error:")
        return None
    return (lambda: commands().create_token(name, role)) if sent else None


def _line(token: Token, there: tzinfo) -> None:
    with st.container(border=True, key=f"token_line_{token.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{md(token.name)}**", width="content")
            badge(word(ROLE, token.role))
        made = f"Created {md(moment(token.created_at, there))}" + (f" by {md(token.created_by)}" if token.created_by else "")
        used = f"last used {md(moment(token.last_used_at, there))}" if token.last_used_at else "never used"
        st.caption(f"{made}, {used}")
        if st.button("Revoke", key=f"revoke_{token.id}", icon=":material/block:"):
            loses = f"Programs that use **{md(token.name)}** are refused from now on. This can't be undone; a new token has another secret."
            confirm.ask(
                "Revoke this token?", loses, "Revoke the token", lambda: commands().revoke_token(token.id), f"Revoked: {md(token.name)}"
            )
