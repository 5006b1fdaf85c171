"""How many calls may start now, and from when on more. Pure.

A carrier queues in silence what is over its calls per second, so starts are spaced strictly: no burst makes up for a late tick.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dialer.gates import Seen, Verdict
from dialer.rows import CampaignView, LineView

BACK_OFF_FIRST, BACK_OFF_MOST = timedelta(seconds=1), timedelta(seconds=60)
BREAKER_LOOKS_AT, BREAKER_NEEDS, BREAKER_SHARE = 20, 10, 0.5


def line_gates(line: LineView, now: datetime) -> list[Seen]:
    """Account, number and node: for a call of a campaign as for a test call."""
    return [
        _rate("back_off", "the carrier asked us to wait", line.backed_off_until, now),
        _rate("account_rate", f"{line.account_calls_per_second:g} calls per second of the account", line.account_next_start_at, now),
        _rate("number_rate", f"{line.number_calls_per_second or 0:g} calls per second of the number", line.number_next_start_at, now),
        _concurrency("number_concurrency", line.live_of_number, line.number_concurrency),
        _concurrency("node_concurrency", line.live_of_process, line.process_concurrency),
    ]


def pace(campaign: CampaignView, line: LineView, now: datetime) -> list[Seen]:
    """Each gate of pacing for one more call of the campaign."""
    return [
        *line_gates(line, now),
        _concurrency("concurrency", campaign.live, campaign.concurrency),
        _rate("throttle", f"{campaign.throttle_delay_ms or 0} ms between two calls", campaign.next_start_at, now),
    ]


def _rate(gate: str, value: str, next_at: datetime | None, now: datetime) -> Seen:
    if next_at is None or next_at <= now:
        return Seen(gate, Verdict.CALL, value)
    return Seen(gate, Verdict.WAIT, value, next_at)


def _concurrency(gate: str, live: int, most: int | None) -> Seen:
    if most is None:
        return Seen(gate, Verdict.CALL, "no limit of calls at the same time")
    return Seen(gate, Verdict.CALL if live < most else Verdict.WAIT, f"{live} of {most} calls at the same time")


@dataclass(frozen=True, slots=True)
class Spacing:
    """From when on the next call may start, after one that starts now."""

    account: datetime
    number: datetime
    campaign: datetime


def after_start(line: LineView, throttle_delay_ms: int | None, now: datetime) -> Spacing:
    number_rate = line.number_calls_per_second
    return Spacing(
        account=now + timedelta(seconds=1 / line.account_calls_per_second),
        number=now + timedelta(seconds=1 / number_rate) if number_rate else now,
        campaign=now + timedelta(milliseconds=throttle_delay_ms or 0),
    )


def back_off(before: int, retry_after_s: float | None = None) -> timedelta:
    """How long to leave an account alone that throttled us or could not be reached; `before`: times in a row before this one."""
    doubled = min(BACK_OFF_FIRST * (1 << min(before, 10)), BACK_OFF_MOST)
    named = timedelta(seconds=min(max(retry_after_s or 0.0, 0.0), 3600.0))
    return max(doubled, named)


def breaker_trips(failed: int, requests: int) -> str | None:
    """Why the campaign pauses by itself, where too many of its last requests (at most `BREAKER_LOOKS_AT`) failed."""
    if requests < BREAKER_NEEDS or failed < requests * BREAKER_SHARE:
        return None
    return f"{failed} of the last {requests} calls failed at the carrier: look at the carrier account and the phone number, then resume"
