"""A pool of connections as the product knows it, whose every statement is a step of the simulated world.

It has what the product uses of asyncpg's pool and connections, and nothing else.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any, Protocol

import asyncpg

from tests.simulation.postgres import Postgres, Work

Heard = Callable[..., None]


class Stepping(Protocol):
    """Whoever decides when a statement runs. Raises what the statement raises, or that the connection is lost."""

    async def statement(self, connection: "SimulatedConnection", text: str, work: Work) -> Any: ...


class SimulatedPool:
    """One process's pool. Once `cut`, nothing works any more."""

    def __init__(self, world: Stepping, postgres: Postgres) -> None:
        self.world, self.postgres = world, postgres
        self.lent: list[SimulatedConnection] = []

    def acquire(self) -> "_Acquiring":
        return _Acquiring(self)

    async def release(self, connection: "SimulatedConnection") -> None:
        connection.lay_down()

    async def fetch(self, statement: str, *args: Any) -> Any:
        async with self.acquire() as connection:
            return await connection.fetch(statement, *args)

    async def fetchrow(self, statement: str, *args: Any) -> Any:
        async with self.acquire() as connection:
            return await connection.fetchrow(statement, *args)

    async def fetchval(self, statement: str, *args: Any) -> Any:
        async with self.acquire() as connection:
            return await connection.fetchval(statement, *args)

    async def execute(self, statement: str, *args: Any) -> Any:
        async with self.acquire() as connection:
            return await connection.execute(statement, *args)

    def hint(self) -> None:
        """Tell all that listen."""
        for connection in list(self.lent):
            for heard in list(connection.listeners):
                heard()

    def cut(self) -> None:
        """All connections end: the database undoes what was not committed."""
        for connection in list(self.lent):
            connection.cut()


class _Acquiring:
    def __init__(self, pool: SimulatedPool) -> None:
        self._pool = pool

    def __await__(self) -> Generator[Any, None, "SimulatedConnection"]:
        return self.__aenter__().__await__()

    async def __aenter__(self) -> "SimulatedConnection":
        self._connection = SimulatedConnection(self._pool)
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        self._connection.lay_down()


class SimulatedConnection:
    """One connection. It takes a real one at its first statement, so that who only listens holds none."""

    def __init__(self, pool: SimulatedPool) -> None:
        self._pool = pool
        self._real: Any = None
        self._open = True
        self.listeners: list[Heard] = []
        self.in_transaction = False
        self._lost: list[Heard] = []
        pool.lent.append(self)

    async def fetch(self, statement: str, *args: Any) -> Any:
        return await self.step(statement, lambda real: real.fetch(statement, *args))

    async def fetchrow(self, statement: str, *args: Any) -> Any:
        return await self.step(statement, lambda real: real.fetchrow(statement, *args))

    async def fetchval(self, statement: str, *args: Any) -> Any:
        return await self.step(statement, lambda real: real.fetchval(statement, *args))

    async def execute(self, statement: str, *args: Any) -> Any:
        return await self.step(statement, lambda real: real.execute(statement, *args))

    async def executemany(self, statement: str, args: Sequence[Any]) -> Any:
        return await self.step(statement, lambda real: real.executemany(statement, args))

    def transaction(self) -> "_Transaction":
        return _Transaction(self)

    def is_in_transaction(self) -> bool:
        return self.in_transaction

    async def add_listener(self, _channel: str, heard: Callable[..., None]) -> None:
        self.listeners.append(lambda: heard(self, 0, "", ""))

    async def remove_listener(self, _channel: str, _heard: Callable[..., None]) -> None:
        self.listeners.clear()

    def add_termination_listener(self, lost: Callable[..., None]) -> None:
        self._lost.append(lambda: lost(self))

    def remove_termination_listener(self, _lost: Callable[..., None]) -> None:
        self._lost.clear()

    async def step(self, text: str, work: Work) -> Any:
        if not self._open:
            raise asyncpg.InterfaceError("the underlying connection is closed")
        return await self._pool.world.statement(self, text, work)

    @property
    def real(self) -> Any:
        if self._real is None:
            self._real = self._pool.postgres.lend()
        return self._real

    def lay_down(self) -> None:
        """It is not used any more."""
        if self._open:
            self._open = False
            self._pool.lent.remove(self)
            if self._real is not None:
                self._pool.postgres.take_back(self._real)

    def cut(self) -> None:
        """It ends in the midst of whatever it does."""
        if self._open:
            self.lay_down()
            for each in list(self._lost):
                each()


class _Transaction:
    """As asyncpg's, also within another one (a savepoint)."""

    def __init__(self, connection: SimulatedConnection) -> None:
        self._connection = connection
        self._real: Any = None
        self._outermost = not connection.in_transaction

    async def __aenter__(self) -> None:
        def begin(real: Any) -> Any:
            self._real = real.transaction()
            return self._real.start()

        await self._connection.step("BEGIN", begin)
        self._connection.in_transaction = True

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            await self._connection.step("COMMIT", lambda _: self._real.commit())
        else:
            await self._connection.step("ROLLBACK", lambda _: self._real.rollback())
        if self._outermost:
            self._connection.in_transaction = False
