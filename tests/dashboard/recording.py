"""The recording of the seeded conversation."""

import wave
from pathlib import Path

import numpy as np

from tests.dashboard.seed import TURNS


def write_tone(path: Path, seconds: int = 19) -> None:
    """A stereo recording at 8 kHz, loud where the seeded turns are: the callee's at 440 Hz left, the agent's at 660 Hz right."""
    at = np.arange(8000 * seconds) / 8000
    both = np.stack([np.sin(2 * np.pi * 440 * at), np.sin(2 * np.pi * 660 * at)], axis=1) * 8000
    for channel, speaker in enumerate(("callee", "agent")):
        spoken = [(at * 1000 >= start) & (at * 1000 < end) for who, _, start, end, _ in TURNS if who == speaker]
        both[:, channel] *= np.any(spoken, axis=0) * (0.6 + 0.4 * np.sin(2 * np.pi * 2 * at))
    path.parent.mkdir(parents=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(both.astype("<i2").tobytes())
