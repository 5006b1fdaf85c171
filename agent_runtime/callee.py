"""When the callee spoke: from the line's events to turns of the transcript and to what the callee had to wait for an answer."""

from agent_runtime.calls import Speaker, Turn
from agent_runtime.transport import Utterance


class CalleeVoice:
    """The callee's voice so far. Times in ms since the leg began.

    `speaking`: the voice is on. `utterance_start`, `utterance_end`: of the last utterance, which may go on.
    """

    def __init__(self) -> None:
        self.speaking = False
        self.utterance_start = self.utterance_end = 0
        self._turn_start: int | None = None
        self._stop_told = self._recognized_at = 0

    @property
    def in_turn(self) -> bool:
        """Whether a turn of theirs has begun and is not over."""
        return self._turn_start is not None

    @property
    def turn_start(self) -> int:
        """When the turn that goes on, or was the last, began."""
        return self.utterance_start if self._turn_start is None else self._turn_start

    def started(self, at_ms: int) -> None:
        self.speaking = True
        self._began(at_ms)

    def stopped(self, at_ms: int, now_ms: int) -> None:
        """`at_ms`: when the voice ended, which became known at `now_ms`."""
        self.speaking = False
        self.utterance_end, self._stop_told = at_ms, now_ms

    def pressed(self, now_ms: int) -> None:
        """A digit was pressed: an utterance of no length."""
        self._began(now_ms)
        self.utterance_end = self._stop_told = now_ms

    def recognized(self, now_ms: int) -> None:
        self._recognized_at = now_ms

    def turn(self, text: str) -> Turn:
        """The turn that has ended; the next begins with what is being said now, or later."""
        start = self.turn_start
        self.turn_dropped()
        return Turn(Speaker.CALLEE, text, start, max(start, self.utterance_end))

    def turn_dropped(self) -> None:
        """The turn held no words and is none."""
        self._turn_start = self.utterance_start if self.speaking else None

    def waited(self, answer: Utterance, turn_taken: int) -> dict[str, int]:
        """How long each stage took until the first audio of `answer`; `turn_taken`: when it was decided that the turn is over."""
        return {
            "end_of_turn": turn_taken - self.utterance_end,
            "recognition": max(0, self._recognized_at - self._stop_told),
            "brain": max(0, answer.text_at_ms - turn_taken),
            "voice": max(0, answer.audio_at_ms - answer.text_at_ms),
            "total": answer.audio_at_ms - self.utterance_end,
        }

    def _began(self, at_ms: int) -> None:
        self.utterance_start = at_ms
        self._turn_start = at_ms if self._turn_start is None else self._turn_start
