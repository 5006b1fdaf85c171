"""A campaign's forecast as lines for a terminal."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from dialer.forecasting import CampaignForecast

_BAR = 40


def lines(found: CampaignForecast) -> Iterator[str]:
    """When it ends, what limits it, who is skipped, what is assumed, the hours, and how it compares with what was expected at Start."""
    made = found.forecast
    where = ZoneInfo(made.timezone)
    if made.finishes_at is None:
        yield f"Does not finish by itself: {made.held}"
    else:
        earliest = _at(made.earliest_at or made.made_at, where)
        latest = _at(made.latest_at, where) if made.latest_at else "more than a year from now"
        yield f"Finishes {_at(made.finishes_at, where)} ({where.key}), likely between {earliest} and {latest}"
    yield f"{made.calls:,.0f} calls to {made.contacts:,.0f} contacts, {made.reached:,.0f} of them reached"
    yield f"{made.calls_per_hour:,.0f} calls per hour while it calls"
    yield f"Most time goes into {made.limit.words}"
    yield from (f"Skipped: {each.contacts:,}, for {each.reason}" for each in made.skipped)
    yield from (f"Taken for given: {each.words}" for each in made.assumptions)
    most = max((each.calls for each in made.buckets), default=0.0)
    for each in made.buckets:
        if each.calls >= 0.5:
            yield f"{_at(each.start, where)}  {each.calls:>9,.0f}  {'#' * round(_BAR * each.calls / most)}"
    if (compared := found.compared) is not None:
        yield f"Expected at Start until now: {compared.expected_calls:,.0f} calls, {compared.expected_reached:,.0f} reached"
        yield f"Made until now: {compared.calls:,} calls, {compared.reached:,} reached: {compared.words}"


def _at(at: datetime, where: ZoneInfo) -> str:
    return f"{at.astimezone(where):%a %Y-%m-%d %H:%M}"
