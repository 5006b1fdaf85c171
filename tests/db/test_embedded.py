"""The embedded PostgreSQL: there when asked for, one at a time, and what it has acknowledged is there after any death."""

import asyncio
import importlib.util
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from db import embedded_home
from db.database import LOST, Database
from db.embedded import EmbeddedPostgres, attached_url, what_to_do
from db.embedded_home import Identity, choose_identity, home_for, is_reachable
from db.errors import DatabaseUnavailable


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path)
    yield server
    await server.destroy()


async def test_rows_that_were_acknowledged_outlive_a_killed_server(server: EmbeddedPostgres) -> None:
    database = await Database.connect(await server.start(), max_size=4)
    await database.pool.execute("create table written (n int primary key)")
    acknowledged: list[int] = []
    enough, restarted = asyncio.Event(), asyncio.Event()

    async def write(start: int) -> None:
        for n in range(start, start + 1_000_000):
            await database.pool.execute("insert into written values ($1)", n)
            acknowledged.append(n)
            if len(acknowledged) >= 200:
                enough.set()

    writers = [asyncio.create_task(write(k * 1_000_000)) for k in range(3)]
    await enough.wait()
    watching = asyncio.create_task(server.supervise(restarted.set))
    os.kill(server.pid, signal.SIGKILL)
    failed = await asyncio.gather(*writers, return_exceptions=True)
    assert all(isinstance(error, LOST) for error in failed), failed
    await restarted.wait()

    async def written(connection: asyncpg.Connection) -> set[int]:
        return {row["n"] for row in await connection.fetch("select n from written")}

    assert set(acknowledged) <= await database.retrying(written)
    watching.cancel()
    await database.close()


async def test_a_server_that_goes_away_while_a_process_starts_is_said_in_one_line(server: EmbeddedPostgres) -> None:
    database = await Database.connect(await server.start())
    await server.stop()
    with pytest.raises(DatabaseUnavailable, match="does not answer any more"):
        await database.check_schema()
    await database.close()


async def test_a_server_that_is_not_there_yet_is_waited_for(server: EmbeddedPostgres, caplog: pytest.LogCaptureFixture) -> None:
    url = await server.start()
    await server.stop()
    connecting = asyncio.create_task(Database.connect(url, patience_s=60))
    await server.start()
    database = await connecting
    assert "waiting for it" in caplog.text
    assert await database.pool.fetchval("select 1") == 1
    await database.close()


async def test_a_transaction_is_done_again_when_the_server_comes_back(server: EmbeddedPostgres) -> None:
    database = await Database.connect(await server.start())
    await database.pool.execute("create table settled (n int primary key)")
    tries = 0

    async def settle(connection: asyncpg.Connection) -> int:
        nonlocal tries
        tries += 1
        await connection.execute("insert into settled values (1) on conflict do nothing")
        if tries == 1:
            os.kill(server.pid, signal.SIGKILL)
            await connection.execute("select pg_sleep(60)")  # ends at once: a backend leaves with its postmaster
        return await connection.fetchval("select count(*) from settled")

    watching = asyncio.create_task(server.supervise())
    assert await database.retrying(settle, patience_s=60) == 1
    assert tries > 1
    watching.cancel()
    await database.close()


async def test_a_database_whose_owner_was_killed_is_taken_over(server: EmbeddedPostgres, tmp_path: Path) -> None:
    program = (
        "import asyncio, pathlib, sys\n"
        "from db.embedded import EmbeddedPostgres\n"
        "async def main():\n"
        "    print(await EmbeddedPostgres(pathlib.Path(sys.argv[1])).start(), flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(tmp_path), stdout=subprocess.PIPE)
    assert owner.stdout is not None
    url = (await owner.stdout.readline()).decode().strip()
    doomed = await asyncpg.connect(url)
    await doomed.execute("create table kept (n int)")
    await doomed.execute("insert into kept values (42)")
    owner.kill()
    await owner.wait()
    connection = await asyncpg.connect(await server.start())
    assert await connection.fetchval("select n from kept") == 42
    await connection.close()


async def test_a_running_database_is_not_started_twice_but_can_be_attached_to(server: EmbeddedPostgres, tmp_path: Path) -> None:
    url = await server.start()
    with pytest.raises(DatabaseUnavailable, match="another process already"):
        await EmbeddedPostgres(tmp_path).start()
    assert attached_url(tmp_path) == url
    connection = await asyncpg.connect(attached_url(tmp_path))
    assert await connection.fetchval("select 1") == 1
    await connection.close()
    await server.stop()
    with pytest.raises(DatabaseUnavailable, match="callwright up"):
        attached_url(tmp_path)


async def test_the_password_is_for_the_owner_alone_and_asked_for(server: EmbeddedPostgres, tmp_path: Path) -> None:
    url = await server.start()
    assert stat.S_IMODE((tmp_path / "postgres.json").stat().st_mode) == 0o600
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url, password="guessed")


