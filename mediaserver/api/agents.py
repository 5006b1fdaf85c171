"""/agents: who speaks, with all versions kept."""

from datetime import datetime
from typing import Any

import asyncpg
from pydantic import Field

from agent_runtime.agent import Agent
from db.audit import audit
from db.database import Connection
from db.queries import load
from db.rows import AgentRow
from dialer.dialing import TrialCall
from dialer.errors import Outdated
from dialer.lifecycle import CallState
from dialer.phone_numbers import read_number
from mediaserver.api.models import ID, Answer, Body, Id, Page, PageQuery, PhoneNumber, Version, page_of
from mediaserver.api.problems import Problem
from mediaserver.api.routes import Asked, Route
from mediaserver.identity import Role

NAMED = 3  # campaigns, where a refusal names them

_queries, _numbers = load("agents"), load("phone_numbers")


class AgentAnswer(Answer):
    """`variables`: what its texts use, true where a contact must have it. Campaigns keep the version that they began with."""

    id: Id
    name: str
    version: int
    definition: dict[str, Any]
    variables: dict[str, bool]
    created_at: datetime
    updated_at: datetime


class NewAgent(Body):
    name: str = Field(min_length=1, max_length=200)
    definition: dict[str, Any] = Field(description="texts, voice, services, script, limits; an unknown field is refused")


class AgentChange(Body):
    """`version`: as it was read; refused where somebody has changed the agent since."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    definition: dict[str, Any] | None = None
    version: Version | None = None


class NewTestCall(Body):
    """A call to try an agent out. `number`: with country code; `phone_number_id`: where it comes from; `contact_name` and `variables`:
    what the agent's texts are filled with."""

    number: str
    phone_number_id: Id
    contact_name: str = Field(default="", max_length=200)
    variables: dict[str, str] = Field(default_factory=dict)
    ring_timeout_s: int = Field(default=30, ge=5, le=120)


class TestCallAnswer(Answer):
    """A test call on its way to the carrier: /calls/{id} tells what becomes of it."""

    id: Id
    agent_id: Id
    phone_number_id: Id
    number: PhoneNumber
    state: CallState


async def list_agents(asked: Asked[PageQuery, None]) -> Page[AgentAnswer]:
    """All agents, oldest first."""
    query = asked.query
    rows = [_readable(row) async for row in _queries.list_agents(asked.database.pool, after=query.position or 0, at_most=query.limit + 1)]
    return page_of(AgentAnswer, rows, query.limit)


async def get_agent(asked: Asked[None, None]) -> AgentAnswer:
    """One agent with its newest definition."""
    return _readable(await found_agent(asked))


async def create_agent(asked: Asked[None, NewAgent]) -> AgentAnswer:
    """Makes an agent."""
    agent = Agent.from_dict(asked.body.definition | {"name": asked.body.name})
    async with asked.database.transaction() as connection:
        try:
            row: AgentRow = await _queries.add_agent(connection, name=agent.name, definition=agent.to_dict())
        except asyncpg.UniqueViolationError as error:
            raise _taken(agent.name) from error
        await audit(connection, asked.actor, "agent.create", f"agent {row.id}", {"name": agent.name})
    return _readable(row)


async def change_agent(asked: Asked[None, AgentChange]) -> AgentAnswer:
    """Makes the agent's next version; campaigns take it when they are edited, or made."""
    current, body = await found_agent(asked), asked.body
    definition = current.definition if body.definition is None else body.definition
    agent = Agent.from_dict(definition | {"name": body.name or current.name})
    async with asked.database.transaction() as connection:
        try:
            row: AgentRow | None = await _queries.change_agent(
                connection, id=current.id, version=body.version or current.version, name=agent.name, definition=agent.to_dict()
            )
        except asyncpg.UniqueViolationError as error:
            raise _taken(agent.name) from error
        if row is None:
            raise Outdated("the agent was changed meanwhile: read it again")
        await audit(connection, asked.actor, "agent.change", f"agent {row.id}", {"version": row.version})
    return _readable(row)


