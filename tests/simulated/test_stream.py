"""Media streams of the network: its frames as two other readers understand them, its buffer as our side sees it."""

import base64
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipecat.frames.frames import InputAudioRawFrame, InputDTMFFrame
from pipecat.serializers.twilio import TwilioFrameSerializer
from streamdouble import g711  # type: ignore[import-untyped]  # ships no types

from agent_runtime.engines import Recognized
from mediaserver.carriers.simulated import mulaw
from mediaserver.carriers.simulated.frames import BadFrame, Frames
from mediaserver.carriers.simulated.line import MOST_BUFFERED, Mouth, Playback
from mediaserver.carriers.simulated.settings import NetworkSettings
from mediaserver.carriers.simulated.speech import Tones, tone
from mediaserver.carriers.simulated.stream import Bursts
from mediaserver.carriers.twilio.wire import TwilioStream
from mediaserver.wire import AudioReceived, Connected, MarkReached, StreamStarted, StreamStopped
from tests.simulated.conftest import SetStage
from tests.simulated.our_side import QUICK, TO_AGREES, TO_SILENT, Stream

WORDS = mulaw.encode(tone(440, 600))


class AsksForAKey(Tones):
    """People who understand everything as a request to press a key."""

    def __init__(self) -> None:
        self.recognition = self

    async def recognize(self, pcm: bytes) -> Recognized:
        return Recognized("To confirm, press one.", 0.0)


async def played(stage: SetStage, to: str, agent: Any, **how: Any) -> Any:
    """A call to `to` with `agent` on our side, hung up when the agent is done; the stage after the curtain."""
    at = await stage(**how)

    async def acts(stream: Stream) -> None:
        try:
            await agent(stream)
        finally:
            await at.api.hang_up(stream.events("start")[0]["start"]["callSid"])
        await stream.until_closed()

    at.ours.agent = acts
    await at.api.call(to)
    await at.curtain()
    return at


async def test_two_other_readers_understand_every_frame(stage: SetStage) -> None:
    async def speaks(stream: Stream) -> None:
        await stream.mark("first")
        await stream.until(lambda s: len(s.events("media")) >= 100 and bool(s.events("mark")))

    at = await played(stage, TO_AGREES, speaks, burst_share=0.5)
    stream = at.ours.streams[0]
    codec = TwilioStream()
    read = [event for event in map(codec.receive, stream.texts) if event is not None]
    assert [type(event) for event in (read[0], read[1], read[-1])] == [Connected, StreamStarted, StreamStopped]
    assert isinstance(read[1], StreamStarted)
    assert read[1].parameters == {"token": "t"}
    assert MarkReached("first") in read
    audio = b"".join(event.mulaw for event in read if isinstance(event, AudioReceived))

    params = TwilioFrameSerializer.InputParams(auto_hang_up=False, sample_rate=8000)
    peer = TwilioFrameSerializer(read[1].stream_id, params=params)
    await peer.setup(None)  # type: ignore[arg-type]  # only asked for a rate where the parameters name none
    heard = [await peer.deserialize(text) for text in stream.texts]
    pcm = b"".join(frame.audio for frame in heard if isinstance(frame, InputAudioRawFrame))
    assert np.abs(np.frombuffer(pcm, np.int16)).max() > 5000  # the callee's hello
    assert len(pcm) == 2 * len(audio)


async def test_frames_are_numbered_and_stamped_as_the_carriers_are(stage: SetStage) -> None:
    async def waits(stream: Stream) -> None:
        await stream.until(lambda s: len(s.events("media")) >= 60)

    at = await played(stage, TO_SILENT, waits)
    frames = at.ours.streams[0].frames
    assert "streamSid" not in frames[0]
    assert [frame["sequenceNumber"] for frame in frames[1:]] == [str(n) for n in range(1, len(frames))]
    media = [frame["media"] for frame in frames if frame["event"] == "media"]
    assert [each["chunk"] for each in media] == [str(n) for n in range(1, len(media) + 1)]
    stamps = [int(each["timestamp"]) for each in media]
    assert stamps[0] > 20
    assert stamps == sorted(set(stamps))
    assert any(stamp % 20 for stamp in stamps)
    assert {len(base64.b64decode(each["payload"])) for each in media} == {160}


async def test_a_mark_comes_back_when_the_audio_before_it_was_played(stage: SetStage) -> None:
    async def speaks(stream: Stream) -> None:
        before = len(stream.events("media"))
        await stream.play(WORDS)
        await stream.mark("said")
        await stream.until(lambda s: bool(s.events("mark")))
        # The network's own audio is its clock: a frame each 20 ms, so 30 of them while 600 ms are played, less what was under way.
        assert len(stream.events("media")) - before >= 28
        assert stream.events("mark")[0]["mark"] == {"name": "said"}

    at = await played(stage, TO_SILENT, speaks)
    journal = at.exchange.journals()[0]
    assert (journal.marks_played, journal.marks_cleared) == (1, 0)
    assert journal.first_audio_ms is not None
    assert journal.first_heard_ms is not None
    assert journal.first_audio_ms <= journal.first_heard_ms + mulaw.FRAME_MS


