"""The sentiment of a call follows the callee's words, and an opt-out is never pleased."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime.sentiment import sentiment


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        (["Great, thank you very much!", "Yes, that is perfect."], "positive"),
        (["Hello?", "Yes.", "I will be there."], "positive"),
        (["Hello?", "Who is this?"], "neutral"),
        ([], "neutral"),
        (["This is terrible, I hate these calls."], "negative"),
        (["Take me off your list."], "negative"),
        (["Oh, wonderful, how nice of you!", "But never call me again."], "negative"),
    ],
)
def test_the_word_fits_the_lines(lines: list[str], word: str) -> None:
    assert sentiment(lines)[1] == word


@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_words_have_a_sentiment_in_range(lines: list[str]) -> None:
    score, word = sentiment(lines)
    assert -1 <= score <= 1
    assert word in ("positive", "neutral", "negative")


@given(st.lists(st.sampled_from(["Thank you!", "Lovely.", "Great, perfect!"]), max_size=5))
def test_an_opt_out_is_negative_whatever_else_was_said(lines: list[str]) -> None:
    assert sentiment([*lines, "Stop calling me."]) <= (-0.6, "negative")
