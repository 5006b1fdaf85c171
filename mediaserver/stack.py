"""The processes of one machine as one: started in order, watched, started again when one dies, stopped in order.

Children run in sessions of their own, so that Ctrl-C reaches only the parent, which then stops them one after the other;
the kernel ends them if the parent dies without a word (Linux: PR_SET_PDEATHSIG).
"""

import asyncio
import ctypes
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Refused(RuntimeError):
    """A command can't be carried out; the message says why and what to do."""


def make_folder(path: Path) -> None:
    """Makes `path`, with what is above it, where it is not there.

    Raises:
        Refused: that is not possible.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"can't make the folder {path} ({error.strerror}): set CALLWRIGHT_DATA_DIR to one that can be written") from error


class PortTaken(RuntimeError):
    """Another program listens there; the message says what to do."""


class ChildFailed(RuntimeError):
    """A process of the stack did not come up; the message has its last words."""


def _die_with(parent: int) -> Callable[[], None]:
    """For the forked child: ask the kernel for SIGTERM when the parent dies, and leave if that has happened already."""

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask


@dataclass(frozen=True)
class Program:
    """What a child runs.

    `announces`: it prints one JSON line on its standard output once it is ready, which `Child.start` returns, and no more.
    `environment` is added to ours; `log_path` takes all its other output. `again`: from the first announcement, what to add to
    the environment of later starts (the port that it took, so that it comes back at the same address).
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    log_path: str = os.devnull
    announces: bool = True
    again: Callable[[dict[str, object]], Mapping[str, str]] = lambda _announced: {}
    stop_within_s: float = 20.0


class Child:
    """One process of the stack, watched: when it dies it is started again, each time after a longer pause (1 to 30 s)."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.starts = 0
        self.announced: dict[str, object] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._later: Mapping[str, str] = {}

    @property
    def pid(self) -> int:
        """The process id of the running process. Raises ChildFailed where it does not run."""
        if self._process is None:
            raise ChildFailed(f"{self.program.name} does not run")
        return self._process.pid

    async def start(self, within_s: float = 60.0) -> dict[str, object]:
        """Starts it and returns what it announced.

        Raises:
            ChildFailed: it ended, or said nothing in time.
        """
        self.announced = await self._spawn(within_s)
        self._later = self.program.again(self.announced)
        self._watch = asyncio.create_task(self._keep_alive(), name=f"watch {self.program.name}")
        return self.announced

    async def stop(self) -> None:
        """Asks it to end, waits, and kills it where it does not. May be called twice."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self.program.stop_within_s)
        except TimeoutError:
            log.warning("%s did not end within %s s: killed", self.program.name, self.program.stop_within_s)
            process.kill()
            await process.wait()

    async def _spawn(self, within_s: float) -> dict[str, object]:
        with open(self.program.log_path, "ab") as output:  # noqa: ASYNC230 - a local log, opened once per start
            self._process = await asyncio.create_subprocess_exec(
                *self.program.arguments,
                env={**os.environ, **self.program.environment, **self._later},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if self.program.announces else output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()),
            )
        self.starts += 1
        if not self.program.announces:
            return {}
        try:
            return await asyncio.wait_for(self._announcement(self._process), within_s)
        except TimeoutError as error:
            self._process.kill()
            raise ChildFailed(f"{self.program.name} was not ready within {within_s:.0f} s; see {self.program.log_path}") from error

    async def _announcement(self, process: asyncio.subprocess.Process) -> dict[str, object]:
        assert process.stdout is not None  # it announces, so its output is a pipe
        async for line in process.stdout:
            if line.startswith(b"{"):
                announced: dict[str, object] = json.loads(line)
                return announced
        await process.wait()
        raise ChildFailed(f"{self.program.name} ended at once (exit {process.returncode}): {_last_words(self.program.log_path)}")

    async def _keep_alive(self) -> None:
        pause = 1.0
        while True:
            process = self._process
            if process is None:
                return
            began = time.monotonic()
            await process.wait()
            pause = 1.0 if time.monotonic() - began > 60 else pause
            log.warning("%s ended (exit %s); started again in %.0f s", self.program.name, process.returncode, pause)
            await asyncio.sleep(pause)
            pause = min(30.0, pause * 2)
            try:
                await self._spawn(60.0)
            except (ChildFailed, OSError) as error:
                log.error("%s", error)


def _last_words(path: str, lines: int = 5) -> str:
    try:
        with open(path, errors="replace") as file:
            return " / ".join(line.strip() for line in file.readlines()[-lines:])
    except OSError as error:
        return f"(its log can't be read: {error})"
