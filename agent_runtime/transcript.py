"""The transcript of one call as it grows: what was heard of both sides, in the order in which it began."""

from bisect import bisect_right

from agent_runtime.calls import Evidence, Speaker, Turn


class Transcript:
    """Turns by their beginning. A turn that ends late but began early moves those behind it back by one."""

    def __init__(self) -> None:
        self._turns: list[Turn] = []

    def add(self, turn: Turn) -> list[tuple[int, Turn]]:
        """Keep `turn`. Returns each position that is new or has changed, with the turn that stands there now."""
        at = bisect_right([kept.start_ms for kept in self._turns], turn.start_ms)
        self._turns.insert(at, turn)
        return list(enumerate(self._turns))[at:]

    @property
    def turns(self) -> tuple[Turn, ...]:
        return tuple(self._turns)

    @property
    def callee_has_spoken(self) -> bool:
        return any(turn.speaker is Speaker.CALLEE for turn in self._turns)

    def evidence(self, says: str, turn: Turn | None = None, at_ms: int | None = None) -> Evidence:
        """`says`, with the place of `turn` in the transcript as it stands."""
        index = next((i for i, kept in enumerate(self._turns) if kept is turn), None)
        return Evidence(says, index, at_ms if turn is None else turn.start_ms)