async def delete_agent(asked: Asked[None, None]) -> None:
    """Takes an agent out of the list, unless a campaign that is not over uses it."""
    current = await found_agent(asked)
    async with asked.database.transaction() as connection:
        if await _queries.delete_agent(connection, id=current.id) is None:
            raise Problem(409, await _in_use(connection, current.id))
        await audit(connection, asked.actor, "agent.delete", f"agent {current.id}", {"name": current.name})


async def test_call(asked: Asked[None, NewTestCall]) -> TestCallAnswer:
    """Calls a number with this agent, at once, under the same do-not-call and rate gates as any campaign: 409 says which is closed."""
    agent, body = await found_agent(asked), asked.body
    wanted = TrialCall(
        agent_id=agent.id,
        phone_number_id=await _line(asked),
        number=read_number(body.number),
        contact_name=body.contact_name,
        variables=body.variables,
        ring_timeout_s=body.ring_timeout_s,
    )
    check_variables(agent, wanted)
    if asked.house.place_test_call is None:
        raise Problem(
            409, "this media server has no carrier to call through: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, and start it again"
        )
    call_id = await asked.house.place_test_call(wanted)
    async with asked.database.transaction() as connection:
        await audit(connection, asked.actor, "agent.test_call", f"agent {agent.id}", {"call": call_id})
    return TestCallAnswer(
        id=str(call_id), agent_id=str(agent.id), phone_number_id=body.phone_number_id, number=wanted.number, state=CallState.PLANNED
    )


async def _line(asked: Asked[None, NewTestCall]) -> int:
    """The number that a test call comes from, if it is one of ours."""
    given = asked.body.phone_number_id
    if not ID.fullmatch(given) or await _numbers.get_phone_number(asked.database.pool, id=int(given)) is None:
        said = f"there is no phone number {given}: choose one that exists"
        raise Problem(422, said, {"phone_number_id": said})
    return int(given)


def check_variables(agent: AgentRow, wanted: TrialCall) -> None:
    """Refuses a call that lacks a variable of the agent's texts."""
    given = {**wanted.variables, "phone_number": wanted.number, "contact_name": wanted.contact_name}
    missing = [name for name, needed in Agent.from_dict(agent.definition).variables().items() if needed and not given.get(name, "").strip()]
    if missing:
        said = f"the agent's texts need {', '.join(missing)}: fill them in"
        raise Problem(422, said, {"variables": said})


async def _in_use(connection: Connection, agent_id: int) -> str:
    """Why the agent can't go, with the names of the campaigns that stand in the way."""
    names = [row["name"] async for row in _queries.campaigns_in_the_way(connection, id=agent_id, at_most=NAMED + 1)]
    more = " and others" if len(names) > NAMED else ""
    return f"a campaign that is not over uses this agent ({', '.join(names[:NAMED])}{more}): give it another one, or cancel it first"


async def found_agent(asked: Asked[Any, Any]) -> AgentRow:
    """The agent of the path; 404 where there is none."""
    row: AgentRow | None = await _queries.get_agent(asked.database.pool, id=asked.id("agent_id"))
    if row is None:
        raise Problem(404, f"there is no agent {asked.id('agent_id')}")
    return row


def _readable(row: AgentRow) -> AgentAnswer:
    return AgentAnswer(
        id=str(row.id),
        name=row.name,
        version=row.version,
        definition=row.definition,
        variables=Agent.from_dict(row.definition).variables(),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _taken(name: str) -> Problem:
    return Problem(409, f"there is an agent {name} already: choose another name", {"name": "is taken"})


ROUTES = (
    Route("GET", "/agents", list_agents, Role.VIEWER),
    Route("POST", "/agents", create_agent, Role.OPERATOR, status=201, once=True),
    Route("GET", "/agents/{agent_id}", get_agent, Role.VIEWER),
    Route("PATCH", "/agents/{agent_id}", change_agent, Role.OPERATOR),
    Route("DELETE", "/agents/{agent_id}", delete_agent, Role.OPERATOR),
    Route("POST", "/agents/{agent_id}/test-call", test_call, Role.OPERATOR, status=201, once=True),
)
