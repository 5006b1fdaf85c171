"""Voice activity of all legs: one Silero model that scores a window of every leg in one batch, and per leg what the scores mean.

The model is the one inside Pipecat; scores, state machine, model resets and the idle timeout are those of its `SileroVADAnalyzer`
and `VADController` with `min_volume=0`, held against them by tests/switch/test_voice.py.
"""

from dataclasses import dataclass
from enum import Enum
from importlib.resources import as_file, files
from typing import Any, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

WINDOW = 256  # samples: 32 ms at 8 kHz
CONTEXT = 32  # samples before the window that the model sees too
STATE = 128
RATE = np.array(8000, dtype=np.int64)

RESET_AFTER_WINDOWS = 63  # 2 s, rounded up to a window: what is not speech deafens the model until its state is cleared
RESET_BELOW = 0.1
RESET_LOW_WINDOWS = 5

Windows = NDArray[np.float32]


class SpeechModel:
    """One Silero session and the state of every leg, a row each."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._state = np.zeros((2, 16, STATE), np.float32)
        self._context = np.zeros((16, CONTEXT), np.float32)
        self._free = list(range(16))

    @classmethod
    def load(cls) -> Self:
        """The model from the installed Pipecat, warm. Takes some 50 ms of CPU: not in a call.

        Raises:
            FileNotFoundError: the installed Pipecat has no `silero_vad.onnx`; install pipecat-ai again.
        """
        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        with as_file(files("pipecat.audio.vad.data") / "silero_vad.onnx") as path:
            if not path.exists():
                raise FileNotFoundError(f"{path} is missing: install pipecat-ai again")
            session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"], sess_options=options)
        model = cls(session)
        row = model.take_row()
        model.score([row], np.zeros((1, WINDOW), np.float32))
        model.free_row(row)
        return model

    def take_row(self) -> int:
        """A row for a new leg, cleared."""
        if not self._free:
            rows = len(self._context)
            self._free = list(range(rows, 2 * rows))
            self._state = np.concatenate([self._state, np.zeros_like(self._state)], axis=1)
            self._context = np.concatenate([self._context, np.zeros_like(self._context)])
        row = self._free.pop()
        self.reset(row)
        return row

    def free_row(self, row: int) -> None:
        self._free.append(row)

    def reset(self, row: int) -> None:
        """Forget what this leg's audio was before."""
        self._state[:, row] = 0
        self._context[row] = 0

    def score(self, rows: list[int], windows: Windows) -> NDArray[np.float32]:
        """The confidence (0..1) that each window is speech. `windows`: shape (len(rows), 256), -1..1, the next window of each
        row."""
        audio = np.concatenate([self._context[rows], windows], axis=1)
        scores, state = self._session.run(None, {"input": audio, "state": self._state[:, rows], "sr": RATE})
        self._state[:, rows] = state
        self._context[rows] = windows[:, -CONTEXT:]
        return np.asarray(scores[:, 0], np.float32)


@dataclass(frozen=True, slots=True)
class VoiceParams:
    """`confidence`: the score at which a window is speech. `start_ms`, `stop_ms`: how long speech or silence must last to count.
    `idle_ms`: without any audio for so long, speech is over."""

    confidence: float = 0.7
    start_ms: int = 200
    stop_ms: int = 200
    idle_ms: int = 1000

    @property
    def start_windows(self) -> int:
        return round(self.start_ms * 8 / WINDOW)

    @property
    def stop_windows(self) -> int:
        return round(self.stop_ms * 8 / WINDOW)


class Change(Enum):
    STARTED = "started"
    STOPPED = "stopped"


class _Phase(Enum):
    QUIET = 1
    STARTING = 2
    SPEAKING = 3
    STOPPING = 4


class VoiceActivity:
    """What one leg's scores say: voice started, voice stopped."""

    def __init__(self, params: VoiceParams) -> None:
        self._params = params
        self._phase = _Phase.QUIET
        self._lasting = 0  # windows in STARTING or STOPPING
        self._since_reset = 0
        self._low = 0  # windows in a row that are clearly no speech
        self.speaking = False  # as last told

    def reset_due(self, score: float) -> bool:
        """Whether the model is to forget this leg's past after this window. To be asked once a window, before `step`."""
        self._since_reset += 1
        self._low = self._low + 1 if score < RESET_BELOW else 0
        due = self._since_reset >= RESET_AFTER_WINDOWS and self._phase is _Phase.QUIET and self._low >= RESET_LOW_WINDOWS
        if due:
            self._since_reset = 0
        return due

    def step(self, score: float) -> Change | None:
        """The change that one more window brings."""
        self._move(score >= self._params.confidence)
        if self._phase is _Phase.SPEAKING and not self.speaking:
            self.speaking = True
            return Change.STARTED
        if self._phase is _Phase.QUIET and self.speaking:
            self.speaking = False
            return Change.STOPPED
        return None

    def idle(self) -> Change | None:
        """No audio has come for `idle_ms`: speech that was on is over. When audio comes again and it goes on, it starts again."""
        if not self.speaking:
            return None
        self.speaking = False
        return Change.STOPPED

    def _move(self, speech: bool) -> None:
        match self._phase, speech:
            case _Phase.QUIET, True:
                self._phase, self._lasting = _Phase.STARTING, 1
            case _Phase.STARTING, False:
                self._phase = _Phase.QUIET
            case _Phase.SPEAKING, False:
                self._phase, self._lasting = _Phase.STOPPING, 1
            case _Phase.STOPPING, True:
                self._phase = _Phase.SPEAKING
            case (_Phase.STARTING, True) | (_Phase.STOPPING, False):
                self._lasting += 1
        if self._phase is _Phase.STARTING and self._lasting >= self._params.start_windows:
            self._phase = _Phase.SPEAKING
        if self._phase is _Phase.STOPPING and self._lasting >= self._params.stop_windows:
            self._phase = _Phase.QUIET
