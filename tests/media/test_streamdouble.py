"""A caller that nobody here wrote (the package streamdouble), against the real door, switch and pipeline."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from streamdouble.api import CallReport  # type: ignore[import-untyped] # ships no types
from streamdouble.scenario import parse  # type: ignore[import-untyped] # ships no types
from streamdouble.session import SessionConfig  # type: ignore[import-untyped] # ships no types

from agent_runtime.conversation import converse
from agent_runtime.null_services import tone
from agent_runtime.providers import Services
from tests.media.conftest import MediaServer

SPEECH = str(Path(__file__).parents[1] / "data" / "caller_8k.wav")
GREETING = "Hello there. This is the clinic, and we call about your appointment. It is on Monday. Please tell us whether you can come."

Place = Callable[..., Awaitable[CallReport]]


async def place(server: MediaServer, simulated_call: Place, config: SessionConfig, *steps: Any, **agent: Any) -> tuple[int, CallReport]:
    """One call through the scenario's steps, with an agent whose recognition, brain and voice cost nothing."""
    server.greeting = tone(8)
    server.converse = lambda leg, brief, actions: converse(leg, brief, Services(), actions)
    call, _carrier_id = await server.call(first_message=GREETING, **agent)
    scenario = parse({"name": "a call", "steps": list(steps)})
    settings = replace(config, custom_parameters={"token": await server.token(call)})
    report = await simulated_call(server.stream_url, scenario=scenario, config=settings)
    await server.settled()
    return call, report


async def test_it_completes_a_call(server: MediaServer, simulated_call: Place, streamdouble_config: SessionConfig) -> None:
    call, report = await place(
        server,
        simulated_call,
        streamdouble_config,
        {"wait_for": "audio"},
        {"say": SPEECH},
        {"wait": 2},
        {"expect": "no_violations"},
        "hangup",
    )
    assert report.passed, report.to_dict()
    assert report.spoke
    assert report.result.marks_received
    row = await server.row(call)
    assert (row["end_reason"], row["state"]) == ("hung_up", "ended")
    assert row["first_word_ms"] is not None


async def test_its_barge_in_gets_a_clear(server: MediaServer, simulated_call: Place, streamdouble_config: SessionConfig) -> None:
    call, report = await place(
        server,
        simulated_call,
        streamdouble_config,
        {"wait_for": "audio"},
        {"wait": 1.5},  # the greeting's first sentence is not interrupted
        {"say": SPEECH},
        {"expect": "clear"},
        {"wait": 1},
        {"expect": "no_violations"},
        "hangup",
    )
    assert report.passed, report.to_dict()
    assert report.result.clears_received > 0
    cut = await server.db.pool.fetchval(
        "select cut_off from transcript_turns where call_id = $1 and speaker = 'agent' order by position", call
    )
    assert cut
