"""Our side of a call, for the tests of the network: answers documents and callbacks, takes streams, and checks every signature
with the carrier's own library."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import WSMsgType, web
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # ships no types

from mediaserver.carriers.simulated.settings import NetworkSettings

TO_AGREES, TO_BUSY, TO_NO_ANSWER, TO_UNREACHABLE, TO_INVALID = (f"+121255500{pair}" for pair in (10, 70, 80, 98, 99))
TO_SILENT, TO_HANGS_UP, TO_MAILBOX, TO_INTERRUPTS = (f"+121255500{pair}" for pair in (65, 68, 90, 60))
CALLER = "+15005550006"

QUICK: dict[str, Any] = {
    "port": 0,
    "calls_per_second": 1000.0,
    "api_latency_ms": 0,
    "ring_ms": 10,
    "late_callback_share": 0.0,
    "doubled_callback_share": 0.0,
    "callback_delay_ms": 0,
    "callback_retry_ms": 10,
    "burst_share": 0.0,
    "stop_late_share": 0.0,
    "stop_missing_share": 0.0,
}


@dataclass
class Stream:
    """One stream as our side sees it: `frames` are all that came, parsed."""

    socket: web.WebSocketResponse
    signed: bool
    frames: list[dict[str, Any]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    closed: bool = False
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, reached: Callable[["Stream"], bool]) -> None:
        """Wait for frames."""
        async with self._news:
            await self._news.wait_for(lambda: reached(self) or self.closed)
        assert reached(self), f"the stream closed before that: {[frame['event'] for frame in self.frames][-5:]}"

    async def until_closed(self) -> None:
        async with self._news:
            await self._news.wait_for(lambda: self.closed)

    def events(self, name: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["event"] == name]

    @property
    def stream_sid(self) -> str:
        sid: str = self.events("start")[0]["streamSid"]
        return sid

    async def play(self, mulaw: bytes) -> None:
        await self.send("media", {"payload": base64.b64encode(mulaw).decode()})

    async def mark(self, name: str) -> None:
        await self.send("mark", {"name": name})

    async def send(self, event: str, body: dict[str, Any] | None = None) -> None:
        await self.socket.send_str(json.dumps({"event": event, "streamSid": self.stream_sid, **({event: body} if body else {})}))

    async def read(self) -> None:
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                self.texts.append(message.data)
                self.frames.append(json.loads(message.data))
            async with self._news:
                self._news.notify_all()
        self.closed = True
        async with self._news:
            self._news.notify_all()


@dataclass
class Callback:
    fields: dict[str, str]
    signed: bool


Agent = Callable[[Stream], Awaitable[None]]


async def listens(stream: Stream) -> None:
    """The agent that says nothing until the line is closed."""
    await stream.until_closed()


class OurSide:
    """A small media server. `documents`: paths to XML, `{stream}` replaced. `failing`: callbacks to refuse with 500 before taking any."""

    def __init__(self, settings: NetworkSettings) -> None:
        self.settings = settings
        self._validator = RequestValidator(settings.auth_token)
        self.documents = {
            "/answer": '<Response><Connect><Stream url="{stream}?lost=1"><Parameter name="token" value="t"/></Stream></Connect></Response>'
        }
        self.agent: Agent = listens
        self.failing = 0
        self.callbacks: list[Callback] = []
        self.fetched: list[Callback] = []
        self.streams: list[Stream] = []
        self.agent_failure: BaseException | None = None
        self._news = asyncio.Condition()
        self.url = ""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/status", self._status)
        app.router.add_get("/stream", self._stream)
        app.router.add_route("*", "/{document}", self._document)
        return app

    async def until(self, reached: Callable[["OurSide"], bool]) -> None:
        async with self._news:
            await self._news.wait_for(lambda: reached(self))

    def events(self) -> list[str]:
        return [each.fields["CallStatus"] for each in self.callbacks]

    async def _status(self, request: web.Request) -> web.Response:
        if self.failing:
            self.failing -= 1
            return web.Response(status=500)
        self.callbacks.append(await self._read(request))
        await self._tell()
        return web.Response()

    async def _document(self, request: web.Request) -> web.Response:
        self.fetched.append(await self._read(request))
        await self._tell()
        document = self.documents.get(request.path)
        if document is None:
            return web.Response(status=500)
        stream = self.url.replace("http", "ws") + "/stream"
        return web.Response(text=document.replace("{stream}", stream), content_type="text/xml")

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        url = str(request.url).replace("http", "ws")
        signed = self._validator.validate(url, {}, request.headers.get("X-Twilio-Signature", ""))
        await socket.prepare(request)
        stream = Stream(socket, signed)
        self.streams.append(stream)
        reading = asyncio.create_task(stream.read())
        await stream.until(lambda s: bool(s.events("start")))
        await self._tell()
        try:
            await self.agent(stream)
        except AssertionError as error:
            self.agent_failure = error
        await socket.close()
        await reading
        return socket

    async def _read(self, request: web.Request) -> Callback:
        fields = {name: str(value) for name, value in (await request.post()).items()}
        signature = request.headers.get("X-Twilio-Signature", "")
        signed = self._validator.validate(str(request.url), fields, signature)
        return Callback(fields or dict(request.query), signed)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


@dataclass
class Api:
    """The network's REST API, as a client of the carrier uses it."""

    http: aiohttp.ClientSession
    base_url: str
    settings: NetworkSettings
    ours: OurSide

    def credentials(self, token: str) -> dict[str, str]:
        return {"Authorization": aiohttp.encode_basic_auth(self.settings.account_sid, token)}

    async def request(self, method: str, path: str, *, token: str | None = None, **how: Any) -> tuple[int, dict[str, Any]]:
        account = self.settings.account_sid
        headers = self.credentials(self.settings.auth_token if token is None else token)
        async with self.http.request(method, f"{self.base_url}/2010-04-01/Accounts/{account}{path}", headers=headers, **how) as response:
            return response.status, await response.json()

    async def order(self, to: str, **fields: Any) -> tuple[int, dict[str, Any]]:
        data: list[tuple[str, str]] = [("StatusCallbackEvent", event) for event in ("initiated", "ringing", "answered", "completed")]
        ordered = {"To": to, "From": CALLER, "Url": f"{self.ours.url}/answer", "StatusCallback": f"{self.ours.url}/status", **fields}
        return await self.request("POST", "/Calls.json", data=data + list(ordered.items()))

    async def call(self, to: str, **fields: Any) -> str:
        """Place a call that must be accepted; its sid."""
        status, body = await self.order(to, **fields)
        assert status == 201, body
        sid: str = body["sid"]
        return sid

    async def show(self, sid: str) -> dict[str, Any]:
        return (await self.request("GET", f"/Calls/{sid}.json"))[1]

    async def hang_up(self, sid: str, status: str = "completed") -> tuple[int, dict[str, Any]]:
        return await self.request("POST", f"/Calls/{sid}.json", data={"Status": status})
