"""`callwright` commands as processes: what they say, line by line, and every process that they brought about."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

LOOK_EVERY_S = 0.03
PATIENCE_S = 120.0  # with what a loaded machine may take; no test asserts a time
_MARK = "CALLWRIGHT_TEST_RUN"


class Command:
    """One `callwright` command in a process group of its own, as a terminal starts it.

    `folder`: its CALLWRIGHT_DATA_DIR. All that it starts can be told from other processes by a mark in the environment, the database by
    the folder that it works in. `said`: the lines of its two outputs so far, `errors`: those of standard error alone.
    """

    def __init__(self, folder: Path, *words: str, **variables: str) -> None:
        self.folder, self._words, self._variables = folder, words, variables
        self._mark = uuid.uuid4().hex
        self._more = asyncio.Condition()
        self._process: asyncio.subprocess.Process | None = None
        self._readers: list[asyncio.Task[None]] = []
        self.said: list[str] = []
        self.errors: list[str] = []

    def set(self, **variables: str) -> None:
        """Variables for its start."""
        self._variables |= variables

    async def start(self) -> "Command":
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mediaserver.cli", *self._words),
            env=environment(CALLWRIGHT_DATA_DIR=str(self.folder), **{"PORT": "0", _MARK: self._mark, **self._variables}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        outputs: tuple[tuple[asyncio.StreamReader | None, list[str]], ...]
        outputs = ((self._process.stdout, []), (self._process.stderr, self.errors))
        self._readers = [asyncio.create_task(self._read(stream, lines)) for stream, lines in outputs if stream is not None]
        return self

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "it was not started"
        return self._process

    @property
    def output(self) -> str:
        return "\n".join(self.said)

    async def says(self, pattern: str) -> str:
        """The first line in which `pattern` is found, once it was said; only its group, where it has one."""
        async with self._more, asyncio.timeout(PATIENCE_S):
            while True:
                found = next((match for line in self.said if (match := re.search(pattern, line))), None)
                if found is not None:
                    return found.group(1) if found.lastindex else found.string
                assert not all(reader.done() for reader in self._readers), f"it ended without saying {pattern!r}:\n{self.output}"
                await self._more.wait()

    def ctrl_c(self) -> None:
        """SIGINT for the whole group, as a terminal sends it."""
        os.killpg(self.process.pid, signal.SIGINT)

    async def ended(self) -> int:
        """Its exit code, once it has ended and all is read."""
        async with asyncio.timeout(PATIENCE_S):
            code = await self.process.wait()
            await asyncio.gather(*self._readers)
        return code

    def family(self) -> list[psutil.Process]:
        """Every process that lives and belongs to it: itself, what it started, and what those started, wherever they hang now."""
        homes = [str(database_home(known.parent)) for known in self.folder.rglob("postgres.json")]
        return [process for process in psutil.process_iter() if _belongs(process, self._mark, homes)]

    async def end(self) -> None:
        """At the end of a test: nothing of it stays, whatever happened."""
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self._process is not None:
            await self.ended()

    async def _read(self, stream: asyncio.StreamReader, lines: list[str]) -> None:
        async for line in stream:
            async with self._more:
                lines.append(line.decode().rstrip("\n"))
                self.said.append(lines[-1])
                self._more.notify_all()
        async with self._more:
            self._more.notify_all()


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command that ends by itself said."""

    code: int
    output: str
    errors: str


def run(folder: Path, *words: str, **variables: str) -> Ran:
    """One command, to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "mediaserver.cli", *words],
        env=environment(CALLWRIGHT_DATA_DIR=str(folder), **variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def environment(**variables: str) -> dict[str, str]:
    """Ours without any setting of Callwright, and `variables`."""
    ours = ("CALLWRIGHT_", "TWILIO_", "DATABASE_URL", "PORT", "DEMO_EXIT")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(ours)}, "PYTHONUNBUFFERED": "1", **variables}


async def until(true: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Return once `true`, which is looked at again and again: for what nobody tells us of. Fails where it takes too long."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = true()
                if found if isinstance(found, bool) else await found:
                    return
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        raise AssertionError(f"in vain: {what}") from None


async def all_ended(family: Sequence[psutil.Process]) -> None:
    """Return once none of `family` lives."""
    await until(lambda: not alive(family), f"the end of {family}")


def alive(family: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those of `family` that live; one that is dead and not yet taken note of by its parent does not."""
    return [process for process in family if process.is_running() and _status(process) not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)]


def database_home(folder: Path) -> Path:
    """Where the embedded database of `folder` lies, which is elsewhere where we are root and its user can't reach `folder`."""
    try:
        return Path(json.loads((folder / "postgres.json").read_text())["home"])
    except FileNotFoundError:
        return folder / "postgres"


def _belongs(process: psutil.Process, mark: str, homes: list[str]) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if process.environ().get(_MARK) == mark:
            return True
        words, works_in = " ".join(process.cmdline()), process.cwd()
        return any(home in words or works_in.startswith(home) for home in homes)
    except (psutil.Error, OSError):  # it has ended, or is none of ours
        return False


def _status(process: psutil.Process) -> str:
    try:
        return str(process.status())
    except psutil.NoSuchProcess:
        return str(psutil.STATUS_DEAD)
