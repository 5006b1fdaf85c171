"""A duty in the background of a web process: done again and again, whatever goes wrong with one pass."""

import logging
from collections.abc import Awaitable, Callable

import asyncpg

from db.database import LOST, DatabaseUnavailable

log = logging.getLogger(__name__)


async def again_and_again(once: Callable[[], Awaitable[object]], rest: Callable[[], Awaitable[None]], failing: str) -> None:
    """One pass (`once`) after the other, with a `rest` between, until cancelled. `failing`: what it means while passes fail, for the log.
    That the database is away is told once, anything else each time and with its cause."""
    away = False
    while True:
        try:
            await once()
            away = False
        except (*LOST, asyncpg.PostgresError, DatabaseUnavailable) as error:
            if not away:
                log.warning("%s: the database does not answer (%s)", failing, type(error).__name__)
            away = True
        except Exception:  # the duty's boundary: the next pass starts afresh, and the log has the cause
            log.exception("%s: a pass failed", failing)
        await rest()
