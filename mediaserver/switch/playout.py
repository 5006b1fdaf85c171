"""What one leg says: when each piece of audio goes out, and how far the callee has heard it. No I/O and no clock.

All positions and times are in samples at 8 kHz (8 a millisecond): offsets since the first audio of the leg, times since the leg
began. The carrier buffers what we send, so audio goes out ahead of the callee's ear; a mark behind a piece comes back when it was
played.
"""

from dataclasses import dataclass

SAMPLES_PER_MS = 8
PIECE = 100 * SAMPLES_PER_MS  # the longest piece that goes out in one message
MARK_EVERY = 200 * SAMPLES_PER_MS


@dataclass(frozen=True, slots=True)
class Piece:
    """Mu-law to send now. The callee hears its first sample at time `at`. `mark`: the name of the mark to send behind it."""

    at: int
    mulaw: bytes
    mark: str | None


@dataclass(slots=True)
class Lateness:
    """Pieces that went out after the callee had run out of audio, though they were waiting before: each is an audible hole."""

    messages: int = 0
    worst_ms: int = 0

    def add(self, samples: int) -> None:
        self.messages += 1
        self.worst_ms = max(self.worst_ms, samples // SAMPLES_PER_MS)


class Playout:
    """The outgoing side of one leg.

    A *run* is a stretch of audio without a hole: it begins when something is sent to a callee who hears nothing, and its pieces
    follow each other at the callee's ear. An *epoch* ends with each cut; the marks of an older epoch prove nothing, for a `clear`
    returns them all.
    """

    def __init__(self, ahead_ms: int, late: Lateness) -> None:
        self._ahead = ahead_ms * SAMPLES_PER_MS
        self._late = late
        self._waiting = bytearray()
        self._epoch = 0
        self._sent = 0  # offset
        self._marked = 0  # offset of the last mark
        self._heard = 0  # offset
        self._run_from = 0  # offset at which the run began
        self._run_at = 0  # time at which the run began
        self._lag = 0  # how much later than sent the last mark says that audio is heard

    @property
    def sent(self) -> int:
        return self._sent

    @property
    def queued(self) -> int:
        """The offset of the end of all that was given to `play` and not cut."""
        return self._sent + len(self._waiting)

    @property
    def done(self) -> bool:
        """Whether all was sent, and heard as of the last look."""
        return self._heard == self.queued

    def _ends_at(self) -> int:
        """When the callee runs out of audio, were there no delay on the line."""
        return self._run_at + self._sent - self._run_from

    def play(self, mulaw: bytes, now: int) -> None:
        """Queue `mulaw` behind what waits."""
        if not self._waiting and self._ends_at() <= now:
            self._begin_run(now)
        self._waiting += mulaw

    def due(self, now: int) -> list[Piece]:
        """What is to be sent now, in order, so that the callee has audio for `ahead_ms`."""
        pieces = []
        while self._waiting and self._ends_at() - now < self._ahead:
            at = self._ends_at()
            if at < now:
                self._late.add(now - at)
                self._begin_run(now)
                at = now
            mulaw = bytes(self._waiting[:PIECE])
            del self._waiting[:PIECE]
            self._sent += len(mulaw)
            pieces.append(Piece(at, mulaw, self._mark()))
        return pieces

    def last_mark(self, now: int) -> str | None:
        """The mark that proves the end of what was sent, once nothing waits and the callee is about to run out."""
        if self._waiting or self._marked == self._sent or self._ends_at() - now > MARK_EVERY:
            return None
        self._marked = self._sent
        return f"{self._epoch}:{self._sent}"

    def heard(self, now: int) -> int:
        """How far the callee has heard us: never more than was sent, nor than the clock and the marks allow; never less than
        before."""
        position = self._run_from + max(0, now - self._lag - self._run_at)
        self._heard = max(self._heard, min(self._sent, position))
        return self._heard

    def mark_reached(self, name: str, now: int) -> None:
        """The carrier says that all audio before this mark was played. A name that is not ours, or of an older epoch, is
        ignored."""
        epoch, _, offset = name.partition(":")
        if epoch != str(self._epoch) or not offset.isdecimal() or not self._run_from < int(offset) <= self._sent:
            return
        self._lag = max(0, now - (self._run_at + int(offset) - self._run_from))

    def cut(self, now: int) -> bool:
        """Forget what was not heard; what is played from now on continues from there. Whether the carrier still holds audio to
        clear."""
        heard = self.heard(now)
        dropped = heard < self.queued
        self._waiting.clear()
        self._epoch += 1
        self._sent = self._marked = heard
        self._begin_run(now)
        return dropped

    def heard_at(self, now: int) -> int:
        """The time on the sending side of what the callee hears now: `now` less the line's delay."""
        return max(0, now - self._lag)

    def _begin_run(self, now: int) -> None:
        self._run_from, self._run_at = self._sent, now

    def _mark(self) -> str | None:
        if self._sent - self._marked < MARK_EVERY:
            return None
        self._marked = self._sent
        return f"{self._epoch}:{self._sent}"
