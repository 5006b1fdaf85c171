"""The parent's side of the worker processes of one kind: start them, share the requests out, replace a worker that dies.

A request whose worker dies goes once more to another worker (an utterance is as good the second time); a request that kills
two workers is given up. A worker that does not answer in time is killed and replaced. What waits is bounded: beyond the bound
a request is refused at once, because a line that is spoken late is worse than an apology. Work for later (lines prepared while
a phone rings) goes to a worker only when nobody in a call waits for one and the worker is idle.
"""

import asyncio
import contextlib
import logging
import os
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from agent_runtime.engines import EngineUnavailable
from agent_runtime.local.frames import Answer, FrameError, Ready, Refusal, Reply, Request, Unusable, encode, read_reply

log = logging.getLogger(__name__)

IN_FLIGHT = 2  # at one worker: the next request is already there when one is answered
FIRST_DELAY_S, LONGEST_DELAY_S = 0.1, 5.0
START_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """`processes`: workers of this kind. `nice`: added to their priority. `most_waiting`: requests beyond those being worked on.
    `timeout_s`: from asking to the answer. `models`: as in `models.locate`."""

    processes: int = 1
    nice: int = 5
    most_waiting: int = 64
    timeout_s: float = 20.0
    models: Path | None = None


@dataclass(eq=False, slots=True)
class Job:
    """A request on its way: `frame` as it is sent, `lost` how many workers died over it."""

    id: int
    frame: bytes
    done: asyncio.Future[msgspec.Raw]
    lost: int = 0


@dataclass(eq=False, slots=True)
class Worker:
    """One live worker process and what it works on, oldest first."""

    process: asyncio.subprocess.Process
    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    jobs: dict[int, Job] = field(default_factory=dict)

    def send(self, job: Job) -> None:
        """Written at once: at most `IN_FLIGHT` requests wait in the pipe."""
        self.jobs[job.id] = job
        self.stdin.write(job.frame)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()


