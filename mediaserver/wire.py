"""Media-stream events and commands in words that belong to no carrier. Each carrier's codec translates; none does I/O."""

from dataclasses import dataclass, field
from typing import Protocol


class ProtocolError(Exception):
    """The peer sent something that its protocol does not allow. The stream can't be trusted any more: close it."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The socket speaks the protocol; the stream is about to start."""


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """`parameters`: what our answer document gave the carrier to pass on (the stream's token among it)."""

    stream_id: str
    carrier_call_id: str
    account_id: str
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AudioReceived:
    """`mulaw`: G.711 mu-law at 8 kHz, usually 160 bytes; `at_ms`: the carrier's own clock, which need not begin at 0
    or be regular.
    """

    at_ms: int
    mulaw: bytes


@dataclass(frozen=True, slots=True)
class DigitPressed:
    digit: str


@dataclass(frozen=True, slots=True)
class MarkReached:
    """All audio before the mark of this name was played, or it was cleared."""

    name: str


@dataclass(frozen=True, slots=True)
class StreamStopped:
    """The stream is over, and with it the call. `report_follows`: the carrier says that of the call by a report of its own as well."""

    report_follows: bool = True


Event = Connected | StreamStarted | AudioReceived | DigitPressed | MarkReached | StreamStopped


class StreamCodec(Protocol):
    """One stream's protocol state: text frames in, events out; commands in, text frames out."""

    def receive(self, text: str) -> Event | None:
        """The event in one text frame; None for a frame without news. Raises ProtocolError."""

    def media(self, mulaw: bytes) -> str:
        """A frame that plays `mulaw` behind what the carrier has buffered."""

    def mark(self, name: str) -> str:
        """A frame that has the carrier answer with `name` once all audio before it was played."""

    def clear(self) -> str:
        """A frame that drops what the carrier has buffered; it answers with all outstanding marks."""
