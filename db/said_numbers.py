"""Phone numbers that are said in a call, or stand in a text: whoever may not see numbers does not read them there either. Pure."""

import re
from typing import Any

MANY = 7  # digits one after the other: fewer are a time, an amount, or the number of a house

_DIGIT = r"(?:\d|\b(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)\b)"
_BETWEEN = r"[ ().,/–-]{0,3}"
_DATE = r"\d{4}-\d{2}-\d{2}(?!\d)"
_NUMBER = re.compile(rf"(?<![\w*])(?!{_DATE})\+?\(?{_DIGIT}(?:{_BETWEEN}{_DIGIT}){{{MANY - 1},}}(?!\w)", re.IGNORECASE)


def unsaid(text: str) -> str:
    """`text` with stars in place of each number of MANY digits or more, however it is written or spoken, but for its last two digits."""
    return _NUMBER.sub(_starred, text)


def unsaid_in(value: Any) -> Any:
    """The same for every text in a JSON value."""
    match value:
        case str():
            return unsaid(value)
        case dict():
            return {name: unsaid_in(part) for name, part in value.items()}
        case list():
            return [unsaid_in(part) for part in value]
    return value


def _starred(found: re.Match[str]) -> str:
    said = found.group()
    return "*****" + (said[-2:] if said[-2:].isdigit() else "")
