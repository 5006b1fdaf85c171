"""The Twilio codec: reads and writes what two independent peers write and read, and nothing but ProtocolError leaves it."""

import base64
import json
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipecat.frames.frames import InputAudioRawFrame, InterruptionFrame, OutputAudioRawFrame
from pipecat.serializers.twilio import TwilioFrameSerializer
from streamdouble.protocol import (  # type: ignore[import-untyped] # ships no types
    InboundClear,
    InboundMark,
    InboundMedia,
    MediaStreamEncoder,
    StreamIdentity,
    build_connected,
    build_dtmf,
    build_mark,
    build_media,
    build_start,
    build_stop,
    parse_outbound,
)

from mediaserver.carriers.twilio.wire import TwilioStream
from mediaserver.wire import AudioReceived, Connected, DigitPressed, MarkReached, ProtocolError, StreamStarted, StreamStopped

US = StreamIdentity(stream_sid="MZ" + "1" * 32, account_sid="AC" + "2" * 32, call_sid="CA" + "3" * 32)
AUDIO = bytes(range(160))


def started() -> TwilioStream:
    codec = TwilioStream()
    codec.receive(json.dumps(build_start(US, 1)))
    return codec


def start_with(**changes: Any) -> str:
    frame = build_start(US, 1)
    frame["start"].update(changes)
    return json.dumps(frame)


def test_reads_a_call_from_connected_to_stop() -> None:
    codec = TwilioStream()
    frames = [
        build_connected(),
        build_start(US, 1, custom_parameters={"token": "abc"}),
        build_media(US, 2, 1, 102, AUDIO),
        build_dtmf(US, 3, "5"),
        build_mark(US, 4, "1:800"),
        build_stop(US, 5),
    ]
    assert [codec.receive(json.dumps(frame)) for frame in frames] == [
        Connected(),
        StreamStarted(US.stream_sid, US.call_sid, US.account_sid, {"token": "abc"}),
        AudioReceived(102, AUDIO),
        DigitPressed("5"),
        MarkReached("1:800"),
        StreamStopped(),
    ]


def test_reads_all_that_an_independent_caller_sends() -> None:
    caller, codec = MediaStreamEncoder(US), TwilioStream()
    assert codec.receive(json.dumps(caller.connected())) == Connected()
    assert isinstance(codec.receive(json.dumps(caller.start())), StreamStarted)
    heard = [codec.receive(json.dumps(caller.media(AUDIO))) for _ in range(3)]
    assert [event.mulaw for event in heard if isinstance(event, AudioReceived)] == [AUDIO] * 3
    assert codec.receive(json.dumps(caller.stop())) == StreamStopped()


def test_an_independent_caller_reads_what_is_sent() -> None:
    codec = started()
    media, mark, clear = (
        parse_outbound(codec.media(AUDIO)),
        parse_outbound(codec.mark('a "name"\n')),
        parse_outbound(codec.clear()),
    )
    assert isinstance(media, InboundMedia)
    assert media.payload == AUDIO
    assert isinstance(mark, InboundMark)
    assert mark.name == 'a "name"\n'
    assert isinstance(clear, InboundClear)


async def test_writes_what_pipecat_s_own_serializer_writes_and_is_read_by_it() -> None:
    peer = TwilioFrameSerializer(US.stream_sid, params=TwilioFrameSerializer.InputParams(auto_hang_up=False, sample_rate=8000))
    await peer.setup(None)  # type: ignore[arg-type] # only asked for a rate where the parameters name none
    codec = started()
    pcm = (np.sin(np.arange(160) / 5) * 8000).astype("<i2").tobytes()
    theirs = json.loads(await peer.serialize(OutputAudioRawFrame(audio=pcm, sample_rate=8000, num_channels=1)) or "")
    mulaw = base64.b64decode(theirs["media"]["payload"])
    assert json.loads(codec.media(mulaw)) == theirs
    assert json.loads(codec.clear()) == json.loads(await peer.serialize(InterruptionFrame()) or "")
    read = await peer.deserialize(codec.media(mulaw))
    assert isinstance(read, InputAudioRawFrame)
    assert np.abs(np.frombuffer(read.audio, "<i2").astype(int) - np.frombuffer(pcm, "<i2")).max() < 300


def test_a_stream_id_with_quotes_can_not_break_out_of_its_frame() -> None:
    odd = StreamIdentity(stream_sid='MZ"},"x":{"', account_sid="AC", call_sid="CA")
    codec = TwilioStream()
    codec.receive(json.dumps(build_start(odd, 1)))
    assert {json.loads(text)["streamSid"] for text in (codec.media(b"\xff"), codec.mark("m"), codec.clear())} == {odd.stream_sid}


def test_events_of_unknown_kinds_are_passed_over_at_any_time() -> None:
    codec = TwilioStream()
    assert codec.receive('{"event":"weather","weather":{"degrees":20}}') is None
    codec.receive(json.dumps(build_start(US, 1)))
    codec.receive(json.dumps(build_stop(US, 2)))
    assert codec.receive('{"event":"weather"}') is None


def test_our_own_voice_sent_back_is_no_voice_of_the_callee() -> None:
    assert started().receive(json.dumps(build_media(US, 2, 1, 102, AUDIO, track="outbound"))) is None


