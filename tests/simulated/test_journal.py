"""The network's own record and the figures that are made of it."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mediaserver.carriers.simulated import mulaw
from mediaserver.carriers.simulated.answered import AnsweredLine
from mediaserver.carriers.simulated.frames import Media
from mediaserver.carriers.simulated.journal import (
    CallJournal,
    Gap,
    Said,
    WordErrors,
    append,
    first_words,
    gaps,
    percentile,
    read,
    word_errors,
)
from mediaserver.carriers.simulated.speech import tone

SOUND = Media(mulaw.encode(tone(440, 20)))
SILENCE = Media(mulaw.SILENCE)


def a_call() -> CallJournal:
    return CallJournal("CA1", "+12125550100", "agrees", "2026-01-02T03:04:05+00:00")


def test_the_first_word_is_the_first_sound_and_not_the_first_frame() -> None:
    line = AnsweredLine(journal := a_call())
    line.receive(SILENCE, 30)
    line.receive(SOUND, 90)
    line.receive(SOUND, 110)
    assert first_words([journal, a_call()]) == [90]


def test_a_gap_is_from_the_end_of_a_line_to_the_next_sound() -> None:
    line = AnsweredLine(journal := a_call())
    line.receive(SOUND, 100)
    journal.said.append(Said("Yes.", 1000, 1400))
    line.line_ended(1400)
    line.receive(SILENCE, 1900)
    line.receive(SOUND, 2200)
    line.receive(SOUND, 2220)
    assert journal.gaps == [Gap(0, 800)]
    assert gaps([journal]) == [800]


def test_nobody_waits_for_an_agent_that_speaks_over_the_line() -> None:
    line = AnsweredLine(journal := a_call())
    line.receive(SOUND, 1300)
    line.line_ended(1400)
    line.receive(SOUND, 1420)
    assert journal.gaps == []


def test_percentiles_are_by_nearest_rank() -> None:
    assert percentile([], 0.5) is None
    assert percentile([7], 0.95) == 7
    assert percentile(list(range(1, 101)), 0.95) == 95
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile([3, 1, 2], 1.0) == 3


def test_word_errors_count_what_was_changed_lost_and_added() -> None:
    assert word_errors(["Yes, I can make it."], ["yes i can make it"]) == WordErrors(0, 5)
    assert word_errors(["I can't make it."], ["I can make that", "okay"]) == WordErrors(3, 4)
    assert word_errors(["Okay.", "All right"], ["OK alright"]) == WordErrors(0, 3)
    assert word_errors([], ["you"]) == WordErrors(1, 0)
    assert (WordErrors(1, 4) + WordErrors(1, 6)).percent == 20.0


SOME_WORDS = st.lists(st.sampled_from(["one", "two", "three", "four"]))


@given(SOME_WORDS, SOME_WORDS)
def test_word_errors_are_a_distance(said: list[str], understood: list[str]) -> None:
    there, back = word_errors(said, understood), word_errors(understood, said)
    assert there.errors == back.errors
    assert (there.errors == 0) == (said == understood)
    assert abs(len(said) - len(understood)) <= there.errors <= max(len(said), len(understood))


def test_what_is_written_to_the_file_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    call = a_call()
    call.said.append(Said("Hello?", 500, 900))
    append(path, call)
    append(path, a_call())
    assert read(path) == [call, a_call()]
