"""The texts of an agent's definition: where each is spoken, what variables it has, and how it reads for one contact. Nothing is drawn.

A definition is the JSON that the API takes and the database keeps.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Definition = dict[str, Any]

VARIABLE = re.compile(r"\{\{\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:\|([^}]*))?\}\}", re.ASCII)
CALLBACK_TIME = "callback_time"
COMPANY = "company_name"
OWN = {"first_message": "First message", "goodbye": "Goodbye", "voicemail_message": "Voicemail message"}
ANY_TIME = {
    "who": "Answer to “Who is this?”",
    "robot": "Answer to “Are you a robot?”",
    "not_understood": "When an answer was not understood",
    "still_there": "After a silence",
    "when": "Asks for a better time",
    "called_back": "When a better time is agreed",
    "wrong_person": "When somebody else picked up",
    "opted_out": "When the callee does not want to be called again",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One text, and in words when it is said."""

    place: str
    text: str


def steps(definition: Definition) -> dict[str, dict[str, Any]]:
    """The steps of the script by name, in the order in which calls reach them, then those that none does; none without a script."""
    script = definition.get("script") or {}
    kept: dict[str, dict[str, Any]] = script.get("steps", {})
    reached = [script["start"]] if script.get("start") in kept else []
    for name in reached:  # grows while it is walked
        step = kept[name]
        following = [*(choice["next"] for choice in step.get("intents", ())), step.get("next", ""), step.get("otherwise", "")]
        reached += dict.fromkeys(to for to in following if to in kept and to not in reached)
    return {name: kept[name] for name in (*reached, *(other for other in kept if other not in reached))}


def spoken(definition: Definition) -> list[Line]:
    """Every text that the callee or a mailbox may hear, in the order of a call."""
    script = definition.get("script") or {}
    lines = [Line(OWN["first_message"], definition.get("first_message", ""))]
    for name, step in steps(definition).items():
        lines += [Line(f"Step {name}", step.get("say", "")), Line(f"Step {name}, asked again", step.get("reprompt", ""))]
    lines += [Line(OWN[field], definition.get(field, "")) for field in ("goodbye", "voicemail_message")]
    lines += [Line(place, script.get(field, "")) for field, place in ANY_TIME.items()]
    return [line for line in lines if line.text]


def variables(definition: Definition) -> dict[str, bool]:
    """Names that the texts use, True where a contact must have it because some use has no default. Not what the call itself fills."""
    script = steps(definition).values()
    captured = {step["slot"]["name"] for step in script if step.get("slot")} | {name for step in script for name in step.get("notes", ())}
    captured.add(CALLBACK_TIME)
    texts = [line.text for line in spoken(definition)] + [definition.get("prompt", ""), definition.get("goal", "")]
    found: dict[str, bool] = {}
    for match in VARIABLE.finditer("\n".join(texts)):
        name = match.group(1).lower()
        if name not in captured:
            found[name] = found.get(name, False) or match.group(2) is None
    return found


def filled(text: str, sample: Mapping[str, str]) -> str:
    """`text` as this contact hears it; what is missing stands in brackets with a question mark."""

    def value(match: re.Match[str]) -> str:
        name, default = match.group(1).lower(), match.group(2)
        given = sample.get(name, "").replace("{{", "").replace("}}", "").strip()
        return given or (f"[{name}?]" if default is None else default.strip())

    return VARIABLE.sub(value, text)


def readable(text: str) -> str:
    """The text with the names of its variables in brackets."""
    return VARIABLE.sub(lambda match: f"[{match.group(1).replace('_', ' ')}]", text)


def renamed(definition: Definition, old: str, new: str) -> Definition:
    """The definition with step `old` called `new`, in its place, and with every way that led there leading there still."""
    script = definition["script"]

    def to(name: str) -> str:
        return new if name == old else name

    def moved(step: dict[str, Any]) -> dict[str, Any]:
        ways: dict[str, Any] = {way: to(step[way]) for way in ("next", "otherwise") if way in step}
        if "intents" in step:
            ways["intents"] = [{**choice, "next": to(choice["next"])} for choice in step["intents"]]
        return {**step, **ways}

    kept = {to(name): moved(step) for name, step in script["steps"].items()}
    return {**definition, "script": {**script, "start": to(script["start"]), "steps": kept}}


def speaks_for(definition: Definition) -> str | None:
    """Whom the agent names as its company where the contact brings no other; None where no text names it."""
    for line in spoken(definition):
        for match in VARIABLE.finditer(line.text):
            if match.group(1).lower() == COMPANY:
                return (match.group(2) or "").strip()
    return None


def spoken_for(definition: Definition, company: str) -> Definition:
    """The definition with `company` named wherever its texts name the company; with none, each contact must bring it."""
    plain = re.sub(r"[{}|]", "", company).strip()
    variable = f"{{{{{COMPANY}|{plain}}}}}" if plain else f"{{{{{COMPANY}}}}}"

    def named(match: re.Match[str]) -> str:
        return variable if match.group(1).lower() == COMPANY else match.group(0)

    rewritten: Definition = _each_text(definition, lambda text: VARIABLE.sub(named, text))
    return rewritten


def differences(old: Definition, new: Definition) -> list[tuple[str, str, str]]:
    """Spoken texts that are not the same in both: where, as it was, and as it is (empty for none)."""
    before = {line.place: line.text for line in spoken(old)}
    after = {line.place: line.text for line in spoken(new)}
    places = [*before, *(place for place in after if place not in before)]
    return [(place, before.get(place, ""), after.get(place, "")) for place in places if before.get(place) != after.get(place)]


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case dict():
            return {name: _each_text(part, change) for name, part in value.items()}
        case list():
            return [_each_text(part, change) for part in value]
    return value
