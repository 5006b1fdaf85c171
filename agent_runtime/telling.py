"""Tells a watcher what happens in one call: who says what while it grows, what the agent does, what follows; each change once."""

from agent_runtime.calls import Speaker, Turn
from agent_runtime.drafts import Drafts
from agent_runtime.engines import Recognition
from agent_runtime.leg import Leg
from agent_runtime.supervision import AgentState, Caption, NextStep, Watcher
from agent_runtime.transport import Utterance


class Telling:
    """What one watcher is told of one call. `drafts`: recognises the callee's words while they are still being said."""

    def __init__(self, watcher: Watcher, leg: Leg, drafts: Recognition | None) -> None:
        self._watcher = watcher
        self._drafts = Drafts(leg, drafts, self.callee_says)
        self._began_ms = self._turn_ms = 0  # of the callee's utterance, and of their turn
        self._said: list[str] = []  # the utterances of the callee's turn that goes on
        self._open: dict[Speaker, int] = {}  # the turns that are told of and not over, by their numbers
        self._last_number = 0
        self._state: AgentState | None = None
        self._next: NextStep | None = None

    def state_is(self, state: AgentState) -> None:
        if state is not self._state:
            self._state = state
            self._watcher.state_is(state)

    def next_is(self, following: NextStep) -> None:
        if following != self._next:
            self._next = following
            self._watcher.next_is(following)

    def agent(self, utterance: Utterance, *, final: bool) -> None:
        """So much of `utterance` has been heard."""
        if utterance.text:
            self._caption(Speaker.AGENT, utterance.text, utterance.start_ms or 0, final=final, cut_off=final and utterance.cut_off)

    def supervisor(self, turn: Turn) -> None:
        self._caption(Speaker.SUPERVISOR, turn.text, turn.start_ms, final=True)

    def voice_started(self, at_ms: int, turn_ms: int) -> None:
        """An utterance of the callee began, in a turn that began at `turn_ms`."""
        self._began_ms, self._turn_ms = at_ms, turn_ms
        self._drafts.voice_started()

    def voice_audio(self, pcm: bytes) -> None:
        if self._watcher.reading:
            self._drafts.voice_audio(pcm, self._began_ms)

    def voice_stopped(self) -> None:
        self._drafts.stop()

    def callee_says(self, text: str) -> None:
        """So much was recognised of the callee's utterance, which may go on; only where somebody reads along."""
        if text and self._watcher.reading:
            self._caption(Speaker.CALLEE, " ".join([*self._said, text]), self._turn_ms, final=False)

    def callee_said(self, text: str, turn_ms: int) -> None:
        """An utterance of the callee was recognised; the turn, which began at `turn_ms`, may go on."""
        self._said.append(text)
        self._caption(Speaker.CALLEE, " ".join(self._said), turn_ms, final=False)

    def callee_turn(self, turn: Turn) -> None:
        self._said.clear()
        self._caption(Speaker.CALLEE, turn.text, turn.start_ms, final=True)
        self._turn_ms = self._began_ms  # an utterance that goes on belongs to the next

    def callee_turn_dropped(self) -> None:
        """The callee's turn held no words: what was told of it is taken back."""
        self._said.clear()
        self._caption(Speaker.CALLEE, "", self._turn_ms, final=True)
        self._turn_ms = self._began_ms

    def over(self) -> None:
        """Nothing more is said: what is not a turn by now is none."""
        self._drafts.stop()
        self.callee_turn_dropped()

    def _caption(self, speaker: Speaker, text: str, start_ms: int, *, final: bool, cut_off: bool = False) -> None:
        number = self._open.get(speaker)
        if number is None:
            if not text:
                return
            self._last_number += 1
            number = self._open[speaker] = self._last_number
        if final:
            del self._open[speaker]
        self._watcher.caption(Caption(number, speaker, text, start_ms, final, cut_off))
