"""What people have typed and not saved, kept while they sign in again and while what is behind a page can't be reached.

Streamlit keeps the fields of a page in the session of one window, for as long as they are drawn. Signing in is a page of the media server,
and whoever comes back from it has a new window to Streamlit. So when a page can't be shown, what lies in its fields is kept in this
process, for whoever typed it and for the address of the page; it is there again when the same person opens this address. No other person's
page looks for it, and a window belongs to the first who signed in: see `is_of`.

Kept for KEPT_S, and no longer than this process lives. Not kept: files, passwords, and what the browser has not told yet, which is the
field that has the cursor when the page finds out by itself.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

KEPT_S = 3600.0
MOST = 1000  # pages with something typed; of more the oldest is given up
_OWNER = "drafts_of"
_FIELDS = "drafts_fields"
Place = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass
class Shelf:
    """What was typed, by person and address: since when it is kept (monotonic seconds), and the values by their keys."""

    kept: dict[Place, tuple[float, Mapping[str, Any]]] = field(default_factory=dict)

    def put(self, place: Place, values: Mapping[str, Any], now: float) -> None:
        """Keeps these with those that are kept there already; gives up what is too old or too much."""
        before = self.kept.pop(place, (now, {}))[1]
        self.kept[place] = (now, {**before, **values})
        for old in [each for each, (since, _values) in self.kept.items() if now - since > KEPT_S] + list(self.kept)[:-MOST]:
            self.kept.pop(old, None)

    def look(self, place: Place, now: float) -> Mapping[str, Any]:
        """What is kept there; nothing where it is too old."""
        since, values = self.kept.get(place, (now, {}))
        return values if now - since <= KEPT_S else {}

    def clear(self, place: Place) -> None:
        """Nothing is kept there any more."""
        self.kept.pop(place, None)


def typed_in(*keys: str) -> None:
    """Says that people type into the fields of these keys; one that ends with _ stands for all that begin so. No button's among them:
    Streamlit takes no value for a button."""
    known = st.session_state.get(_FIELDS, frozenset())
    if not known.issuperset(keys):
        st.session_state[_FIELDS] = known | set(keys)


def is_of(name: str) -> bool:
    """Whether this window is of the person of that name. It is of the first who is seen in it; what they typed is nobody else's to see."""
    owner = st.session_state.get(_OWNER)
    if owner is None:
        owner = st.session_state[_OWNER] = name
    return bool(owner == name)


def keep() -> None:
    """Keeps what is in the fields of this page; where none are drawn, what was kept before stays."""
    owner, values = st.session_state.get(_OWNER), typed(st.session_state)
    if owner is not None and values:
        _shelf().put(_place(owner), values, time.monotonic())


def typed(state: Mapping[Any, Any]) -> dict[str, Any]:
    """The values in `state`, that of a page, which people have typed."""
    names: frozenset[str] = state.get(_FIELDS, frozenset())
    beginnings = tuple(name for name in names if name.endswith("_"))
    return {key: state[key] for key in map(str, state) if key in names or key.startswith(beginnings)}


def bring_back() -> None:
    """Puts what was kept for this person and page into its fields, before they are drawn. What is in a field already stays."""
    if (owner := st.session_state.get(_OWNER)) is None:
        return
    for key, value in _shelf().look(_place(owner), time.monotonic()).items():
        if key not in st.session_state:
            st.session_state[key] = value
    _shelf().clear(_place(owner))


def _place(owner: str) -> Place:
    return owner, st.context.url or "", tuple(sorted(st.query_params.to_dict().items()))


@st.cache_resource(show_spinner=False)
def _shelf() -> Shelf:
    return Shelf()
