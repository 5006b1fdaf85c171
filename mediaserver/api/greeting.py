"""The greeting of an agent, heard before anybody is called, and the agents that ship with the product, to begin from."""

import io
import wave
from typing import Any

from aiohttp import web
from pydantic import Field

from agent_runtime.agent import Agent, MissingVariable
from agent_runtime.engines import EngineUnavailable
from agent_runtime.leg import SAMPLE_RATE
from agent_runtime.templates import gallery
from db.queries import load
from db.rows import AgentRow
from mediaserver.api.models import Answer, Body
from mediaserver.api.problems import Problem
from mediaserver.api.routes import Asked, Route
from mediaserver.identity import Role

_queries = load("agents")

NO_VOICE = "this media server has no voice: its log says why the local engines did not start (`callwright doctor` tells what is missing)"


class Template(Answer):
    """An agent that ships with the product. `what_for`: the use, in words; `variables`: true where a contact must have it."""

    name: str
    what_for: str
    definition: dict[str, Any]
    variables: dict[str, bool]


class Templates(Answer):
    """All of them: they are few."""

    items: list[Template]


class Sample(Body):
    """Whom the agent greets: what its texts are filled with."""

    contact_name: str = Field(default="", max_length=200)
    variables: dict[str, str] = Field(default_factory=dict)


async def list_templates(asked: Asked[None, None]) -> Templates:
    """The agents that ship with the product: send `definition` to POST /agents to have one of your own."""
    return Templates(
        items=[
            Template(
                name=each.name,
                what_for=each.what_for,
                definition=each.definition,
                variables=Agent.from_dict(each.definition).variables(),
            )
            for each in gallery()
        ]
    )


async def hear_greeting(asked: Asked[None, Sample]) -> web.Response:
    """The first message, filled with the sample and spoken by the voice that calls have: a WAV file, mono, 8 kHz. 409: no voice here."""
    row: AgentRow | None = await _queries.get_agent(asked.database.pool, id=asked.id("agent_id"))
    if row is None:
        raise Problem(404, f"there is no agent {asked.id('agent_id')}")
    agent = Agent.from_dict(row.definition)
    if agent.tts != "local":
        raise Problem(409, f"this agent speaks with the voice of {agent.tts}, in calls only: make a test call to hear it")
    if asked.house.speak_greeting is None:
        raise Problem(409, NO_VOICE)
    try:
        pcm = await asked.house.speak_greeting(agent, {**asked.body.variables, "contact_name": asked.body.contact_name})
    except MissingVariable as error:
        said = f"the first message needs {error.name}: fill it in"
        raise Problem(422, said, {"variables": said}) from error
    except EngineUnavailable as error:
        raise Problem(409, f"the voice can't speak now: {error}") from error
    return web.Response(body=_wav(pcm), content_type="audio/wav", headers={"Cache-Control": "no-store"})


def _wav(pcm: bytes) -> bytes:
    """16-bit mono PCM at 8 kHz as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(SAMPLE_RATE)
        written.writeframes(pcm)
    return file.getvalue()


ROUTES = (
    Route("GET", "/agent-templates", list_templates, Role.VIEWER),
    Route("POST", "/agents/{agent_id}/greeting", hear_greeting, Role.OPERATOR),
)
