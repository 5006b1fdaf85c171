"""/live: calls in progress, and what supervisors do to them. docs/live.md shows how a page listens."""

from datetime import datetime
from typing import Any

from pydantic import Field

from db.queries import load
from mediaserver.api.access import SESSION_COOKIE
from mediaserver.api.models import Answer, Body, Id, Page, PhoneNumber, Said
from mediaserver.api.problems import Problem
from mediaserver.api.routes import Asked, Route
from mediaserver.identity import Role
from mediaserver.supervision import grants
from mediaserver.supervision.desk import Desk
from mediaserver.supervision.grants import NEEDED, Kind, NotInProgress
from mediaserver.supervision.live_call import LiveCall

SILENT_AFTER_S = 10.0
LONGEST_NOTE = 1000

_queries = load("live")


class LiveCallAnswer(Answer):
    """A call in progress, as its process told about a second ago. `line_*`: what is being said, or was said last. `quiet_since`: nobody
    has spoken since then. `sentiment`: the callee's so far, -1 to 1. `held_by`: who has taken it over. `listeners`: open pages.
    `stuck`: why it may need help, empty while all is well."""

    id: Id
    campaign_id: Id | None
    campaign_name: str | None
    contact_id: Id | None
    number: PhoneNumber
    contact_name: str
    agent_id: Id
    agent_name: str
    answered_at: datetime
    rehearsal: bool
    told_at: datetime
    agent_state: str
    step: str
    line_speaker: str | None
    line_text: Said
    line_final: bool
    quiet_since: datetime | None
    sentiment: float | None
    held_by: str | None
    listeners: int
    stuck: str


class GrantAnswer(Answer):
    """`grant`: the first message on the websocket `/live/{call_id}/stream`, for one connection before `expires_at`."""

    grant: str
    expires_at: datetime


class Whisper(Body):
    """`text`: for the agent's next turn; the callee never hears it."""

    text: str = Field(min_length=1, max_length=LONGEST_NOTE)


class WhisperAnswer(Answer):
    """`answer`: what the agent makes of it."""

    answer: str


class TakeOver(Body):
    """`connection`: from the `welcome` of the live page whose microphone is to be heard."""

    connection: str = Field(min_length=1, max_length=100)


class Mark(Body):
    """`at_ms`: since the call was answered; the present moment without it."""

    note: str = Field(min_length=1, max_length=LONGEST_NOTE)
    at_ms: int | None = Field(default=None, ge=0, le=24 * 3600 * 1000)


class MarkAnswer(Answer):
    at_ms: int


async def list_live_calls(asked: Asked[None, None]) -> Page[LiveCallAnswer]:
    """All calls in progress of all processes: those that may need help first, then those in which nobody has spoken for longest."""
    rows = [row async for row in _queries.live_calls(asked.database.pool, silent_after_s=SILENT_AFTER_S)]
    return Page[LiveCallAnswer](items=[LiveCallAnswer.of(row) for row in rows])


async def create_grant(asked: Asked[None, None]) -> GrantAnswer:
    """The right to one connection of a live page to this call: for the session that asks, once, within 30 seconds. Needs the role
    supervisor; whoever talks to an agent in the browser may read along."""
    call_id, person = asked.id("call_id"), asked.person
    holder = await grants.holder_of(asked.database, call_id)
    if not person.by_cookie:
        raise Problem(403, "a live page belongs to somebody who is signed in: a token gets no grant")
    kind = grants.kind_for(person, holder)
    if kind is None:
        raise Problem(403, f"this needs the role {NEEDED[Kind.SUPERVISE]}, and yours is {person.role}: ask an admin")
    return GrantAnswer.of(await grants.issue(asked.database, call_id, person, asked.request.cookies[SESSION_COOKIE], kind))


async def whisper(asked: Asked[None, Whisper]) -> WhisperAnswer:
    """Tells the agent something for its next turn, which the callee does not hear."""
    desk, call = _here(asked)
    return WhisperAnswer(answer=await desk.whisper(call, asked.person, asked.body.text))


async def take_over(asked: Asked[None, TakeOver]) -> None:
    """The microphone of a live page of whoever asks is heard instead of the agent."""
    desk, call = _here(asked)
    await desk.take_over(call, asked.person, asked.body.connection)


async def give_back(asked: Asked[None, None]) -> None:
    """The agent goes on, and knows what was said."""
    desk, call = _here(asked)
    await desk.give_back(call, asked.person)


async def hang_up(asked: Asked[None, None]) -> None:
    """Ends the call."""
    desk, call = _here(asked)
    await desk.hang_up(call, asked.person)


async def mark(asked: Asked[None, Mark]) -> MarkAnswer:
    """Marks a moment of the call with a note, which its page shows from then on."""
    desk, call = _here(asked)
    return MarkAnswer(at_ms=await desk.mark(call, asked.person, asked.body.note, asked.body.at_ms))


def _here(asked: Asked[Any, Any]) -> tuple[Desk, LiveCall]:
    """The call, which this process holds: what another one holds was passed on to it (`Route.by_holder`)."""
    desk, call_id = asked.house.desk, asked.id("call_id")
    call = desk.find(call_id) if desk is not None else None
    if desk is None or call is None:
        raise NotInProgress(call_id)
    return desk, call


ROUTES = (
    Route("GET", "/live", list_live_calls, Role.SUPERVISOR),
    Route("POST", "/live/{call_id}/grant", create_grant, Role.OPERATOR, status=201),
    Route("POST", "/live/{call_id}/whisper", whisper, Role.SUPERVISOR, by_holder=True),
    Route("POST", "/live/{call_id}/takeover", take_over, Role.SUPERVISOR, status=204, by_holder=True),
    Route("POST", "/live/{call_id}/give-back", give_back, Role.SUPERVISOR, status=204, by_holder=True),
    Route("POST", "/live/{call_id}/hangup", hang_up, Role.SUPERVISOR, status=204, by_holder=True),
    Route("POST", "/live/{call_id}/marks", mark, Role.SUPERVISOR, status=201, by_holder=True),
)
