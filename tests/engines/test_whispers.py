"""What a supervisor whispers to a script is mostly understood as the step that is meant, and seldom as another one."""

import pytest

from agent_runtime.agent import Script
from agent_runtime.directions import Direction, Directions
from agent_runtime.engines import Engines
from agent_runtime.templates import template
from tests.engines.whispers import BY_TEMPLATE, NO_STEP


def script_of(key: str) -> Script:
    script = template(key).script
    assert script is not None
    return script


async def understood(engines: Engines, key: str, whispers: list[str]) -> list[str]:
    """The step or the way to end that each means to this template; empty: none."""
    directions = await Directions.build(script_of(key), engines.understanding)
    found = [directions.nearest(vector) or Direction() for vector in await engines.understanding.embed(whispers)]
    return [direction.step or direction.built_in for direction in found]


async def test_whispers_are_understood_or_refused_but_seldom_misunderstood(engines: Engines) -> None:
    found = [
        (whisper, means, step)
        for key, whispers in BY_TEMPLATE.items()
        for (whisper, means), step in zip(whispers, await understood(engines, key, [text for text, _ in whispers]), strict=True)
    ]
    wrong = [(whisper, step) for whisper, means, step in found if step not in ("", means)]
    assert len([step for _, means, step in found if step == means]) >= len(found) * 0.6
    assert len(wrong) <= len(found) * 0.1, wrong


async def test_what_means_no_step_leads_nowhere(engines: Engines) -> None:
    found = [(whisper, step) for key in BY_TEMPLATE for whisper, step in zip(NO_STEP, await understood(engines, key, NO_STEP), strict=True)]
    assert len([step for _, step in found if step]) <= len(found) * 0.05, found


@pytest.mark.parametrize(
    "whisper", ["offer another day", "Offer_another_day", "Go to offer another day!", "please skip to the offer another day step"]
)
async def test_a_step_is_meant_by_its_name(engines: Engines, whisper: str) -> None:
    directions = await Directions.build(script_of("appointment_reminder"), engines.understanding)
    assert directions.named(whisper) == Direction(step="offer_another_day")
    assert directions.named(f"{whisper} now") is None
