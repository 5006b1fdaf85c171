"""A small client of our own REST API, for the commands that use it as any other program would."""

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

import aiohttp

from mediaserver.stack import Refused

PATIENCE_S = 90.0  # a media server that died is there again well within it
PAUSE_S = 0.5


class ApiError(Refused):
    """The API refused, or did not answer (then `status` is 503); the message says why."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Api:
    """The API at `base_url`, with a bearer token. Use as an async context manager."""

    def __init__(self, base_url: str, token: str) -> None:
        self._base = base_url.rstrip("/") + "/api/v1"
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        await self._session.close()

    async def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """GET, as JSON. While the media server or its database is away it is asked again, for `PATIENCE_S`. Raises ApiError."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_S
        while True:
            try:
                return await self._ask("GET", path, params=query)
            except ApiError as error:
                if error.status != 503 or loop.time() > deadline:
                    raise
            await asyncio.sleep(PAUSE_S)

    async def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """POST of JSON, as JSON. Raises ApiError."""
        return await self._ask("POST", path, json=body or {})

    async def upload(self, path: str, name: str, content: bytes) -> dict[str, Any]:
        """POST of one CSV file as multipart. Raises ApiError."""
        form = aiohttp.FormData()
        form.add_field("file", content, filename=name, content_type="text/csv")
        return await self._ask("POST", path, data=form)

    async def pages(self, path: str, **query: str | int) -> AsyncIterator[dict[str, Any]]:
        """Every item of a paged list, page after page. Raises ApiError."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self.get(path, **query, **({"cursor": cursor} if cursor else {}))
            for item in page["items"]:
                yield item
            cursor = page.get("next_cursor")

    async def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            async with self._session.request(method, self._base + path, **options) as answer:
                body: dict[str, Any] = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiError(503, f"the media server at {self._base} does not answer: its log says why") from error
        if answer.status >= 400:
            raise ApiError(answer.status, str(body.get("detail") or body.get("title") or answer.reason))
        return body
