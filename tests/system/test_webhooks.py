"""A media server as it is started delivers what its database is to tell."""

from pathlib import Path

import asyncpg

from db.webhook_events import Event
from tests.outgoing.receiver import receiving
from tests.system.processes import Command


async def test_a_media_server_delivers_also_what_happened_before_it_started(tmp_path: Path, database_url: str) -> None:
    database = await asyncpg.connect(database_url)
    opt_out = "insert into suppressions (number, reason, source) values ($1, 'asked', 'call')"
    async with receiving() as receiver:
        added = "insert into webhooks (url, events, secret) values ($1, $2, 'whsec_c2VjcmV0')"
        await database.execute(added, receiver.url, [Event.SUPPRESSION_ADDED.value])
        await database.execute(opt_out, "+12025550101")
        command = Command(tmp_path, "serve", DATABASE_URL=database_url, CALLWRIGHT_WEBHOOKS_PRIVATE="1")
        try:
            await command.start()
            await receiver.has(1)
            await database.execute(opt_out, "+12025550102")
            await receiver.has(2)
            command.ctrl_c()
            assert await command.ended() == 0
        finally:
            await command.end()
    assert {got.message["data"]["number"] for got in receiver.got} == {"+12025550101", "+12025550102"}
    assert all(got.message["data"]["url"].startswith("http://127.0.0.1:") for got in receiver.got)
    await database.close()
