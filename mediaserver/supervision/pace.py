"""How much one page may say. Pure.

A microphone speaks 50 times a second; what was held up on its way comes in a burst. Whoever says more than that costs others their time.
"""

PER_S = 150  # messages
AT_ONCE = 1500  # 30 s of a microphone


class Pace:
    """Of one page. `now`: of any clock, in seconds."""

    def __init__(self, now: float) -> None:
        self._left, self._at = float(AT_ONCE), now

    def allows(self, now: float) -> bool:
        """Whether it may have said one message more by `now`."""
        self._left = min(float(AT_ONCE), self._left + (now - self._at) * PER_S) - 1
        self._at = now
        return self._left >= 0
