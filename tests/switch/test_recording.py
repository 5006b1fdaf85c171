"""A recording holds both sides as they were heard, is valid at any moment, and never costs the call."""

import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mediaserver.switch import mulaw
from mediaserver.switch.recording import HEADER, Recorder, RecordingWriter, wav_header
from mediaserver.switch.voice import SpeechModel
from tests.switch.line import Line, hand_driven, silence, speech, tone

AGENT = tone(3000, 440)


def coded(audio: NDArray[np.int16]) -> NDArray[np.int16]:
    """`audio` as it is after mu-law."""
    return mulaw.decode(mulaw.encode(audio.tobytes()))


def stereo(path: Path) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 8000, 2)
        both = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
    return both[:, 0], both[:, 1]


async def test_callee_left_agent_right_at_the_time_they_are_heard(model: SpeechModel, tmp_path: Path) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock, record_to=tmp_path / "calls" / "1.wav")
    line.says(speech())
    line.run(1000)
    line.leg.play(AGENT.tobytes())
    line.run(4000)
    line.leg.close()
    await line.leg.recorder.finished()
    left, right = stereo(tmp_path / "calls" / "1.wav")
    assert len(left) == 5000 * 8
    assert (left[: len(speech())] == coded(speech())).all()
    assert not right[:8000].any()
    assert (right[8000:32000] == coded(AGENT)).all()
    assert not right[32000:].any()
    await switch.stop()


async def test_what_was_cut_is_not_in_the_recording(model: SpeechModel, tmp_path: Path) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock, record_to=tmp_path / "1.wav")
    line.says(silence(5000))
    line.leg.play(AGENT.tobytes())
    line.run(1500)
    heard = line.leg.cut()
    line.run(500)
    line.leg.play(AGENT[:8000].tobytes())
    line.run(3000)
    line.leg.close()
    await line.leg.recorder.finished()
    _, right = stereo(tmp_path / "1.wav")
    assert (right[:heard] == coded(AGENT)[:heard]).all()
    assert not right[heard : 2000 * 8].any()
    assert (right[2000 * 8 : 3000 * 8] == coded(AGENT[:8000])).all()
    await switch.stop()


async def test_a_gap_of_the_carrier_is_silence(model: SpeechModel, tmp_path: Path) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock, record_to=tmp_path / "1.wav")
    line.says(AGENT[:8000])
    line.run(3000)
    line.says(AGENT[:8000])
    line.run(1000)
    line.leg.close()
    await line.leg.recorder.finished()
    left, _ = stereo(tmp_path / "1.wav")
    assert not left[8000 : 3000 * 8].any()
    assert (left[3000 * 8 : 4000 * 8] == coded(AGENT[:8000])).all()
    await switch.stop()


def test_a_crash_leaves_a_file_that_plays(tmp_path: Path) -> None:
    writer = RecordingWriter()
    recorder = Recorder(tmp_path / "1.wav", writer)
    writer.start()
    frame = mulaw.encode(AGENT[:160].tobytes())
    for n in range(500):
        recorder.callee(n * 160, frame)
    writer.stop()
    left, right = stereo(tmp_path / "1.wav")
    assert 8 * 8000 <= len(left) == len(right) < 10 * 8000


@pytest.mark.parametrize("samples", [0, 1, 8000])
def test_the_header_is_that_of_the_wave_module(tmp_path: Path, samples: int) -> None:
    with wave.open(str(tmp_path / "1.wav"), "wb") as file:
        file.setnchannels(2)
        file.setframerate(8000)
        file.setsampwidth(2)
        file.writeframes(bytes(4 * samples))
    assert (tmp_path / "1.wav").read_bytes()[: HEADER.size] == wav_header(samples)


async def test_a_disk_that_refuses_ends_the_recording_and_not_the_call(
    model: SpeechModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a file").write_text("where a folder is needed")
    switch, clock = hand_driven(model)
    line = Line(switch, clock, record_to=tmp_path / "a file" / "1.wav")
    line.says(speech())
    line.run(4000)
    line.leg.play(AGENT.tobytes())
    line.run(4000)
    assert line.leg.heard_up_to() == len(AGENT)
    assert not line.leg.closed
    line.leg.close()
    await line.leg.recorder.finished()
    assert line.leg.recorder.failure
    assert "1.wav ends early, the call goes on" in caplog.text
    await switch.stop()


async def test_a_full_disk_keeps_what_was_written_before() -> None:
    """/dev/full refuses every write as a full disk does."""
    writer = RecordingWriter()
    recorder = Recorder(Path("/dev/full"), writer)
    writer.start()
    recorder.callee(0, mulaw.encode(AGENT.tobytes()))
    recorder.ended(len(AGENT))
    await recorder.finished()
    assert recorder.failure is not None
    assert "No space left" in recorder.failure
    writer.stop()


async def test_a_disk_that_does_not_keep_up_costs_the_recording(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "1.wav", RecordingWriter())  # whose thread does not run
    for second in range(6000):
        recorder.callee(second * 8000, bytes(8000))
    recorder.ended(6000 * 8000)
    await recorder.finished()
    assert recorder.failure == "the disk does not keep up"
