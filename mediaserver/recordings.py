"""Where recordings lie below the data directory, and deleting the files of those that the database says are deleted.

Rows come first: from the commit that marks a recording as deleted nobody is given it any more. Files go after, by any process of the
machine that has them. How far a folder has come is written into the folder itself, so that a machine that was away goes on where it
stopped, and one that lost the note begins anew: deleting a file that is gone is no error.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from db.database import Database
from dialer.queries import campaigns
from dialer.retention import queries
from dialer.retention_rows import DeletedRecording

log = logging.getLogger(__name__)

FOLDER = "recordings"
PROGRESS = ".deleted.json"
FILES_A_BITE = 500
MOST_LEFT = 10_000  # files that can't be deleted; beyond it the folder waits where it is
STILL_COMING = timedelta(minutes=10)  # what was deleted so lately is looked at again: commits may come in another order than their times
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_AFTER_ALL = 2**63 - 1  # an id


def recording_of(call_id: int) -> str:
    """Where the recording of a call is written, below the data directory."""
    return f"{FOLDER}/{call_id}.wav"


def path_of(data_dir: Path, recording: str) -> Path | None:
    """The file of a recording; None where that would lie outside of the data directory."""
    folder = data_dir.absolute()
    path = (folder / recording).resolve()
    return path if path.is_relative_to(folder.resolve()) else None


@dataclass(frozen=True, slots=True)
class Swept:
    """What one pass over a folder did: files deleted, and those that could not be, with the reason of the last one."""

    deleted: int = 0
    waiting: int = 0
    problem: str = ""


class Progress(msgspec.Struct, frozen=True):
    """How far a folder has come: everything that was deleted up to then is gone, but for the calls in `left` (id -> recording)."""

    up_to: datetime = _BEGINNING
    left: dict[int, str] = {}


class RecordingFolder:
    """The recordings of this machine. Several processes may have the same folder."""

    def __init__(self, database: Database, data_dir: Path) -> None:
        self._database, self._data_dir = database, data_dir
        self._progress_path = data_dir / FOLDER / PROGRESS
        self._told: tuple[int, str] | None = None

    async def run_once(self) -> Swept:
        """Delete what is to be deleted, and say what could not be."""
        progress = await asyncio.to_thread(_read, self._progress_path)
        swept, left = await asyncio.to_thread(self._unlink, list(progress.left.items()))
        progress = await self._written(progress, Progress(progress.up_to, left))
        settled: datetime = await campaigns.now(self._database.pool) - STILL_COMING
        after = (progress.up_to, _AFTER_ALL)
        while len(progress.left) <= MOST_LEFT and (page := await self._page(after)):
            done, left = await asyncio.to_thread(self._unlink, [(each.id, each.recording or recording_of(each.id)) for each in page])
            after = (page[-1].at, page[-1].id)
            over = after[0] if len(page) < FILES_A_BITE else after[0] - timedelta(microseconds=1)  # the next page may begin at that moment
            progress = await self._written(progress, Progress(max(progress.up_to, min(over, settled)), progress.left | left))
            swept = Swept(swept.deleted + done.deleted, len(progress.left), done.problem or swept.problem)
        await self._tell(swept)
        return swept

    async def _page(self, after: tuple[datetime, int]) -> Sequence[DeletedRecording]:
        found = queries.deleted_recordings(self._database.pool, after_at=after[0], after_id=after[1], most=FILES_A_BITE)
        return [each async for each in found]

    async def _written(self, before: Progress, after: Progress) -> Progress:
        """`after`, kept; where the disk refuses, the next pass begins again where this one did."""
        if after != before:
            try:
                await asyncio.to_thread(_write, self._progress_path, after)
            except OSError as error:
                log.warning("how far recordings are deleted can't be kept in %s (%s): make it writable", FOLDER, error.strerror)
        return after

    def _unlink(self, recordings: Sequence[tuple[int, str]]) -> tuple[Swept, dict[int, str]]:
        """Deletes the files, and says which are still there."""
        deleted, left, problem = 0, {}, ""
        for call_id, name in recordings:
            path = path_of(self._data_dir, name)
            try:
                if path is not None:
                    path.unlink()
                    deleted += 1
            except FileNotFoundError:
                pass  # another machine has it, or nobody any more
            except OSError as error:
                left[call_id], problem = name, error.strerror or str(error)
                log.warning("the recording of call %d can't be deleted (%s): it is tried again", call_id, problem)
        return Swept(deleted, len(left), problem), left

    async def _tell(self, swept: Swept) -> None:
        """Tell the database what waits, where that has changed or anything does."""
        now = (swept.waiting, swept.problem)
        if now != self._told or swept.waiting:
            folder = str((self._data_dir / FOLDER).absolute())
            await queries.tell_folder(
                self._database.pool, host=socket.gethostname(), folder=folder, waiting=swept.waiting, problem=swept.problem
            )
        self._told = now


def _read(path: Path) -> Progress:
    """What was written; the beginning where nothing was, or where it can't be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Progress)
    except (OSError, msgspec.DecodeError):
        return Progress()


def _write(path: Path, progress: Progress) -> None:
    """Written aside and renamed: whoever reads finds the one or the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    aside.write_bytes(msgspec.json.encode(progress))
    aside.replace(path)
