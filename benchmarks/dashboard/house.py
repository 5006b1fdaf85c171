"""The house that the dashboard's figures are measured in: a campaign of a million contacts and as many calls, and one of a tenth of it.

PostgreSQL, the API and the dashboard run as in production, the dashboard as a process of its own.
"""

import asyncio
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dashboard.commands import SESSION_COOKIE
from dashboard.launch import command
from db.database import Database
from db.embedded import EmbeddedPostgres
from db.migrate import migrate
from mediaserver.seeding import Plan, fill
from tests.dashboard.real_api import RealApi

LARGE, MIDDLE = 1_000_000, 100_000
SUPPRESSED = 100_000


@dataclass(frozen=True, slots=True)
class House:
    """`large`, `middle`: campaigns, by their size. `session`: the cookie of an admin who has signed in."""

    database_url: str
    dashboard_url: str
    session: str
    large: int
    middle: int

    @property
    def cookie(self) -> str:
        """As a browser sends it."""
        return f"{SESSION_COOKIE}={self.session}"


@contextmanager
def large(folder: Path) -> Iterator[House]:
    """All of it, until the end of the block."""
    server = EmbeddedPostgres(folder / "postgres")
    with asyncio.Runner() as runner:  # the server is a child of one event loop
        url = runner.run(server.start())
        try:
            campaigns = runner.run(_fill(url))
            with _dashboard(url, folder) as (dashboard_url, session):
                yield House(url, dashboard_url, session, *campaigns)
        finally:
            runner.run(server.destroy())


async def _fill(url: str) -> tuple[int, int]:
    await migrate(url)
    database = await Database.connect(url)
    made = [(await fill(database, Plan(contacts=rows, calls=rows, name=f"{rows:,} contacts"))).campaign_id for rows in (LARGE, MIDDLE)]
    await database.pool.execute(
        """insert into suppressions (number, reason, source, added_by)
           select '+4930' || (1000000 + g), 'asked not to be called', 'operator', 'benchmark' from generate_series(1, $1::int) g""",
        SUPPRESSED,
        timeout=600,
    )
    await database.pool.execute("analyze", timeout=600)
    await database.close()
    return made[0], made[1]


@contextmanager
def _dashboard(database_url: str, folder: Path) -> Iterator[tuple[str, str]]:
    """The API in a thread, and the dashboard in a process: its address, and a session."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    api = RealApi(database_url, folder, url)
    api.start()
    addresses = {"DATABASE_URL": database_url, "CALLWRIGHT_API_URL": api.url, "CALLWRIGHT_PUBLIC_URL": api.url}
    process = subprocess.Popen(command(port), env={**os.environ, **addresses}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None  # asked for above
        said = next((line for line in process.stdout if "URL:" in line), None)
        if said is None:
            raise RuntimeError("the dashboard ended at once")
        yield url, api.session("admin")
    finally:
        process.terminate()
        process.communicate()
        api.stop()
