"""A media server that holds calls and lets supervisors in, as one process of several on one database; and the people in front of it."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer, get_unused_port_socket

from agent_runtime.calls import Brief, CallActions, CallResult, EndedBy, EndReason
from agent_runtime.leg import Leg
from agent_runtime.supervision import Watcher
from db.database import Database
from dialer import queries
from mediaserver.api import setup_api
from mediaserver.calls import CallHouse
from mediaserver.carrier_doors import setup_carrier_doors
from mediaserver.carriers.twilio.rest import TwilioCarrier
from mediaserver.carriers.twilio.signature import Signatures
from mediaserver.live_doors import setup_live_doors
from mediaserver.settings import Settings
from mediaserver.supervision.desk import Desk
from mediaserver.supervision.floor import Floor
from mediaserver.supervision.peers import Peers
from mediaserver.supervision.protocol import read_told
from mediaserver.switch.leg import SwitchLeg
from mediaserver.switch.switch import Switch
from mediaserver.switch.voice import SpeechModel
from mediaserver.webhooks import CarrierUrls, Webhooks
from tests.carriers.twilio_double import ACCOUNT, TOKEN, TwilioDouble
from tests.media.cable import Cable
from tests.media.caller import Caller, stream
from tests.media.conftest import MediaServer
from tests.media.conversations import Ears, outcome
from tests.supervision.conversations import Conversation

T = TypeVar("T")

DASHBOARD = "http://127.0.0.1:1"  # where pages lead to when their call is over; nobody goes there
LOOK_EVERY_S = 0.03
PATIENCE_S = 60.0  # for what is to come; no test asserts a time


@dataclass
class Page:
    """A live page's side of its websocket."""

    socket: aiohttp.ClientWebSocketResponse

    async def say(self, **message: Any) -> None:
        await self.socket.send_json(message)

    async def taken_in(self) -> None:
        """Return when the server has taken in all that was said so far: it answers a ping in its turn."""
        await self.socket.ping()
        async with asyncio.timeout(PATIENCE_S):
            while (message := await self.socket.receive()).type is not WSMsgType.PONG:
                assert message.type in (WSMsgType.TEXT, WSMsgType.BINARY), f"the server closed the socket ({self.socket.close_code})"

    async def told(self, kind: type[T]) -> T:
        """The next message of this kind; what comes before it is passed over."""
        async with asyncio.timeout(PATIENCE_S):
            async for message in self.socket:
                if message.type is WSMsgType.TEXT and isinstance(found := read_told(message.data), kind):
                    return found
        raise AssertionError(f"the server closed the socket ({self.socket.close_code}) without {kind.__name__}")

    async def audio(self) -> bytes:
        """The next piece of audio, as it comes."""
        async with asyncio.timeout(PATIENCE_S):
            while (message := await self.socket.receive()).type is not WSMsgType.BINARY:
                assert message.type is WSMsgType.TEXT, f"the server closed the socket ({self.socket.close_code})"
        content: bytes = message.data
        return content


@dataclass
class Someone:
    """A person with a session, in front of the process at `url`."""

    http: aiohttp.ClientSession
    url: str
    user_id: int
    secret: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": f"callwright_session={self.secret}"}

    def at(self, url: str) -> "Someone":
        """The same person, in front of another process."""
        return Someone(self.http, url, self.user_id, self.secret)

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        headers = self.headers | {"X-Callwright": "1"} | options.pop("headers", {})
        async with self.http.request(method, f"{self.url}/api/v1{path}", headers=headers, **options) as answer:
            return answer.status, await answer.json(content_type=None) if answer.status != 204 else None

    async def grant(self, call_id: int) -> str:
        status, said = await self.ask("POST", f"/live/{call_id}/grant")
        assert status == 201, said
        granted: str = said["grant"]
        return granted

    @asynccontextmanager
    async def page(self, call_id: int, grant: str | None = None, **options: Any) -> AsyncIterator[Page]:
        """A live page; `grant`: its first message, none without it."""
        handshake: dict[str, Any] = {"headers": self.headers, "origin": self.url, "autoping": False} | options
        async with self.http.ws_connect(f"{self.url}/live/{call_id}/stream", **handshake) as socket:
            page = Page(socket)
            if grant is not None:
                await page.say(type="grant", grant=grant)
            yield page

    @asynccontextmanager
    async def on(self, call_id: int) -> AsyncIterator[Page]:
        """A live page with a grant of its own."""
        async with self.page(call_id, await self.grant(call_id)) as page:
            yield page


