"""When a message that was not taken is sent again, and when that is given up. Pure."""

FIRST_WAIT_S = 10.0
LONGEST_WAIT_S = 8 * 3600.0
ATTEMPTS = 17  # over about three days
DISABLED_AFTER_S = 5 * 86400.0  # without a single success

_GROWTH = 3.0
_SPREAD = 0.2


def wait_s(attempt: int, chance: float) -> float | None:
    """How long to wait after the failure of that attempt, the first being 1; None: no more. `chance`: from 0 to 1, spreads the attempts of
    many messages by a fifth to both sides."""
    if attempt >= ATTEMPTS:
        return None
    return min(FIRST_WAIT_S * _GROWTH ** (attempt - 1), LONGEST_WAIT_S) * (1 - _SPREAD + 2 * _SPREAD * chance)