@pytest.mark.parametrize("command", [lambda c: c.media(AUDIO), lambda c: c.mark("m"), lambda c: c.clear()])
def test_nothing_can_be_sent_before_the_start(command: Any) -> None:
    with pytest.raises(RuntimeError, match="has not started"):
        command(TwilioStream())


@pytest.mark.parametrize(
    "frame",
    [
        build_media(US, 1, 1, 20, AUDIO),
        build_dtmf(US, 1, "1"),
        build_mark(US, 1, "m"),
        build_stop(US, 1),
        {"event": "media", "media": {"timestamp": "1", "payload": ""}},
    ],
)
def test_nothing_but_connected_may_come_before_the_start(frame: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="before start"):
        TwilioStream().receive(json.dumps(frame))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (json.dumps(build_start(US, 2)), "second start"),
        (json.dumps(build_connected()), "connected after start"),
        (json.dumps(build_mark(StreamIdentity(), 2, "m")), "mark of another stream"),
        (json.dumps({"event": "media", "streamSid": US.stream_sid}), "media without audio"),
        (json.dumps({"event": "dtmf", "streamSid": US.stream_sid}), "digit of the keypad"),
        (json.dumps(build_dtmf(US, 2, "55")), "digit of the keypad"),
        (json.dumps({"event": "mark", "streamSid": US.stream_sid}), "without a name"),
        (json.dumps({"event": "media", "streamSid": US.stream_sid, "media": {"timestamp": "-1", "payload": ""}}), "no number"),
        (json.dumps({"event": "media", "streamSid": US.stream_sid, "media": {"timestamp": "٣", "payload": ""}}), "no number"),
        (
            json.dumps({"event": "media", "streamSid": US.stream_sid, "media": {"timestamp": "9" * 5000, "payload": ""}}),
            "no number",
        ),
        (json.dumps({"event": "media", "streamSid": US.stream_sid, "media": {"timestamp": 20, "payload": ""}}), "Expected `str`"),
        (json.dumps({"event": "media", "streamSid": US.stream_sid, "media": {"timestamp": "20", "payload": "a=b"}}), "base64"),
        ("hello", "not a media-stream frame"),
        ("", "not a media-stream frame"),
        ("{}", "not a media-stream frame"),
        ("[]", "not a media-stream frame"),
        ("\ud800", "not a media-stream frame"),
        ('{"event":"weather","deep":' + "[" * 60_000, "not a media-stream frame"),
    ],
)
def test_what_the_protocol_does_not_allow_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ProtocolError, match=problem):
        started().receive(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"event":"start"}', "without its stream and call"),
        (start_with(callSid=""), "without its stream and call"),
        (start_with(streamSid=""), "without its stream and call"),
        (start_with(mediaFormat={"encoding": "audio/l16", "sampleRate": 16000, "channels": 1}), "media format"),
        (start_with(customParameters={"token": 7}), "not a media-stream frame"),
    ],
)
def test_a_start_that_is_not_whole_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ProtocolError, match=problem):
        TwilioStream().receive(text)


def test_nothing_comes_after_the_stop() -> None:
    codec = started()
    codec.receive(json.dumps(build_stop(US, 2)))
    with pytest.raises(ProtocolError, match="media after stop"):
        codec.receive(json.dumps(build_media(US, 3, 1, 20, AUDIO)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(["connected", "start", "media", "dtmf", "mark", "stop", "weather"])


def damaged(frame: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The frame with some of its values replaced by anything, one level down too."""
    inner = {key: damaged(value) if isinstance(value, dict) else st.just(value) | JSON for key, value in frame.items()}
    return st.fixed_dictionaries({}, optional=inner)


REAL = [
    build_connected(),
    build_start(US, 1),
    build_media(US, 2, 1, 9, AUDIO),
    build_dtmf(US, 3, "1"),
    build_mark(US, 4, "m"),
    build_stop(US, 5),
]
FRAMES = st.one_of(
    st.text(),
    st.text(alphabet='{}[]":,\\u0019"eventmdias ', max_size=60),
    st.one_of(*(st.just(frame) | damaged(frame) for frame in REAL)).map(json.dumps),
    st.fixed_dictionaries({"event": KINDS}, optional={"start": JSON, "media": JSON, "mark": JSON, "streamSid": JSON}).map(json.dumps),
)


@given(st.lists(FRAMES, max_size=12))
def test_whatever_is_received_only_protocol_error_leaves(texts: list[str]) -> None:
    codec = TwilioStream()
    events = (Connected, StreamStarted, AudioReceived, DigitPressed, MarkReached, StreamStopped, type(None))
    for text in texts:
        with suppress(ProtocolError):
            assert isinstance(codec.receive(text), events)


@given(st.binary(max_size=4000), st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_whatever_is_sent_arrives_as_it_was(mulaw: bytes, name: str) -> None:
    codec = started()
    media, mark = parse_outbound(codec.media(mulaw or b"\xff")), parse_outbound(codec.mark(name or "m"))
    assert isinstance(media, InboundMedia)
    assert media.payload == (mulaw or b"\xff")
    assert isinstance(mark, InboundMark)
    assert mark.name == (name or "m")
