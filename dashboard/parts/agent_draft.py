"""The agent that somebody is editing: what was begun from which version, kept while the page is open."""

from copy import deepcopy
from dataclasses import dataclass, replace

import streamlit as st

from dashboard import drafts
from dashboard.parts.agent_texts import Definition, renamed
from dashboard.reads.agents import Agent

NEW_STEP = {"say": "", "ask": False, "end": "goodbye"}


@dataclass(frozen=True, slots=True)
class Draft:
    """`definition`: what the fields are filled from; `version`: the one that it began with. Another `round` has fields of its own."""

    agent_id: int
    version: int
    name: str
    definition: Definition
    round: int = 0
    drawn: bool = False

    @property
    def key(self) -> str:
        """What the keys of all fields begin with."""
        return f"agent_{self.agent_id}_{self.version}_{self.round}"


def begun(agent: Agent) -> Draft:
    """The draft: what is typed stays when somebody else saves meanwhile, and is not saved over it."""
    kept: Draft | None = st.session_state.get(_place(agent.id))
    if kept is None or (kept.drawn and f"{kept.key}_name" not in st.session_state):  # the fields were left: nothing is typed
        kept = Draft(agent.id, agent.version, agent.name, agent.definition)
    st.session_state[_place(agent.id)] = replace(kept, drawn=True)
    drafts.typed_in(_place(agent.id), f"{kept.key}_")
    return kept


def drop(agent_id: int) -> None:
    """Begins again, from the newest version."""
    st.session_state.pop(_place(agent_id), None)


def add_step(draft: Draft, name: str, edited: Definition, step: str) -> None:
    """Goes on with what was typed, and one step more; it ends the call until somebody says where it leads."""
    definition = deepcopy(edited)
    definition["script"]["steps"].setdefault(step, dict(NEW_STEP))
    _go_on(draft, name, definition)


def remove_step(draft: Draft, name: str, edited: Definition, step: str) -> None:
    """Goes on with what was typed, without the step."""
    definition = deepcopy(edited)
    del definition["script"]["steps"][step]
    _go_on(draft, name, definition)


def rename_step(draft: Draft, name: str, edited: Definition, old: str, new: str) -> None:
    """Goes on with what was typed, the step by another name."""
    _go_on(draft, name, renamed(edited, old, new))


def _go_on(draft: Draft, name: str, definition: Definition) -> None:
    st.session_state[_place(draft.agent_id)] = replace(draft, name=name, definition=definition, round=draft.round + 1, drawn=False)


def _place(agent_id: int) -> str:
    return f"editing_agent_{agent_id}"
