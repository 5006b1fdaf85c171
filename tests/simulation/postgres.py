"""The real PostgreSQL behind a simulated world: one statement at a time, and none whose wait for a lock stops the world.

It lives on an event loop of its own, which runs only while a statement runs. The schema gets a clock that the world sets, and
triggers that write down each change of a row, so that every commit can be read as it was made.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from db.database import Database

Real = PoolConnectionProxy[Record] if hasattr(PoolConnectionProxy, "__class_getitem__") else PoolConnectionProxy
Work = Callable[[Any], Awaitable[Any]]

_WATCHED = ("campaigns", "contacts", "calls", "suppressions")
_EMPTIED = (
    "campaigns, contacts, campaign_counts, calls, call_events, transcript_turns, gate_verdicts, suppressions, callees, processes,"
    " audit_log, carrier_accounts, phone_numbers, agents, agent_versions, contact_imports, simulated_changes"
)
_TABLES = "select oid::regclass::text as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
_SETTINGS = ("synchronous_commit = off", "plan_cache_mode = force_generic_plan")  # the same plan the first time and the tenth
_SOON_S = 0.003  # a statement that has not come back by then may be waiting for a lock

_SCHEMA = """
create table simulated_clock (at timestamptz not null);
insert into simulated_clock values ('2030-01-01 00:00+00');
create or replace function callwright_now() returns timestamptz language sql volatile as 'select at from simulated_clock';
create table simulated_changes (id bigint generated always as identity primary key, thing text not null, old jsonb, new jsonb);
create function simulated_change() returns trigger language plpgsql as $$
begin
    insert into simulated_changes (thing, old, new) values (tg_table_name, to_jsonb(old), to_jsonb(new));
    return null;
