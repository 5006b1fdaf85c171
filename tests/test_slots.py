"""What a slot takes from the callee's words, and that it takes nothing where there is nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime.agent import SLOT_KINDS, Slot
from agent_runtime.slots import capture, names_a_call

STARS = Slot("a", "number", ("1", "2", "3", "4", "5"))


@pytest.mark.parametrize(
    ("slot", "line", "value"),
    [
        (Slot("a"), " Rather the blue one. ", "Rather the blue one."),
        (Slot("a", "number"), "I'd say 8.", "8"),
        (Slot("a", "number"), "Seven, I think.", "7"),
        (Slot("a", "number"), "3,5 maybe", "3.5"),
        (Slot("a", "number"), "Somewhat.", None),
        (STARS, "Four.", "4"),
        (STARS, "I'd give it a 3 out of 5.", "3"),
        (STARS, "From one to five, I'd say two.", "2"),
        (STARS, "No one called me back.", None),
        (STARS, "One moment.", None),
        (STARS, "Three or four.", None),
        (STARS, "Ten out of ten.", None),
        (STARS, "4.5", None),
        (Slot("a"), "Uh-huh.", None),
        (Slot("a", "date"), "Could we do next Friday morning?", "next Friday morning"),
        (Slot("a", "date"), "Whenever.", None),
        (Slot("a", "choice", ("red", "dark blue")), "The Dark blue one.", "dark blue"),
        (Slot("a", "choice", ("red", "blue")), "Red or blue.", None),
        (Slot("a", "choice", ("red",)), "I covered it.", None),
        (Slot("a", "yes_no"), "Yes, of course.", "yes"),
        (Slot("a", "yes_no"), "No.", "no"),
        (Slot("a", "yes_no"), "Well.", None),
    ],
)
def test_a_slot_takes_its_kind_of_value(slot: Slot, line: str, value: str | None) -> None:
    assert capture(slot, line) == value


@given(st.sampled_from(SLOT_KINDS), st.text())
def test_a_value_is_never_empty(kind: str, line: str) -> None:
    assert capture(Slot("a", kind, ("red", "blue")), line) != ""


def test_a_time_for_a_call_is_told_from_a_day_for_an_appointment() -> None:
    assert names_a_call("Call me tomorrow.")
    assert not names_a_call("Tomorrow is fine.")
