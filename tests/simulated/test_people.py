"""Who is at which number, and what people make of what they hear."""

import re
from pathlib import Path

import pytest

from mediaserver.carriers.simulated.directory import BadDirectory, Directory
from mediaserver.carriers.simulated.people import PERSONAS, Cue, Kind, Mind, Reaction, cue_of

ROOT = Path(__file__).parents[2]
QUESTION = "Hello, this is Bright Smile Dental. I am calling about your appointment on Monday. Can you make it?"


@pytest.mark.parametrize(
    ("heard", "cue"),
    [
        (QUESTION, Cue.CONFIRM),
        ("Will you be able to attend?", Cue.CONFIRM),
        ("Are you still coming?", Cue.CONFIRM),
        ("Does that still work for you?", Cue.CONFIRM),
        ("I am sorry that you can't make it. What day would be better for you?", Cue.WHAT_DAY),
        ("Which other day would suit you", Cue.WHAT_DAY),
        ("Are you still there?", Cue.STILL_THERE),
        ("Hello?", Cue.STILL_THERE),
        ("Press one to confirm.", Cue.KEYPAD),
        ("Am I speaking with Anna?", Cue.QUESTION),
        ("I see, would another day suit you better.", Cue.QUESTION),
        ("I see what another day suit you better.", Cue.QUESTION),
        ("I am calling about what you asked.", Cue.STATEMENT),
        ("Great, we will see you there. Good-bye.", Cue.GOODBYE),
        ("Hello, this is Bright Smile Dental.", Cue.STATEMENT),
        ("", Cue.STATEMENT),
    ],
)
def test_an_utterance_asks_for(heard: str, cue: Cue) -> None:
    assert cue_of(heard) is cue


def test_who_agrees_says_so_again_when_asked_again() -> None:
    mind = Mind(PERSONAS[Kind.AGREES])
    assert mind.react("Hello, this is Bright Smile Dental.") == Reaction()
    first, second, third = (mind.react(QUESTION).line for _ in range(3))
    assert first.startswith("Yes")
    assert second == third != first
    assert mind.react("See you then. Goodbye.").hang_up


def test_who_asks_back_does_so_once_and_then_answers() -> None:
    mind = Mind(PERSONAS[Kind.WHO_IS_THIS])
    assert mind.react("Hello.").line == "Sorry, who is this?"
    assert "works for me" in mind.react(QUESTION).line


@pytest.mark.parametrize("kind", [Kind.SILENT, Kind.HANGS_UP])
def test_who_is_silent_answers_nothing(kind: Kind) -> None:
    assert Mind(PERSONAS[kind]).react(QUESTION) == Reaction()


def test_what_was_not_understood_is_not_answered() -> None:
    assert Mind(PERSONAS[Kind.NEVER_AGAIN]).react("") == Reaction()
    assert Mind(PERSONAS[Kind.NEVER_AGAIN]).react("Hello.").line == "Please never call me again."


def test_the_demo_has_one_person_of_each_kind() -> None:
    directory = Directory.read(ROOT / "demo" / "people.toml")
    kinds = sorted(resident.persona.kind for resident in directory.named())
    assert kinds == sorted(set(Kind) - {Kind.UNREACHABLE})


def test_any_other_number_has_somebody_by_its_digits() -> None:
    directory = Directory()
    everybody = [directory.at(f"+121255501{pair:02}") for pair in range(100)]
    assert {resident.persona.kind for resident in everybody} == set(Kind)
    assert everybody == [Directory().at(f"+121255501{pair:02}") for pair in range(100)]
    assert len({resident.voice for resident in everybody}) == 8


def test_the_documented_table_of_digits_is_the_one_in_use() -> None:
    rows = re.findall(r"^\| (\d\d)(?:-(\d\d))? \| (\w+)", (ROOT / "docs" / "simulated-network.md").read_text(), re.MULTILINE)
    told = {pair: kind for first, last, kind in rows for pair in range(int(first), int(last or first) + 1)}
    assert told == {pair: Directory().at(f"+121255501{pair:02}").persona.kind for pair in range(100)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[people]]\nnumber = "+1"\npersona = "ghost"', "ghost"),
        ('[[people]]\nnumber = "+1"\npersona = "agrees"\n[[people]]\nnumber = "+1"\npersona = "busy"', "twice"),
        ("people = 1", "people"),
        ("[[", "can't be used"),
        ('[[people]]\nname = "Anna"\nnumber = "+1"\npersona = "busy"', "name"),
    ],
)
def test_a_file_of_people_that_can_not_be_used_says_why(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "people.toml"
    path.write_text(text)
    with pytest.raises(BadDirectory, match=says):
        Directory.read(path)
