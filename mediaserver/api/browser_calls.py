"""Talking to an agent in the browser: the call is begun here, and its page is given its stream."""

from http import HTTPStatus

from pydantic import Field

from db import browser_line
from db.audit import audit
from db.browser_line import ToBeJoined
from db.queries import load
from dialer.dialing import TrialCall, TrialCallRefused
from dialer.lifecycle import CallState
from dialer.streams import CallIsOver, issue_stream_token
from mediaserver.api.agents import check_variables, found_agent
from mediaserver.api.models import Answer, Body, Id
from mediaserver.api.problems import Problem
from mediaserver.api.routes import Asked, BrowserCalls, Route
from mediaserver.carrier_doors import BROWSER_STREAM
from mediaserver.identity import Role

COMES_WITHIN_S = 60  # from the start of the call to its page's stream

_queries = load("browser_calls", browser_line)


class NewBrowserCall(Body):
    """`contact_name` and `variables`: what the agent's texts are filled with."""

    contact_name: str = Field(default="", max_length=200)
    variables: dict[str, str] = Field(default_factory=dict)


class BrowserCallAnswer(Answer):
    """`page`: where whoever began the call talks, within a minute; /calls/{id} tells what becomes of it."""

    id: Id
    page: str


class BrowserStreamAnswer(Answer):
    """`url`: of the websocket, below the address of this server; `token`: for its first frame, good once and for a short time."""

    token: str
    url: str


async def begin(asked: Asked[None, NewBrowserCall]) -> BrowserCallAnswer:
    """Begins a call with this agent for whoever asks, to be talked in a browser; for people, not for API tokens. One at a time."""
    agent, calls, body = await found_agent(asked), _calls(asked), asked.body
    wanted = TrialCall(
        agent_id=agent.id,
        phone_number_id=calls.line_id,
        number=_number(asked),
        contact_name=body.contact_name,
        variables=body.variables,
        ring_timeout_s=COMES_WITHIN_S,
    )
    check_variables(agent, wanted)
    try:
        call_id = await calls.place(wanted)
    except TrialCallRefused as refused:
        raise await _refused(asked, wanted, refused) from refused
    async with asked.database.transaction() as connection:
        await audit(connection, asked.actor, "agent.browser_call", f"agent {agent.id}", {"call": call_id})
    return BrowserCallAnswer(id=str(call_id), page=_page(asked, call_id))


async def stream(asked: Asked[None, None]) -> BrowserStreamAnswer:
    """The right to one stream of the call, for whoever began it. 409 while the call can't be joined, with the reason: ask again then."""
    call_id = asked.id("call_id")
    call: ToBeJoined | None = await _queries.to_be_joined(asked.database.pool, call_id=call_id)
    if call is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"there is no call {call_id}")
    if call.number != _number(asked):
        raise Problem(HTTPStatus.FORBIDDEN, "whoever began a call in the browser talks on it: begin one of your own on the agent's page")
    if call.state != CallState.ENDED and not call.placed:
        raise Problem(HTTPStatus.CONFLICT, "the call is not placed yet: ask again")
    if call.held:
        raise Problem(HTTPStatus.CONFLICT, "you talk on this call in another window already: go on there, or close it and ask again")
    try:
        token = await issue_stream_token(asked.database, call_id)
    except CallIsOver as over:
        raise Problem(HTTPStatus.CONFLICT, "the call is over: begin another one on the agent's page") from over
    return BrowserStreamAnswer(token=token, url=BROWSER_STREAM)


def _number(asked: Asked[object, object]) -> str:
    if asked.person.user_id is None:
        raise Problem(HTTPStatus.FORBIDDEN, "nobody talks for an API token: sign in, and begin the call on the agent's page")
    return browser_line.number_of(asked.person.user_id)


def _calls(asked: Asked[object, object]) -> BrowserCalls:
    if asked.house.browser is None:
        raise Problem(HTTPStatus.CONFLICT, "this media server begins no calls in the browser: ask one that dials")
    return asked.house.browser


def _page(asked: Asked[object, object], call_id: int) -> str:
    return f"{asked.house.public_url}/talk/{call_id}"


async def _refused(asked: Asked[object, object], wanted: TrialCall, refused: TrialCallRefused) -> Problem:
    """Why a call was not begun; where it is the call that the same person is in, where to find that."""
    call_id: int | None = await _queries.call_of(asked.database.pool, number=wanted.number)
    if refused.seen.gate != "live_attempt" or call_id is None:
        return Problem(HTTPStatus.CONFLICT, str(refused))
    said = f"you are in a call in the browser already: talk on it at {_page(asked, call_id)}, or hang up there"
    return Problem(HTTPStatus.CONFLICT, f"{said}; unopened, it ends by itself within a minute or two")


ROUTES = (
    Route("POST", "/agents/{agent_id}/browser-call", begin, Role.OPERATOR, status=201, once=True),
    Route("POST", "/calls/{call_id}/browser-stream", stream, Role.OPERATOR, status=201),
)
