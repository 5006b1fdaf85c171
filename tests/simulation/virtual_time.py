"""An event loop whose time stands still until it is moved, and on which nothing of a dead process runs.

It has no sockets and never waits: `run_ready` runs what can run now, and comes back. Everything that product code waits on with asyncio
(`sleep`, `wait_for`, `timeout`, events) works on it unchanged, in the world's time.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar


class Owner(Protocol):
    """Whose code it is: a process, which may be killed."""

    id: str
    dead: bool
    frozen: bool  # nothing of it runs for a while


# The process in whose name a task runs; None: the world outside (the carrier's network, the operators' hands).
OWNER: contextvars.ContextVar[Owner | None] = contextvars.ContextVar("owner", default=None)

T = TypeVar("T")


class _NoSockets:
    """Stands where an event loop has its selector."""

    def select(self, _timeout: float | None) -> list[Any]:
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """Time is `began_at` and the seconds since. A dead process's callbacks are kept back, never run, until `dispose`."""

    def __init__(self, began_at: datetime) -> None:
        super().__init__()
        self._selector = _NoSockets()
        self._began_at, self._seconds = began_at, 0.0
        self._kept_back: list[tuple[Callable[..., Any], tuple[Any, ...], contextvars.Context]] = []
        self._disposing = False
        self._tasks: list[asyncio.Task[Any]] = []  # all of them: a dead process's must not be collected, which would run its `finally`
        self.set_task_factory(self._kept_task)
        self.set_exception_handler(lambda _loop, _context: None)  # tasks that the world's end cuts off have nothing to tell

    def time(self) -> float:
        return self._seconds

    def now(self) -> datetime:
        return self._began_at + timedelta(microseconds=round(self._seconds * 1e6))

    def move_to(self, seconds: float) -> None:
        """It is that late now; timers that are due run with the next `run_ready`."""
        assert seconds >= self._seconds
        self._seconds = seconds

    def next_timer(self, *, of_the_world: bool = False) -> float | None:
        """When somebody who lives waits until; `of_the_world`: of those who are no process."""
        waiting = (each.when() for each in self._scheduled if not each.cancelled() and self._lives(each, of_the_world))  # type: ignore[attr-defined]  # BaseEventLoop's own heap of timers
        return min(waiting, default=None)

    def _lives(self, timer: asyncio.TimerHandle, of_the_world: bool) -> bool:
        owner = timer._context.get(OWNER)  # type: ignore[attr-defined]  # a handle tells its context to nobody else
        return owner is None or not (of_the_world or owner.dead)

    def call_soon(  # type: ignore[override]  # typed more simply: callbacks are not looked into
        self, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        context = context or contextvars.copy_context()
        owner = context.get(OWNER)
        if owner is not None and (owner.dead or owner.frozen) and not self._disposing:
            self._kept_back.append((callback, args, context))
            return asyncio.Handle(callback, args, self, context)
        return super().call_soon(callback, *args, context=context)

    def run_in_executor(  # type: ignore[override]  # as call_soon
        self, executor: Any, work: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        """No threads: the work is done at once, in no time."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(work(*args))
        except Exception as error:  # noqa: BLE001 - whatever it raises is for who waits for it
            done.set_exception(error)
        return done

    def run_ready(self) -> None:
        """Run what can run now, in the order in which it became ready, until all wait for something."""
        due = self.next_timer()
        while self._ready or (due is not None and due <= self._seconds):  # type: ignore[attr-defined]  # BaseEventLoop's own queue
            self.call_soon(self.stop)
            self.run_forever()
            due = self.next_timer()

    def begin(self, work: Coroutine[Any, Any, T], owner: Owner | None, name: str) -> "asyncio.Task[T]":
        """A task in the name of `owner`; so is all that it begins."""
        context = contextvars.copy_context()
        context.run(OWNER.set, owner)
        return self.create_task(work, name=name, context=context)

    def _kept_task(self, _loop: asyncio.AbstractEventLoop, work: Any, context: contextvars.Context | None = None) -> "asyncio.Task[Any]":
        task: asyncio.Task[Any] = asyncio.Task(work, loop=self, context=context)
        self._tasks.append(task)
        return task

    def thaw(self, owner: Owner) -> None:
        """A process that was frozen goes on, with all that has happened meanwhile before it."""
        owner.frozen = False
        kept, self._kept_back = self._kept_back, []
        for callback, args, context in kept:
            self.call_soon(callback, *args, context=context)

    def dispose(self) -> None:
        """End every task, dead processes' too. By now whatever they ask of the world must fail at once."""
        self._disposing = True
        for _ in range(100):
            self._tasks = [task for task in self._tasks if not task.done()]
            if not self._tasks:
                break
            for task in self._tasks:
                task.cancel()
            for callback, args, context in self._kept_back:
                self.call_soon(callback, *args, context=context)
            self._kept_back.clear()
            self.run_ready()
        assert not self._tasks, "a task of the simulated world does not end"
        self.close()

    def _process_events(self, _events: list[Any]) -> None:
        """There are none, without sockets."""

    def _write_to_self(self) -> None:
        """Nobody sleeps who would have to be woken."""
