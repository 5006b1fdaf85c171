"""Commands whose answer is not lost, and which are not done twice, when the run of the page that sent them is stopped.

Streamlit stops a run at its next call, or at its next look at the page's state, as soon as somebody clicks or types, or the browser's
connection breaks. The run after it begins at once, in another thread, while the stopped one may still wait for the API. So an errand
lies in the page's state before anything is sent; whoever sends it leaves the answer there without touching Streamlit in between, and each
later run finds it there, or waits for it.
"""

import secrets
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Any, Generic, TypeVar

import streamlit as st

T = TypeVar("T")


class Errand(Generic[T]):
    """One command about `asked`. `key`: its Idempotency-Key, the same when it is sent again because no answer came in time."""

    def __init__(self, asked: object) -> None:
        self.asked = asked
        self.key = secrets.token_hex(16)
        self._lock = Lock()
        self._answer: Future[T] | None = None

    @property
    def begun(self) -> Future[T] | None:
        """The answer, or the promise of one, once it was sent; None before, and after a refusal."""
        return self._answer

    def send(self, command: Callable[[str], T]) -> T:
        """Sends it, given its key, unless it is begun; returns the answer. `command` must not call Streamlit.

        Raises:
            what `command` raises, in all runs that wait for it; it can be sent again then.
        """
        with self._lock:
            begun, mine = self._answer, Future[T]()
            if begun is None:
                self._answer = mine
        if begun is not None:
            return begun.result()
        try:
            mine.set_result(command(self.key))
        except BaseException as error:  # whatever it is, even an order to stop: a run that waits must not wait for ever
            self._answer = None
            mine.set_exception(error)
            raise
        return mine.result()


def errand(place: str, asked: object) -> Errand[Any]:
    """The errand that lies at `place` in the page's state. One that is begun stays there until it is `done`; otherwise it is one about what
    is asked now."""
    return _at(place, asked, stays=True)


def question(place: str, asked: object) -> Errand[Any]:
    """The same for what changes nothing: it lies there until something else is asked."""
    return _at(place, asked, stays=False)


def begun(place: str) -> Future[Any] | None:
    """The answer to the errand at `place`, or the promise of one; None where none is begun."""
    found: Errand[Any] | None = st.session_state.get(place)
    return None if found is None else found.begun


def done(place: str) -> None:
    """What was to be done after the answer is done: what is asked at `place` from now on is another errand."""
    st.session_state.pop(place, None)


def _at(place: str, asked: object, *, stays: bool) -> Errand[Any]:
    found: Errand[Any] | None = st.session_state.get(place)
    if found is not None and (found.asked == asked or (stays and found.begun is not None)):
        return found
    new = st.session_state[place] = Errand[Any](asked)
    return new
