"""A route of the API: who may ask what, and how an answer is made. What it takes and returns is read off its handler's types."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from aiohttp import web
from pydantic import BaseModel

from agent_runtime.agent import Agent
from db.database import Database
from dialer.dialing import TrialCall
from mediaserver.api.access import authenticated
from mediaserver.api.idempotency import KEY_HEADER, done_once
from mediaserver.api.problems import Problem, problem_of
from mediaserver.identity import Person, Role
from mediaserver.supervision.desk import Desk

log = logging.getLogger(__name__)

PREFIX = "/api/v1"
MIB = 1024 * 1024

PlaceTestCall = Callable[[TrialCall], Awaitable[int]]
SpeakGreeting = Callable[[Agent, Mapping[str, str]], Awaitable[bytes]]

Q = TypeVar("Q", covariant=True)
B = TypeVar("B", covariant=True)


@dataclass(frozen=True, slots=True)
class BrowserCalls:
    """How calls in the browser are begun: on which line, and by `DialerLoop.place_test_call`."""

    line_id: int
    place: PlaceTestCall


@dataclass(frozen=True, slots=True)
class House:
    """What the API needs of the process around it. `public_url`: how browsers reach us; `dashboard_url`: where to go after signing in.
    `nudge`: tells the dialer loop, after each command, that it may have something to do. `place_test_call`: of this process's loop, as
    `DialerLoop.place_test_call`; None where it has no carrier. `speak_greeting`: as `Greetings.speak`; None where it has no voice.
    `browser`: None where no page can talk to an agent. `desk`: for the calls in progress that it holds, and the way to the others.
    `webhooks_private`: webhooks may lead to private addresses."""

    database: Database
    data_dir: Path
    public_url: str = ""
    dashboard_url: str = ""
    nudge: Callable[[], None] = lambda: None
    place_test_call: PlaceTestCall | None = None
    speak_greeting: SpeakGreeting | None = None
    browser: BrowserCalls | None = None
    desk: Desk | None = None
    webhooks_private: bool = False


@dataclass(frozen=True)
class Asked(Generic[Q, B]):
    """One request, authenticated and checked: `query` and `body` are as the handler declares them, None where it declares none."""

    house: House
    person: Person
    request: web.Request
    query: Q
    body: B

    @property
    def database(self) -> Database:
        return self.house.database

    @property
    def actor(self) -> str:
        return self.person.actor

    @property
    def masked(self) -> bool:
        """Whether whoever asks sees only the end of phone numbers."""
        return self.person.role is Role.VIEWER

    def id(self, name: str) -> int:
        """The id in the path, by the name that the route gives it."""
        return int(self.request.match_info[name])


Handler = Callable[[Asked[Any, Any]], Awaitable[BaseModel | web.StreamResponse | None]]


@dataclass(frozen=True)
class Route:
    """`path` is below /api/v1; `role`: the least that may ask. `upload`: the handler reads a multipart body itself. `file_type`: of an
    answer that is a file. `once`: done once for one Idempotency-Key; not for answers that hold a secret, since they are kept.
    `by_holder`: passed on to the process that holds the call `call_id`, where that is another one."""

    method: str
    path: str
    handler: Handler
    role: Role
    status: int = 200
    limit_bytes: int = MIB
    upload: bool = False
    file_type: str = "audio/wav"
    once: bool = False
    by_holder: bool = False

    @cached_property
    def takes(self) -> tuple[type[BaseModel] | None, type[BaseModel] | None]:
        """Models of the query and of the body."""
        query, body = get_args(get_type_hints(self.handler)["asked"])
        return (None if query is type(None) else query), (None if body is type(None) else body)

    @cached_property
    def returns(self) -> type[BaseModel] | type[web.StreamResponse] | None:
        answer: Any = get_type_hints(self.handler)["return"]
        return None if answer is type(None) else answer

    @property
    def pattern(self) -> str:
        """As aiohttp matches it: ids are digits."""
        return PREFIX + self.path.replace("_id}", r"_id:\d{1,18}}")


def served(route: Route, house: House) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """`route` as aiohttp calls it: authenticate, check, do, answer; whatever goes wrong is answered as a problem."""

    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            person = await authenticated(request, house.database, route.role)
            asked = Asked(house, person, request, _query(route, request), await _body(route, request))
            key = request.headers.get(KEY_HEADER) if route.once else None
            if key is None:
                answer = await _answered(route, asked)
            else:
                answer = await done_once(house.database, request, person, key, lambda: _answered(route, asked))
        except web.HTTPException:
            raise
        except Exception as error:  # noqa: BLE001  # the request's boundary: one failed request ends here, and nothing else
            return _told(error, request)
        if request.method not in ("GET", "HEAD"):
            house.nudge()
        return answer

    return serve


async def _answered(route: Route, asked: Asked[Any, Any]) -> web.StreamResponse:
    if route.by_holder and (passed_on := await _by_holder(asked)) is not None:
        return passed_on
    answer = await route.handler(asked)
    if answer is None:
        return web.Response(status=204)
    if isinstance(answer, web.StreamResponse):
        return answer
    text = answer.model_dump_json(context={"mask_numbers": asked.masked})
    return web.Response(text=text, status=route.status, content_type="application/json")


async def _by_holder(asked: Asked[Any, Any]) -> web.Response | None:
    """The answer of the process that holds the call; None where this one does, or nobody."""
    desk = asked.house.desk
    holder = await desk.elsewhere(asked.request, asked.id("call_id")) if desk is not None else None
    if desk is None or holder is None:
        return None
    return await desk.peers.ask(asked.request, holder, asked.body.model_dump_json() if asked.body is not None else None)


async def nothing_here(_request: web.Request) -> web.StreamResponse:
    """Any other address below /api/v1."""
    return Problem(404, f"there is no such address, or not with this method: see {PREFIX}/openapi.json").response()


def _told(error: Exception, request: web.Request) -> web.Response:
    problem = problem_of(error)
    if problem is None:
        log.error("%s %s failed", request.method, request.path, exc_info=error)
        problem = Problem(500, "something failed that should not have: the log of the media server says what; try again")
    return problem.response()


def _query(route: Route, request: web.Request) -> BaseModel | None:
    model = route.takes[0]
    return model.model_validate(dict(request.query)) if model is not None else None


async def _body(route: Route, request: web.Request) -> BaseModel | None:
    model = route.takes[1]
    if model is None:
        return None
    if request.content_type != "application/json":
        raise Problem(415, "send the body as JSON, with Content-Type: application/json")
    content = bytearray()
    async for part in request.content.iter_chunked(65536):
        content += part
        if len(content) > route.limit_bytes:
            raise Problem(413, f"the body is larger than {route.limit_bytes // MIB} MiB: send less at once")
    return model.model_validate_json(bytes(content))
