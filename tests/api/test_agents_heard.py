"""Agents before anybody is called: where to begin, how the greeting sounds, and what keeps one from being deleted."""

import io
import wave
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from agent_runtime.agent import Agent, fill
from agent_runtime.engines import EngineUnavailable, Spoken
from agent_runtime.providers import Services
from agent_runtime.templates import names
from db.database import Database
from mediaserver.api import setup_api
from mediaserver.greetings import Greetings
from mediaserver.identity import Role
from mediaserver.settings import Settings
from tests.api.conftest import VARIABLES, Api

Make = Callable[..., Awaitable[dict[str, Any]]]
SAMPLE = {"contact_name": "Ada", "variables": VARIABLES}


class NotingVoice:
    """Speaks a quarter of a second of silence, and keeps what it was asked to say."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.fault = ""

    async def speak(self, text: str, voice: str) -> Spoken:
        if self.fault:
            raise EngineUnavailable(self.fault)
        self.said.append((text, voice))
        return Spoken(b"\0\0" * 2000, ())


async def greeting(database: Database, api: Api, greetings: Greetings, agent_id: str, sample: Mapping[str, Any]) -> tuple[int, bytes]:
    """The answer of a process that speaks with `greetings`."""
    app = web.Application()
    setup_api(app, database=database, settings=Settings(), speak_greeting=greetings.speak if greetings.has_voice else None)
    headers = {"Authorization": f"Bearer {api.tokens[Role.OPERATOR]}"}
    async with TestClient(TestServer(app)) as client:
        path = f"/api/v1/agents/{agent_id}/greeting"
        async with client.post(path, headers=headers, json=dict(sample)) as answer:
            return answer.status, await answer.read()


async def test_each_template_is_an_agent_as_it_is(api: Api) -> None:
    templates = (await api.done("GET", "/agent-templates", Role.VIEWER))["items"]
    assert len(templates) == len(names())
    for each in templates:
        assert each["what_for"]
        made = await api.done("POST", "/agents", json={"name": each["name"], "definition": each["definition"]})
        assert made["variables"] == each["variables"]


async def test_the_greeting_is_heard_filled_and_in_the_agent_s_voice(api: Api, settings: dict[str, Any], database: Database) -> None:
    voice, agent_id = NotingVoice(), settings["agent_id"]
    agent = Agent.from_dict((await api.done("GET", f"/agents/{agent_id}"))["definition"])
    status, body = await greeting(database, api, Greetings(database, Services(), voice), agent_id, SAMPLE)
    assert status == 200
    with wave.open(io.BytesIO(body)) as heard:
        assert (heard.getnchannels(), heard.getframerate(), heard.getnframes()) == (1, 8000, 2000)
    assert voice.said == [(fill(agent.first_message, VARIABLES | {"contact_name": "Ada"}), "joe")]


async def test_why_a_greeting_can_not_be_heard_is_said(api: Api, settings: dict[str, Any], database: Database) -> None:
    agent_id, voice = settings["agent_id"], NotingVoice()
    with_voice = Greetings(database, Services(), voice)
    status, body = await greeting(database, api, Greetings(database, Services()), agent_id, SAMPLE)
    assert (status, b"has no voice" in body) == (409, True)
    status, body = await greeting(database, api, with_voice, agent_id, {"variables": {}})
    assert (status, b"the first message needs appointment_date: fill it in" in body) == (422, True)
    voice.fault = "the voice is being started again"
    status, body = await greeting(database, api, with_voice, agent_id, SAMPLE)
    assert (status, b"being started again" in body) == (409, True)
    agent = await api.done("GET", f"/agents/{agent_id}")
    await api.done("PATCH", f"/agents/{agent_id}", json={"definition": agent["definition"] | {"tts": "elsewhere/loud"}})
    status, body = await greeting(database, api, with_voice, agent_id, SAMPLE)
    assert (status, b"make a test call to hear it" in body) == (409, True)
    assert (await greeting(database, api, with_voice, "999999", SAMPLE))[0] == 404


async def test_a_viewer_has_nothing_spoken(api: Api, settings: dict[str, Any]) -> None:
    await api.refused(403, "POST", f"/agents/{settings['agent_id']}/greeting", Role.VIEWER, json=SAMPLE)


@pytest.mark.parametrize("action", [None, "start", "pause"])
async def test_an_agent_in_use_stays_and_the_campaign_is_named(
    api: Api, settings: dict[str, Any], make_campaign: Make, action: str | None
) -> None:
    campaign, path = await make_campaign(1), f"/agents/{settings['agent_id']}"
    for step in {"start": ["start"], "pause": ["start", "pause"]}.get(action or "", []):
        await api.done("POST", f"/campaigns/{campaign['id']}/{step}")
    said = (await api.refused(409, "DELETE", path))["detail"]
    assert "uses this agent (June): give it another one, or cancel it first" in said
    await api.done("POST", f"/campaigns/{campaign['id']}/cancel")
    await api.done("DELETE", path)


async def test_many_campaigns_in_the_way_are_named_in_part(api: Api, settings: dict[str, Any], make_campaign: Make) -> None:
    for month in ("May", "June", "July", "August"):
        await make_campaign(name=month)
    said = (await api.refused(409, "DELETE", f"/agents/{settings['agent_id']}"))["detail"]
    assert "(August, July, June and others)" in said


async def test_the_second_of_two_editors_is_told(api: Api, settings: dict[str, Any]) -> None:
    path = f"/agents/{settings['agent_id']}"
    seen = await api.done("GET", path)
    for goodbye, expected in (("Bye.", 200), ("So long.", 409)):
        status, said = await api.ask(
            "PATCH", path, json={"definition": seen["definition"] | {"goodbye": goodbye}, "version": seen["version"]}
        )
        assert status == expected
    assert "changed meanwhile" in said["detail"]
    assert (await api.done("GET", path))["definition"]["goodbye"] == "Bye."
