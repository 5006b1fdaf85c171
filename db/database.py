"""The way to the database: one pool per process, transactions, and what to do when the connection goes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import asyncpg
import msgspec

from db.errors import DatabaseUnavailable

if TYPE_CHECKING:  # asyncpg's classes take no parameters at run time
    Connection = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

__all__ = ["Connection", "Database", "DatabaseUnavailable", "Pool"]

log = logging.getLogger(__name__)

T = TypeVar("T")

# The connection, or the server behind it, went away; whether a commit in flight was made is not known.
LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # seen where the server died between a connection's being lent and its first statement
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
)
# The server undid the transaction for the sake of another one: the same again may pass.
UNDONE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)

NEWEST_SCHEMA = max(path.name.partition("_")[0] for path in (Path(__file__).parent / "migrations").glob("[0-9]*_*.sql"))

_ASK_AGAIN_S = 0.5
_ADVICE = "check that it runs and that DATABASE_URL is right"


class Database:
    """A pool of connections. jsonb comes and goes as Python values; `pool` may be given to any query of `db.queries`."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    @classmethod
    async def connect(cls, url: str, *, max_size: int = 10, statement_cache_size: int = 100, patience_s: float = 0.0) -> Self:
        """Connect to `url` (postgresql://...). Behind a transaction pooler use `statement_cache_size=0`. A server that nobody reaches,
        or that recovers, is waited for as long as `patience_s`.

        Raises:
            DatabaseUnavailable: nobody answers there, or not to this user.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience_s
        told = False
        while True:
            try:
                return cls(await _reached(url, max_size, statement_cache_size))
            except (*LOST, asyncpg.PostgresError, ValueError) as error:
                if not isinstance(error, LOST) or loop.time() + _ASK_AGAIN_S > deadline:
                    raise DatabaseUnavailable(f"the database does not answer ({error}): {_ADVICE}") from error
                if not told:
                    log.warning("the database does not answer (%s): waiting for it for %.0f s", error, patience_s)
                told = True
            await asyncio.sleep(_ASK_AGAIN_S)

    async def check_schema(self) -> None:
        """Make sure that the database has the schema of this version.

        Raises:
            DatabaseUnavailable: it has another one, or none; or it went away since we connected.
        """
        try:
            has = await self.pool.fetchval("select max(version_num) from alembic_version")
        except asyncpg.UndefinedTableError:
            has = None
        except LOST as error:
            raise DatabaseUnavailable(f"the database does not answer any more ({error}): {_ADVICE}") from error
        if has != NEWEST_SCHEMA:
            told = f"has schema {has}" if has else "has no schema yet"
            raise DatabaseUnavailable(f"the database {told}, and this version works with {NEWEST_SCHEMA}: run `callwright migrate`")

    async def close(self, within_s: float = 5.0) -> None:
        """Give the connections back; those still in use after `within_s` are cut."""
        try:
            async with asyncio.timeout(within_s):
                await self.pool.close()
        except TimeoutError:
            self.pool.terminate()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One connection in one transaction: committed at the end of the block, rolled back where an error leaves it."""
        async with self.pool.acquire() as connection, connection.transaction():
            yield connection

    async def retrying(self, work: Callable[[Connection], Awaitable[T]], *, patience_s: float = 10.0) -> T:
        """Run `work` in a transaction, and the whole of it again where the connection is lost or the server undid it.

        A commit whose answer was lost may have been made: `work` must be such that doing it twice is doing it once.

        Raises:
            DatabaseUnavailable: it has been lost for `patience_s`.
        """
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + patience_s, 0.05
        while True:
            try:
                async with self.transaction() as connection:
                    return await work(connection)
            except (*LOST, *UNDONE) as error:
                if loop.time() + pause > deadline:
                    raise DatabaseUnavailable(f"the database has not answered for {patience_s:.0f} s ({error}): {_ADVICE}") from error
                log.warning("the database went away in a transaction (%s): again in %.2f s", type(error).__name__, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 1.0)


async def _reached(url: str, max_size: int, statement_cache_size: int) -> Pool:
    # No minimum: the pool would log a traceback each time that it can't keep it while the database restarts.
    pool = await asyncpg.create_pool(
        url, min_size=0, max_size=max_size, init=_read_json, reset=_as_it_is, statement_cache_size=statement_cache_size, timeout=10
    )
    async with pool.acquire():
        return pool


def _encode(value: Any) -> bytes:
    return b"\x01" + msgspec.json.encode(value)  # jsonb on the wire: a version byte, then the text


def _decode(value: bytes) -> Any:
    return msgspec.json.decode(value[1:])


async def _as_it_is(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """A connection is given back without a round trip to undo what a session may have set: nothing sets any (`set local` ends with its
    transaction). A transaction that was left open is rolled back by the pool all the same."""


async def _read_json(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_encode, decoder=_decode, format="binary")
