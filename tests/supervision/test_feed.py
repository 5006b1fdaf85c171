"""What a supervisor hears is what the callee hears: the samples of the recording at their positions, and never far behind."""

import wave
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediaserver.switch import mulaw
from mediaserver.switch.feed import DELAY, EARLY, FRAME, PIECE, Feed
from mediaserver.switch.leg import SwitchLeg
from mediaserver.switch.voice import SpeechModel
from tests.switch.line import Line, hand_driven, silence, speech, tone

LONGEST_BEHIND = DELAY + PIECE + 20 * 8  # and a tick of the test's clock


@dataclass
class Ears:
    """Reads a feed at each tick, as the floor does, and puts its pieces together. `oldest`: how far a sample was behind at most."""

    leg: SwitchLeg
    feed: Feed
    callee: bytearray = field(default_factory=bytearray)
    agent: bytearray = field(default_factory=bytearray)
    oldest: int = 0

    def __call__(self) -> None:
        now = self.leg.now_ms() * 8
        for at, callee, agent in self.feed.pieces(now):
            assert at == len(self.callee)
            self.callee += callee
            self.agent += agent
            self.oldest = max(self.oldest, now - at)


def listening(line: Line) -> Ears:
    feed = Feed(0)
    line.leg.add_tap(feed)
    return Ears(line.leg, feed)


async def recorded(line: Line, path: Path) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    line.leg.close()
    assert line.leg.recorder is not None
    await line.leg.recorder.finished()
    with wave.open(str(path)) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
    return both[:, 0], both[:, 1]


async def test_both_sides_are_those_of_the_recording_sample_by_sample(model: SpeechModel, tmp_path: Path) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock, record_to=tmp_path / "1.wav")
    ears = listening(line)
    line.says(silence(700), speech(), silence(500), speech())
    line.run(300, ears)
    line.leg.play(tone(900, 440).tobytes())
    line.run(2500, ears)
    line.leg.play(tone(3000, 600).tobytes())
    line.run(1111, ears)
    line.leg.cut()
    line.run(800, ears)
    line.leg.play(tone(700, 900).tobytes())
    line.run(2000, ears)
    left, right = await recorded(line, tmp_path / "1.wav")
    given_out = len(ears.callee)
    assert len(left) - given_out <= LONGEST_BEHIND
    assert (mulaw.decode(ears.callee) == left[:given_out]).all()
    assert (mulaw.decode(ears.agent) == right[:given_out]).all()
    assert np.abs(left).max() > 3000 < np.abs(right).max()
    assert ears.oldest <= LONGEST_BEHIND
    await switch.stop()


async def test_frames_that_come_unevenly_are_in_their_places(model: SpeechModel, tmp_path: Path) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock, record_to=tmp_path / "1.wav")
    ears = listening(line)
    audio = mulaw.encode(speech().tobytes())
    waiting: list[bytes] = []
    for number, at in enumerate(range(0, len(audio) - FRAME, FRAME)):
        waiting.append(audio[at : at + FRAME])
        line.run(20, ears)
        if number % 3 != 1:  # every third frame comes 20 ms late, with the next one
            for frame in waiting:
                line.leg.audio_received(frame)
            waiting.clear()
    line.run(200, ears)
    left, _ = await recorded(line, tmp_path / "1.wav")
    both = min(len(left), len(ears.callee))
    assert both > 20_000
    assert (mulaw.decode(ears.callee)[:both] == left[:both]).all()
    await switch.stop()


async def test_what_a_stalled_line_brings_late_is_left_out_and_the_rest_is_in_its_place(model: SpeechModel, tmp_path: Path) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock, record_to=tmp_path / "1.wav")
    ears = listening(line)
    audio = mulaw.encode(speech().tobytes())[: 100 * FRAME]
    stalled = range(30 * FRAME, 45 * FRAME, FRAME)
    for at in range(0, len(audio), FRAME):
        line.run(20, ears)
        if at not in stalled:
            line.leg.audio_received(audio[at : at + FRAME])
        if at == stalled[-1]:
            for late in stalled:
                line.leg.audio_received(audio[late : late + FRAME])
    line.run(200, ears)
    left, _ = await recorded(line, tmp_path / "1.wav")
    heard = mulaw.decode(ears.callee)
    left_out = slice(stalled[0] + FRAME, stalled[-1] - DELAY - FRAME)
    assert (heard[: stalled[0]] == left[: stalled[0]]).all()
    assert not heard[left_out].any()
    assert left[left_out].any()
    assert (heard[stalled[-1] : len(audio)] == left[stalled[-1] : len(audio)]).all()
    await switch.stop()


