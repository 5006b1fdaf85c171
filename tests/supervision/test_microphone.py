"""What a supervisor says reaches the callee soon or not at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaserver.supervision.microphone import MOST_AHEAD, USUAL_AHEAD, Backlog

FRAME = 160


@pytest.mark.parametrize("quiet", [False, True])
def test_a_voice_that_comes_as_it_is_spoken_is_heard_whole(quiet: bool) -> None:
    backlog = Backlog()
    assert all(backlog.admits(FRAME, now, quiet=quiet) for now in range(0, 500 * FRAME, FRAME))


def test_a_burst_after_a_stall_is_cut_to_what_is_heard_soon() -> None:
    backlog = Backlog()
    assert sum(backlog.admits(FRAME, 16_000, quiet=False) for _ in range(100)) == MOST_AHEAD // FRAME
    later = 16_000 + MOST_AHEAD
    assert backlog.admits(FRAME, later, quiet=False)


def test_in_a_pause_what_waits_is_caught_up_with() -> None:
    backlog = Backlog()
    for _ in range(100):
        backlog.admits(FRAME, 0, quiet=False)
    words = [backlog.admits(FRAME, now, quiet=False) for now in range(FRAME, 20 * FRAME, FRAME)]
    pause = [backlog.admits(FRAME, now, quiet=True) for now in range(20 * FRAME, 60 * FRAME, FRAME)]
    assert all(words)
    assert pause.count(False) == (MOST_AHEAD - USUAL_AHEAD) // FRAME
    assert all(pause[-20:])


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 1600), st.booleans()), max_size=200))
def test_however_it_comes_nothing_waits_for_longer(frames: list[tuple[int, int, bool]]) -> None:
    backlog, now, heard_at = Backlog(), 0, 0
    for pause, samples, quiet in frames:
        now += pause
        if backlog.admits(samples, now, quiet=quiet):
            heard_at = max(heard_at, now) + samples
        assert heard_at - now <= MOST_AHEAD
