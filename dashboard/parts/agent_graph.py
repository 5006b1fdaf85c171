"""The script of an agent as a graph, in Graphviz's language, and the same in words. Nothing is drawn here."""

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from dashboard.parts.agent_texts import Definition, steps
from dashboard.words import md, plain

NOT_UNDERSTOOD = "not understood"
FIRST = " first message"  # no step is called so: a step's name has no blank at its front
SAID_WIDTH, SAID_MOST = 30, 90
_PAPER = 'bgcolor="white" fontname="sans-serif" rankdir=TB nodesep=0.35 ranksep=0.45 pad=0.2'
_NODE = 'shape=box style="rounded,filled" fillcolor="#eef4fb" color="#2b79bd" fontcolor="#1a1a1a" fontname="sans-serif" fontsize=12'
_EDGE = 'color="#555555" fontcolor="#333333" fontname="sans-serif" fontsize=11'


def dot(definition: Definition) -> str:
    """The graph: a box for each step, an arrow for each answer. Steps that end the call have a double border."""
    script = definition["script"]
    lines = [f"{_quoted(FIRST)} [label={_label('First message', definition['first_message'])} fillcolor=white]"]
    lines.append(f"{_quoted(FIRST)} -> {_quoted(script['start'])}")
    for name, step in steps(definition).items():
        ends = " peripheries=2" if step.get("end") else ""
        lines.append(f"{_quoted(name)} [label={_label(_heading(name, step), step.get('say', ''))}{ends}]")
        for answer, to in ways(step):
            dashed = " style=dashed" if answer == NOT_UNDERSTOOD else ""
            lines.append(f"{_quoted(name)} -> {_quoted(to)} [label={_quoted(' ' + answer + ' ')}{dashed}]")
    return "\n".join(["digraph script {", f"graph [{_PAPER}]", f"node [{_NODE}]", f"edge [{_EDGE}]", *lines, "}"])


def ways(step: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each way out of a step: the answer that leads there, and the step that follows."""
    for choice in step.get("intents", ()):
        yield choice["name"], choice["next"]
    if step.get("next"):
        slot = step.get("slot")
        yield (f"says {plain(slot['name']).lower()}" if slot else "any answer" if step.get("ask") else "then"), step["next"]
    if step.get("ask") and step.get("otherwise"):
        yield NOT_UNDERSTOOD, step["otherwise"]


def in_words(definition: Definition) -> list[str]:
    """The graph as lines of markdown, one for each step."""
    lines = [f"**First message**, then **{md(definition['script']['start'])}**"]
    for name, step in steps(definition).items():
        out = [f"{md(answer)} → **{md(to)}**" for answer, to in ways(step)]
        if step.get("end"):
            out.append(f"the call ends ({md(plain(step['end']).lower())})")
        goal = f" The goal is then {md(plain(step['goal']).lower())}." if step.get("goal") else ""
        does = "asks and waits" if step.get("ask") else "speaks"
        lines.append(f"**{md(name)}** {does}: {'; '.join(out)}.{goal}")
    return lines


def _heading(name: str, step: dict[str, Any]) -> str:
    told = [f"goal {plain(step['goal']).lower()}"] if step.get("goal") else []
    told += [f"ends: {plain(step['end']).lower()}"] if step.get("end") else []
    return f"{name} ({', '.join(told)})" if told else name


def _label(heading: str, said: str) -> str:
    """A quoted label: the heading, and below it the beginning of what is said."""
    return _quoted("\n".join([heading, *textwrap.wrap(textwrap.shorten(said, SAID_MOST, placeholder=" ..."), SAID_WIDTH)]))


def _quoted(text: str) -> str:
    """As Graphviz reads a string: its quotes and ends of line are JSON's."""
    return json.dumps(text, ensure_ascii=False)
