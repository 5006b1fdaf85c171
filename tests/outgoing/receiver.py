"""Somebody's endpoint: a real server on loopback that keeps what it gets and answers as scripted."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass(frozen=True)
class Got:
    """One request."""

    headers: Mapping[str, str]
    body: bytes
    path: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def message(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.body)
        return said


@dataclass
class Receiver:
    """`script`: the statuses of the next answers, then 204. While `holds` is set it takes requests and does not answer."""

    url: str = ""
    script: list[int] = field(default_factory=list)
    says: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    got: list[Got] = field(default_factory=list)
    holds: bool = False
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def has(self, requests: int) -> None:
        """Wait until so many requests have come."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.got) >= requests)

    def let_go(self) -> None:
        """Answer what is held, and hold nothing any more."""
        self.holds = False
        self._answers.set()

    async def take(self, request: web.Request) -> web.Response:
        async with self._news:
            self.got.append(Got(request.headers.copy(), await request.read(), request.path))
            self._news.notify_all()
        if self.holds:
            await self._answers.wait()
        status = self.script.pop(0) if self.script else 204
        return web.Response(status=status, text=self.says if status != 204 else None, headers=self.headers)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver that listens at its `url`, for as long as the block lasts."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", receiver.take)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/hook"))
        yield receiver
        receiver.let_go()
