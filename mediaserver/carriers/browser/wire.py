"""The media stream of a page on which somebody talks to an agent, without I/O: JSON text frames, as small as they can be.

The page begins with its token. Both sides then send mu-law in base64; a mark comes back once all audio before it was played, or cleared.
"""

from binascii import b2a_base64
from collections.abc import Callable
from typing import ClassVar

import msgspec

from db.browser_line import ACCOUNT
from mediaserver.wire import AudioReceived, DigitPressed, Event, MarkReached, ProtocolError, StreamStarted, StreamStopped

KEYS = frozenset("0123456789*#")
SAMPLES_PER_MS = 8


class _Frame(msgspec.Struct):
    event: str
    token: str = ""
    payload: bytes | None = None  # base64 in the frame
    name: str | None = None
    digit: str = ""


_decode = msgspec.json.Decoder(_Frame).decode
_quote = msgspec.json.encode
_CLEAR = '{"event":"clear"}'


class BrowserStream:
    """One page's stream: waiting for its start, open, stopped. Implements `mediaserver.wire.StreamCodec`.

    `stream_id`: what the stream is called in logs and in the record of its call, as a page has no name for it. Nor does it send its clock:
    the time of its audio is how much came before.
    """

    def __init__(self, stream_id: str) -> None:
        self._stream_id = stream_id
        self._started = self._stopped = False
        self._samples = 0

    def receive(self, text: str) -> Event:
        """The event in one text frame. The call that the stream belongs to is told by its token alone.

        Raises:
            ProtocolError: not JSON, wrong types, an event that there is not, or one that this state does not allow.
        """
        try:
            frame = _decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:  # the last two: lone surrogates, deep nesting
            raise ProtocolError(f"not a frame of the page: {error}") from error
        read = self._readers.get(frame.event)
        if read is None:
            raise ProtocolError("an event that a page does not send")
        if self._stopped:
            raise ProtocolError(f"{frame.event} after stop")
        if self._started == (frame.event == "start"):
            raise ProtocolError("second start" if self._started else f"{frame.event} before start")
        return read(self, frame)

    def media(self, mulaw: bytes) -> str:
        """A frame that plays `mulaw` (G.711 mu-law, 8 kHz) behind what is buffered."""
        return f'{{"event":"media","payload":"{b2a_base64(mulaw, newline=False).decode("ascii")}"}}'

    def mark(self, name: str) -> str:
        """A frame that is answered with `name` once all audio before it was played."""
        return f'{{"event":"mark","name":{_quote(name).decode()}}}'

    def clear(self) -> str:
        """A frame that drops all buffered audio; all outstanding marks come back."""
        return _CLEAR

    def _start(self, frame: _Frame) -> StreamStarted:
        if not frame.token:
            raise ProtocolError("start without its token")
        self._started = True
        return StreamStarted(self._stream_id, carrier_call_id="", account_id=ACCOUNT, parameters={"token": frame.token})

    def _media(self, frame: _Frame) -> AudioReceived:
        if frame.payload is None:
            raise ProtocolError("media without audio")
        at_ms = self._samples // SAMPLES_PER_MS
        self._samples += len(frame.payload)
        return AudioReceived(at_ms, frame.payload)

    def _mark(self, frame: _Frame) -> MarkReached:
        if frame.name is None:
            raise ProtocolError("mark without a name")
        return MarkReached(frame.name)

    def _dtmf(self, frame: _Frame) -> DigitPressed:
        if frame.digit not in KEYS:
            raise ProtocolError("dtmf without a digit of the keypad")
        return DigitPressed(frame.digit)

    def _stop(self, _frame: _Frame) -> StreamStopped:
        self._stopped = True
        return StreamStopped(report_follows=False)

    _readers: ClassVar[dict[str, Callable[["BrowserStream", _Frame], Event]]] = {
        "start": _start,
        "media": _media,
        "mark": _mark,
        "dtmf": _dtmf,
        "stop": _stop,
    }
