"""The tone that tells a callee that somebody listens: short and quiet, at the beginning and every so often, between what is said."""

import numpy as np

from mediaserver.switch import mulaw

RATE = 8000
TONE_HZ = 1400
TONE_S = 0.2
LEVEL = 0.06  # of full scale: -24 dBFS, some 10 dB below a voice
EDGE_S = 0.01  # it fades in and out, without a click


def _tone() -> bytes:
    at = np.arange(round(RATE * TONE_S)) / RATE
    edges = np.clip(np.minimum(at, TONE_S - at) / EDGE_S, 0, 1)
    return mulaw.encode((np.sin(2 * np.pi * TONE_HZ * at) * edges * LEVEL * 32767).astype(np.int16).tobytes())


TONE = _tone()
"""Mu-law at 8 kHz."""


class ListeningTone:
    """When it is due. `every_s`: seconds between two tones; 0: never. Times in ms since the leg began."""

    def __init__(self, every_s: float) -> None:
        self._every_ms = round(every_s * 1000)
        self._last_ms: int | None = None

    def due(self, now_ms: int) -> bool:
        """Whether the tone is to be heard now, while somebody listens."""
        return self._every_ms > 0 and (self._last_ms is None or now_ms - self._last_ms >= self._every_ms)

    def sounded(self, now_ms: int) -> None:
        """The callee hears it."""
        self._last_ms = now_ms
