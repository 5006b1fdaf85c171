"""A page may say what a microphone says, also where it was held up, and not much more."""

from hypothesis import given
from hypothesis import strategies as st

from mediaserver.supervision.pace import AT_ONCE, PER_S, Pace

FRAME_S = 0.02


def test_a_microphone_may_speak_as_long_as_it_likes() -> None:
    pace = Pace(0.0)
    assert all(pace.allows(number * FRAME_S) for number in range(100_000))


def test_what_was_held_up_for_twenty_seconds_may_come_at_once_and_go_on() -> None:
    pace = Pace(0.0)
    assert all(pace.allows(20.0) for _ in range(1000))
    assert all(pace.allows(20.0 + number * FRAME_S) for number in range(5000))


@given(st.lists(st.tuples(st.integers(1, 2 * AT_ONCE), st.floats(0, 20)), max_size=10))
def test_in_no_time_more_comes_through_than_a_burst_and_what_is_usual(bursts: list[tuple[int, float]]) -> None:
    pace, now, let_through = Pace(0.0), 0.0, 0
    for count, pause in bursts:
        now += pause
        let_through += sum(pace.allows(now) for _ in range(count))
        assert let_through <= AT_ONCE + now * PER_S + 1
