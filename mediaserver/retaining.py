"""The duty of every process that deletes what is kept for long enough (docs/retention.md): rows first, then this machine's files."""

import asyncio
import logging
from datetime import datetime
from pathlib import Path

from agent_runtime.local.speech_cache import forget_unused
from db.database import Database
from db.queries import load
from dialer import retention
from dialer.clock import Clock, RealClock
from dialer.retention import Deleted
from mediaserver.duty import again_and_again
from mediaserver.greetings import KEPT_S
from mediaserver.recordings import RecordingFolder

log = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0

_speech = load("speech")
_keys = load("idempotency")


class Retaining:
    """`data_dir`: recordings and spoken lines of this machine lie in it. Any number of processes do it side by side."""

    def __init__(self, database: Database, data_dir: Path, *, clock: Clock | None = None) -> None:
        self._database, self._data_dir, self._clock = database, data_dir, clock or RealClock()
        self._folder = RecordingFolder(database, data_dir)
        self._bite_began = 0.0
        self._forgotten: datetime | None = None  # spoken lines that nobody has used since then

    async def run(self) -> None:
        """Look again and again, until cancelled: what is due stays due while the database is away."""
        await again_and_again(self.run_once, lambda: self._clock.sleep(LOOK_EVERY_S), "what was kept for long enough is not deleted yet")

    async def run_once(self) -> Deleted:
        """One pass over all that is due."""
        self._bite_began = self._clock.seconds()
        deleted = await retention.delete_due(self._database, self._rest)
        await self._folder.run_once()
        await self._forget_spoken()
        await _keys.forget_old_keys(self._database.pool)
        if deleted:
            log.info("deleted what was kept for long enough: %s", deleted)
        return deleted

    async def _forget_spoken(self) -> None:
        """Spoken greetings hold names: those of the database last as long as a phone rings, those on the disk as long as they are used."""
        await _speech.forget_prepared_speech(self._database.pool, older_than_s=KEPT_S)
        before: datetime | None = await retention.queries.spoken_before(self._database.pool)
        if before is not None and before != self._forgotten:
            await asyncio.to_thread(forget_unused, self._data_dir / "speech", before.timestamp())
            self._forgotten = before

    async def _rest(self) -> None:
        """As long as the last bite took: the database has at least half of its time for others."""
        await self._clock.sleep(self._clock.seconds() - self._bite_began)
        self._bite_began = self._clock.seconds()
