"""The Media Streams protocol of Twilio, and of those who speak the same, without I/O.

Text frames go in, events come out; commands go in, text frames come out. Who owns the socket, when, and what the audio
means is not known here. Source: https://www.twilio.com/docs/voice/media-streams/websocket-messages.

What surprises: counters and times are strings; the first timestamp is not 0 and they need not be multiples of 20;
`connected` names no stream; `clear` has all outstanding marks sent back.
"""

from binascii import b2a_base64
from collections.abc import Callable
from typing import ClassVar

import msgspec

from mediaserver.wire import (
    AudioReceived,
    Connected,
    DigitPressed,
    Event,
    MarkReached,
    ProtocolError,
    StreamStarted,
    StreamStopped,
)

KEYS = frozenset("0123456789*#ABCD")


class _MediaFormat(msgspec.Struct, rename="camel"):
    encoding: str
    sample_rate: int
    channels: int


class _Start(msgspec.Struct, rename="camel"):
    account_sid: str
    call_sid: str
    stream_sid: str
    media_format: _MediaFormat
    custom_parameters: dict[str, str] = msgspec.field(default_factory=dict)


class _Media(msgspec.Struct):
    timestamp: str
    payload: bytes  # base64 in the frame
    track: str = "inbound"


class _Dtmf(msgspec.Struct):
    digit: str


class _Mark(msgspec.Struct):
    name: str


class _Frame(msgspec.Struct, rename="camel"):
    event: str
    stream_sid: str = ""
    start: _Start | None = None
    media: _Media | None = None
    dtmf: _Dtmf | None = None
    mark: _Mark | None = None


_decode = msgspec.json.Decoder(_Frame).decode
_quote = msgspec.json.encode

_SPOKEN = _MediaFormat(encoding="audio/x-mulaw", sample_rate=8000, channels=1)


class TwilioStream:
    """One stream's protocol state: waiting for the start, open, stopped. Implements `mediaserver.wire.StreamCodec`."""

    def __init__(self) -> None:
        self._stream_id: str | None = None
        self._stopped = False
        self._media_head = self._mark_head = self._clear = ""

    def receive(self, text: str) -> Event | None:
        """The event in one text frame; None for an event of a kind that is not ours to read, and for our own audio sent back.

        Raises:
            ProtocolError: not JSON, wrong types, another stream's frame, or an event that this state does not allow.
        """
        try:
            frame = _decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:  # the last two: lone surrogates, deep nesting
            raise ProtocolError(f"not a media-stream frame: {error}") from error
        read = self._readers.get(frame.event)
        if read is None:
            return None
        if self._stopped:
            raise ProtocolError(f"{frame.event} after stop")
        return read(self, frame)

    def media(self, mulaw: bytes) -> str:
        """A frame that plays `mulaw` (G.711 mu-law, 8 kHz) behind what is buffered. Only once the stream has started."""
        self._expect_started()
        return f'{self._media_head}{b2a_base64(mulaw, newline=False).decode("ascii")}"}}}}'

    def mark(self, name: str) -> str:
        """A frame that is answered with `name` once all audio before it was played. Only once the stream has started."""
        self._expect_started()
        return f"{self._mark_head}{_quote(name).decode()}}}}}"

    def clear(self) -> str:
        """A frame that drops all buffered audio; all outstanding marks come back. Only once the stream has started."""
        self._expect_started()
        return self._clear

    def _expect_started(self) -> None:
        if self._stream_id is None:
            raise RuntimeError("nothing can be sent to a stream that has not started: wait for StreamStarted")

    def _connected(self, _frame: _Frame) -> Connected:
        if self._stream_id is not None:
            raise ProtocolError("connected after start")
        return Connected()

    def _start(self, frame: _Frame) -> StreamStarted:
        start = frame.start
        if self._stream_id is not None:
            raise ProtocolError("second start")
        if start is None or not start.stream_sid or not start.call_sid:
            raise ProtocolError("start without its stream and call")
        if start.media_format != _SPOKEN:
            raise ProtocolError("start with a media format other than audio/x-mulaw, 8000 Hz, 1 channel")
        self._stream_id = start.stream_sid
        stream = _quote(start.stream_sid).decode()
        self._media_head = f'{{"event":"media","streamSid":{stream},"media":{{"payload":"'
        self._mark_head = f'{{"event":"mark","streamSid":{stream},"mark":{{"name":'
        self._clear = f'{{"event":"clear","streamSid":{stream}}}'
        return StreamStarted(start.stream_sid, start.call_sid, start.account_sid, start.custom_parameters)

    def _media(self, frame: _Frame) -> AudioReceived | None:
        self._expect_ours(frame)
        media = frame.media
        if media is None or not (media.timestamp.isascii() and media.timestamp.isdigit() and len(media.timestamp) <= 15):
            raise ProtocolError("media without audio or with a timestamp that is no number")
        return AudioReceived(int(media.timestamp), media.payload) if media.track == "inbound" else None

    def _dtmf(self, frame: _Frame) -> DigitPressed:
        self._expect_ours(frame)
        if frame.dtmf is None or frame.dtmf.digit not in KEYS:
            raise ProtocolError("dtmf without a digit of the keypad")
        return DigitPressed(frame.dtmf.digit)

    def _mark(self, frame: _Frame) -> MarkReached:
        self._expect_ours(frame)
        if frame.mark is None:
            raise ProtocolError("mark without a name")
        return MarkReached(frame.mark.name)

    def _stop(self, frame: _Frame) -> StreamStopped:
        self._expect_ours(frame)
        self._stopped = True
        return StreamStopped()

    def _expect_ours(self, frame: _Frame) -> None:
        if frame.stream_sid != self._stream_id:
            raise ProtocolError(f"{frame.event} before start" if self._stream_id is None else f"{frame.event} of another stream")

    _readers: ClassVar[dict[str, Callable[["TwilioStream", _Frame], Event | None]]] = {
        "connected": _connected,
        "start": _start,
        "media": _media,
        "dtmf": _dtmf,
        "mark": _mark,
        "stop": _stop,
    }