async def test_a_taken_port_is_left_to_its_owner(server: EmbeddedPostgres, tmp_path: Path) -> None:
    url = await server.start()
    await server.stop()
    with socket.create_server(("127.0.0.1", int(url.rpartition(":")[2].partition("/")[0]))):
        again = await server.start()
    assert again != url
    connection = await asyncpg.connect(again)
    await connection.close()


async def test_a_cluster_of_another_version_is_left_alone(server: EmbeddedPostgres, tmp_path: Path) -> None:
    await server.start()
    await server.stop()
    cluster = Path(json.loads((tmp_path / "postgres.json").read_text())["home"]) / "pgdata"
    (cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(DatabaseUnavailable, match="made by PostgreSQL 9"):
        await server.start()


async def test_a_cluster_that_was_half_made_is_made_again(server: EmbeddedPostgres, tmp_path: Path) -> None:
    await server.start()
    await server.stop()
    home = Path(json.loads((tmp_path / "postgres.json").read_text())["home"])
    (home / "pgdata").rename(home / "pgdata.half")
    (home / "pgdata.half" / "global" / "pg_control").unlink()
    connection = await asyncpg.connect(await server.start())
    assert await connection.fetchval("select 1") == 1
    await connection.close()


async def test_a_cluster_that_can_not_start_says_why(server: EmbeddedPostgres, tmp_path: Path) -> None:
    await server.start()
    await server.stop()
    home = Path(json.loads((tmp_path / "postgres.json").read_text())["home"])
    (home / "pgdata" / "postgresql.conf").write_text("max_connections = many\n")
    with pytest.raises(DatabaseUnavailable, match=r"postgres\.log"):
        await server.start()


async def test_a_damaged_connection_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "postgres.json").write_text("{")
    with pytest.raises(DatabaseUnavailable, match=r"postgres\.json is damaged"):
        await EmbeddedPostgres(tmp_path).start()


async def test_a_data_directory_that_can_not_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatabaseUnavailable, match="file/data"):
        await EmbeddedPostgres(tmp_path / "file" / "data").start()


async def test_destroying_leaves_nothing_of_it(server: EmbeddedPostgres, tmp_path: Path) -> None:
    await server.start()
    home = Path(json.loads((tmp_path / "postgres.json").read_text())["home"])
    await server.destroy()
    assert home.name not in os.listdir(home.parent)
    assert os.listdir(tmp_path) == ["postgres.lock"]


@pytest.mark.parametrize(("mode", "reachable"), [(0o700, False), (0o711, True)])
def test_whether_another_user_can_reach_a_folder_is_read_from_all_above(tmp_path: Path, mode: int, reachable: bool) -> None:
    stranger = Identity(uid=os.getuid() + 4321, gid=os.getgid() + 4321)
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True, mode=0o755)
    (tmp_path / "outer").chmod(mode)
    outside = all(folder.stat().st_mode & 1 for folder in (tmp_path, *tmp_path.parents))
    assert is_reachable(inner, stranger) == (reachable and outside)


def test_the_database_never_runs_as_root(tmp_path: Path) -> None:
    identity = choose_identity(tmp_path, None)
    assert (identity is None) == (os.geteuid() != 0)
    home = home_for(tmp_path, identity)
    assert home.stat().st_uid == (identity.uid if identity else os.geteuid())
    shutil.rmtree(home)


def test_a_home_whose_data_directory_was_deleted_is_deleted_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_home, "SYSTEM_HOME", tmp_path / "system")
    outer = tmp_path / "outer"
    outer.mkdir(mode=0o700)
    ourselves = Identity(os.getuid(), os.getgid())
    monkeypatch.setattr(embedded_home, "is_reachable", lambda *_: False)
    abandoned, in_use = home_for(outer, ourselves), home_for(tmp_path, ourselves)
    (tmp_path / "postgres.json").touch()
    for home in (abandoned, in_use):
        os.utime(home / "data-directory", (0, 0))
    starting = home_for(outer, ourselves)
    assert sorted((tmp_path / "system").iterdir()) == sorted([in_use, starting])


async def test_files_that_may_not_be_read_are_told_from_other_faults(server: EmbeddedPostgres, tmp_path: Path) -> None:
    await server.start()
    await server.stop()
    home = Path(json.loads((tmp_path / "postgres.json").read_text())["home"])
    (home / "pgdata" / "global" / "pg_control").chmod(0)
    with pytest.raises(DatabaseUnavailable, match="give the data directory back"):
        await server.start()


async def test_without_its_programs_it_says_how_to_install_them(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(DatabaseUnavailable, match=r"callwright\[local\]"):
        await server.start()


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ('FATAL:  could not write to file "pg_wal/xlogtemp.28": No space left on device', "free some space"),
        ("initdb: error: could not create directory: Disk quota exceeded", "free some space"),
        ("LOG:  starting\nFATAL:  could not map anonymous shared memory: Cannot allocate memory", "could not map anonymous shared memory"),
        ("", "it said nothing"),
    ],
)
def test_what_postgresql_says_becomes_what_to_do(said: str, advice: str) -> None:
    assert advice in what_to_do(said)
