"""What a step's slot takes from the callee's words."""

import re

from agent_runtime.agent import Slot
from agent_runtime.built_in_intents import is_backchannel
from agent_runtime.callback_time import day_words
from agent_runtime.understanding import opens_with

_NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBER = rf"(?:\d+(?:[.,]\d+)?|\b(?:{'|'.join(_NUMBER_WORDS)})\b)"
_NO_ANSWER = re.compile(  # the scale, said again, and a "one" that counts nothing
    rf"\bof {_NUMBER}|{_NUMBER} (?:to|through) {_NUMBER}"
    r"|\b(?:no|any|some|every|this|that|which|each|another|good|last|next) one\b"
    r"|\bone (?:moment|second|minute|thing|day|time|more|person|of)\b"
)


def capture(slot: Slot, line: str) -> str | None:
    """The value for `slot` in `line`; None where it has none. A number is in digits, a yes or no is "yes" or "no", a choice as it is
    configured, a day in the callee's own words, a text the whole line where it says more than "uh-huh"."""
    match slot.kind:
        case "date":
            return day_words(line) or None
        case "number":
            return _number_among(slot.choices, line) if slot.choices else _number(line)
        case "choice":
            return _choice(slot.choices, line)
        case "yes_no":
            return opens_with(line) or None
    return None if is_backchannel(line) else line.strip() or None


def names_a_call(line: str) -> bool:
    """Whether `line` is about calling: "tomorrow at five" answers a question for a day, "call me tomorrow at five" does not."""
    return re.search(r"\b(?:call|phone|ring|try)\b", line.lower()) is not None


def _number(line: str) -> str | None:
    found = re.search(r"\d+(?:[.,]\d+)?", line)
    if found:
        return found.group().replace(",", ".")
    word = re.search(rf"\b({'|'.join(_NUMBER_WORDS)})\b", line.lower())
    return str(_NUMBER_WORDS.index(word.group(1))) if word else None


def _number_among(choices: tuple[str, ...], line: str) -> str | None:
    """The one number that is named: "four out of five" is four. None where several are, or one that is no choice."""
    named = {_number(found) for found in re.findall(_NUMBER, _NO_ANSWER.sub(" ", line.lower()))}
    value = named.pop() if len(named) == 1 else None
    return value if value in choices else None


def _choice(choices: tuple[str, ...], line: str) -> str | None:
    """The one choice that is named; None where none or several are."""
    named = [choice for choice in choices if re.search(rf"\b{re.escape(choice.lower())}\b", line.lower())]
    return named[0] if len(named) == 1 else None
