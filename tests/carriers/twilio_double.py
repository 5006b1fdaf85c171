"""A local server that speaks Twilio's REST form as its documents show it, for tests of what we send and how we read the answers."""

import base64
import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from aiohttp import web
from multidict import MultiDict

ACCOUNT, TOKEN = "AC" + "a" * 32, "the-auth-token"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class TwilioDouble:
    """`calls`: resources by id, as the list shows them. `asked`: each request as (method, path, form).
    `instead`: answers every request, when set."""

    numbers: frozenset[str] = frozenset({"+15005550006"})
    page: int = 2
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, MultiDict[str]]] = field(default_factory=list)
    instead: Handler | None = None
    _ids: Iterator[int] = field(default_factory=itertools.count)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._route)
        return app

    def add(self, to: str, caller: str, status: str = "queued", created: datetime | None = None) -> str:
        sid = f"CA{next(self._ids):032x}"
        self.calls[sid] = {
            "sid": sid,
            "account_sid": ACCOUNT,
            "to": to,
            "from": caller,
            "status": status,
            "start_time": None,
            "date_created": format_datetime(created or datetime.now(UTC)),
            "duration": None,
            "price": None,
            "subresource_uris": {"events": f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{sid}/Events.json"},
        }
        return sid

    async def _route(self, request: web.Request) -> web.StreamResponse:
        form: MultiDict[str] = MultiDict((name, str(value)) for name, value in (await request.post()).items())
        self.asked.append((request.method, request.path, form))
        if self.instead is not None:
            return await self.instead(request)
        expected = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            return problem(401, 20003, "Authenticate")
        root = f"/2010-04-01/Accounts/{ACCOUNT}/Calls"
        if request.path == f"{root}.json":
            return self._create(form) if request.method == "POST" else self._list(request)
        call = self.calls.get(request.path.removeprefix(f"{root}/").removesuffix(".json"))
        if call is None:
            return problem(404, 20404, f"The requested resource {request.path} was not found")
        return self._end(call) if request.method == "POST" else web.json_response(call)

    def _create(self, form: MultiDict[str]) -> web.Response:
        if not form["To"].startswith("+1") or len(form["To"]) != 12:
            return problem(400, 21211, f"The phone number you are attempting to call, {form['To']}, is not valid.")
        if form["From"] not in self.numbers:
            return problem(400, 21212, f"The source phone number provided, {form['From']}, is not yet verified for your account.")
        return web.json_response(self.calls[self.add(form["To"], form["From"])], status=201)

    def _list(self, request: web.Request) -> web.Response:
        query = request.query
        wanted = [call for call in reversed(self.calls.values()) if (call["to"], call["from"]) == (query["To"], query["From"])]
        at, size = int(query.get("Page", 0)), min(int(query["PageSize"]), self.page)
        shown, more = wanted[at * size : (at + 1) * size], wanted[(at + 1) * size :]
        following = request.rel_url.update_query({"Page": str(at + 1), "PageToken": "PA1"})
        return web.json_response({"calls": shown, "page": at, "page_size": size, "next_page_uri": str(following) if more else None})

    def _end(self, call: dict[str, Any]) -> web.Response:
        if call["status"] not in ("queued", "ringing", "in-progress"):
            return problem(400, 21220, "Call is not in-progress. Cannot redirect.")
        call |= {"status": "completed" if call["status"] == "in-progress" else "canceled", "duration": "0"}
        return web.json_response(call)


def problem(status: int, code: int, message: str) -> web.Response:
    """An error as Twilio words it."""
    return web.json_response(
        {"code": code, "message": message, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}, status=status
    )
