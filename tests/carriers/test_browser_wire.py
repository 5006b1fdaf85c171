"""The codec of calls in the browser: reads what a page sends, a page reads what it writes, and nothing but ProtocolError leaves it."""

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.carriers.browser.wire import BrowserStream
from mediaserver.wire import AudioReceived, DigitPressed, MarkReached, ProtocolError, StreamStarted, StreamStopped

AUDIO = bytes(range(160))
START = {"event": "start", "token": "7.abc"}
MEDIA = {"event": "media", "payload": base64.b64encode(AUDIO).decode()}
DTMF = {"event": "dtmf", "digit": "5"}
MARK = {"event": "mark", "name": "1:800"}
STOP = {"event": "stop"}


def stream(*frames: dict[str, Any]) -> BrowserStream:
    """A stream that has had these frames."""
    codec = BrowserStream("browser-1")
    for frame in frames:
        codec.receive(json.dumps(frame))
    return codec


def test_reads_a_call_from_start_to_stop() -> None:
    codec = stream()
    assert [codec.receive(json.dumps(frame)) for frame in (START, MEDIA, MEDIA, DTMF, MARK, STOP)] == [
        StreamStarted("browser-1", carrier_call_id="", account_id="browser", parameters={"token": "7.abc"}),
        AudioReceived(0, AUDIO),
        AudioReceived(20, AUDIO),
        DigitPressed("5"),
        MarkReached("1:800"),
        StreamStopped(report_follows=False),
    ]


def test_what_else_a_page_may_write_into_a_frame_is_passed_over() -> None:
    assert stream(START).receive(json.dumps({**MARK, "at": 7})) == MarkReached("1:800")


@pytest.mark.parametrize("frame", [MEDIA, DTMF, MARK, STOP])
def test_nothing_comes_before_the_start(frame: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="before start"):
        stream().receive(json.dumps(frame))


@pytest.mark.parametrize("frame", [START, MEDIA, DTMF, MARK, STOP])
def test_nothing_comes_after_the_stop(frame: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="after stop"):
        stream(START, STOP).receive(json.dumps(frame))


@pytest.mark.parametrize("token", [{}, {"token": ""}])
def test_a_start_has_a_token(token: dict[str, str]) -> None:
    with pytest.raises(ProtocolError, match="start without its token"):
        stream().receive(json.dumps({"event": "start", **token}))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (json.dumps(START), "second start"),
        (json.dumps({"event": "media"}), "media without audio"),
        (json.dumps({"event": "media", "payload": None}), "media without audio"),
        (json.dumps({"event": "media", "payload": "a=b"}), "base64"),
        (json.dumps({"event": "media", "payload": [1, 2]}), "not a frame of the page"),
        (json.dumps({"event": "mark"}), "without a name"),
        (json.dumps({"event": "mark", "name": 7}), "not a frame of the page"),
        (json.dumps({"event": "dtmf"}), "digit of the keypad"),
        (json.dumps({"event": "dtmf", "digit": "55"}), "digit of the keypad"),
        (json.dumps({"event": "clear"}), "does not send"),
        (json.dumps({"event": "weather"}), "does not send"),
        ("hello", "not a frame of the page"),
        ("", "not a frame of the page"),
        ("{}", "not a frame of the page"),
        ("[]", "not a frame of the page"),
        ("\ud800", "not a frame of the page"),
        ('{"event":"media","deep":' + "[" * 60_000, "not a frame of the page"),
    ],
)
def test_what_the_protocol_does_not_allow_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ProtocolError, match=problem):
        stream(START).receive(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def damaged(frame: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The frame with some of its values replaced by anything, or left out."""
    return st.fixed_dictionaries({}, optional={key: st.just(value) | JSON for key, value in frame.items()})


FRAMES = st.one_of(
    st.text(),
    st.text(alphabet='{}[]":,\\u0019"eventmdias ', max_size=60),
    st.one_of(*(st.just(frame) | damaged(frame) for frame in (START, MEDIA, DTMF, MARK, STOP))).map(json.dumps),
)


@given(st.lists(FRAMES, max_size=12))
def test_whatever_is_received_only_protocol_error_leaves(texts: list[str]) -> None:
    codec = stream()
    for text in texts:
        with suppress(ProtocolError):
            assert isinstance(codec.receive(text), StreamStarted | AudioReceived | DigitPressed | MarkReached | StreamStopped)


@given(st.binary(max_size=4000), st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_whatever_is_sent_arrives_as_it_was(mulaw: bytes, name: str) -> None:
    codec = stream(START)
    media, mark, clear = json.loads(codec.media(mulaw)), json.loads(codec.mark(name)), json.loads(codec.clear())
    assert (media["event"], base64.b64decode(media["payload"])) == ("media", mulaw)
    assert mark == {"event": "mark", "name": name}
    assert clear == {"event": "clear"}
