"""Agents that ship with the product, one JSON file each: what `Agent.from_dict` reads. `gallery.toml` says what each is for."""

import json
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from agent_runtime.agent import Agent


@dataclass(frozen=True, slots=True)
class Template:
    """An agent to start from. `key`: its name for `template`; `definition`: complete and checked, as `Agent.from_dict` reads it."""

    key: str
    name: str
    what_for: str
    definition: dict[str, Any]


def gallery() -> list[Template]:
    """All templates in the order in which they are offered, each read anew, so that a definition may be changed by who asked.

    Raises:
        InvalidAgent: a definition can't be used.
    """
    entries = tomllib.loads((files(__name__) / "gallery.toml").read_text(encoding="utf-8"))["template"]
    return [_entry(**entry) for entry in entries]


def names() -> list[str]:
    """Names of all templates, for `template`."""
    return sorted(file.name.removesuffix(".json") for file in files(__name__).iterdir() if file.name.endswith(".json"))


def template(name: str) -> Agent:
    """The template of this name ("appointment_reminder").

    Raises:
        LookupError: there is none; the message names those that are.
    """
    if name not in names():
        raise LookupError(f"there is no template {name!r}: use one of {', '.join(names())}")
    return Agent.from_dict(json.loads((files(__name__) / f"{name}.json").read_text(encoding="utf-8")))


def _entry(key: str, what_for: str) -> Template:
    agent = template(key)
    return Template(key, agent.name, what_for, agent.to_dict())
