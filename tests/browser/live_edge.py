"""The media server's edge towards live pages, as a double: real pages, HTTP and websockets; the call is up to the test."""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from mediaserver.supervision.protocol import CallFacts, CaptionTold, HeldTold, NextTold, NoteTold, Told, Welcome, audio_frame, told

PAGES = Path(__file__).parents[2] / "mediaserver" / "supervision" / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self'; "
    "media-src 'self' blob:; frame-ancestors 'none'"
)
CALL = "17"
PIECE = 320  # samples, 40 ms
FACTS = CallFacts(
    id=CALL,
    number="+12125550123",
    contact_name="Ada Lovelace",
    campaign_id="3",
    campaign_name="March reminders",
    agent_name="Ann",
    answered_at="2026-03-02T09:30:00Z",
    rehearsal=True,
    variables={"appointment_date": "Monday, March the third", "company_name": "the Riverside Dental Clinic"},
)
SUPERVISE = ["listen", "whisper", "take_over", "hang_up", "mark"]
NEXT = NextTold("confirm", "Does Monday at noon suit you?", [("yes", "book"), ("another day", "offer"), ("no", "say goodbye")])


@dataclass
class LiveEdge:
    """`commands`: what pages asked for, as (verb, body). `refusals`: verb -> (status, detail). `microphone`: what came of it."""

    url: str = ""
    may: list[str] = field(default_factory=lambda: list(SUPERVISE))
    captions: list[CaptionTold] = field(default_factory=list)
    notes: list[NoteTold] = field(default_factory=list)
    held: HeldTold = field(default_factory=lambda: HeldTold(None, None))
    listeners: list[str] = field(default_factory=lambda: ["Maria"])
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)
    dashboard: str = "http://127.0.0.1:1"
    facts: CallFacts = FACTS
    now_ms: int = 83_000
    grants: int = 0
    redeemed: list[str] = field(default_factory=list)
    commands: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    listening: bool = True
    microphone: bytearray = field(default_factory=bytearray)
    frames: list[dict[str, Any]] = field(default_factory=list)  # of the talk page's own stream
    page: web.WebSocketResponse | None = None
    line: web.WebSocketResponse | None = None
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/live/{call}", self._page_of("live.html"))
        app.router.add_get("/talk/{call}", self._page_of("talk.html"))
        app.router.add_get("/live-assets/{name}", self._asset)
        app.router.add_get("/live/{call}/stream", self._stream)
        app.router.add_post("/api/v1/live/{call}/{verb}", self._command)
        app.router.add_get("/api/v1/me", self._answer("me", {"name": "Maria"}))
        app.router.add_get("/api/v1/calls/{call}", self._answer("call", {"state": "requested", "agent_id": "5", "end_reason": "declined"}))
        app.router.add_get("/api/v1/agents/5", self._answer("agent", {"name": "Ann"}))
        app.router.add_post("/api/v1/calls/{call}/browser-stream", self._browser_stream)
        app.router.add_get("/carriers/browser/stream", self._line)
        app.on_shutdown.append(self._close)
        return app

    @property
    def connection(self) -> str:
        """The name of the newest connection."""
        return f"connection {len(self.redeemed)}"

    async def until(self, reached: Callable[["LiveEdge"], bool]) -> None:
        """Wait for what pages do."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: reached(self)), 20)

    async def connected(self, times: int = 1) -> None:
        await self.until(lambda edge: len(edge.redeemed) >= times and edge.page is not None)

    async def tell(self, *messages: Told) -> None:
        assert self.page is not None
        for message in messages:
            await self.page.send_str(told(message))

    async def hold(self, by: str | None, connection: str | None) -> None:
        self.held = HeldTold(by, connection)
        await self.tell(self.held)

    async def drop(self) -> None:
        """The connection breaks off."""
        assert self.page is not None
        page, self.page = self.page, None
        await page.close()

    async def play(self, callee: bytes, agent: bytes, *, at: int = 0) -> None:
        """Both sides as they are spoken, from the position `at` on; ends with them."""
        assert self.page is not None
        loop = asyncio.get_running_loop()
        began = loop.time()
        for start in range(0, len(callee), PIECE):
            await self.page.send_bytes(audio_frame(at + start, callee[start : start + PIECE], agent[start : start + PIECE]))
            await asyncio.sleep(max(0.0, began + (start + PIECE) / 8000 - loop.time()))

    async def say(self, *frames: dict[str, Any]) -> None:
        """Frames of the talk page's own stream."""
        assert self.line is not None
        for frame in frames:
            await self.line.send_str(json.dumps(frame))

    def events(self, name: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["event"] == name]

    def asked(self, verb: str) -> list[dict[str, Any]]:
        return [body for found, body in self.commands if found == verb]

    async def _close(self, _app: web.Application) -> None:
        for socket in (self.page, self.line):
            if socket is not None:
                await socket.close()

    async def _tell_news(self) -> None:
        async with self._news:
            self._news.notify_all()

    def _page_of(self, name: str) -> Callable[[web.Request], Any]:
        async def page(_request: web.Request) -> web.Response:
            text = (PAGES / name).read_text().replace("<!--dashboard-->", self.dashboard)
            return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": POLICY})

        return page

    def _answer(self, what: str, document: dict[str, Any]) -> Callable[[web.Request], Any]:
        async def answer(_request: web.Request) -> web.Response:
            return self._refused(what) or web.json_response(document)

        return answer

    def _refused(self, verb: str) -> web.Response | None:
        status, detail = self.refusals.get(verb, (0, ""))
        return web.json_response({"detail": detail}, status=status) if status else None

    async def _asset(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGES / request.match_info["name"])

    async def _command(self, request: web.Request) -> web.Response:
        assert request.headers["X-Callwright"] == "1"
        verb = request.match_info["verb"]
        body = await request.json() if request.can_read_body else {}
        self.commands.append((verb, body))
        answer = self._refused(verb)
        if answer is None and verb == "grant":
            self.grants += 1
            answer = web.json_response({"grant": f"grant {self.grants}", "expires_at": "2026-03-02T09:31:00Z"}, status=201)
        elif answer is None:
            answer = web.json_response({"answer": "In its next turn Ann says it."} if verb == "whisper" else {})
        await self._tell_news()
        return answer

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        page = web.WebSocketResponse()
        await page.prepare(request)
        self.page = None
        self.redeemed.append((await page.receive_json())["grant"])
        await page.send_str(told(self._welcome()))
        self.page = page
        await self._tell_news()
        async for message in page:
            if message.type is WSMsgType.BINARY:
                self.microphone += message.data
            elif message.type is WSMsgType.TEXT:
                self.listening = json.loads(message.data)["on"]
            await self._tell_news()
        return page

    def _welcome(self) -> Welcome:
        return Welcome(
            connection=self.connection,
            name="Maria",
            may=self.may,
            now_ms=self.now_ms,
            call=self.facts,
            state="listening",
            next=NEXT,
            held=self.held,
            listeners=self.listeners,
            captions=self.captions,
            notes=self.notes,
        )

    async def _browser_stream(self, _request: web.Request) -> web.Response:
        answer = self._refused("browser-stream") or web.json_response({"token": "t", "url": "/carriers/browser/stream"}, status=201)
        self.commands.append(("browser-stream", {}))
        await self._tell_news()
        return answer

    async def _line(self, request: web.Request) -> web.WebSocketResponse:
        self.line = web.WebSocketResponse()
        await self.line.prepare(request)
        async for message in self.line:
            self.frames.append(json.loads(message.data))
            await self._tell_news()
        return self.line


def silence(samples: int) -> bytes:
    """So much silence as mu-law."""
    return b"\xff" * samples


def caption_lines(captions: Iterable[tuple[str, str, int]]) -> list[CaptionTold]:
    """Final captions in order, from (speaker, text, start_ms)."""
    return [CaptionTold(turn, speaker, text, start_ms, True) for turn, (speaker, text, start_ms) in enumerate(captions)]