class WorkerPool:
    """All workers of one kind."""

    def __init__(self, kind: str, settings: PoolSettings) -> None:
        self.kind, self._settings = kind, settings
        self._workers: list[Worker] = []
        self._waiting: deque[Job] = deque()
        self._later: deque[Job] = deque()
        self._keepers: list[asyncio.Task[None]] = []
        self._processes: set[asyncio.subprocess.Process] = set()
        self._changed = asyncio.Event()
        self._fault = "it was not started"
        self._last_id = 0
        self.version = ""  # of the engine, as its workers report it; empty before one was ready

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that are ready."""
        return [worker.process.pid for worker in self._workers]

    async def start(self) -> None:
        """Return when every worker is ready.

        Raises:
            EngineUnavailable: a worker can't start; the message says why and what to do. None is left running.
        """
        started = await asyncio.gather(*(self._spawn() for _ in range(self._settings.processes)), return_exceptions=True)
        failures = [each for each in started if isinstance(each, BaseException)]
        if failures:
            await self.stop()
            raise failures[0]
        self._fault = ""
        workers = [each for each in started if isinstance(each, Worker)]
        self._workers = list(workers)
        self._keepers = [asyncio.create_task(self._keep(worker), name=f"{self.kind} worker") for worker in workers]

    async def stop(self) -> None:
        """End all workers; requests that wait fail. May be called twice."""
        self._fault = "it was stopped"
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._keepers.clear()
        for process in list(self._processes):
            await self._end(process)
        self._fail_waiting()

    @property
    def waiting(self) -> int:
        """Requests that no worker has begun."""
        return len(self._waiting) + len(self._later)

    async def changed(self) -> None:
        """Return when a worker became ready or was lost."""
        self._changed.clear()
        await self._changed.wait()

    async def ask(self, build: Callable[[int], Request], *, later: bool = False) -> msgspec.Raw:
        """The body of the answer to the request that `build` makes of an id. `later`: nobody in a call waits for it.

        Raises:
            EngineUnavailable: see the module.
        """
        if not self._keepers or (self._fault and not self._workers):
            raise EngineUnavailable(f"{self.kind} is unavailable: {self._fault}")
        queue = self._later if later else self._waiting
        if len(queue) >= self._settings.most_waiting:
            raise EngineUnavailable(
                f"{self.kind} is overloaded: {len(queue)} requests wait; run fewer calls, or more {self.kind} processes"
            )
        self._last_id += 1
        job = Job(self._last_id, encode(build(self._last_id)), asyncio.get_running_loop().create_future())
        queue.append(job)
        self._share_out()
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                return await job.done
        except TimeoutError:
            self._replace_stuck(job)
            raise EngineUnavailable(f"{self.kind} did not answer within {self._settings.timeout_s:g} s") from None
        finally:
            for waiting in (self._waiting, self._later):
                if job in waiting:
                    waiting.remove(job)

    def _share_out(self) -> None:
        """Give what waits to the workers that have the least to do."""
        while self._waiting and self._workers:
            idlest = min(self._workers, key=lambda worker: len(worker.jobs))
            if len(idlest.jobs) >= IN_FLIGHT:
                return
            idlest.send(self._waiting.popleft())
        for worker in self._workers:
            if self._later and not worker.jobs:
                worker.send(self._later.popleft())

    def _replace_stuck(self, job: Job) -> None:
        """Kill the worker that has been working on `job`; a job that only waits behind another says nothing about its worker."""
        for worker in self._workers:
            if next(iter(worker.jobs.values()), None) is job:
                log.warning("a %s worker did not answer in time and is replaced", self.kind)
                worker.kill()

    async def _keep(self, worker: Worker | None) -> None:
        """Keep one worker alive until cancelled, waiting longer each time it can't start or dies at once."""
        delay = FIRST_DELAY_S
        while True:
            if worker is not None:
                if await self._attend(worker):
                    delay = FIRST_DELAY_S
                log.warning("a %s worker ended (%s); starting another", self.kind, worker.process.returncode)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY_S)
            try:
                worker = await self._spawn()
                self._workers.append(worker)
                self._fault = ""
                self._changed.set()
                self._share_out()
            except EngineUnavailable as error:
                worker, self._fault = None, str(error)
                log.error("no %s worker: %s", self.kind, error)
                if not self._workers:
                    self._fail_waiting()

    async def _attend(self, worker: Worker) -> bool:
        """Hand out `worker`'s answers until it dies, then send its jobs elsewhere. Whether it answered anything."""
        answered = False
        try:
            while (reply := await self._read(worker)) is not None:
                answered = True
                self._settle(worker, reply)
                self._share_out()
        finally:
            self._workers.remove(worker)
            self._changed.set()
            await self._end(worker.process)
            self._take_back(worker)
        return answered

    async def _read(self, worker: Worker) -> Reply | None:
        try:
            return await read_reply(worker.stdout)
        except FrameError as error:
            log.error("a %s worker is replaced: %s", self.kind, error)
            return None

    @staticmethod
    def _settle(worker: Worker, reply: Reply) -> None:
        if not isinstance(reply, Answer | Refusal):
            return
        job = worker.jobs.pop(reply.id, None)
        if job is None or job.done.done():  # the asker no longer waits
            return
        if isinstance(reply, Answer):
            job.done.set_result(reply.body)
        else:
            job.done.set_exception(EngineUnavailable(reply.why))

    def _take_back(self, worker: Worker) -> None:
        """The first job may be what killed the worker; those behind it were never begun."""
        jobs = [job for job in worker.jobs.values() if not job.done.done()]
        worker.jobs.clear()
        if jobs and jobs[0].lost:
            jobs.pop(0).done.set_exception(EngineUnavailable(f"{self.kind} died twice over the same request"))
        elif jobs:
            jobs[0].lost += 1
        self._waiting.extendleft(reversed(jobs))
        self._share_out()

    def _fail_waiting(self) -> None:
        jobs = [*self._waiting, *self._later]
        self._waiting.clear()
        self._later.clear()
        for job in jobs:
            if not job.done.done():
                job.done.set_exception(EngineUnavailable(f"{self.kind} is unavailable: {self._fault}"))

    async def _spawn(self) -> Worker:
        """A worker that is ready.

        Raises:
            EngineUnavailable: it says that it can't serve, or it died or took too long before it was ready.
        """
        process = await asyncio.create_subprocess_exec(
            *self._command(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C in the terminal is for the parent
        )
        self._processes.add(process)
        assert process.stdin is not None  # a pipe, as asked for
        assert process.stdout is not None
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                first = await read_reply(process.stdout)
        except (TimeoutError, FrameError) as error:
            await self._end(process)
            raise EngineUnavailable(f"the {self.kind} worker did not become ready: {error or 'it took too long'}") from error
        except asyncio.CancelledError:
            await self._end(process)
            raise
        if isinstance(first, Ready):
            self.version = first.version
            return Worker(process, process.stdin, process.stdout)
        await self._end(process)
        if isinstance(first, Unusable):
            raise EngineUnavailable(first.why)
        raise EngineUnavailable(f"the {self.kind} worker ended with {process.returncode} before it was ready; its error output says why")

    def _command(self) -> list[str]:
        command = [sys.executable, "-m", "agent_runtime.local.worker", self.kind, "--nice", str(self._settings.nice)]
        if self._settings.models is not None:
            command += ["--models", str(self._settings.models)]
        return command

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """Make sure that `process` is gone and its exit is collected."""
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
        self._processes.discard(process)
