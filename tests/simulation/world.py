"""One simulated world: it decides, by its seed, whose statement runs next, what time it is then, and who is killed.

A statement of the product is parked until it is chosen. Between two statements, time may go on by a little; when nobody has a statement
to run, it jumps to whatever is next. Where nothing is going on at all, it jumps over hours in which processes would only look around.
"""

import asyncio
import logging
import re
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import asyncpg

from tests.simulation import history as h
from tests.simulation.connections import SimulatedConnection
from tests.simulation.postgres import Postgres, Work
from tests.simulation.recording import IntoHistory, Recorder
from tests.simulation.scenario import KIND, Scenario, Unkindness, draw
from tests.simulation.virtual_time import OWNER, Owner, VirtualLoop

T = TypeVar("T")

VERB: ContextVar[int | None] = ContextVar("verb", default=None)  # of the operator in whose name a task runs

BUSY_STEPS_AT_MOST, STEPS_AT_MOST = 600, 20_000
IDLE_JUMPS_AT_MOST = 6
QUIET_AT_MOST = timedelta(days=400)  # caps of one try a week, and callbacks beside them, take their time
_LOOK_AROUND_S, _LONGEST_STRIDE_S = 30.0, 6 * 3600.0
_STEP_S = 0.004  # about as long as a statement takes
_DANGEROUS = (h.PostBegan, h.PostAccepted, h.CallCommitted, h.StreamBound, h.ConversationEnded)
_STATEMENT_SHOWN = 60
_PRODUCT_LOGS = (logging.getLogger("dialer"), logging.getLogger("db"))
_HELD_FOR = (3, 10, 30)
_TIMELESS = ("BEGIN", "COMMIT", "ROLLBACK")
_READS = re.compile(r"\s*(select callwright_now\(\)|select .* from )", re.DOTALL | re.IGNORECASE)  # and no function that may write


@dataclass(eq=False, slots=True)
class Step:
    """A statement that waits for its turn."""

    owner: Owner
    connection: SimulatedConnection
    text: str
    work: Work
    verb: int | None
    held_until: int  # so many steps of others come first
    came_back: "asyncio.Future[Any]"


