"""What supervisors do to a call that this process holds, each with its line in the audit log.

That line is written first, in a transaction that ends when the thing was done: what is not possible leaves none, and nothing is done while
it can't be kept. Is the database lost just when it was done, the line is written again, and may stand there twice. The call's timeline is
the call's own affair (`LiveCall` tells it what was done).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from agent_runtime.supervision import NotPossible
from db.audit import audit
from db.database import LOST, Connection, Database, DatabaseUnavailable
from db.rows import CallHolder
from mediaserver.identity import Person
from mediaserver.supervision.floor import Floor
from mediaserver.supervision.grants import holder_of
from mediaserver.supervision.live_call import LiveCall
from mediaserver.supervision.peers import Peers
from mediaserver.supervision.standing import Standing

log = logging.getLogger(__name__)

WHISPERS_AT_ONCE = 2  # each has a connection of the process while the agent makes something of it


class Desk:
    """Shared by the API, where supervisors act, and the door, where they listen. What they do raises NotPossible where it can't be done.

    `peers`: the other processes of this installation.
    """

    def __init__(self, database: Database, floor: Floor, peers: Peers) -> None:
        self.database, self._floor, self.peers, self.standing = database, floor, peers, Standing(database)
        self._whispering = asyncio.Semaphore(WHISPERS_AT_ONCE)

    def find(self, call_id: int) -> LiveCall | None:
        """The call, where this process holds it."""
        return self._floor.find(call_id)

    async def elsewhere(self, request: web.BaseRequest, call_id: int) -> CallHolder | None:
        """The other process that holds the call; None where it is ours.

        Raises:
            NotInProgress: nobody holds it. HolderAway
        """
        if self.find(call_id) is not None:
            return None
        holder = await holder_of(self.database, call_id)
        return holder if self.peers.elsewhere(request, holder) else None

    async def whisper(self, call: LiveCall, person: Person, text: str) -> str:
        """What the agent makes of `text`, which the callee does not hear."""
        async with self._whispering, self._audited(call, person, "whisper", {"text": text}):
            return await call.whisper(person.name, text)

    async def take_over(self, call: LiveCall, person: Person, connection: str) -> None:
        """The microphone of `connection`, which must be that person's, is heard instead of the agent."""
        if not self.standing.is_of(connection, person.user_id, call.call_id):
            raise NotPossible("you are not connected to this call: open its live page, and take it over there")
        async with self._audited(call, person, "take_over", {}):
            call.take_over(person.name, connection)

    async def give_back(self, call: LiveCall, person: Person) -> None:
        """The agent goes on."""
        async with self._audited(call, person, "give_back", {}):
            call.give_back(person.name)

    async def hang_up(self, call: LiveCall, person: Person) -> None:
        """The call ends."""
        async with self._audited(call, person, "hang_up", {}):
            call.hang_up(person.name)

    async def mark(self, call: LiveCall, person: Person, note: str, at_ms: int | None) -> int:
        """A moment of the call with a note; the present one unless told otherwise. When it was, in ms since the leg began."""
        async with self._audited(call, person, "mark", {"note": note}):
            return call.mark(person.name, note, at_ms)

    @asynccontextmanager
    async def _audited(self, call: LiveCall, person: Person, kind: str, detail: Mapping[str, Any]) -> AsyncIterator[None]:
        async def write(connection: Connection) -> None:
            await audit(connection, person.actor, f"live.{kind}", f"call {call.call_id}", detail)

        done = False
        try:
            async with self.database.transaction() as connection:
                await write(connection)
                yield
                done = True
        except LOST:
            if not done:
                raise
            await self._write_again(write, f"live.{kind} of call {call.call_id}")

    async def _write_again(self, write: Callable[[Connection], Awaitable[None]], what: str) -> None:
        try:
            await self.database.retrying(write)
        except DatabaseUnavailable as error:
            log.error("%s was done, and may not be in the audit log: %s", what, error)
