"""What a supervisor listens to: both sides of one call about as its callee hears them, in small pieces that are made once for all.

The clock that reads a feed sees `DELAY` into the past: so much later than its time the callee's audio may come and still be in its
place. What comes later is left out, so that a line that stalls never makes the feed fall behind.
"""

from mediaserver.switch.playout import SAMPLES_PER_MS
from mediaserver.switch.recording import GAP
from mediaserver.switch.track import Track

PIECE_MS = 40
PIECE = PIECE_MS * SAMPLES_PER_MS
DELAY = 60 * SAMPLES_PER_MS  # a piece is taken when its last sample is so old
FRAME = 20 * SAMPLES_PER_MS  # of what comes, so much is in its place at the latest; the beginning of a longer frame is heard later
LATE = DELAY - FRAME  # what comes later than this behind what was before it is not heard, or not all of it
EARLY = DELAY  # the callee's side may lie so far ahead of its arrival: frames do not come evenly
PATIENCE = 200 * SAMPLES_PER_MS  # a line that is late for so long stays late: what comes counts as spoken now
FORGOTTEN = 1000 * SAMPLES_PER_MS  # what nobody took for so long is left out


class Feed:
    """A tap. `start`: the position from which pieces are given out. All positions in samples since the leg began.

    The agent's side lies where the callee hears it; what was sent before this tap was on the leg, at most 400 ms, is missing. The
    callee's side lies where the recording has it as long as the line is even.
    """

    def __init__(self, start: int) -> None:
        self._callee, self._agent = Track(start), Track(start)
        self._next: int | None = None  # where the callee's audio goes on, if the line is even
        self._late_since: int | None = None

    def callee(self, at: int, mulaw: bytes) -> None:
        begin = self._place(at + max(0, len(mulaw) - FRAME))
        self._next = begin + len(mulaw)
        self._callee.cut(begin)
        gone = max(0, self._callee.start - begin)  # so much of it was to be heard before
        self._callee.put(begin + gone, mulaw[gone:])

    def agent(self, at: int, mulaw: bytes) -> None:
        self._agent.put(at, mulaw)

    def agent_cut(self, at: int) -> None:
        self._agent.cut(at)

    def ended(self, at: int) -> None:
        self._agent.cut(at)

    def pieces(self, now: int) -> list[tuple[int, bytes, bytes]]:
        """What can be given out at `now`, oldest first: the position, and `PIECE` samples of callee and agent."""
        due = now - DELAY
        if due - self._callee.start > FORGOTTEN:
            self._take(due - PIECE)
        found = []
        while self._callee.start + PIECE <= due:
            at = self._callee.start
            found.append((at, *self._take(at + PIECE)))
        return found

    def _take(self, end: int) -> tuple[bytes, bytes]:
        return self._callee.take(end), self._agent.take(end)

    def _place(self, at: int) -> int:
        """Where the callee's audio is laid that, by its arrival, begins at `at`."""
        if self._next is None or at < self._next - EARLY or at > self._next + GAP:
            place = at
        elif at <= self._next + LATE:
            place = self._next
        else:
            return self._place_late(at, self._next)
        self._late_since = None
        return place

    def _place_late(self, at: int, following: int) -> int:
        if self._late_since is None:
            self._late_since = at
        if at - self._late_since < PATIENCE:
            return following
        self._late_since = None
        return at