async def test_clear_sends_all_outstanding_marks_back_and_nothing_more_is_heard(stage: SetStage) -> None:
    async def is_interrupted(stream: Stream) -> None:
        await stream.play(WORDS * 100)
        await stream.mark("a")
        await stream.mark("b")
        await stream.send("clear")
        await stream.until(lambda s: len(s.events("mark")) == 2)
        await stream.play(WORDS)
        await stream.mark("c")
        await stream.until(lambda s: len(s.events("mark")) == 3)

    at = await played(stage, TO_SILENT, is_interrupted)
    assert [each["mark"]["name"] for each in at.ours.streams[0].events("mark")] == ["a", "b", "c"]
    journal = at.exchange.journals()[0]
    assert (len(journal.clears_ms), journal.marks_cleared, journal.marks_played) == (1, 2, 1)


async def test_frames_that_break_the_protocol_are_passed_over(stage: SetStage) -> None:
    async def stumbles(stream: Stream) -> None:
        await stream.socket.send_str("not json")
        await stream.socket.send_str('{"event": "clear", "streamSid": "MZother"}')
        await stream.socket.send_bytes(b"\x00")
        await stream.send("media", {"payload": "%%%"})
        await stream.send("dance")
        await stream.mark("still here")
        await stream.until(lambda s: bool(s.events("mark")))

    at = await played(stage, TO_SILENT, stumbles)
    journal = at.exchange.journals()[0]
    assert (journal.bad_frames, journal.clears_ms, journal.status) == (5, [], "completed")


async def test_a_key_that_is_asked_for_is_pressed(stage: SetStage) -> None:
    async def asks(stream: Stream) -> None:
        await stream.play(WORDS)
        await stream.until(lambda s: bool(s.events("dtmf")))

    at = await played(stage, TO_AGREES, asks, speech=AsksForAKey())
    stream = at.ours.streams[0]
    assert stream.events("dtmf")[0]["dtmf"] == {"track": "inbound_track", "digit": "1"}
    peer = TwilioFrameSerializer(stream.stream_sid, params=TwilioFrameSerializer.InputParams(auto_hang_up=False))
    text = next(text for text in stream.texts if '"dtmf"' in text)
    assert isinstance(await peer.deserialize(text), InputDTMFFrame)


def bursts(seed: int, share: float) -> list[list[tuple[bytes, int]]]:
    made = Bursts(random.Random(seed), NetworkSettings(**{**QUICK, "burst_share": share, "burst_frames": 5}))
    return [made.add(b"%d" % n) for n in range(500)]


def test_bursts_keep_every_frame_in_order_and_are_the_same_for_the_same_seed() -> None:
    released = bursts(1, 0.3)
    sizes = {len(each) for each in released}
    assert sizes == {0, 1, 2, 3, 4, 5}
    flat = [frame for each in released for frame, _ in each]
    assert flat == [b"%d" % n for n in range(len(flat))]
    assert bursts(1, 0.3) == released
    assert bursts(2, 0.3) != released
    assert {len(each) for each in bursts(1, 0.0)} == {1}


@given(st.text() | st.binary())
def test_only_a_bad_frame_leaves_the_reader(text: str | bytes) -> None:
    frames = Frames(account_sid="AC", call_sid="CA", stream_sid="MZ", parameters={})
    with pytest.raises(BadFrame):
        frames.receive(text)


@given(st.lists(st.binary(max_size=700) | st.text(max_size=3), max_size=30))
def test_what_was_appended_is_played_once_in_order_and_each_mark_after_its_audio(items: list[bytes | str]) -> None:
    playback, due = Playback(), []
    appended = 0
    for item in items:
        if isinstance(item, bytes):
            playback.append(item)
            appended += len(item)
        else:
            playback.mark(item)
            due.append((appended, item))
    played, back = b"", []
    for _ in range(appended // 160 + 1):
        frame, marks = playback.take()
        played += frame
        back += marks
        assert len(back) == sum(at <= min(len(played), appended) for at, _ in due)
    assert played[:appended] == b"".join(item for item in items if isinstance(item, bytes))
    assert back == [name for _, name in due]
    assert playback.clear() == []


def test_more_than_ten_minutes_ahead_is_discarded() -> None:
    playback = Playback()
    playback.append(b"\x00" * (MOST_BUFFERED + 5))
    assert playback.buffered == MOST_BUFFERED


def test_mu_law_there_and_back_is_as_exact_as_g711() -> None:
    pcm = np.arange(-32768, 32768, dtype=np.int16)
    back = np.frombuffer(mulaw.decode(mulaw.encode(pcm.tobytes())), np.int16).astype(np.int32)
    clipped = np.clip(pcm.astype(np.int32), -32635, 32635)
    assert (np.abs(back - clipped) <= (np.abs(clipped) + 132) / 32).all()  # half a step of the segment
    assert mulaw.decode(bytes(range(256))) == g711.decode(bytes(range(256))).tobytes()
    assert mulaw.loudness(mulaw.SILENCE) == 0.0
    assert mulaw.loudness(b"") == 0.0


def test_a_line_that_is_broken_off_says_how_far_it_came() -> None:
    mouth = Mouth()
    first, second = mouth.say(b"a" * 400), mouth.say(b"b" * 400)
    assert mouth.take(0) + mouth.take(20) + mouth.take(40) == b"a" * 400 + b"\xff" * 80
    assert (first.begun_ms, first.ended_ms, first.done.is_set()) == (0, 50, True)
    mouth.take(60)
    mouth.stop(75)
    assert (second.begun_ms, second.ended_ms, second.said_ms, second.done.is_set()) == (60, 75, 20, True)
    assert mouth.take(80) == mulaw.SILENCE
