"""Beeps and digits that come as sound are found, and speech is taken for neither."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mediaserver.switch import mulaw
from mediaserver.switch.tones import DIGITS, DTMF_HIGH, DTMF_LOW
from mediaserver.switch.voice import SpeechModel
from tests.switch.line import Line, hand_driven, silence, speech, tone

BEEPS = [(440, 200), (620, 500), (850, 1000), (1000, 250), (1400, 400), (2000, 800)]  # Hz, ms


def resampled(audio: NDArray[np.int16], factor: float) -> NDArray[np.int16]:
    at = np.arange(0, len(audio) - 1, factor)
    return np.interp(at, np.arange(len(audio)), audio).astype(np.int16)


def noisy(audio: NDArray[np.int16], level: float = 0.01) -> NDArray[np.int16]:
    return (audio + np.random.default_rng(3).standard_normal(len(audio)) * level * 32767).clip(-32768, 32767).astype(np.int16)


def heard_on_a_line(model: SpeechModel, *audio: NDArray[np.int16]) -> Line:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.listen(line.told)
    line.says(*audio)
    line.run_out()
    return line


@pytest.mark.parametrize(("hertz", "ms"), BEEPS)
@pytest.mark.parametrize("level", [0.05, 0.6])
def test_a_beep_after_a_greeting_is_found_at_its_end(model: SpeechModel, hertz: int, ms: int, level: float) -> None:
    greeting = [silence(300), speech(), silence(400)]
    line = heard_on_a_line(model, noisy(np.concatenate([*greeting, tone(ms, hertz, level=level), silence(1000)]), 0.003))
    ended = sum(map(len, greeting)) // 8 + ms
    ((_, at_ms),) = line.told.all_of("beep")
    assert abs(at_ms - ended) <= 60


@pytest.mark.parametrize("pitch", [0.8, 0.9, 1.0, 1.1, 1.25, 1.5])
@pytest.mark.parametrize("loudness", [0.3, 1.0, 2.0])
def test_speech_holds_neither_beep_nor_digit(model: SpeechModel, pitch: float, loudness: float) -> None:
    voice = (resampled(speech(), pitch) * loudness).clip(-32768, 32767).astype(np.int16)
    line = heard_on_a_line(model, voice, silence(300), voice[100:])
    assert line.told.all_of("beep", "digit") == []


@pytest.mark.parametrize("tones", [(350, 440), (480, 620)], ids=["dial tone", "busy tone"])
def test_the_networks_own_tones_are_no_beep(model: SpeechModel, tones: tuple[float, ...]) -> None:
    line = heard_on_a_line(model, silence(200), tone(500, *tones), silence(500), tone(500, *tones), silence(500))
    assert line.told.all_of("beep") == []


def test_a_tone_without_end_is_no_beep(model: SpeechModel) -> None:
    line = heard_on_a_line(model, tone(6000, 1000), silence(500))
    assert line.told.all_of("beep") == []


@pytest.mark.parametrize(("on_ms", "off_ms"), [(70, 50), (100, 100), (300, 60)])
def test_each_digit_that_comes_as_sound_is_told_once(model: SpeechModel, on_ms: int, off_ms: int) -> None:
    presses = []
    for n, _ in enumerate(DIGITS):
        presses += [tone(on_ms, DTMF_LOW[n // 4], DTMF_HIGH[n % 4], level=0.2), silence(off_ms)]
    line = heard_on_a_line(model, noisy(np.concatenate([silence(333), *presses, silence(500)])))
    assert "".join(str(digit) for _, digit in line.told.all_of("digit")) == DIGITS
    assert line.told.all_of("beep") == []


def test_the_same_digit_twice_is_two_digits(model: SpeechModel) -> None:
    press = [tone(90, 697, 1209), silence(60)]
    line = heard_on_a_line(model, silence(100), *press, *press, *press)
    assert line.told.all_of("digit") == [("digit", "1")] * 3


def test_a_digit_that_comes_as_sound_and_as_a_message_is_one_digit(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.listen(line.told)
    line.says(silence(100), tone(90, 941, 1477), silence(200))
    line.run(300)
    line.leg.digit("#")
    line.leg.digit("#")
    line.run(300)
    assert line.told.all_of("digit") == [("digit", "#"), ("digit", "#")]


def test_mulaw_is_exact_for_every_code_and_near_for_every_sample() -> None:
    codes = bytes(range(256))
    again = mulaw.encode(mulaw.decode(codes).tobytes())
    assert [a for a, b in zip(again, codes, strict=True) if a != b] == [0xFF]  # 0x7F is minus zero
    samples = np.arange(-32768, 32768).astype(np.int16)
    error = np.abs(mulaw.decode(mulaw.encode(samples.tobytes())).astype(int) - samples)
    within_range = np.abs(samples.astype(int)) <= mulaw.CLIP
    assert (error <= (np.abs(samples.astype(int)) + mulaw.BIAS) // 32)[within_range].all()
    assert error.max() <= 1024
    assert mulaw.encode(b"\0\0") == bytes([mulaw.SILENCE])
