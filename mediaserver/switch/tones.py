"""Tones on the line: an answering machine's beep, and DTMF digits that come as sound. Looked for in the windows of the voice
detector.

`read_tones` looks at one window of every leg at once; `Tones` follows one leg's windows. A beep is one pure tone that lasts; a
digit is two tones of the DTMF table (ITU-T Q.23) that hold nearly all of the window's energy (the Goertzel energies, as one
product of matrices).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 8000
WINDOW = 256  # samples: 32 ms, a spectrum in steps of 31.25 Hz
WINDOW_MS = WINDOW * 1000 // RATE

QUIET = 1e-5  # mean square of a window that is too quiet to hold a tone: -50 dBFS
BEEP_PURITY = 0.85  # share of the energy within one step of the spectrum's peak
BEEP_LOWEST, BEEP_HIGHEST = 12, 80  # steps: 375 to 2500 Hz; voices hum below
BEEP_LONGEST_WINDOWS = 160  # 5 s: what lasts longer is a dial tone or a fault
BEEP_SHORTEST_WINDOWS = 4

DIGITS = "123A456B789C*0#D"
DTMF_LOW = (697, 770, 852, 941)
DTMF_HIGH = (1209, 1336, 1477, 1633)
DTMF_PURITY = 0.8
DTMF_TWIST = 6.3  # 8 dB between the two tones

Windows = NDArray[np.float32]

_HANN = np.hanning(WINDOW).astype(np.float32)
_PHASES = 2j * np.pi * np.outer(np.arange(WINDOW), DTMF_LOW + DTMF_HIGH) / RATE
_DTMF = np.concatenate([np.exp(_PHASES).real, np.exp(_PHASES).imag], axis=1).astype(np.float32)


def _pure_steps(windows: Windows) -> NDArray[np.int64]:
    """The spectrum's step of the only tone in each window, 0 where there is none."""
    power = np.abs(np.fft.rfft(windows * _HANN)) ** 2
    peak = np.clip(power.argmax(axis=1), BEEP_LOWEST, BEEP_HIGHEST)
    each = np.arange(len(windows))
    near = power[each, peak - 1] + power[each, peak] + power[each, peak + 1]
    return np.where(near >= BEEP_PURITY * power.sum(axis=1), peak, 0)


def _digits(windows: Windows, energy: NDArray[np.float32]) -> NDArray[np.int64]:
    """The index in `DIGITS` of what each window holds, -1 where it holds none."""
    parts = windows @ _DTMF
    tones = (parts[:, :8] ** 2 + parts[:, 8:] ** 2) * (2 / WINDOW)
    low, high = tones[:, :4], tones[:, 4:]
    lowest, highest = low.max(axis=1), high.max(axis=1)
    even = np.maximum(lowest, highest) <= DTMF_TWIST * np.minimum(lowest, highest)
    pure = lowest + highest >= DTMF_PURITY * energy
    return np.where(pure & even, 4 * low.argmax(axis=1) + high.argmax(axis=1), -1)


def read_tones(windows: Windows) -> tuple[list[int], list[int]]:
    """For each window (shape (legs, 256), -1..1): the step of its pure tone (0: none), the index of its digit in `DIGITS` (-1:
    none)."""
    energy = np.einsum("ij,ij->i", windows, windows)
    steps, digits = np.zeros(len(windows), np.int64), np.full(len(windows), -1, np.int64)
    loud = np.flatnonzero(energy > QUIET * WINDOW)
    if len(loud):
        steps[loud] = _pure_steps(windows[loud])
        digits[loud] = _digits(windows[loud], energy[loud])
    return steps.tolist(), digits.tolist()


@dataclass(slots=True)
class Tones:
    """One leg's tones over time."""

    _step: int = 0
    _lasting: int = 0
    _digit: int = -1

    def beep_ended(self, step: int) -> bool:
        """Whether a beep ended just before this window: a pure tone of one pitch that lasted 0.13 to 5 s."""
        if step and abs(step - self._step) <= 1:
            self._lasting += 1
            return False
        ended = BEEP_SHORTEST_WINDOWS <= self._lasting <= BEEP_LONGEST_WINDOWS
        self._step, self._lasting = step, 1 if step else 0
        return ended

    def digit_began(self, digit: int) -> str | None:
        """The digit that began with this window; a long press is one digit."""
        began = DIGITS[digit] if digit >= 0 and digit != self._digit else None
        self._digit = digit
        return began
