"""The checker's oracle, held against readings of the clock minute by minute."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation import oracle
from tests.simulation.by_hand import NOON, number

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC", "Africa/Casablanca", "Pacific/Apia")
UNTIMED = settings(deadline=None)  # a busy machine is no failure
MINUTES = st.integers(0, 24 * 60 - 1)
CHANGES = st.sampled_from(
    ["2030-03-31T01:00", "2030-10-27T01:00", "2030-03-10T07:00", "2030-11-03T06:00", "2030-04-06T15:00", "2030-12-31T23:00"]
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@UNTIMED
@given(MINUTES, MINUTES, st.sets(st.integers(1, 7), min_size=1), st.sampled_from(ZONES), CHANGES, st.integers(-5000, 5000))
def test_a_window_is_open_in_the_minutes_of_the_week_that_it_covers(
    start: int, end: int, weekdays: set[int], zone: str, change: str, minutes_away: int
) -> None:
    """The week as 10,080 minutes of wall clock: a window covers so many from its start on, on each of its days."""
    instant = at(change) + timedelta(minutes=minutes_away)
    length = (end - start) % (24 * 60)
    covered = {((day - 1) * 24 * 60 + minute) % (7 * 24 * 60) for day in weekdays for minute in range(start, start + length)}
    if length == 0:
        covered = {(day - 1) * 24 * 60 + minute for day in weekdays for minute in range(24 * 60)}
    where = oracle.known_zone(zone)
    assert where is not None
    local = instant.astimezone(where)
    now = (local.isoweekday() - 1) * 24 * 60 + local.hour * 60 + local.minute
    opens, closes = time(start // 60, start % 60), time(end // 60, end % 60)
    assert oracle.window_allows(opens, closes, zone, weekdays, instant) == (now in covered)


@UNTIMED
@given(st.sampled_from(ZONES), CHANGES, st.integers(-5000, 5000))
def test_callees_are_called_from_eight_to_twenty_one_of_their_clock(zone: str, change: str, minutes_away: int) -> None:
    instant = at(change) + timedelta(minutes=minutes_away)
    where = oracle.known_zone(zone)
    assert oracle.callee_allows(number(1), zone, instant) == (8 <= instant.astimezone(where).hour < 21)


@settings(UNTIMED, max_examples=25)
@given(MINUTES, MINUTES, st.sampled_from(ZONES), st.sampled_from(ZONES), st.sets(st.integers(1, 7), min_size=1), CHANGES)
def test_two_windows_fit_at_last_exactly_where_some_quarter_of_an_hour_lies_in_both(
    start: int, length: int, zone: str, own_zone: str, weekdays: set[int], change: str
) -> None:
    """To quarters of an hour, which all these zones keep to."""
    opens, closes = start // 15 * 15, (start + max(length, 15)) // 15 * 15 % (24 * 60)
    hours = (time(opens // 60, opens % 60), time(closes // 60, closes % 60), zone, weekdays)
    instants = [at(change) + timedelta(minutes=15 * step) for step in range(14 * 24 * 4)]
    common = any(oracle.callee_allows(number(1), own_zone, each) and oracle.window_allows(*hours, each) for each in instants)
    assert oracle.ever_allows(number(1), own_zone, *hours, at(change)) == common


@UNTIMED
@given(st.lists(st.integers(0, 10 * 24 * 60)), st.integers(1, 5), st.integers(1, 9), st.integers(8 * 24 * 60, 12 * 24 * 60))
def test_caps_count_the_tries_of_the_last_day_and_week(tries: list[int], per_24h: int, per_7d: int, now: int) -> None:
    day = sum(1 for minute in range(now - 24 * 60 + 1, now + 1) for each in tries if each == minute)
    week = sum(1 for minute in range(now - 7 * 24 * 60 + 1, now + 1) for each in tries if each == minute)
    made = [NOON + timedelta(minutes=each) for each in tries if each <= now]
    assert oracle.caps_allow(made, per_24h, per_7d, NOON + timedelta(minutes=now)) == (day < per_24h and week < per_7d)


@UNTIMED
@given(st.lists(st.integers(0, 1000), min_size=2), st.integers(1, 100))
def test_starts_are_too_close_exactly_where_another_lies_within_the_least_distance(starts: list[int], least: int) -> None:
    instants = [NOON + timedelta(seconds=each) for each in starts]
    crowded = any(abs(one - two) < least for i, one in enumerate(starts) for two in starts[i + 1 :])
    assert bool(oracle.too_close(instants, timedelta(seconds=least))) == crowded


@pytest.mark.parametrize("outcome", [each for each, row in oracle.TABLE.items() if row.again == "always" and row.counts])
@UNTIMED
@given(retries=st.integers(0, 5), granted=st.integers(0, 2))
def test_who_is_never_reached_is_called_as_often_as_the_settings_say(outcome: str, retries: int, granted: int) -> None:
    standing, calls = oracle.Standing(granted=granted), 0
    while standing.status == "pending":
        standing, calls = oracle.after_call(standing, outcome, oracle.Rules(max_retries=retries, retry_delay_min=1), NOON), calls + 1
    assert (standing.status, calls) == ("failed", 1 + retries + granted)
