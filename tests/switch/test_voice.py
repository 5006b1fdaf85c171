"""Our voice activity is Pipecat's, for many legs at once: held against Pipecat's own analyzer and controller on the same
audio."""

import numpy as np
import pytest
from numpy.typing import NDArray
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams, VADState

from mediaserver.switch import mulaw
from mediaserver.switch.voice import WINDOW, Change, SpeechModel, VoiceActivity, VoiceParams
from tests.switch.line import Line, Told, hand_driven, silence, speech, tone

RNG = np.random.default_rng(7)


def noise(ms: int, level: float) -> NDArray[np.int16]:
    return (RNG.standard_normal(ms * 8) * level * 32767).clip(-32768, 32767).astype(np.int16)


def music(ms: int) -> NDArray[np.int16]:
    return np.concatenate([tone(250, note, note * 1.5, note * 2.01, level=0.15) for note in (262, 330, 392, 440) * (ms // 1000)])


CONVERSATIONS = {
    "speech between silences": [silence(4000), speech(), silence(4000), speech(), silence(700)],
    "pauses of all lengths": [part for ms in (60, 120, 180, 200, 240, 400) for part in (speech(), silence(ms))],
    "long silence, which deafens the model": [silence(20_000), speech(), silence(1000)],
    "noise and music before speech": [music(6000), noise(3000, 0.05), speech(), noise(2000, 0.02), speech(), silence(1000)],
    "quiet speech": [silence(1000), (speech() // 20).astype(np.int16), silence(1000)],
    "clicks": [part for _ in range(20) for part in (noise(30, 0.5), silence(170))],
}


def changes_of_pipecat(audio: NDArray[np.int16]) -> list[tuple[int, Change]]:
    """The windows at which Pipecat's analyzer says that speech began or ended."""
    analyzer = SileroVADAnalyzer(sample_rate=8000, params=VADParams(min_volume=0))
    analyzer.set_sample_rate(8000)
    changes, speaking = [], False
    for n in range(len(audio) // WINDOW):
        state = analyzer._run_analyzer(audio[n * WINDOW : (n + 1) * WINDOW].tobytes())
        if state is VADState.SPEAKING and not speaking:
            speaking = True
            changes.append((n, Change.STARTED))
        elif state is VADState.QUIET and speaking:
            speaking = False
            changes.append((n, Change.STOPPED))
    return changes


def changes_of_ours(model: SpeechModel, audio: NDArray[np.int16]) -> list[tuple[int, Change]]:
    row, voice, changes = model.take_row(), VoiceActivity(VoiceParams()), []
    for n in range(len(audio) // WINDOW):
        window = audio[n * WINDOW : (n + 1) * WINDOW].astype(np.float32) / np.float32(32768)
        score = float(model.score([row], window[None])[0])
        if voice.reset_due(score):
            model.reset(row)
        if (change := voice.step(score)) is not None:
            changes.append((n, change))
    model.free_row(row)
    return changes


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_starts_and_stops_are_those_of_pipecat(model: SpeechModel, name: str) -> None:
    audio = np.concatenate(CONVERSATIONS[name])
    assert changes_of_ours(model, audio) == changes_of_pipecat(audio)


def test_the_conversations_hold_speech(model: SpeechModel) -> None:
    found = {name: len(changes_of_ours(model, np.concatenate(parts))) for name, parts in CONVERSATIONS.items()}
    assert found["clicks"] == 0
    assert all(changes >= 2 for name, changes in found.items() if name != "clicks")


def test_a_batch_scores_as_each_leg_alone_to_the_last_bit(model: SpeechModel) -> None:
    legs = [np.roll(np.concatenate([speech(), silence(500), noise(500, 0.02)]), 731 * n) for n in range(37)]
    windows = [np.stack([leg[n * WINDOW : (n + 1) * WINDOW] for leg in legs]).astype(np.float32) / 32768 for n in range(60)]
    together, alone = [model.take_row() for _ in legs], [model.take_row() for _ in legs]
    for window in windows:
        batch = model.score(together, window)
        single = [model.score([row], window[n : n + 1])[0] for n, row in enumerate(alone)]
        assert batch.tolist() == single
    for row in together + alone:
        model.free_row(row)


def test_the_listener_gets_all_of_the_speech_once_and_in_order(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.listen(line.told)
    line.says(silence(2000), speech(), silence(1500), speech())
    line.run_out()
    assert line.told.kinds("voice_audio") == ["voice_started", "voice_stopped"] * (len(line.told.kinds("voice_audio")) // 2)
    (_, first_at, pre_roll), *_ = line.told.all_of("voice_started")
    assert len(pre_roll) == 8000 * 2
    pieces = [len(event[1]) // 16 for event in line.told.all_of("voice_audio")]
    assert all(piece == 96 for piece in pieces[:5])
    assert 2000 <= first_at < 2400


def test_the_pre_roll_holds_the_beginning_and_the_pieces_have_no_gap(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.listen(line.told)
    line.says(silence(2000), speech(), silence(1000))
    line.run_out()
    received = line.leg.last_audio(10).tobytes()
    heard = b""
    for event in line.told.all_of("voice_started", "voice_audio", "voice_stopped"):
        if event[0] == "voice_stopped":
            assert heard in received
            heard = b""
        else:
            heard += event[-1]
    assert heard == b""
    assert line.told.all_of("voice_stopped")


def test_two_utterances_share_no_audio(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.listen(line.told)
    line.says(silence(1000), speech(), silence(300), speech(), silence(300), speech())
    line.run_out()
    told = sum(len(event[-1]) for event in line.told.all_of("voice_started", "voice_audio"))
    assert told <= 2 * (3 * len(speech()) + 8 * (1000 + 600 + 1000))
    assert len(line.told.all_of("voice_started")) >= 3


def test_bursts_of_the_carrier_change_nothing_but_the_time(model: SpeechModel) -> None:
    steady, in_bursts = Told(), Told()
    audio = np.concatenate([silence(1000), speech(), silence(1000)])
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.listen(steady)
    line.says(audio)
    line.run_out()

    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.listen(in_bursts)
    for start in range(0, len(audio), 6400):
        line.run(800)
        line.leg.audio_received(mulaw.encode(audio[start : start + 6400].tobytes()))
    line.run(1000)
    assert in_bursts.kinds() == steady.kinds()
    assert [e[-1] for e in in_bursts.all_of("voice_audio")] == [e[-1] for e in steady.all_of("voice_audio")]


def test_a_voice_does_not_go_on_when_audio_stops_and_starts_again_with_it(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.listen(line.told)
    line.says(silence(500), speech()[:12000])
    line.run(1900)
    assert line.told.kinds("voice_audio")[-1] == "voice_started"
    line.run(1200)
    assert line.told.kinds("voice_audio")[-1] == "voice_stopped"
    line.says(speech()[4000:12000])
    line.run(200)
    assert line.told.kinds("voice_audio")[-1] == "voice_started"


def test_what_was_said_before_anybody_listened_is_told_first(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.says(silence(500), speech())
    line.run(3000)
    line.leg.digit("5")
    line.leg.listen(line.told)
    kinds = line.told.kinds("voice_audio")
    assert kinds[0] == "voice_started"
    assert kinds[-1] == "digit"
    before = len(line.told.events)
    line.run_out()
    assert len(line.told.events) > before


def test_a_leg_that_nobody_listens_to_is_closed_in_the_end(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.says(*[speech()] * 40)
    line.run_out()
    assert line.leg.closed
    line.leg.listen(line.told)
    assert line.told.kinds()[-1] == "line_closed"


def test_the_last_ten_seconds_are_kept(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    assert line.leg.last_audio(1).tolist() == []
    line.says(np.arange(-32000, 32000, dtype=np.int16), np.arange(-32000, 32000, dtype=np.int16)[:24000])
    line.run_out()
    kept = line.leg.last_audio(30)
    assert len(kept) == 80_000
    assert kept[-1] == line.leg.last_audio(0.01)[-1]
    assert np.abs(kept[-24000:].astype(int) - np.arange(-32000, -8000)).max() <= 1024
