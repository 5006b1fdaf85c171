"""Ctrl-C at any moment leaves no process behind, and a database that starts again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from db.embedded import EmbeddedPostgres
from db.migrate import migrate
from tests.system.house import Callee, House, house
from tests.system.processes import Command, database_home, until

Moment = Callable[[Command], Awaitable[object]]

BEEPING = Callee("+12025550201", "Beatrice Beeper", "agrees")
BUSY = Callee("+12025550202", "Bob Busby", "busy")


def file_appears(name: str) -> Moment:
    """The moment at which a file of the data folder is there."""
    return lambda command: until(lambda: any(command.folder.glob(name)), f"{name} to appear")


def cluster_has(name: str) -> Moment:
    """The moment at which something lies where the database is made."""
    return lambda command: until(lambda: (database_home(command.folder) / name).exists(), f"{name} to appear")


MOMENTS: dict[str, Moment] = {
    "the lock is taken": file_appears("postgres.lock"),
    "the cluster is being made": cluster_has("pgdata.half"),
    "the database is starting": cluster_has("pgdata/postmaster.pid"),
    "the media server is starting": file_appears("logs/web.log"),
    "the dashboard is starting": file_appears("logs/dashboard.log"),
}


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Command]:
    command = await Command(tmp_path / "data", "up").start()
    yield command
    await command.end()
    await EmbeddedPostgres(command.folder).destroy()


@pytest.fixture
async def calling(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, [BEEPING, BUSY], tones=True, CALLWRIGHT_DRAIN_S="1") as running:
        yield running


@pytest.mark.parametrize("moment", MOMENTS)
async def test_while_it_starts(up: Command, moment: str) -> None:
    await MOMENTS[moment](up)
    await _ends_with_all_that_is_its_own(up)
    async with _started_again(up.folder) as connection:
        assert await connection.fetchval("select count(*) from calls") == 0


async def test_in_mid_campaign_the_call_ends_with_a_result(calling: House) -> None:
    await calling.start_campaign([BEEPING])
    await calling.on_the_line(BEEPING)
    await _ends_with_all_that_is_its_own(calling.command)
    assert [call.status for call in await calling.at_the_network()] == ["completed"]
    async with _started_again(calling.folder) as connection:
        [call] = await connection.fetch("select state, end_reason from calls")
        assert call["state"] == "ended"
        assert call["end_reason"]


async def test_after_the_end_of_a_campaign_also_by_sigterm(calling: House) -> None:
    await calling.completed(await calling.start_campaign([BUSY]))
    await _ends_with_all_that_is_its_own(calling.command, how=lambda command: command.process.terminate())
    async with _started_again(calling.folder) as connection:
        assert await connection.fetchval("select status from campaigns") == "completed"


async def test_in_mid_demo(tmp_path: Path) -> None:
    demo = await Command(tmp_path, "demo").start()
    try:
        await file_appears("demo/run-*/recordings/*.wav")(demo)
        await _ends_with_all_that_is_its_own(demo, 130)
        [run] = (tmp_path / "demo").iterdir()
        async with _started_again(run) as connection:
            assert await connection.fetchval("select count(*) from calls where answered_at is not null") > 0
        await EmbeddedPostgres(run).destroy()
    finally:
        await demo.end()


async def _ends_with_all_that_is_its_own(command: Command, code: int = 0, *, how: Callable[[Command], None] = Command.ctrl_c) -> None:
    assert len(command.family()) > 0
    how(command)
    assert await command.ended() == code
    assert command.family() == []
    assert "Traceback" not in command.output


@asynccontextmanager
async def _started_again(folder: Path) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    database = EmbeddedPostgres(folder)
    try:
        url = await database.start()
        await migrate(url)
        connection = await asyncpg.connect(url)
        yield connection
        await connection.close()
    finally:
        await database.stop()
