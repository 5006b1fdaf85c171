"""Calls in the browser have no phone number: what stands in its place, on the carrier account and the line that are theirs alone."""

from dataclasses import dataclass
from datetime import datetime

ACCOUNT = "browser"
LINE = "browser"
SHOWN = "In the browser"
_OF_USER = "browser:"


def number_of(user_id: int) -> str:
    """What stands for the number of whoever talks in the browser: there is one call of a person at a time, as of any number."""
    return f"{_OF_USER}{user_id}"


def in_the_browser(number: str) -> bool:
    """Whether a callee, or the line of a call, is one of the browser."""
    return number == LINE or number.startswith(_OF_USER)


@dataclass(frozen=True, slots=True)
class BrowserCall:
    """A call in the browser that its carrier was asked for, as far as it got."""

    id: int
    number: str
    caller: str
    state: str
    requested_at: datetime
    ring_timeout_s: int
    cancel_wanted: bool
    answered_at: datetime | None
    conversation_ended_at: datetime | None
    now: datetime


@dataclass(frozen=True, slots=True)
class ToBeJoined:
    """A call whose page asks for a stream. `placed`: its carrier has it; `held`: a process that lives has a conversation on it."""

    number: str
    state: str
    placed: bool
    held: bool
