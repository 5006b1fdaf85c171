"""The callers of the benchmarks tell a hole within an utterance from the beginning of the next one."""

import pytest

from benchmarks.caller_load import UTTERANCE_S, Ear


def test_a_hole_within_an_utterance_is_late_however_long_it_is() -> None:
    for hole in (0.001, 0.4, 3.0):
        ear = Ear()
        assert ear.play(0.1, 10.0) is None
        assert ear.play(0.1, 10.05) == pytest.approx(-0.05)
        assert ear.play(0.1, 10.2 + hole) == pytest.approx(hole)
        assert ear.play(0.1, 10.2 + hole) == pytest.approx(-0.1)


def test_what_follows_a_whole_utterance_is_not_late() -> None:
    ear = Ear()
    assert ear.play(UTTERANCE_S, 10.0) is None
    assert ear.play(UTTERANCE_S, 12.3) is None
    assert ear.play(UTTERANCE_S, 14.2) == pytest.approx(-0.1)
    assert ear.play(UTTERANCE_S, 16.4) is None


def test_what_follows_a_clear_begins_anew() -> None:
    ear = Ear()
    ear.play(0.3, 10.0)
    ear.clear()
    assert ear.play(0.1, 10.9) is None
    assert ear.play(UTTERANCE_S - 0.1, 11.1) == pytest.approx(0.1)