@dataclass
class Station:
    """One process. `media`: its carrier's side; `conversations`: by the id of their call, once they have begun. `talk`: what talks on
    calls that start from now on, instead of one of these."""

    media: MediaServer
    name: str
    talk: Callable[[Leg, Brief, CallActions, Watcher], Awaitable[CallResult]] | None = None
    desk: Desk = field(init=False)
    conversations: dict[int, Conversation] = field(default_factory=dict)
    begun: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return self.media.url

    @property
    def db(self) -> Database:
        return self.media.db

    async def converse(self, leg: Leg, brief: Brief, actions: CallActions, watcher: Watcher) -> CallResult:
        """A conversation that does nothing but what supervisors ask, until the callee is gone."""
        if self.talk is not None:
            return await self.talk(leg, brief, actions, watcher)
        ears = Ears(leg)
        assert isinstance(leg, SwitchLeg)
        conversation = Conversation(leg)
        watcher.began(conversation)
        async with self.begun:
            self.conversations[int(brief.call_id)] = conversation
            self.begun.notify_all()
        await ears.closed.wait()
        return outcome(EndReason.HUNG_UP, EndedBy.CALLEE)

    @asynccontextmanager
    async def call(self, number: str | None = None) -> AsyncIterator[tuple[int, Caller]]:
        """A call in progress: its id and the carrier's side. `number`: of the callee, another one than usual."""
        others = len(self.media.live)
        call_id, carrier_id = await self.media.call()
        if number is not None:
            await self.db.pool.execute("update calls set number = $2 where id = $1", call_id, number)
        async with stream(self.media.stream_url, carrier_id) as caller:
            await caller.start(token=await self.media.token(call_id))
            async with self.begun, asyncio.timeout(PATIENCE_S):
                await self.begun.wait_for(lambda: call_id in self.conversations)
            yield call_id, caller
        await self.media.settled(down_to=others)

    async def someone(self, role: str = "supervisor", name: str | None = None) -> Someone:
        """A person with that role, signed in. Written into the database: to hash a password takes longer than most tests."""
        secret = secrets.token_urlsafe(32)
        user_id = await self.db.pool.fetchval(
            """
            with made as (insert into users (name, password_hash, role) values ($1, 'none', $2) returning id),
            begun as (insert into sessions (token_hash, user_id, expires_at) select $3, id, callwright_now() + interval '1 day' from made)
            select id from made
            """,
            name or role,
            role,
            hashlib.sha256(secret.encode()).digest(),
        )
        return Someone(self.media.http, self.url, user_id, secret)

    async def audited(self, action: str) -> list[Any]:
        """What the audit log has of that action, oldest first."""
        return list(await self.db.pool.fetch("select * from audit_log where action = $1 order by id", action))


async def eventually(db: Database, question: str, *values: Any) -> Any:
    """The first row that `question` finds, once there is one."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await db.pool.fetchrow(question, *values)
            if found is not None:
                return found
            await asyncio.sleep(LOOK_EVERY_S)


@asynccontextmanager
async def station(database: Database, model: SpeechModel, folder: Path, name: str = "one") -> AsyncIterator[Station]:
    """A process that serves, known to the others by its address."""
    async with AsyncExitStack() as stack:
        network = TwilioDouble()
        api = await stack.enter_async_context(TestServer(network.app()))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        carrier = TwilioCarrier(http, api_url=str(api.make_url("")).rstrip("/"), account_sid=ACCOUNT, auth_token=TOKEN)
        switch = Switch(model=model)
        await switch.start()
        stack.push_async_callback(switch.stop)
        socket = get_unused_port_socket("127.0.0.1")
        url = f"http://127.0.0.1:{socket.getsockname()[1]}"
        app = web.Application()
        media = MediaServer(url, database, Cable(url), network, folder, switch, app, http, {"twilio": carrier})
        made, floor = Station(media, name), Floor(switch)
        house = CallHouse(database, name, media.carriers, made.converse, media._prepared, folder, floor)
        media.webhooks = Webhooks(database, carrier, CarrierUrls(url), Signatures(TOKEN))
        media.live = setup_carrier_doors(app, house=house, switch=switch, webhooks=media.webhooks, drain_s=0)
        peers = Peers(http, name)
        made.desk = setup_live_doors(
            app, database=database, floor=floor, peers=peers, process_id=name, public_url=url, dashboard_url=DASHBOARD
        )
        setup_api(app, database=database, settings=Settings(data_dir=folder, public_url=url), desk=made.desk)
        await queries.dialing.process_starts(database.pool, id=name, host="host", stream_url="", concurrency=10, address=url)
        await stack.enter_async_context(TestServer(app, socket_factory=lambda *_: socket))
        yield made
