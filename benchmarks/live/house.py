"""The house of the live figures: a database with calls in progress, somebody who may supervise them, and servers that hold them.

The calls' rows are written before the calls; the streams that come are given them one after another. Doors, grants and pages are the
media server's own.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from benchmarks.switch import Server, server
from db.embedded import EmbeddedPostgres
from db.migrate import migrate

CALLS = 50

_CALLS = """
with account as (insert into carrier_accounts (name, carrier, rehearsal) values ('live', 'simulated', true) returning id),
     line as (insert into phone_numbers (e164, carrier_account_id) select '+19995550100', id from account returning id, carrier_account_id),
     agent as (insert into agents (name) values ('null') returning id, version),
     its_version as (insert into agent_versions (agent_id, version, definition) select id, version, '{}' from agent)
insert into calls (number, contact_name, phone_number_id, carrier_account_id, agent_id, agent_version, rehearsal, state, process_id,
                   lease_until, requested_at, answered_at, stream_bound_at)
select '+1999555' || (1000 + n), 'Callee ' || n, line.id, line.carrier_account_id, agent.id, agent.version, true, 'answered', 'live',
       callwright_now() + interval '1 day', callwright_now(), callwright_now(), callwright_now()
from line, agent, generate_series(1, $1::int) as n
"""
_SUPERVISOR = """
with made as (insert into users (name, password_hash, role) values ('Supervisor', 'none', 'supervisor') returning id)
insert into sessions (token_hash, user_id, expires_at) select $1, id, callwright_now() + interval '1 day' from made
"""


@dataclass(frozen=True, slots=True)
class House:
    """`session`: the cookie of a supervisor. `folder`: where calls are recorded."""

    database_url: str
    session: str
    folder: Path

    @contextmanager
    def server(self, *options: str) -> Iterator[Server]:
        """A server that holds these calls as their streams come, until the end of the block; it has had one call before."""
        with server("benchmarks.live.server", self.database_url, str(self.folder), *options) as running:
            running.load(1, seconds=2, repeats=1)
            yield running


@contextmanager
def opened(folder: Path) -> Iterator[House]:
    """All of it, until the end of the block."""
    postgres = EmbeddedPostgres(folder / "postgres")
    with asyncio.Runner() as runner:  # the server is a child of one event loop
        url = runner.run(postgres.start())
        try:
            yield House(url, runner.run(_fill(url)), folder)
        finally:
            runner.run(postgres.destroy())


async def _fill(url: str) -> str:
    await migrate(url)
    session = secrets.token_urlsafe(32)
    database = await asyncpg.connect(url)
    try:
        await database.execute(_CALLS, CALLS)
        await database.execute(_SUPERVISOR, hashlib.sha256(session.encode()).digest())
    finally:
        await database.close()
    return session
