"""The connections of this process to live calls: each ends about a second after its person may not have it any more."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from db.database import Database
from db.queries import load
from mediaserver.duty import again_and_again
from mediaserver.identity import Role
from mediaserver.supervision.grants import NEEDED, Admitted
from mediaserver.switch.boundary import contained

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0

_queries = load("live")


@dataclass(frozen=True, slots=True)
class _Connection:
    admitted: Admitted
    end: Callable[[], None]


class Standing:
    """Asks once a second, in one query, whether the sessions behind all connections last, and what role their accounts have."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connections: dict[str, _Connection] = {}

    def enter(self, connection: str, admitted: Admitted, end: Callable[[], None]) -> None:
        """A connection stands from now on; `end` is called once its person may not have it any more."""
        self._connections[connection] = _Connection(admitted, end)

    def leave(self, connection: str) -> None:
        """It is closed."""
        self._connections.pop(connection, None)

    def is_of(self, connection: str, user_id: int | None, call_id: int) -> bool:
        """Whether this connection is that person's, and to that call."""
        found = self._connections.get(connection)
        return found is not None and (found.admitted.user_id, found.admitted.call_id) == (user_id, call_id)

    async def run(self) -> None:
        """Look again and again, until cancelled. While the database is away, nobody can be signed out either: connections stand."""
        await again_and_again(self.run_once, lambda: asyncio.sleep(LOOK_EVERY_S), "who may stay on a live page is not known, and all stay")

    async def run_once(self) -> None:
        """One look; nothing is asked while nobody is connected."""
        looked_at = dict(self._connections)
        if not looked_at:
            return
        hashes = list({each.admitted.session_hash for each in looked_at.values()})
        found = _queries.roles_of_sessions(self._database.pool, session_hashes=hashes)
        roles = {row["token_hash"]: Role(row["role"]) async for row in found}
        for connection, each in looked_at.items():
            role = roles.get(each.admitted.session_hash)
            if (role is None or not role.covers(NEEDED[each.admitted.kind])) and self._connections.pop(connection, None) is not None:
                log.info("a live page is closed: its session has ended, or its account may not have it any more")
                contained("a live page that may not stay could not be closed", each.end)
