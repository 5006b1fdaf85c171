"""What is meant is understood in other words than those of the examples, and what means nothing to the call is left alone."""

import numpy as np
import pytest
from numpy.typing import NDArray

from agent_runtime.engines import Engines
from agent_runtime.script import intents_of
from agent_runtime.templates import template
from agent_runtime.understanding import IntentIndex, negated, opens_with
from tests.engines.phrasings import BY_INTENT, NO_INTENT


@pytest.fixture(scope="module")
async def index(engines: Engines) -> IntentIndex:
    script = template("appointment_reminder").script
    assert script is not None
    return await IntentIndex.build(intents_of(script), engines.understanding)


def possible() -> set[str]:
    """What may be meant in the first step."""
    script = template("appointment_reminder").script
    assert script is not None
    first = script.steps["confirm"]
    return {name for name in intents_of(script) if "." not in name} | {f"confirm.{intent.name}" for intent in first.intents}


def understood(index: IntentIndex, line: str, vector: NDArray[np.float32]) -> str:
    meaning = index.nearest(line, vector, possible())
    return meaning.intent.rpartition(".")[2] if meaning is not None else ""


async def test_other_words_for_the_same_are_understood(engines: Engines, index: IntentIndex) -> None:
    phrasings = [(intent, line) for intent, lines in BY_INTENT.items() for line in lines]
    vectors = await engines.understanding.embed([line for _, line in phrasings])
    wrong = [
        (line, understood(index, line, v))
        for (intent, line), v in zip(phrasings, vectors, strict=True)
        if understood(index, line, v) != intent
    ]
    assert len(wrong) <= len(phrasings) * 0.15, wrong


async def test_what_means_none_of_these_is_left_alone(engines: Engines, index: IntentIndex) -> None:
    vectors = await engines.understanding.embed(NO_INTENT)
    found = [line for line, vector in zip(NO_INTENT, vectors, strict=True) if understood(index, line, vector)]
    assert len(found) <= 1, found


def test_an_index_needs_a_vector_for_each_example() -> None:
    with pytest.raises(ValueError, match="2 examples need as many vectors"):
        IntentIndex({"a": ("one", "two")}, np.zeros((3, 4), np.float32))


@pytest.mark.parametrize("line", ["I can't.", "No.", "I am not coming.", "Never.", "I’m afraid I can’t"])
def test_a_no_is_seen(line: str) -> None:
    assert negated(line)


@pytest.mark.parametrize("line", ["No problem, I'll come.", "Why not.", "I know.", "Sure, no worries.", "I won't forget it."])
def test_a_no_that_is_none_is_not_seen(line: str) -> None:
    assert not negated(line)


@pytest.mark.parametrize(
    ("line", "opening"),
    [("Yes, Tuesday.", "yes"), ("Uh, yeah.", "yes"), ("Yes but I can't.", ""), ("No.", "no"), ("No problem.", ""), ("Now?", "")],
)
def test_a_line_that_opens_with_yes_or_no(line: str, opening: str) -> None:
    assert opens_with(line) == opening
