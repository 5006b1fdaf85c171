"""Hints from the database that there may be something to dial: NOTIFY, heard by whoever can hear it.

Hints only: a transaction pooler swallows them, and nothing depends on them but how soon the next look is.
"""

from collections.abc import Callable

from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from db.database import Database

CHANNEL = "callwright_dialer"  # as in the statements that end a call and start a campaign


class Hints:
    """Calls `heard` at each hint, on a connection of its own."""

    def __init__(self, db: Database, heard: Callable[[], None]) -> None:
        self._db, self._heard = db, heard
        self._connection: PoolConnectionProxy[Record] | None = None

    async def listen(self) -> None:
        """Listen, again where the connection was lost. Cheap while it stands."""
        if self._connection is None:
            self._connection = await self._db.pool.acquire()
            self._connection.add_termination_listener(self._lost)
            await self._connection.add_listener(CHANNEL, self._hear)

    async def close(self) -> None:
        """Give the connection back. May be called twice."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection.remove_termination_listener(self._lost)
        await connection.remove_listener(CHANNEL, self._hear)
        await self._db.pool.release(connection)

    def _hear(self, *_: object) -> None:
        self._heard()

    def _lost(self, _connection: object) -> None:
        self._connection = None  # the pool has it back already
