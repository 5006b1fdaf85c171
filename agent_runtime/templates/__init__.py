"""Agents that ship with the product, one JSON file each: what `Agent.from_dict` reads."""

import json
from importlib.resources import files

from agent_runtime.agent import Agent


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
