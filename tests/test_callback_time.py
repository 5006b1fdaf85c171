"""What people say about when to call them becomes the moment that they mean."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime.callback_time import callback_time, day_words, say_time

BERLIN = ZoneInfo("Europe/Berlin")
WEDNESDAY = datetime(2025, 6, 11, 14, 0, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("line", "day", "clock"),
    [
        ("Tomorrow at five.", 12, (17, 0)),
        ("Call me tomorrow at 5.", 12, (17, 0)),
        ("Could you call back tomorrow at 5 p.m.?", 12, (17, 0)),
        ("tomorrow at 5pm", 12, (17, 0)),
        ("Tomorrow at nine in the morning.", 12, (9, 0)),
        ("Tomorrow morning.", 12, (10, 0)),
        ("tomorrow afternoon at 3", 12, (15, 0)),
        ("Try me tomorrow.", 12, (10, 0)),
        ("The day after tomorrow at noon.", 13, (12, 0)),
        ("At five.", 11, (17, 0)),
        ("around 5:30", 11, (17, 30)),
        ("At half past four, please.", 11, (16, 30)),
        ("quarter to six", 11, (17, 45)),
        ("At nine.", 12, (9, 0)),  # nine has passed today
        ("After six, I am at work now.", 11, (18, 0)),
        ("This evening.", 11, (18, 0)),
        ("Tonight at eight.", 11, (20, 0)),
        ("In an hour.", 11, (15, 0)),
        ("in about two hours", 11, (16, 0)),
        ("In half an hour, please.", 11, (14, 30)),
        ("in 20 minutes", 11, (14, 20)),
        ("In a couple of days.", 13, (14, 0)),
        ("On Friday at ten.", 13, (10, 0)),
        ("Monday morning would be good.", 16, (10, 0)),
        ("Wednesday at 3 o'clock", 18, (15, 0)),  # not today: they would have said today
        ("Next week.", 18, (10, 0)),
        ("6 PM tomorrow works.", 12, (18, 0)),
        ("At 11 am.", 12, (11, 0)),
    ],
)
def test_the_moment_is_the_one_that_was_meant(line: str, day: int, clock: tuple[int, int]) -> None:
    assert callback_time(line, WEDNESDAY) == datetime(2025, 6, day, *clock, tzinfo=BERLIN)


@pytest.mark.parametrize("line", ["Later.", "One moment.", "Not now.", "", "I have two children.", "Call me back.", "Today.", "At 99."])
def test_what_names_no_time_is_none(line: str) -> None:
    assert callback_time(line, WEDNESDAY) is None


def test_an_hour_that_the_clocks_skip_is_moved_behind_the_gap() -> None:
    saturday = datetime(2025, 3, 29, 12, 0, tzinfo=BERLIN)
    found = callback_time("tomorrow at 2:30 am", saturday)
    assert found is not None
    assert (found.hour, found.minute) == (3, 30)


def test_hours_are_counted_across_the_change_of_the_clocks() -> None:
    night = datetime(2025, 3, 30, 1, 30, tzinfo=BERLIN)
    found = callback_time("in two hours", night)
    assert found is not None
    assert found.astimezone(UTC) - night.astimezone(UTC) == timedelta(hours=2)


@given(st.text(), st.datetimes(min_value=datetime(2024, 1, 1), max_value=datetime(2040, 1, 1)))  # noqa: DTZ001 - given a zone below
def test_any_words_give_a_later_moment_or_none(line: str, naive: datetime) -> None:
    now = naive.replace(tzinfo=BERLIN)
    found = callback_time(line, now)
    assert found is None or found > now


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Thursday afternoon would be better.", "Thursday afternoon"),
        ("Uh, maybe next Tuesday?", "next Tuesday"),
        ("Could we do tomorrow at five?", "tomorrow at five"),
        ("Monday or Tuesday.", "Monday or Tuesday"),
        ("I don't know yet.", ""),
        ("I can pay it on the 15th.", "the 15th"),
        ("The fifteenth.", "the fifteenth"),
        ("On March the third.", "March the third"),
        ("the 3rd of march, I think", "the 3rd of March"),
        ("By the first.", "the first"),
        ("The first thing that I do.", ""),
        ("At the end of the month.", "the end of the month"),
        ("In two weeks.", "in two weeks"),
    ],
)
def test_a_day_is_kept_in_the_words_that_named_it(line: str, words: str) -> None:
    assert day_words(line) == words


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2025, 6, 11, 17, 0, tzinfo=BERLIN), "today at five PM"),
        (datetime(2025, 6, 12, 17, 30, tzinfo=BERLIN), "tomorrow at five 30 PM"),
        (datetime(2025, 6, 13, 10, 0, tzinfo=BERLIN), "on Friday at ten AM"),
        (datetime(2025, 6, 20, 12, 0, tzinfo=BERLIN), "on Friday, June 20 at twelve PM"),
    ],
)
def test_the_moment_is_said_as_people_say_it(moment: datetime, said: str) -> None:
    assert say_time(moment, WEDNESDAY) == said
