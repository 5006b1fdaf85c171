"""The media server's own API under the dashboard, without its dialer: what is commanded is done in the database, and nobody is called."""

import asyncio
import hashlib
import secrets
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from agent_runtime.agent import Agent
from agent_runtime.engines import EngineUnavailable
from db.database import Database
from dialer.dialing import TrialCall
from mediaserver import identity
from mediaserver.api import setup_api
from mediaserver.api.problems import Problem
from mediaserver.api.routes import BrowserCalls, PlaceTestCall
from mediaserver.carriers.browser.carrier import ensure_line
from mediaserver.settings import Settings

T = TypeVar("T")
Received = tuple[str, str]
PASSWORD = "correct horse battery"


@dataclass
class RealApi:
    """Serves in a thread of its own: the pages under test block the one that runs them. `received`: commands, method and path.

    `place_test_call`: what becomes of a test call, by phone or in the browser; without it each is refused. `greeting`: as PCM; without
    it there is no voice.
    """

    database_url: str
    data_dir: Path
    dashboard_url: str = ""
    place_test_call: PlaceTestCall | None = None
    greeting: bytes | None = None

    def start(self) -> None:
        """Serves on a free port."""
        self.received: list[Received] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="api under test", daemon=True)
        self._thread.start()
        self.url = self._run(self._serve())

    def stop(self) -> None:
        """Stops answering: connections are refused from then on."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def session(self, role: str = "operator") -> str:
        """The cookie of somebody of that role who has signed in."""
        return self._run(self._session(role))

    def account(self, name: str) -> None:
        """An operator who can sign in with PASSWORD."""
        self._run(identity.create_user(self._database, name, identity.Role.OPERATOR, actor="test", password=PASSWORD))

    def sign_in(self, name: str, password: str = PASSWORD) -> str:
        """The cookie of somebody with an account."""
        return self._run(identity.sign_in(self._database, name, password, address="test"))[1]

    def knows(self, name: str, password: str) -> bool:
        """Whether somebody can sign in so."""
        try:
            self.sign_in(name, password)
        except identity.SignInRefused:
            return False
        return True

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _serve(self) -> str:
        self._database = await Database.connect(self.database_url)
        application = web.Application(middlewares=[self._noted])
        settings = Settings(data_dir=self.data_dir, dashboard_url=self.dashboard_url, webhooks_private=True)
        setup_api(
            application,
            database=self._database,
            settings=settings,
            place_test_call=self._test_call,
            speak_greeting=self._greeting,
            browser=BrowserCalls(await ensure_line(self._database), self._test_call),
        )
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _test_call(self, wanted: TrialCall) -> int:
        if self.place_test_call is None:
            raise Problem(409, "the number is on the do-not-call list")
        return await self.place_test_call(wanted)

    async def _greeting(self, _agent: Agent, _variables: Mapping[str, str]) -> bytes:
        if self.greeting is None:
            raise EngineUnavailable("this process has no voice")
        return self.greeting

    async def _close(self) -> None:
        await self._runner.cleanup()
        await self._database.close()

    async def _session(self, role: str) -> str:
        """Written into the database: to hash a password for each test would take longer than most tests do."""
        secret = secrets.token_urlsafe(32)
        user = "with made as (insert into users (name, password_hash, role) values ($1, 'none', $1) returning id) "
        await self._database.pool.execute(
            user + "insert into sessions (token_hash, user_id, expires_at) select $2, id, callwright_now() + interval '1 hour' from made",
            role,
            hashlib.sha256(secret.encode()).digest(),
        )
        return secret

    @web.middleware
    async def _noted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.method != "GET":
            self.received.append((request.method, request.path.removeprefix("/api/v1")))
        answer: web.StreamResponse = await handler(request)
        return answer
