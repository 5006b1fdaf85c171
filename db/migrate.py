"""Brings a database to the newest schema: `db/migrations/NNNN_name.sql`, in order, kept track of by Alembic."""

from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from db.errors import DatabaseUnavailable
from db.migrations import FOLDER


async def migrate(url: str) -> list[str]:
    """Apply what is missing, all or nothing, and return the numbers of what was applied. Safe when several processes do it at once;
    within one process, one at a time (Alembic keeps its state in module globals).

    Raises:
        DatabaseUnavailable: nobody answers at `url`.
        asyncpg.PostgresError: a migration failed; the database is as it was before.
    """
    try:
        connected = await asyncpg.connect(url, statement_cache_size=0)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise DatabaseUnavailable(f"the database does not answer: {error}: check DATABASE_URL and that it runs") from error

    async def ours() -> "asyncpg.Connection[asyncpg.Record]":  # the class takes no parameter at run time
        return connected

    applied: list[str] = []
    engine = create_async_engine("postgresql+asyncpg://", async_creator=ours, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade, applied)
            await connection.commit()
    finally:
        await engine.dispose()
        await connected.close()
    return applied


def _upgrade(connection: Connection, applied: list[str]) -> None:
    def note(*, step: Any, **_: Any) -> None:
        applied.append(step.up_revision_id)

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["applied"] = note
    command.upgrade(config, "head")
