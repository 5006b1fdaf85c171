"""The REST door of the simulated network: the Calls resource as Twilio documents it, with its errors, and the network's own
record.

Source: https://www.twilio.com/docs/voice/api/call-resource and https://www.twilio.com/docs/api/errors
"""

import asyncio
import hmac
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from urllib.parse import urlencode, urlsplit

import msgspec
from aiohttp import web

from mediaserver.carriers.simulated.calls import API_VERSION, Call, Order, Status
from mediaserver.carriers.simulated.exchange import Exchange
from mediaserver.carriers.simulated.people import Kind
from mediaserver.carriers.simulated.settings import NetworkSettings
from mediaserver.carriers.simulated.story import chance_of

E164 = re.compile(r"^\+[1-9]\d{6,14}$")
EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})
LONGEST_TWIML = 4000
PAGE_SIZE, LARGEST_PAGE = 50, 1000
_LONGEST_RING_S = 600

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ApiError(Exception):
    """Answered as the carrier does: a status, a code of its own, words, and where to read more."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code

    def response(self) -> web.Response:
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        body = {"code": self.code, "message": str(self), "more_info": more, "status": self.status}
        return web.json_response(body, status=self.status)


class Api:
    """Routes and rules of the door."""

    def __init__(self, exchange: Exchange, settings: NetworkSettings) -> None:
        self._exchange, self._settings = exchange, settings
        self._in_progress = 0
        self._base = f"/{API_VERSION}/Accounts/{settings.account_sid}/Calls"

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        account = f"/{API_VERSION}/Accounts/{{account}}"
        app.router.add_post(f"{account}/Calls.json", self._create)
        app.router.add_get(f"{account}/Calls.json", self._list)
        app.router.add_get(f"{account}/Calls/{{sid}}.json", self._show)
        app.router.add_post(f"{account}/Calls/{{sid}}.json", self._change)
        app.router.add_get("/simulated/calls.json", self._journals)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Credentials, the bound on requests at once, and errors in the carrier's words."""
        self._in_progress += 1
        try:
            if self._in_progress > self._settings.requests_at_once:
                raise ApiError(429, 20429, "Too many requests")
            self._check_credentials(request)
            if request.match_info.get("account", self._settings.account_sid) != self._settings.account_sid:
                raise _not_found(request)
            return await handler(request)
        except web.HTTPNotFound:
            return _not_found(request).response()
        except ApiError as error:
            return error.response()
        finally:
            self._in_progress -= 1

    def _check_credentials(self, request: web.Request) -> None:
        kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            given = b64decode(encoded, validate=True) if kind.lower() == "basic" else b""
        except NotBase64:
            given = b""
        if not hmac.compare_digest(given, f"{self._settings.account_sid}:{self._settings.auth_token}".encode()):
            raise ApiError(401, 20003, "Authenticate")

    async def _create(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        order = read_order({name: [str(each) for each in form.getall(name)] for name in form})
        self._check_numbers(order)
        call = self._exchange.place(order)
        chance = chance_of(self._settings, call, "api")
        await asyncio.sleep(chance.uniform(0, self._settings.api_latency_ms) / 1000)
        if chance.random() < self._settings.lost_response_share and request.transport is not None:
            request.transport.abort()
        return web.json_response(call.resource(), status=201)

    def _check_numbers(self, order: Order) -> None:
        ours = self._settings.caller_numbers
        if ours and order.caller not in ours:
            raise ApiError(400, 21210, f"The source phone number provided, {order.caller}, is not yet verified for your account.")
        if self._exchange.directory.at(order.to).persona.kind is Kind.INVALID:
            raise ApiError(400, 21211, f"The phone number you are attempting to call, {order.to}, is not valid.")

    async def _show(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self._call(request).resource())

    async def _change(self, request: web.Request) -> web.StreamResponse:
        call = self._call(request)
        form = await request.post()
        wanted = form.get("Status")
        if wanted not in (Status.COMPLETED, Status.CANCELED):
            raise ApiError(400, 20001, "This network changes nothing of a call but its Status: send completed or canceled.")
        if call.ended:
            raise ApiError(400, 21220, "Call is not in-progress. Cannot redirect.")
        if wanted == Status.COMPLETED or call.status is not Status.IN_PROGRESS:
            await self._exchange.hang_up(call, Status(str(wanted)))
        return web.json_response(call.resource())

    async def _list(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        found = [call for call in self._exchange.calls() if matches(call, query)]
        size = max(1, min(LARGEST_PAGE, _whole(query.get("PageSize"), PAGE_SIZE)))
        page = _whole(query.get("Page"), 0)
        calls = found[page * size : (page + 1) * size]
        return web.json_response(
            {
                "calls": [call.resource() for call in calls],
                "page": page,
                "page_size": size,
                "start": page * size,
                "end": page * size + max(0, len(calls) - 1),
                "uri": self._page(query, page, size),
                "first_page_uri": self._page(query, 0, size),
                "next_page_uri": self._page(query, page + 1, size) if len(found) > (page + 1) * size else None,
                "previous_page_uri": self._page(query, page - 1, size) if page else None,
            }
        )

    async def _journals(self, request: web.Request) -> web.StreamResponse:
        body = msgspec.json.encode({"calls": self._exchange.journals()})
        return web.Response(body=body, content_type="application/json")

    def _call(self, request: web.Request) -> Call:
        call = self._exchange.call(request.match_info["sid"])
        if call is None:
            raise _not_found(request)
        return call

    def _page(self, query: Mapping[str, str], page: int, size: int) -> str:
        rest = {name: value for name, value in query.items() if name not in ("Page", "PageSize", "PageToken")}
        return f"{self._base}.json?{urlencode({**rest, 'PageSize': size, 'Page': page})}"


def read_order(form: Mapping[str, list[str]]) -> Order:
    """The order in the form of a POST to Calls.

    Raises:
        ApiError: with the carrier's code for the first thing that is wrong.
    """

    def one(name: str, default: str = "") -> str:
        return form.get(name, [default])[-1].strip()

    to, caller = _plain(one("To")), _plain(one("From"))
    if not to:
        raise ApiError(400, 21201, "No 'To' number is specified")
    if not caller:
        raise ApiError(400, 21213, "No 'From' number is specified")
    if not E164.match(to):
        raise ApiError(400, 21211, f"The phone number you are attempting to call, {to}, is not valid.")
    if not E164.match(caller):
        raise ApiError(400, 21212, f"The source phone number provided, {caller}, is not valid.")
    url, twiml = one("Url"), one("Twiml")
    if not twiml and not _is_http(url):
        raise ApiError(400, 21205, f"Url is not a valid URL: {url}")
    if len(twiml) > LONGEST_TWIML:
        raise ApiError(400, 21623, f"Twiml is longer than {LONGEST_TWIML} characters")
    status_url = one("StatusCallback")
    if status_url and not _is_http(status_url):
        raise ApiError(400, 21609, f"The StatusCallback URL {status_url} is not a valid URL.")
    events = frozenset(" ".join(form.get("StatusCallbackEvent", ["completed"])).split())
    if not events <= EVENTS:
        raise ApiError(400, 21626, "Call progress events are initiated, ringing, answered and completed")
    return Order(
        to=to,
        caller=caller,
        url=url,
        method=one("Method", "POST").upper(),
        twiml=twiml,
        status_url=status_url,
        status_method=one("StatusCallbackMethod", "POST").upper(),
        events=events,
        ring_timeout_s=max(1, min(_LONGEST_RING_S, _whole(one("Timeout"), 60))),
    )


def matches(call: Call, query: Mapping[str, str]) -> bool:
    """Whether a call is among those that a listing asks for. Times are compared by day, and a call that has not begun has no
    start time."""
    if query.get("To", call.order.to) != call.order.to or query.get("From", call.order.caller) != call.order.caller:
        return False
    if query.get("Status", call.resource()["status"]) != call.resource()["status"]:
        return False
    times = {"StartTime": call.started_at, "EndTime": call.ended_at}
    return all(_within(times[name], query, name) for name in times)


def _within(at: datetime | None, query: Mapping[str, str], name: str) -> bool:
    for suffix in ("", "<", ">"):
        asked = query.get(name + suffix)
        if asked is None:
            continue
        if at is None:
            return False
        day, wanted = at.date(), _day(asked)
        if not {"": day == wanted, "<": day <= wanted, ">": day >= wanted}[suffix]:
            return False
    return True


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise ApiError(400, 20001, f"{text[:40]!r} is not a date: use YYYY-MM-DD") from None


def _whole(text: str | None, default: int) -> int:
    if not text:
        return default
    try:
        return max(0, int(text))
    except ValueError:
        raise ApiError(400, 20001, f"{text[:40]!r} is not a whole number") from None


def _plain(number: str) -> str:
    return re.sub(r"[\s().-]", "", number)


def _is_http(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _not_found(request: web.Request) -> ApiError:
    return ApiError(404, 20404, f"The requested resource {request.path} was not found")
