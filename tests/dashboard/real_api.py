"""The media server's own API under the dashboard, without its dialer: what is commanded is done in the database, and nobody is called."""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from db.database import Database
from mediaserver import identity
from mediaserver.api import setup_api
from mediaserver.settings import Settings

T = TypeVar("T")
Received = tuple[str, str]
PASSWORD = "correct horse battery"


@dataclass
class RealApi:
    """Serves in a thread of its own: the pages under test block the one that runs them. `received`: commands, method and path."""

    database_url: str
    data_dir: Path
    dashboard_url: str = ""

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
        """The cookie of somebody of that role who has just signed in. The account's name is the role, its password is PASSWORD."""
        return self._run(self._sign_in(identity.Role(role)))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _serve(self) -> str:
        self._database = await Database.connect(self.database_url)
        application = web.Application(middlewares=[self._noted])
        settings = Settings(data_dir=self.data_dir, dashboard_url=self.dashboard_url)
        setup_api(application, database=self._database, settings=settings)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _close(self) -> None:
        await self._runner.cleanup()
        await self._database.close()

    async def _sign_in(self, role: identity.Role) -> str:
        await identity.create_user(self._database, role.value, role, actor="test", password=PASSWORD)
        _, secret = await identity.sign_in(self._database, role.value, PASSWORD, address="127.0.0.1")
        return secret

    @web.middleware
    async def _noted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.method != "GET":
            self.received.append((request.method, request.path.removeprefix("/api/v1")))
        answer: web.StreamResponse = await handler(request)
        return answer