def callee_alone(arrivals: list[int]) -> dict[int, int]:
    """Frame n, which nothing but its number is in, arrives at `arrivals[n]`; a feed is read every 20 ms. By frame: where its last
    sample is heard."""
    feed = Feed(0)
    heard = bytearray()
    now = 0
    for number, arrival in enumerate([*arrivals, max(arrivals) + 8000]):
        while now + FRAME <= arrival:
            now += FRAME
            for _, callee, _ in feed.pieces(now):
                heard += callee
        if number < len(arrivals):
            feed.callee(max(0, arrival - FRAME), bytes([number]) * FRAME)
    return {number: at for at, number in enumerate(heard) if number != mulaw.SILENCE}


def test_after_a_burst_the_callee_is_heard_as_he_speaks() -> None:
    stalled, burst = [20 * FRAME] * 60, 20
    after = [20 * FRAME + n * FRAME for n in range(1, burst)]
    heard = callee_alone([n * FRAME + FRAME for n in range(10)] + stalled + after)
    last = 10 + 60 + burst - 2
    assert heard[last] - after[-1] <= EARLY


def test_a_line_that_stays_late_is_heard_again() -> None:
    late = 300 * 8
    arrivals = [n * FRAME + FRAME for n in range(20)] + [n * FRAME + FRAME + late for n in range(20, 80)]
    heard = callee_alone(arrivals)
    assert set(heard) == set(range(20)) | set(range(30, 80))
    assert heard[79] == arrivals[79] - 1


def test_a_line_that_stays_a_little_late_keeps_its_places() -> None:
    heard = callee_alone([n * FRAME + FRAME + (240 if n >= 20 else 0) for n in range(80)])
    assert heard == {n: n * FRAME + FRAME - 1 for n in range(80)}


def test_after_a_gap_the_first_word_is_heard() -> None:
    heard = callee_alone([n * FRAME + FRAME + (8000 if n >= 20 else 0) for n in range(40)])
    assert heard == {n: n * FRAME + FRAME - 1 + (8000 if n >= 20 else 0) for n in range(40)}


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.integers(0, 12000), min_size=1, max_size=120))
def test_however_a_line_behaves_nothing_is_heard_later_than_it_came(pauses: list[int]) -> None:
    arrivals = [0]
    for pause in pauses:
        arrivals.append(arrivals[-1] + (pause if pause > 6000 else pause % 240))
    heard = callee_alone(arrivals)
    assert all(at - arrivals[number] <= EARLY + FRAME for number, at in heard.items())


def test_long_frames_are_heard_whole() -> None:
    feed, heard = Feed(0), bytearray()
    for number in range(1, 20):
        for _, callee, _ in feed.pieces(number * 800):
            heard += callee
        feed.callee((number - 1) * 800, bytes([number]) * 800)  # 100 ms each
    said = bytes(code for code in heard if code != mulaw.SILENCE)
    assert said == b"".join(bytes([number]) * 800 for number in range(1, 20))[: len(said)]
    assert len(said) > 16 * 800


def test_a_clock_that_stood_still_goes_on_with_what_is_heard_now() -> None:
    feed = Feed(0)
    feed.agent(0, bytes([1]) * 8000 * 5)
    now = 4 * 8000
    pieces = feed.pieces(now)
    assert [at for at, _, _ in pieces] == [now - DELAY - PIECE]
    assert pieces[0][2] == bytes([1]) * PIECE


def test_a_listener_who_comes_late_hears_the_call_from_then_on(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.says(tone(5000, 500))
    line.run(2000)
    start = line.leg.now_ms() * 8
    feed = Feed(start)
    line.leg.add_tap(feed)
    found: list[tuple[int, bytes, bytes]] = []
    line.run(1000, lambda: found.extend(feed.pieces(line.leg.now_ms() * 8)))
    assert found[0][0] == start
    expected = mulaw.encode(tone(5000, 500).tobytes())
    said = b"".join(callee for _, callee, _ in found)
    assert said == expected[start : start + len(said)]
    assert len(said) > 6000