end $$;
"""
_TRIGGER = "create trigger simulated_{0} after insert or update or delete on {0} for each row execute function simulated_change()"


@dataclass(eq=False, slots=True)
class Running:
    """A statement on its way. `done` is called once, with its result or its error, when it has come back."""

    real: Any
    task: "asyncio.Task[Any]"
    done: Callable[["asyncio.Task[Any]"], None]
    wanted: Callable[[], bool]  # False once nobody waits for it any more: it is cancelled then

    @property
    def pid(self) -> int:
        pid: int = self.real.get_server_pid()
        return pid


@dataclass(slots=True)
class Postgres:
    """One database, for one world after the other."""

    url: str
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _database: Database = field(init=False)
    _observer: Any = field(init=False)
    _stock: list[Any] = field(default_factory=list)
    _returned: list[Any] = field(default_factory=list)
    _running: list[Running] = field(default_factory=list)
    _clock: datetime | None = None

    def open(self) -> None:
        """Connect, and make the schema ready for simulated worlds if it is not yet."""
        self._wait(_prepare(self.url))
        self._database = self._wait(Database.connect(self.url, max_size=90, statement_cache_size=500))
        self._observer = self._wait(self._database.pool.acquire())

    def close(self) -> None:
        self._wait(self._database.close(0.5))
        self.loop.close()

    def empty(self) -> None:
        """No rows and ids from 1 again: each world finds the same database."""
        self.clean()
        assert not self._running
        self._wait(self._observer.execute(f"truncate {_EMPTIED} restart identity cascade"))
        self._clock = None

    def set_clock(self, at: datetime) -> None:
        """What `callwright_now()` returns from here on."""
        if at != self._clock:
            self._wait(self._observer.execute("update simulated_clock set at = $1", at))
            self._clock = at

    def changes(self) -> Sequence[Record]:
        """What has been committed since the last look, row by row in the order of its writing: thing, old, new."""
        return self.observe(
            "with taken as (delete from simulated_changes returning id, thing, old, new) select thing, old, new from taken order by id"
        )

    def observe(self, statement: str, *args: Any) -> Sequence[Record]:
        """A statement of the simulation's own."""
        found: Sequence[Record] = self._wait(self._observer.fetch(statement, *args))
        return found

    def lend(self) -> Any:
        """A connection that nobody else uses, with no transaction on it."""
        return self._stock.pop() if self._stock else self._wait(self._database.pool.acquire())

    def take_back(self, real: Any) -> None:
        """What was lent is not used any more; `clean` undoes what is open on it."""
        self._returned.append(real)

    def clean(self) -> None:
        """Undo what is open on connections that were given back: transactions, and statements that still wait."""
        returned, self._returned = self._returned, []
        if not returned:
            return
        with self._one_after_the_other():
            for real in returned:
                self._cancel([each for each in self._running if each.real is real])
                if real.is_in_transaction():
                    self._wait(real.execute("rollback"))
                    real._con._top_xact = None  # asyncpg's note of the transaction that its own objects began
                self._stock.append(real)
        self.settle()

    def run(self, real: Any, work: Work, done: Callable[["asyncio.Task[Any]"], None], wanted: Callable[[], bool]) -> None:
        """Run one statement; `done` is called before this returns, or, if it has to wait for a lock, by a later `settle`."""
        with self._one_after_the_other():
            running = Running(real, self.loop.create_task(_as_coroutine(work(real))), done, wanted)
            self._running.append(running)
            self._until_at_rest(running)
        self.settle(running)

    def settle(self, newest: Running | None = None) -> None:
        """Wait until each statement on its way has come back or waits for a lock that somebody holds who is not on the way himself.

        They are told in the order in which they were begun, `newest` first, however fast the server was with which.
        """
        while self._running:
            unwanted = [each for each in self._running if not each.wanted() and not each.task.done()]
            if unwanted:
                with self._one_after_the_other():
                    self._cancel(unwanted)
            waiting = [each for each in self._running if not each.task.done()]
            if not waiting or self._all_blocked(waiting):
                break
            self._wait_a_little({each.task for each in waiting})
        back = sorted((each for each in self._running if each.task.done()), key=lambda each: each is not newest)
        self._running = [each for each in self._running if not each.task.done()]
        for each in back:
            each.done(each.task)

    @contextmanager
    def _one_after_the_other(self) -> Iterator[None]:
        """Of the statements that wait for locks, those that get them by what is done in here go on one after the other, as they were begun.

        Released at once, they would run for the next lock, and the machine would choose who gets it. So their backends are stopped,
        asleep as they are, and each goes on alone.
        """
        waiting = [each for each in self._running if not each.task.done()]
        if len(waiting) < 2:
            yield
            return
        _signal(waiting, signal.SIGSTOP)
        try:
            yield
            while (released := self._released(waiting)) is not None:
                _signal([released], signal.SIGCONT)
                self._until_at_rest(released)
                if not released.task.done():
                    _signal([released], signal.SIGSTOP)
        finally:
            _signal(waiting, signal.SIGCONT)

    def _released(self, waiting: Sequence[Running]) -> Running | None:
        left = [each for each in waiting if not each.task.done()]
        by = self._blocked_by(left)
        return next((each for each in left if not by[each.pid]), None)

    def _until_at_rest(self, running: Running) -> None:
        """Until it has come back or waits for a lock."""
        self._wait_a_little({running.task})
        while not running.task.done() and not self._blocked_by([running])[running.pid]:
            self._wait_a_little({running.task})

    def _all_blocked(self, waiting: Sequence[Running]) -> bool:
        by = self._blocked_by(waiting)
        return all(by.values()) and not _deadlocked(by) and not any(each.task.done() for each in waiting)

    def _blocked_by(self, waiting: Sequence[Running]) -> dict[int, set[int]]:
        pids = [each.pid for each in waiting]
        found = self.observe("select pid, pg_blocking_pids(pid) as by from unnest($1::int[]) pid", pids)
        return {row["pid"]: set(row["by"]) for row in found}

    def _cancel(self, unwanted: Sequence[Running]) -> None:
        for each in unwanted:
            self._running.remove(each)
            _signal([each], signal.SIGCONT)
            while not each.task.done():
                self.observe("select pg_cancel_backend($1)", each.pid)
                self._wait_a_little({each.task})
            each.task.exception()  # seen: nobody else will ask for it

    def _wait_a_little(self, tasks: "set[asyncio.Task[Any]]") -> None:
        """Until the first of them has come back, but not for long."""
        enough = self.loop.create_future()

        def stop(*_: object) -> None:
            if not enough.done():
                enough.set_result(None)

        timer = self.loop.call_later(_SOON_S, stop)
        for task in tasks:
            task.add_done_callback(stop)
        self.loop.run_until_complete(enough)
        timer.cancel()
        for task in tasks:
            task.remove_done_callback(stop)

    def _wait(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)


def _signal(backends: Sequence[Running], which: signal.Signals) -> None:
    for each in backends:
        os.kill(each.pid, which)


def _deadlocked(by: dict[int, set[int]]) -> bool:
    """Whether some wait for each other: PostgreSQL ends that by itself, and until then they are not at rest."""
    free = {pid for pid, others in by.items() if not others & by.keys()}
    while more := {pid for pid, others in by.items() if pid not in free and others & by.keys() <= free}:
        free |= more
    return len(free) < len(by)


async def _prepare(url: str) -> None:
    """The clock and the triggers, where they are missing."""
    connection = await asyncpg.connect(url)
    try:
        if await connection.fetchval("select to_regclass('simulated_clock') is null"):
            await connection.execute(_SCHEMA)
            for table in _WATCHED:
                await connection.execute(_TRIGGER.format(table))
            for row in await connection.fetch(_TABLES):  # so that plans, and with them what is read in which order, stay as they are
                await connection.execute(f"alter table {row['name']} set (autovacuum_enabled = off)")
            name = await connection.fetchval("select current_database()")
            for setting in _SETTINGS:
                await connection.execute(f'alter database "{name}" set {setting}')
    finally:
        await connection.close()


async def _as_coroutine(work: Awaitable[Any]) -> Any:
    return await work
