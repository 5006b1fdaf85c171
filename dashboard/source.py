"""The database as all pages read it: one pool on the one background event loop, opened at the first read. Nothing here writes."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

import streamlit as st

from dashboard.background import Background
from db.database import LOST, Database, DatabaseUnavailable

T = TypeVar("T")

READ_WITHIN_S = 10.0
POOL_SIZE = 4


class DatabaseUnreachable(Exception):
    """The database does not answer; the message says what to do."""


class Source:
    """Runs the statements of `db.queries` and waits for what they find. For the pages' threads, any number at a time."""

    def __init__(self, background: Background, database_url: str) -> None:
        self._background, self._url = background, database_url
        self._database: Database | None = None
        self._opening = asyncio.Lock()

    def many(self, statement: Callable[..., AsyncIterator[Any]], **values: Any) -> list[Any]:
        """All rows that the statement finds.

        Raises:
            DatabaseUnreachable
        """

        async def found(database: Database) -> list[Any]:
            return [row async for row in statement(database.pool, **values)]

        return self.run(found)

    def one(self, statement: Callable[..., Coroutine[Any, Any, Any]], **values: Any) -> Any:
        """The one row or value of the statement, None for none.

        Raises:
            DatabaseUnreachable
        """

        async def found(database: Database) -> Any:
            return await statement(database.pool, **values)

        return self.run(found)

    def run(self, work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
        """What `work` returns, given the database.

        Raises:
            DatabaseUnreachable
        """

        async def done() -> T:
            return await work(await self._open())

        try:
            return self._background.run(done(), READ_WITHIN_S)
        except (*LOST, DatabaseUnavailable) as error:
            raise DatabaseUnreachable(
                "The database does not answer, so this page can't be shown. Calls in progress are not affected by the dashboard. "
                "Try again in a moment; if it stays, ask an engineer to run `callwright doctor`."
            ) from error

    def close(self) -> None:
        """Gives the connections back and ends the event loop that they belong to."""
        if self._database is not None:
            self._background.run(self._database.close(), READ_WITHIN_S)
        self._background.stop()

    async def _open(self) -> Database:
        async with self._opening:
            if self._database is None:
                self._database = await Database.connect(self._url, max_size=POOL_SIZE)
            return self._database


def escaped(search: str) -> str | None:
    """The text as LIKE takes it literally; None for nothing to search."""
    text = search.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return text or None


@st.cache_resource(show_spinner=False)
def background() -> Background:
    """The event loop of this process."""
    return Background()


@st.cache_resource(show_spinner=False, on_release=Source.close)
def source() -> Source:
    """The database that DATABASE_URL names, for this process."""
    return Source(background(), os.environ["DATABASE_URL"])
