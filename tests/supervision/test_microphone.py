"""What a supervisor says reaches the callee soon or not at all."""

from hypothesis import given
from hypothesis import strategies as st

from mediaserver.supervision.microphone import MOST_AHEAD, Backlog

FRAME = 160


def test_a_voice_that_comes_as_it_is_spoken_is_heard_whole() -> None:
    backlog = Backlog()
    assert all(backlog.admits(FRAME, now) for now in range(0, 500 * FRAME, FRAME))


def test_a_burst_after_a_stall_is_cut_to_what_is_heard_soon() -> None:
    backlog = Backlog()
    assert sum(backlog.admits(FRAME, 16_000) for _ in range(100)) == MOST_AHEAD // FRAME
    later = 16_000 + MOST_AHEAD
    assert backlog.admits(FRAME, later)


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 1600)), max_size=200))
def test_however_it_comes_nothing_waits_for_longer(frames: list[tuple[int, int]]) -> None:
    backlog, now, heard_at = Backlog(), 0, 0
    for pause, samples in frames:
        now += pause
        if backlog.admits(samples, now):
            heard_at = max(heard_at, now) + samples
        assert heard_at - now <= MOST_AHEAD
