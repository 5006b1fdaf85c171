"""The peaks of a recording: bounded, by channel, and never of something that is no recording."""

from pathlib import Path

import numpy as np
import pytest

from mediaserver.peaks import FULL_SCALE, MOST, NotARecording, Peaks, peaks_of
from mediaserver.switch.recording import wav_header


def recording(path: Path, left: np.ndarray, right: np.ndarray) -> Path:
    path.write_bytes(wav_header(len(left)) + np.stack([left, right], axis=1).astype("<i2").tobytes())
    return path


def test_each_channel_shows_where_it_was_loud(tmp_path: Path) -> None:
    quiet, loud = np.zeros(8000), np.full(8000, -32768)
    peaks = peaks_of(recording(tmp_path / "1.wav", np.concatenate([quiet, loud]), np.concatenate([loud, quiet])))
    half = len(peaks.callee) // 2
    assert peaks.duration_ms == 2000
    assert peaks.callee == [0] * half + [FULL_SCALE] * half
    assert peaks.agent == [FULL_SCALE] * half + [0] * half


def test_half_an_hour_has_no_more_peaks_than_a_minute(tmp_path: Path) -> None:
    long = np.zeros(30 * 60 * 8000, "<i2")
    long[-1] = 16384
    peaks = peaks_of(recording(tmp_path / "long.wav", long, long))
    assert (len(peaks.agent), len(peaks.callee), peaks.duration_ms) == (MOST, MOST, 1_800_000)
    assert peaks.agent[-1] == FULL_SCALE // 2
    assert max(peaks.agent[:-1]) == 0


@pytest.mark.parametrize("samples", [0, 1, 79])
def test_a_moment_of_sound_has_no_peaks_and_no_fault(tmp_path: Path, samples: int) -> None:
    assert peaks_of(recording(tmp_path / "short.wav", np.ones(samples), np.ones(samples))).agent == []


def test_a_file_is_read_once_until_it_changes(tmp_path: Path) -> None:
    path = recording(tmp_path / "1.wav", np.zeros(800), np.zeros(800))
    first = peaks_of(path)
    assert peaks_of(path) is first
    recording(path, np.full(1600, 16384), np.zeros(1600))
    assert peaks_of(path) == Peaks(200, [FULL_SCALE // 2] * 20, [0] * 20)


@pytest.mark.parametrize("content", [b"", b"RIFF", bytes(range(256)), wav_header(100)[:22] + b"\x01\x00" + wav_header(100)[24:]])
def test_what_is_no_recording_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "1.wav").write_bytes(content)
    with pytest.raises(NotARecording):
        peaks_of(tmp_path / "1.wav")
