"""One answered call as the callee has it: a mouth, an ear and the carrier's buffer on one clock, with the record of what
happened. No I/O.

`tick` is called every 20 ms; `receive` whenever the agent's side sends something.
"""

from dataclasses import dataclass

from mediaserver.carriers.simulated.ear import AUDIBLE, Ear
from mediaserver.carriers.simulated.frames import Clear, Command, Mark, Media
from mediaserver.carriers.simulated.journal import OVERLAP_MS, CallJournal, Gap
from mediaserver.carriers.simulated.line import Mouth, Playback
from mediaserver.carriers.simulated.mulaw import FRAME_BYTES, SILENCE, loudness


@dataclass(frozen=True, slots=True)
class Ticked:
    """20 ms of the line: what the callee has said, and the marks that were reached."""

    mulaw: bytes
    marks: list[str]


class AnsweredLine:
    """The callee's end of one call. All times in ms since they picked up."""

    def __init__(self, journal: CallJournal) -> None:
        self.mouth, self.ear, self._playback = Mouth(), Ear(), Playback()
        self._journal = journal
        self._spoken = SILENCE
        self._last_arrival_ms: int | None = None
        self._waiting_since_ms: int | None = None

    def tick(self, now_ms: int) -> Ticked:
        """Play and say the 20 ms that begin at `now_ms`. What was said in the 20 ms before is what can be sent now."""
        frame, marks = self._playback.take()
        if self.ear.hear(frame, now_ms) and self._journal.first_heard_ms is None:
            self._journal.first_heard_ms = now_ms
        self._journal.marks_played += len(marks)
        spoken, self._spoken = self._spoken, self.mouth.take(now_ms)
        return Ticked(spoken, marks)

    def receive(self, command: Command, now_ms: int) -> list[str]:
        """Do what the agent's side asks for; the marks that `clear` sends back."""
        match command:
            case Media(mulaw):
                self._journal.media_frames += 1
                if _audible(mulaw):
                    self._sound_arrived(now_ms)
                self._playback.append(mulaw)
            case Mark(name):
                self._playback.mark(name)
            case Clear():
                names = self._playback.clear()
                self._journal.clears_ms.append(now_ms)
                self._journal.marks_cleared += len(names)
                return names
        return []

    def line_ended(self, end_ms: int) -> None:
        """The callee finished a line: the next sound of the agent ends the gap, unless it spoke over the line anyway."""
        overlapped = self._last_arrival_ms is not None and self._last_arrival_ms > end_ms - OVERLAP_MS
        self._waiting_since_ms = None if overlapped else end_ms

    def _sound_arrived(self, now_ms: int) -> None:
        if self._journal.first_audio_ms is None:
            self._journal.first_audio_ms = now_ms
        if self._waiting_since_ms is not None:
            self._journal.gaps.append(Gap(len(self._journal.said) - 1, now_ms - self._waiting_since_ms))
            self._waiting_since_ms = None
        self._last_arrival_ms = now_ms


def _audible(mulaw: bytes) -> bool:
    return any(loudness(mulaw[at : at + FRAME_BYTES]) > AUDIBLE for at in range(0, len(mulaw), FRAME_BYTES))
