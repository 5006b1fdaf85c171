"""Numbers that are said in a call are hidden however they are written; what is no phone number stays as it is."""

import pytest

from db.said_numbers import unsaid, unsaid_in


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Call me at 415-555-0123, please.", "Call me at *****23, please."),
        ("(415) 555 0123", "*****23"),
        ("+14155550123", "*****23"),
        ("It is 0171 / 123 45 67.", "It is *****67."),
        ("four one five, five five five, oh one two three, thanks", "*****, thanks"),
        ("Since 2026-11-29 04155550123", "Since 2026-*****23"),
    ],
)
def test_a_number_is_hidden_but_for_its_last_digits(said: str, shown: str) -> None:
    assert unsaid(said) == shown


@pytest.mark.parametrize(
    "said",
    [
        "At nine or ten, on 2026-11-29 22:59.",
        "One, two or three of them",
        "45 Main Street, 10115 Berlin",
        "The carrier's id is CA0123456789abcdef",
        "The amount is 1,250.00",
    ],
)
def test_what_is_no_phone_number_stays(said: str) -> None:
    assert unsaid(said) == said


def test_every_text_of_a_value_is_looked_through() -> None:
    held = {"phone": "4155550123", "list": ["at 4155550124"], "turn": 3, "at": None}
    assert unsaid_in(held) == {"phone": "*****23", "list": ["at *****24"], "turn": 3, "at": None}
