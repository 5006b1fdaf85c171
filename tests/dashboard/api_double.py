"""The API as far as the pages need it, answering what a test prepared: for refusals and failures that the real one gives rarely.

It allows what `dialer.lifecycle` allows. tests/browser works on the real one.
"""

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from aiohttp import web

from dialer.lifecycle import CampaignStatus, allowed_actions

Received = tuple[str, str, Any]


@dataclass
class ApiDouble:
    """`received`: commands as method, path below /api/v1, and body. `prepared`: (method, path) -> (status, body)."""

    database_url: str
    role: str = "operator"
    received: list[Received] = field(default_factory=list)
    prepared: dict[tuple[str, str], tuple[int, dict[str, Any]]] = field(default_factory=dict)
    url: str = ""

    def start(self) -> None:
        """Serves on a free port, in a thread of its own: the pages under test block the one that runs them."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result()

    def stop(self) -> None:
        """Stops answering; connections are refused from then on."""
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> str:
        application = web.Application()
        application.add_routes([web.route("*", "/api/v1/{path:.*}", self._answer)])
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _answer(self, request: web.Request) -> web.Response:
        path = "/" + request.match_info["path"]
        if (request.method, path) in self.prepared:
            status, body = self.prepared[request.method, path]
        elif request.cookies.get("callwright_session") != "valid" or request.headers.get("X-Callwright") != "1":
            return web.json_response({"detail": "sign in"}, status=401)
        elif request.method == "GET":
            status, body = 200, await self._read(path)
        else:
            status, body = 200, {"id": "1"}
        if request.method != "GET":
            sent = await request.json() if request.content_type == "application/json" else (await request.read()).decode()
            self.received.append((request.method, path, sent))
        return web.json_response(body, status=status)

    async def _read(self, path: str) -> dict[str, Any]:
        if path == "/me":
            return {"name": "maria", "role": self.role}
        if path.startswith("/campaigns/"):
            return {"allowed_actions": await self._allowed(int(path.split("/")[2]))}
        return {}

    async def _allowed(self, campaign: int) -> list[str]:
        database = await asyncpg.connect(self.database_url)
        try:
            status = await database.fetchval("select status from campaigns where id = $1", campaign)
        finally:
            await database.close()
        return [str(action) for action in allowed_actions(CampaignStatus(status))]
