"""The measure of what a page plays finds a voice wherever between the samples it lies, and takes no other for it."""

import numpy as np
import pytest

from benchmarks.live.page import WINDOW, most_like
from tests.switch.line import speech


def between(samples: "np.ndarray[tuple[int], np.dtype[np.float64]]", fraction: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """`samples` as they are `fraction` of a sample later."""
    turn = 2j * np.pi * np.fft.rfftfreq(len(samples)) * fraction
    return np.fft.irfft(np.fft.rfft(samples) * np.exp(turn), len(samples))


@pytest.mark.parametrize("fraction", [-0.45, -0.2, 0.0, 0.3, 0.5])
def test_a_voice_between_the_samples_is_found_whole(fraction: float) -> None:
    voice = speech().astype(np.float64)[:24_000] / 32768
    played = between(voice, fraction)[9000 : 9000 + WINDOW]
    at, alike = most_like(played, voice)
    assert at == pytest.approx(9000 + fraction, abs=0.03)
    assert alike > 0.999


def test_another_part_of_the_voice_is_not_taken_for_it() -> None:
    voice = speech().astype(np.float64)[:24_000] / 32768
    _, alike = most_like(voice[18_000 : 18_000 + WINDOW], voice[:16_000])
    assert alike < 0.9
