"""Ctrl-C at any moment leaves no process behind, and a database that starts again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from db.embedded import EmbeddedPostgres
from db.migrate import migrate
from tests.system.processes import Command, database_home, until

Moment = Callable[[Command], Awaitable[object]]


def file_appears(name: str) -> Moment:
    """The moment at which a file of the data folder is there."""
    return lambda command: until(lambda: (command.folder / name).exists(), f"{name} to appear")


def cluster_has(name: str) -> Moment:
    """The moment at which something lies where the database is made."""
    return lambda command: until(lambda: (database_home(command.folder) / name).exists(), f"{name} to appear")


def says(pattern: str) -> Moment:
    return lambda command: command.says(pattern)


MOMENTS = {
    "the lock is taken": file_appears("postgres.lock"),
    "the cluster is being made": cluster_has("pgdata.half"),
    "the database is starting": cluster_has("pgdata/postmaster.pid"),
    "the media server is starting": file_appears("logs/web.log"),
    "the dashboard is starting": file_appears("logs/dashboard.log"),
    "all runs": says("Ctrl-C stops everything"),
}


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Command]:
    command = await Command(tmp_path / "data", "up").start()
    yield command
    await command.end()
    await EmbeddedPostgres(command.folder).destroy()


@pytest.mark.parametrize("moment", MOMENTS)
async def test_nothing_stays_and_the_database_starts_again(up: Command, moment: str) -> None:
    await MOMENTS[moment](up)
    up.ctrl_c()
    await up.ended()
    assert up.family() == []
    assert "Traceback" not in up.output
    assert await _starts_again(up.folder)


async def _starts_again(folder: Path) -> bool:
    database = EmbeddedPostgres(folder)
    try:
        url = await database.start()
        await migrate(url)
        connection = await asyncpg.connect(url)
        answer = await connection.fetchval("select count(*) >= 0 from campaigns")
        await connection.close()
        return bool(answer)
    finally:
        await database.stop()
