"""What was expected when a campaign started, against what happened since. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dialer.forecast_rows import KeptForecast

_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Expected when the campaign started (`made_at`), and what it came to until now or until its end. `behind_h`: hours of calling that
    it lags behind (below 0: is ahead), for one that has ended hours between its end and the expected one; None where none was expected.
    `words`: the same for people."""

    made_at: datetime
    finishes_at: datetime | None
    earliest_at: datetime | None
    latest_at: datetime | None
    expected_calls: float
    calls: int
    expected_reached: float
    reached: int
    behind_h: float | None
    words: str


def compare(kept: KeptForecast, now: datetime, *, calls: int, reached: int, completed_at: datetime | None) -> Comparison:
    """`calls`, `reached`: until now; `completed_at`: where every contact is done."""
    expected_calls, expected_reached = _until(kept.buckets, (completed_at or now).timestamp())
    if completed_at is None:
        behind: float | None = _calling_hours_behind(kept.buckets, now.timestamp(), expected_calls, calls)
    else:
        behind = (completed_at - kept.finishes_at).total_seconds() / _HOUR_S if kept.finishes_at is not None else None
    return Comparison(
        made_at=kept.made_at,
        finishes_at=kept.finishes_at,
        earliest_at=kept.earliest_at,
        latest_at=kept.latest_at,
        expected_calls=expected_calls,
        calls=calls,
        expected_reached=expected_reached,
        reached=reached,
        behind_h=behind,
        words=_words(behind, ended=completed_at is not None),
    )


def _until(buckets: Sequence[Sequence[float]], at_s: float) -> tuple[float, float]:
    """Calls and contacts reached that were expected until `at_s`."""
    calls = reached = 0.0
    for start, end, of_calls, of_reached in buckets:
        share = min(1.0, max(0.0, (at_s - start) / (end - start)))
        calls, reached = calls + of_calls * share, reached + of_reached * share
    return calls, reached


def _calling_hours_behind(buckets: Sequence[Sequence[float]], now_s: float, expected: float, calls: float) -> float:
    """How much time of the buckets lies between what was expected by now and what was called."""
    until_now = sum(min(end, max(start, now_s)) - start for start, end, _, _ in buckets)
    if abs(calls - expected) < 0.5:
        return 0.0
    spent = done = 0.0
    for start, end, of_calls, _ in buckets:
        if done + of_calls >= calls:
            spent += (end - start) * (calls - done) / of_calls if of_calls else 0.0
            break
        spent, done = spent + end - start, done + of_calls
    return (until_now - spent) / _HOUR_S


def _words(behind_h: float | None, *, ended: bool) -> str:
    if behind_h is None:
        return "it was not expected to finish by itself"
    minutes = round(abs(behind_h) * 60)
    size = f"{abs(behind_h):.1f} hours" if minutes >= 60 else f"{minutes} minute{'' if minutes == 1 else 's'}"
    if abs(behind_h) * 60 < 0.5:
        return "it ended as expected" if ended else "as expected"
    if ended:
        return f"it ended {size} {'later' if behind_h > 0 else 'earlier'} than expected"
    return f"{size} of calling {'behind' if behind_h > 0 else 'ahead of'} what was expected"
