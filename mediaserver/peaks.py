"""How loud a stereo recording is over its length: what a waveform is drawn from, bounded however long the call was."""

import wave
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

MOST = 800  # peaks a channel: a pixel or two of a wide screen each
SHORTEST_S = 0.01  # of the recording, for one peak
FULL_SCALE = 1000
KEPT = 256  # recordings whose peaks stay in memory


class NotARecording(ValueError):
    """The file is no stereo WAV file of 16 bits."""


@dataclass(frozen=True, slots=True)
class Peaks:
    """The loudest moment of each of equally long parts, 0 to FULL_SCALE; both channels have as many."""

    duration_ms: int
    callee: list[int]
    agent: list[int]


def peaks_of(path: Path) -> Peaks:
    """The peaks of a recording, callee left and agent right. Read from the file once, until the file changes.

    Raises:
        NotARecording: what is there is something else.
        OSError: it can't be read.
    """
    found = path.stat()
    return _read(path, found.st_mtime_ns, found.st_size)


@lru_cache(KEPT)
def _read(path: Path, _changed_ns: int, _size: int) -> Peaks:
    """A part at a time: half an hour is 58 MB, of which 72 KB are in memory at once."""
    try:
        with wave.open(str(path), "rb") as file:
            if (file.getnchannels(), file.getsampwidth()) != (2, 2):
                raise NotARecording("the recording is not stereo with 16 bits")
            samples, rate = file.getnframes(), file.getframerate()
            count = min(MOST, int(samples / (rate * SHORTEST_S)))
            ends = np.linspace(0, samples, count + 1).astype(int)
            parts = [_loudest(file.readframes(int(length))) for length in np.diff(ends)]
    except (wave.Error, EOFError) as error:
        raise NotARecording("the recording is not a WAV file") from error
    return Peaks(duration_ms=round(samples * 1000 / rate), callee=[left for left, _ in parts], agent=[right for _, right in parts])


def _loudest(stereo: bytes) -> tuple[int, int]:
    """The largest amplitude of both channels; nothing is silence, as where a file ends early."""
    channels = np.ascontiguousarray(np.frombuffer(stereo[: len(stereo) // 4 * 4], "<i2").reshape(-1, 2).T)
    highest, lowest = channels.max(axis=1, initial=0), channels.min(axis=1, initial=0)
    left, right = (max(int(high), -int(low)) * FULL_SCALE // 32768 for high, low in zip(highest, lowest, strict=True))
    return left, right
