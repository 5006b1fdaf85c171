"""Spoken lines kept on disk, so that a line that was spoken before costs nothing: greetings, fixed lines of a script.

The key is a digest of voice, text and engine version, so a new engine renders anew and a file's name tells nobody the text. A
file that can't be read back exactly is rendered again. Files are written aside and renamed: a reader never sees half a line.
"""

import asyncio
import contextlib
import functools
import hashlib
import logging
import os
import tempfile
from itertools import chain
from pathlib import Path

import msgspec

from agent_runtime.engines import Spoken, Voice

log = logging.getLogger(__name__)

DIGEST_BYTES = 32
PRUNE_EVERY = 100  # lines written

_spoken = msgspec.msgpack.Decoder(Spoken)


class SpeechCache:
    """A `Voice` that remembers. Several processes may share one directory. `most_mb`: least recently used lines go beyond it."""

    def __init__(self, directory: Path, voice: Voice, version: str, most_mb: int = 500) -> None:
        """`version`: of the engine behind `voice`; a change of it makes every line new."""
        self._directory, self._voice, self._version, self._most_bytes = directory, voice, version, most_mb * 1_000_000
        self._written = 0
        self._finding: dict[Path, asyncio.Task[Spoken]] = {}

    async def speak(self, text: str, voice: str) -> Spoken:
        """As `Voice.speak`. The same line asked for twice at once is rendered once."""
        path = self._path(text, voice)
        task = self._finding.get(path)
        if task is None:
            task = asyncio.create_task(self._find(path, text, voice))
            self._finding[path] = task
            task.add_done_callback(functools.partial(self._found, path))
        return await asyncio.shield(task)  # one asker who leaves does not take the line from the others

    async def prepare(self, lines: list[str], voice: str) -> None:
        """Have `lines` ready before they are needed.

        Raises:
            EngineUnavailable: the voice behind can't render one of them.
        """
        for line in lines:
            await self.speak(line, voice)

    def _found(self, path: Path, task: asyncio.Task[Spoken]) -> None:
        del self._finding[path]
        if not task.cancelled():
            task.exception()  # whoever still waits is told; if nobody does, it is no loss

    async def _find(self, path: Path, text: str, voice: str) -> Spoken:
        kept = await asyncio.to_thread(_read, path)
        return kept if kept is not None else await self._render(path, text, voice)

    async def _render(self, path: Path, text: str, voice: str) -> Spoken:
        spoken = await self._voice.speak(text, voice)
        try:
            await asyncio.to_thread(_write, path, spoken)
            self._written += 1
            if self._written % PRUNE_EVERY == 0:
                await asyncio.to_thread(self._prune)
        except OSError as error:  # the line can be spoken all the same
            log.warning("spoken lines can't be kept in %s (%s): make it writable, or free some space", self._directory, error.strerror)
        return spoken

    def _path(self, text: str, voice: str) -> Path:
        key = hashlib.sha256("\0".join((self._version, voice, text)).encode()).hexdigest()
        return self._directory / key[:2] / f"{key}.spoken"

    def _prune(self) -> None:
        """Drop the least recently used files beyond the bound."""
        files = []
        for path in self._directory.glob("*/*.spoken"):
            with contextlib.suppress(FileNotFoundError):  # another process prunes too
                found = path.stat()
                files.append((found.st_mtime, found.st_size, path))
        size = sum(bytes_ for _, bytes_, _ in files)
        for _, bytes_, path in sorted(files):
            if size <= self._most_bytes:
                return
            path.unlink(missing_ok=True)
            size -= bytes_


def forget_unused(directory: Path, since: float) -> int:
    """Delete the lines that nobody has used since then (seconds since 1970, as the disk counts them), and what a killed process left half
    written: how many went. They may hold names; one that is needed again is rendered anew."""
    gone = 0
    for path in chain(directory.glob("*/*.spoken"), directory.glob("*/*.part")):
        try:
            if path.stat().st_mtime < since:
                path.unlink()
                gone += 1
        except FileNotFoundError:
            continue  # another process was faster
        except OSError as error:
            log.warning("a spoken line can't be deleted (%s): it is tried again", error.strerror)
    return gone


def _read(path: Path) -> Spoken | None:
    """The line in `path`; None when it is not there or is damaged."""
    try:
        raw = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    digest, body = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        log.warning("a spoken line on disk is damaged and is rendered again")
        return None
    return _spoken.decode(body)


def _write(path: Path, spoken: Spoken) -> None:
    body = msgspec.msgpack.encode(spoken)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        try:
            file.write(hashlib.sha256(body).digest() + body)
            file.close()
            Path(file.name).replace(path)
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise
