"""A process of ours in the simulated world: the real dialer on a simulated pool, its doors for the carrier, and its media streams."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncpg

from db.database import LOST, UNDONE, Database, DatabaseUnavailable
from dialer import suppressions
from dialer.carrier import Carrier, CarrierReport, CarrierThrottled, DialOutcomeUnknown, NothingSent
from dialer.conversations import ConversationResult, Superseded, finish_conversation
from dialer.ending import UnknownCall
from dialer.loop import DialerLoop, Process
from dialer.settling import record_report
from dialer.streams import CallIsOver, StreamRefused, bind_stream, issue_stream_token
from tests.simulation import history as h
from tests.simulation.connections import SimulatedPool
from tests.simulation.world import World

T = TypeVar("T")

_AWAY = (*LOST, *UNDONE, DatabaseUnavailable)
_PATIENCE_S = (0.2, 1.0, 2.0)


class Urls:
    def answer(self, call_id: int) -> str:
        return f"https://calls.example.com/answer/{call_id}"

    def status(self, call_id: int) -> str:
        return f"https://calls.example.com/status/{call_id}"


class WorldClock:
    """The process's clock. What it waits for takes a little longer than asked, as on any machine."""

    def __init__(self, world: World) -> None:
        self._world = world

    def seconds(self) -> float:
        return self._world.loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds + self._world.rng.choice((0.0, 0.1, 0.5)))


@dataclass(frozen=True, slots=True)
class Talk:
    """What is said on an answered call. `seconds`: until the agent ends it."""

    seconds: float
    result: ConversationResult


@dataclass(eq=False, slots=True)
class MediaStream:
    """A media stream. `over`: the process that serves it sees its end; `left`: the carrier does not use it any more."""

    over: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    broke: bool = False
    served: bool = False


class Died(Exception):
    """The process was killed before it had an answer, or failed in a way that it has no answer for."""


class SimulatedProcess:
    """`name` is new for each. Implements `virtual_time.Owner`."""

    def __init__(self, world: World, name: str, concurrency: int, carriers: Mapping[str, Carrier]) -> None:
        self.world, self.id, self.dead, self.frozen = world, name, False, False
        self.draining = False
        self.death: asyncio.Future[None] = world.loop.create_future()
        self.pool = SimulatedPool(world, world.postgres)
        self.db = Database(self.pool)  # type: ignore[arg-type]  # it has what is used of asyncpg's
        self.clock = WorldClock(world)
        self.concurrency = concurrency
        self.talking = 0
        self._carriers = carriers
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """It dials from now on."""
        self.world.recorder.note(h.ProcessStarted, self.id, concurrency=self.concurrency)
        process = Process(self.id, "host", f"wss://{self.id}.example.com/stream", self.concurrency)
        interval_s = self.world.scenario.interval_s
        self.dialer = DialerLoop(self.db, self._carriers, process, Urls(), interval_s=interval_s, clock=self.clock)
        self._task = self.world.begin(self.dialer.run(), f"dialer of {self.id}", self)

    def kill(self, doing: str) -> None:
        """Nothing of it runs any more."""
        self.world.recorder.note(h.ProcessKilled, self.id, doing=doing)
        self.dead = True
        self.pool.cut()
        self.world.postgres.clean()
        self.death.set_result(None)

    async def freeze(self, seconds: float) -> None:
        """Nothing of it runs for so long: a machine that swaps, or is moved. Its connections stay."""
        self.world.recorder.note(h.ProcessFrozen, self.id, seconds=seconds)
        self.frozen = True
        await asyncio.sleep(seconds)
        if not self.dead:
            self.world.recorder.note(h.ProcessThawed, self.id)
            self.world.loop.thaw(self)

    async def stop(self) -> None:
        """As SIGTERM: no call begins, those in progress finish within a limit, leases are handed back."""
        self.world.recorder.note(h.ProcessStopping, self.id)
        self.draining = True
        self.dialer.stop_dialing()
        for _ in range(60):
            if not self.talking:
                break
            await asyncio.sleep(1.0)
        self.dialer.stop()
        assert self._task is not None
        await asyncio.wait({self._task, self.death}, return_when=asyncio.FIRST_COMPLETED)
        if not self.dead:
            self.dead = True
            self.pool.cut()
            self.world.recorder.note(h.ProcessStopped, self.id)
            self.death.set_result(None)

    def hint(self) -> None:
        """The database tells it that something has changed."""
        if not self.dead:
            self.pool.hint()

    async def do(self, work: Coroutine[Any, Any, T], name: str) -> T:
        """Have it do something, and wait for what comes of it.

        Raises:
            Died, and what the work raises.
        """
        if self.dead:
            work.close()
            raise Died
        task = self.world.begin(work, name, self)
        both: list[asyncio.Future[Any]] = [task, self.death]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Died
        error = task.exception()
        if isinstance(error, asyncpg.PostgresError) and not isinstance(error, _AWAY):
            self.world.recorder.note(h.Logged, self.id, level="ERROR", message=f"{name} failed: {type(error).__name__}: {error}")
            raise Died from error
        return task.result()

    async def take_report(self, call_id: int, report: CarrierReport, delivery: int) -> None:
        """The status door."""
        hang_up = await self._report(call_id, report, delivery)
        if hang_up is not None:
            self.world.begin(self._hang_up(hang_up), "hang-up", self)

    async def answer_door(self, call_id: int, report: CarrierReport, delivery: int) -> str | None:
        """What the carrier is to do with an answered call: the token of its stream, or None: hang up."""
        if await self._report(call_id, report, delivery) is not None:
            return None
        for pause in (*_PATIENCE_S, None):
            try:
                return await issue_stream_token(self.db, call_id)
            except CallIsOver:
                return None
            except _AWAY:
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError

    async def talk(self, call_id: int, carrier_call_id: str, number: str, token: str, talk: Talk, stream: MediaStream) -> None:
        """Serve a media stream until the conversation has ended and its result is kept."""
        note = self.world.recorder.note
        try:
            brief = await bind_stream(self.db, token, f"MZ{carrier_call_id}", self.id)
        except StreamRefused as error:
            note(h.StreamRefused, call_id=call_id, carrier_call_id=carrier_call_id, why=str(error.why), left=stream.left.is_set())
            return
        note(h.StreamBound, call_id=call_id, carrier_call_id=carrier_call_id, fence=brief.fence)
        self.talking += 1
        try:
            await self._converse(call_id, carrier_call_id, number, brief.fence, talk, stream.over)
        finally:
            self.talking -= 1

    async def _converse(self, call_id: int, carrier_call_id: str, number: str, fence: int, talk: Talk, over: asyncio.Event) -> None:
        result = talk.result
        try:
            await asyncio.wait_for(over.wait(), talk.seconds)
            result = ConversationResult(ended_by="callee", reason="hung_up", who=result.who, goal="unclear")
        except TimeoutError:
            if result.opted_out:
                await self._patiently(lambda: self._suppress(number, call_id))
        hung_up = not over.is_set() and await self._hang_up(carrier_call_id)
        self.world.recorder.note(
            h.ConversationEnded,
            call_id=call_id,
            fence=fence,
            reason=result.reason,
            who=result.who,
            opted_out=result.opted_out,
            callback_at=result.callback_at,
            message_delivered=result.message_delivered,
        )
        try:
            await self._patiently(lambda: finish_conversation(self.db, call_id, fence, result, hung_up=hung_up))
            kept = True
        except Superseded:
            kept = False
        self.world.recorder.note(h.ResultAnswered, call_id=call_id, fence=fence, kept=kept)

    async def _suppress(self, number: str, call_id: int) -> None:
        await suppressions.add(
            self.db, number, reason="asked not to be called", source="call", actor="agent", call_id=call_id, clock=self.clock
        )

    async def _report(self, call_id: int, report: CarrierReport, delivery: int) -> str | None:
        async def keep() -> str | None:
            return (await record_report(self.db, call_id, report)).hang_up

        try:
            hang_up: str | None = await self._patiently(keep)
        except UnknownCall:
            hang_up = None
        self.world.recorder.note(
            h.WebhookAnswered,
            call_id=call_id,
            carrier_call_id=report.carrier_call_id,
            key=report.key,
            delivery=delivery,
            hang_up=hang_up,
        )
        return hang_up

    async def _patiently(self, work: Any) -> Any:
        for pause in (*_PATIENCE_S, None):
            try:
                return await work()
            except _AWAY:
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError

    async def _hang_up(self, carrier_call_id: str) -> bool:
        for pause in (*_PATIENCE_S, None):
            try:
                await next(iter(self._carriers.values())).hang_up(carrier_call_id)
            except (CarrierThrottled, DialOutcomeUnknown, NothingSent):
                if pause is None:
                    return False
                await asyncio.sleep(pause)
            else:
                return True
        raise AssertionError
