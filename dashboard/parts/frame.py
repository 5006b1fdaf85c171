"""What is around every page: who is signed in, what to show when something can't be reached, and what was done last."""

import html
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import streamlit as st

from dashboard import commands, drafts
from dashboard.source import DatabaseUnreachable
from dashboard.words import md
from db.browser_line import SHOWN, in_the_browser
from db.said_numbers import unsaid

CHECK_AGAIN_S = 15.0
LIVE_EVERY_S = 2.0
SLOW_EVERY_S = 60.0
AGAIN_EVERY_S = 5.0
STYLE = Path(__file__).parent / "page.css"
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 196 32" role="img"><title>Callwright</title><g fill="none" stroke="#2b79bd" '
    'stroke-width="4" stroke-linecap="round"><path d="M4 12v8M12 5v22M20 10v12M28 13v6"/></g><text x="40" y="24" fill="#2b79bd" '
    'font-family="Source Sans, Segoe UI, Helvetica, Arial, sans-serif" font-size="26" font-weight="700">Callwright</text></svg>'
)


@dataclass(frozen=True, slots=True)
class Person:
    """Who looks at the page."""

    name: str
    role: str

    @property
    def may_operate(self) -> bool:
        """May change campaigns."""
        return self.role != "viewer"

    @property
    def may_supervise(self) -> bool:
        """May listen to live calls, whisper and take over."""
        return self.role in ("supervisor", "admin")

    @property
    def sees_numbers(self) -> bool:
        """Sees phone numbers in full."""
        return self.role != "viewer"


class SomebodyElse(Exception):
    """Another person has signed in than the one whose window this is; the message is their name."""


def page(title: str, show: Callable[[Person], None]) -> None:
    """Shows one page to whoever is signed in; without a session, the way to sign in. What was typed is not lost by it."""
    st.html(STYLE)
    st.logo(LOGO, size="large")
    try:
        person = signed_in()
        drafts.bring_back()
        _side(person)
        if said := st.session_state.pop("said", None):
            st.toast(said, icon=":material/check:")
        show(person)
        signed_in()  # a command may have found that the session has ended
    except commands.SignInNeeded as needed:
        drafts.keep()
        _sign_in(title, str(needed))
    except SomebodyElse as other:
        drafts.keep()
        _begin_anew(str(other))
    except (DatabaseUnreachable, commands.ApiUnreachable) as down:
        drafts.keep()
        _unreachable(str(down))
    except commands.CommandRefused as refused:
        st.error(md(str(refused)), icon=":material/error:")


def live(show: Callable[..., None]) -> Callable[..., None]:
    """A part of a page that draws itself anew every LIVE_EVERY_S seconds, without touching the rest of the page."""
    return _drawn_anew(show, LIVE_EVERY_S)


def slow(show: Callable[..., None]) -> Callable[..., None]:
    """The same every SLOW_EVERY_S seconds: for what takes the server longer to find out."""
    return _drawn_anew(show, SLOW_EVERY_S)


def _drawn_anew(show: Callable[..., None], every_s: float) -> Callable[..., None]:
    @wraps(show)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            signed_in()
            show(*args, **kwargs)
        except (commands.SignInNeeded, SomebodyElse):
            st.rerun()
        except (DatabaseUnreachable, commands.CommandRefused) as problem:
            st.warning(md(str(problem)), icon=":material/cloud_off:")

    drawn: Callable[..., None] = st.fragment(guarded, run_every=every_s)
    return drawn


def signed_in() -> Person:
    """Who is signed in, asked of the API anew every CHECK_AGAIN_S seconds.

    Raises:
        SignInNeeded: nobody, or the session has ended.
        SomebodyElse: somebody else has signed in, in another window of the same browser.
        ApiUnreachable: it can't be known.
    """
    session = commands.session_cookie()
    if not session:
        raise commands.SignInNeeded("")
    known = st.session_state.get(commands.KNOWN_PERSON)
    if known is not None and known[0] == session and time.monotonic() - known[1] < CHECK_AGAIN_S:
        person: Person = known[2]
        return person
    st.session_state.pop(commands.KNOWN_PERSON, None)
    answer = commands.commands().me()
    person = Person(str(answer["name"]), str(answer["role"]))
    if not drafts.is_of(person.name):
        raise SomebodyElse(person.name)
    st.session_state[commands.KNOWN_PERSON] = (session, time.monotonic(), person)
    return person


def say(done: str) -> None:
    """Says what was done, on the page that is drawn next."""
    st.session_state["said"] = done


def say_and_rerun(done: str) -> None:
    """Draws the page anew and says what was done."""
    say(done)
    st.rerun()


def shown_number(person: Person, number: str) -> str:
    """The number; for a viewer only its last two digits. Of a call that an operator makes in the browser: that it is one."""
    if in_the_browser(number):
        return SHOWN
    return number if person.sees_numbers else "•••••" + number[-2:]


def shown_text(person: Person, text: str) -> str:
    """What was said or written; for a viewer without the phone numbers in it."""
    return text if person.sees_numbers else unsaid(text)


def _side(person: Person) -> None:
    with st.sidebar:
        st.caption(f"Signed in as **{md(person.name)}** ({person.role})")
        if st.button("Sign out", icon=":material/logout:", key="sign_out"):
            commands.commands().sign_out()
            st.session_state.clear()
            st.rerun()


def _sign_in(title: str, reason: str) -> None:
    with st.container(width=420):
        st.title("Callwright")
        if said := st.session_state.pop("said", None):
            st.success(said, icon=":material/check:")
        st.write(reason or f"Sign in to see {title}.")
        _link("Sign in", f"{commands.public_url()}/sign-in?next={quote(_here(), safe='')}")


def _begin_anew(name: str) -> None:
    """Only a page that is loaded anew has nothing in its fields of what the other person has typed: the browser keeps that, too."""
    with st.container(width=420):
        st.title("Callwright")
        st.write(f"You are signed in as **{md(name)}**. This window was opened by somebody else, so it shows nothing.")
        _link("Open this page anew", _here())


def _here() -> str:
    """The address of this page."""
    asked = urlencode(st.query_params.to_dict())
    return (st.context.url or "") + (f"?{asked}" if asked else "")


def _link(label: str, address: str) -> None:
    """A link that leaves Streamlit's page, as a button."""
    st.html(f'<a class="sign-in" href="{html.escape(address)}" target="_self">{html.escape(label)}</a>')


def _unreachable(reason: str) -> None:
    """Says what can't be reached, and draws the page anew when asked to, and every AGAIN_EVERY_S seconds: it comes back by itself."""
    st.error(md(reason), icon=":material/cloud_off:")
    drawn: list[bool] = []

    @st.fragment(run_every=AGAIN_EVERY_S)
    def again() -> None:
        if drawn:
            st.rerun()
        drawn.append(True)
        st.button("Try again", icon=":material/refresh:", type="primary")
        st.caption("This page also looks again by itself.")

    again()
