"""What a live page and the media server say to each other on their websocket. docs/live.md shows it with examples.

Text frames are JSON with a `type`. The page's first is its grant; the server's first is `welcome` or `refused`.
Binary frames are audio: to the page both sides of the call (`audio_frame`), from the page the supervisor's microphone, mu-law at 8 kHz.
"""

import struct
from typing import Any

import msgspec

LONGEST_MICROPHONE_FRAME = 1600  # bytes, 200 ms
LONGEST_TEXT_FRAME = 4096

_HEAD = struct.Struct("<II")


def audio_frame(at: int, callee: bytes, agent: bytes) -> bytes:
    """A piece of both sides as the callee's phone heard it: `at`, the position of its first sample, in samples since the leg began, and the
    samples of each side, as two little-endian 32-bit numbers; then the callee's mu-law, then the agent's. Both are of the same length."""
    if len(callee) != len(agent):
        raise ValueError("the two sides of a piece are of the same length")
    return _HEAD.pack(at & 0xFFFFFFFF, len(callee)) + callee + agent


# From the page


class Grant(msgspec.Struct, tag_field="type", tag="grant"):
    """The page's first message. `listen`: as `Listen.on`, from the beginning on."""

    grant: str
    listen: bool = True


class Listen(msgspec.Struct, tag_field="type", tag="listen"):
    """Whether audio is to be sent; a page that only reads along turns it off."""

    on: bool


Asked = Grant | Listen
read_asked = msgspec.json.Decoder(Asked).decode
"""Raises msgspec.DecodeError for whatever is not one of these."""


# To the page


class CallFacts(msgspec.Struct):
    """What is known of the call from its beginning. `answered_at`: RFC 3339; `variables` are empty for whoever may not see them."""

    id: str
    number: str
    contact_name: str
    campaign_id: str | None
    campaign_name: str | None
    agent_name: str
    answered_at: str
    rehearsal: bool
    variables: dict[str, str]


class CaptionTold(msgspec.Struct, tag_field="type", tag="caption"):
    """As `agent_runtime.supervision.Caption`; `speaker`: agent, callee or supervisor."""

    turn: int
    speaker: str
    text: str
    start_ms: int
    final: bool
    cut_off: bool = False


class StateTold(msgspec.Struct, tag_field="type", tag="state"):
    """As `agent_runtime.supervision.AgentState`."""

    state: str


class NextTold(msgspec.Struct, tag_field="type", tag="next"):
    """As `agent_runtime.supervision.NextStep`."""

    step: str
    asks: str
    ways: list[tuple[str, str]]


class HeldTold(msgspec.Struct, tag_field="type", tag="held"):
    """Who has taken the call over, by name, and on which connection; both None: the agent has it."""

    by: str | None
    connection: str | None


class ListenersTold(msgspec.Struct, tag_field="type", tag="listeners"):
    """Who has this call's page open, by name."""

    names: list[str]


class NoteTold(msgspec.Struct, tag_field="type", tag="note"):
    """Something that a supervisor did. `kind`: mark, whisper, take_over, give_back or hang_up; `text`: of a mark or a whisper; `answer`:
    what the agent makes of a whisper."""

    kind: str
    by: str
    at_ms: int
    text: str = ""
    answer: str = ""


class SkippedTold(msgspec.Struct, tag_field="type", tag="skipped"):
    """This page did not keep up: `ms` of audio were left out for it."""

    ms: int


class OverTold(msgspec.Struct, tag_field="type", tag="over"):
    """The call is over. The server closes the socket then."""

    reason: str = ""


class RefusedTold(msgspec.Struct, tag_field="type", tag="refused"):
    """The page may not be connected, or not any more: `why`, for people. The server closes the socket then. `again`: whether a new grant
    may help (this one was used or is too old, or the call went to another process)."""

    why: str
    again: bool = False


class Welcome(msgspec.Struct, tag_field="type", tag="welcome"):
    """The first message to a page that is let in, with all that was told before. `connection`: the name of this connection, for taking
    over. `may`: what this person may do: listen, whisper, take_over, hang_up, mark. `now_ms`: since the leg began."""

    connection: str
    name: str
    may: list[str]
    now_ms: int
    call: CallFacts
    state: str
    next: NextTold | None
    held: HeldTold
    listeners: list[str]
    captions: list[CaptionTold]
    notes: list[NoteTold]


Told = CaptionTold | StateTold | NextTold | HeldTold | ListenersTold | NoteTold | SkippedTold | OverTold | RefusedTold | Welcome


def told(message: Told) -> str:
    """`message` as a text frame."""
    return msgspec.json.encode(message).decode()


def read_told(text: str) -> Any:
    """The other way round, for tests and programs."""
    return msgspec.json.decode(text, type=Told)