class World:
    """`loop`, `rng`, `recorder`: its time, its dice, its history. `unkindness`: the scenario's, between its setting up and the quiet."""

    def __init__(self, seed: int, postgres: Postgres) -> None:
        self.seed, self.postgres, self.rng = seed, postgres, Random(seed)
        self.scenario: Scenario = draw(self.rng)
        self.unkindness: Unkindness = KIND
        self.loop = VirtualLoop(self.scenario.began_at)
        self.recorder = Recorder(self.loop)
        self.over = False
        self.steps = 0
        self.busy = 0  # what the world outside has going on: calls at the carrier, webhooks on their way, verbs
        self.last_owner: Owner | None = None  # who did the last step
        self._parked: list[Step] = []
        self._failed: list[BaseException] = []
        self._held_back: dict[Owner, int] = {}
        self._verbs_committed: set[int] = set()
        self.idle_jumps = 0  # in a row, without any news
        self._seen_news = -1

    @property
    def now(self) -> datetime:
        return self.loop.now()

    def chance(self, share: float) -> bool:
        return share > 0 and self.rng.random() < share

    def begin(self, work: Coroutine[Any, Any, T], name: str, owner: Owner | None = None) -> "asyncio.Task[T]":
        """A task of the world's, or of `owner`. Where one of the world's fails, so does the simulation."""
        task = self.loop.begin(work, owner, name)
        if owner is None:
            task.add_done_callback(self._see_failure)
        return task

    def _see_failure(self, task: "asyncio.Task[Any]") -> None:
        if not self.over and not task.cancelled() and (error := task.exception()) is not None:
            self._failed.append(error)

    async def statement(self, connection: SimulatedConnection, text: str, work: Work) -> Any:
        """Run a statement when its turn comes."""
        owner = OWNER.get()
        if self.over or owner is None or owner.dead:
            raise asyncpg.InterfaceError("the connection is closed")
        held_until = self.steps + self.rng.choice(_HELD_FOR) if self.chance(self.unkindness.hold) else 0
        step = Step(owner, connection, text, work, VERB.get(), held_until, self.loop.create_future())
        self._parked.append(step)
        return await step.came_back

    @contextmanager
    def log_in_history(self) -> Iterator[None]:
        """What the product logs goes into the history, and nowhere else."""
        handler = IntoHistory(self.recorder)
        handler.addFilter(lambda _: not self.over)
        before = [(each, each.level, each.propagate) for each in _PRODUCT_LOGS]
        for log in _PRODUCT_LOGS:
            log.setLevel(logging.INFO)
            log.propagate = False
            log.addHandler(handler)
        try:
            yield
        finally:
            for log, level, propagate in before:
                log.removeHandler(handler)
                log.setLevel(level)
                log.propagate = propagate

    def turn(self) -> Step | None:
        """Let happen what can happen now, and then one statement; the one that was run, None where time went on instead."""
        self._go_on()
        self._parked = [each for each in self._parked if not each.owner.dead and not each.came_back.cancelled()]
        step = None
        awake = [each for each in self._parked if not each.owner.frozen]
        if awake and not self.chance(0.1):
            step = self._choose(awake)
            self._perform(step)
        else:
            self._let_time_pass()
        self._go_on()
        return step

    def _go_on(self) -> None:
        self.loop.run_ready()
        self.postgres.clean()
        if self._failed:
            raise self._failed[0]

    def _choose(self, awake: Sequence[Step]) -> Step:
        free = [each for each in awake if self._is_free(each)] or awake
        mine = [each for each in free if each.owner is self.last_owner]
        return self.rng.choice(mine if mine and self.chance(self.scenario.stubborn) else free)

    def _is_free(self, step: Step) -> bool:
        return step.held_until <= self.steps and (step.verb is not None or self._held_back.get(step.owner, 0) <= self.steps)

    def hold_back_the_last(self, steps: int) -> None:
        """What the process does that did the last step comes after so many steps of others; its operators go on."""
        if self.last_owner is not None:
            self._held_back[self.last_owner] = self.steps + steps

    def _perform(self, step: Step) -> None:
        self._parked.remove(step)
        self.steps += 1
        self.last_owner = step.owner
        if step.text not in _TIMELESS:
            self.postgres.set_clock(self.now)
        cut = self.chance(self.unkindness.cut)
        if cut and self.chance(0.5):
            self._lose(step, made=False)
            return
        done = self._carried_out_only if cut else self._came_back
        self.postgres.run(step.connection.real, step.work, lambda task: done(step, task), lambda: not step.came_back.cancelled())

    def _came_back(self, step: Step, task: "asyncio.Task[Any]") -> None:
        self._see_commit(step, task)
        if step.came_back.done():
            task.exception()
        elif (error := task.exception()) is not None:
            step.came_back.set_exception(error)
        else:
            step.came_back.set_result(task.result())

    def _carried_out_only(self, step: Step, task: "asyncio.Task[Any]") -> None:
        self._see_commit(step, task)
        task.exception()
        self._lose(step, made=True)

    def _lose(self, step: Step, *, made: bool) -> None:
        self.recorder.note(h.ConnectionLost, step.owner.id, doing=shown(step), made=made)
        step.connection.cut()
        self.postgres.clean()
        if not step.came_back.done():
            step.came_back.set_exception(ConnectionResetError("the connection was lost"))

    def _see_commit(self, step: Step, task: "asyncio.Task[Any]") -> None:
        if step.text != "COMMIT" and (step.connection.in_transaction or step.text in _TIMELESS):
            return
        if task.exception() is not None or _READS.match(step.text):
            return
        verb = step.verb
        if step.text == "COMMIT" and verb is not None and verb not in self._verbs_committed:
            self._verbs_committed.add(verb)
            self.recorder.note(h.VerbCommitted, step.owner.id, verb_id=verb)
        self.recorder.committed(self.postgres.changes(), step.owner.id)

    def in_danger(self, since: int) -> bool:
        """Whether something has just happened after which a kill tells most."""
        return any(isinstance(each, _DANGEROUS) for each in self.recorder.events[since:])

    def claimed(self, since: int) -> list[int]:
        """The attempts that have just been planned."""
        return [each.call_id for each in self.recorder.events[since:] if isinstance(each, h.CallCommitted) and each.before is None]

    def leave_half_done(self, owner: Owner) -> str:
        """A process that is about to be killed may have a statement on its way, which is carried out all the same. What it was doing."""
        its = [each for each in self._parked if each.owner is owner]
        if not its:
            return "waiting"
        step = self.rng.choice(its)
        if (step.text in _TIMELESS or not step.connection.in_transaction) and self.chance(0.5):
            self._parked.remove(step)
            self.postgres.set_clock(self.now)
            self.postgres.run(step.connection.real, step.work, lambda task: self._see_commit(step, task), lambda: True)
            return f"{shown(step)} (carried out)"
        return shown(step)

    def _let_time_pass(self) -> None:
        now = self.loop.time()
        next_timer = self.loop.next_timer()
        if any(not each.owner.frozen for each in self._parked):
            later = now + self.rng.expovariate(1 / _STEP_S) * self.rng.choice((1, 1, 1, 30))
            self.loop.move_to(min(later, next_timer) if next_timer is not None and next_timer > now else later)
            return
        assert next_timer is not None, "nobody waits for anything any more"
        if self._idle():
            self.loop.move_to(max(next_timer, self._after_idleness(now)))
        else:
            self.loop.move_to(max(now, next_timer))

    def _idle(self) -> bool:
        """Whether processes would only look around, until something is due."""
        if self.recorder.news != self._seen_news:
            self._seen_news = self.recorder.news
            self.idle_jumps = 0
            return False
        return not self.busy and not self.recorder.live

    def _after_idleness(self, now: float) -> float:
        """When to look again: once a little later, then when something is due by its row, by the clock or outside; and now and then."""
        self.idle_jumps += 1
        if self.idle_jumps == 1:
            return now + _LOOK_AROUND_S
        moments = [self._seconds(at) for at in self.recorder.due(self.now)] + self._openings()
        outside = self.loop.next_timer(of_the_world=True)
        if outside is not None:
            moments.append(outside)
        return min([now + _LONGEST_STRIDE_S, *(each for each in moments if each > now)])

    def _openings(self) -> list[float]:
        found = []
        for campaign in self.recorder.campaigns.values():
            if campaign["status"] == "pending" and campaign["start_time"] is not None:
                zone = ZoneInfo(campaign["timezone"])
                today = self.now.astimezone(zone)
                clock = time.fromisoformat(campaign["start_time"])
                days = (datetime.combine(today.date() + timedelta(days=ahead), clock, tzinfo=zone) for ahead in (0, 1))
                found += [self._seconds(at) for at in days]
        return found

    def _seconds(self, at: datetime) -> float:
        return self.loop.time() + (at - self.now).total_seconds()

    def be_unkind(self) -> None:
        """The scenario's faults begin."""
        self.unkindness = self.scenario.unkindness

    def be_quiet(self) -> None:
        """No faults any more."""
        self.unkindness = KIND
        self.recorder.note(h.QuietBegan, "")

    def dispose(self) -> None:
        """Nothing runs against it any more."""
        self.over = True
        self.loop.dispose()


def shown(step: Step) -> str:
    """A statement, short."""
    return " ".join(step.text.split())[:_STATEMENT_SHOWN]
