"""Media Streams frames, as the network sends and takes them. No I/O.

Source: https://www.twilio.com/docs/voice/media-streams/websocket-messages. Numbers travel as strings.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec


class BadFrame(Exception):
    """The other side sent what the protocol does not allow: the frame has no effect."""


@dataclass(frozen=True, slots=True)
class Media:
    mulaw: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    name: str


@dataclass(frozen=True, slots=True)
class Clear:
    pass


Command = Media | Mark | Clear


class _Body(msgspec.Struct):
    payload: str = ""
    name: str = ""


class _Frame(msgspec.Struct):
    event: str
    streamSid: str  # noqa: N815  # the carrier's spelling
    media: _Body | None = None
    mark: _Body | None = None


_decode = msgspec.json.Decoder(_Frame).decode


class Frames:
    """The frames of one stream: counts what it sends, checks what it gets."""

    def __init__(self, *, account_sid: str, call_sid: str, stream_sid: str, parameters: Mapping[str, str]) -> None:
        self.stream_sid = stream_sid
        self._ids = {"accountSid": account_sid, "callSid": call_sid}
        self._parameters = dict(parameters)
        self._sequence = self._chunk = 0

    def connected(self) -> str:
        return _encode({"event": "connected", "protocol": "Call", "version": "1.0.0"})

    def start(self) -> str:
        return self._numbered(
            "start",
            {
                **self._ids,
                "streamSid": self.stream_sid,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": self._parameters,
            },
        )

    def media(self, mulaw: bytes, timestamp_ms: int) -> str:
        self._chunk += 1
        payload = base64.b64encode(mulaw).decode()
        return self._numbered("media", {"track": "inbound", "chunk": str(self._chunk), "timestamp": str(timestamp_ms), "payload": payload})

    def mark(self, name: str) -> str:
        return self._numbered("mark", {"name": name})

    def dtmf(self, digit: str) -> str:
        return self._numbered("dtmf", {"track": "inbound_track", "digit": digit})

    def stop(self) -> str:
        return self._numbered("stop", dict(self._ids))

    def _numbered(self, event: str, body: dict[str, Any]) -> str:
        self._sequence += 1
        return _encode({"event": event, "sequenceNumber": str(self._sequence), event: body, "streamSid": self.stream_sid})

    def receive(self, text: str | bytes) -> Command:
        """What one text frame asks for.

        Raises:
            BadFrame: not text, not JSON, another stream's, an unknown event, a payload that is not base64.
        """
        if isinstance(text, bytes):
            raise BadFrame("a binary frame")
        try:
            frame = _decode(text)
        except msgspec.DecodeError as error:
            raise BadFrame(str(error)) from error
        if frame.streamSid != self.stream_sid:
            raise BadFrame("streamSid names another stream")
        return _command(frame)


def _command(frame: _Frame) -> Command:
    if frame.event == "clear":
        return Clear()
    if frame.event == "mark" and frame.mark is not None and frame.mark.name:
        return Mark(frame.mark.name)
    if frame.event == "media" and frame.media is not None:
        try:
            return Media(base64.b64decode(frame.media.payload, validate=True))
        except (ValueError, binascii.Error) as error:
            raise BadFrame("the payload is not base64") from error
    raise BadFrame(f"{frame.event[:20]} without what belongs to it, or not an event that goes this way")


def _encode(frame: dict[str, Any]) -> str:
    return msgspec.json.encode(frame).decode()
