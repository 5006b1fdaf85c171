"""How people speak and hear: by the local engines, or without any by tones."""

from typing import Protocol

import numpy as np

from agent_runtime.engines import Recognition, Recognized, Spoken, Voice
from agent_runtime.leg import SAMPLE_RATE

BEEP_HZ, BEEP_MS = 1000, 400
_TONE_HZ, _TONE_MS_PER_WORD, _TONE_GAP_MS = 440, 200, 60


class Speech(Protocol):
    """The two engines that people need."""

    @property
    def recognition(self) -> Recognition: ...
    @property
    def voice(self) -> Voice: ...


def tone(hertz: float, ms: int, amplitude: float = 8000.0) -> bytes:
    """A sine, 8 kHz int16 PCM, faded in and out over 5 ms."""
    samples = np.arange(SAMPLE_RATE * ms // 1000)
    wave = amplitude * np.sin(2 * np.pi * hertz * samples / SAMPLE_RATE)
    fade = min(40, len(wave) // 2)
    if fade:
        wave[:fade] *= np.linspace(0, 1, fade)
        wave[-fade:] *= np.linspace(1, 0, fade)
    return wave.astype(np.int16).tobytes()


class ToneVoice:
    """Says each word as a short tone: voice activity hears speech, and no engine is needed. For load and for tests of the
    protocol."""

    async def speak(self, text: str, voice: str) -> Spoken:
        word = tone(_TONE_HZ, _TONE_MS_PER_WORD) + bytes(2 * SAMPLE_RATE * _TONE_GAP_MS // 1000)
        words = text.split()
        step = _TONE_MS_PER_WORD + _TONE_GAP_MS
        return Spoken(word * len(words), tuple((each, n * step) for n, each in enumerate(words)))


class TakesAllForAQuestion:
    """Understands whatever it hears as the question of the call; goes with `ToneVoice`."""

    async def recognize(self, pcm: bytes) -> Recognized:
        return Recognized("Can you make it?" if pcm else "", 0.0)


class Tones:
    """People without engines."""

    recognition: Recognition = TakesAllForAQuestion()
    voice: Voice = ToneVoice()
