"""The phone carrier of a simulated world: takes requests, rings, connects, tells by webhooks; and does each of these badly at times."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from db.database import LOST, UNDONE, DatabaseUnavailable
from dialer.carrier import CarrierCall, CarrierRefused, CarrierReport, CarrierThrottled, DialOutcomeUnknown, NothingSent, Order
from dialer.conversations import ConversationResult
from dialer.lifecycle import CallState
from tests.simulation import history as h
from tests.simulation.history import Answer
from tests.simulation.process import Died, MediaStream, SimulatedProcess, Talk
from tests.simulation.virtual_time import OWNER, Owner
from tests.simulation.world import World

POST_LIMIT_S = 10.0
_TIME_LIMIT_S = 5.0  # for a hang-up or a look-up
_AWAY = (*LOST, *UNDONE, DatabaseUnavailable, Died)

_BAD_POSTS = ("lost", "lost", "lost_nothing", "error", "error_nothing", "throttled", "nothing_sent", "stuck", "callees_fault", "our_fault")


@dataclass(eq=False, slots=True)
class CarriersCall:
    """A call at the carrier. `visible_at`: from then on it is found by its numbers."""

    id: str
    order: Order
    created_at: datetime
    visible_at: datetime
    state: CallState = CallState.REQUESTED
    queued: bool = False
    outcome: str | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)


class SimulatedCarrier:
    """Implements `dialer.carrier.Carrier`. `somebody`: a process that carriers reach now, or None."""

    post_limit_s = POST_LIMIT_S

    def __init__(self, world: World, somebody: Callable[[], SimulatedProcess | None]) -> None:
        self._world, self._somebody = world, somebody
        self._calls: dict[str, CarriersCall] = {}
        self._ids = itertools.count(1)
        self._posts = itertools.count(1)

    # ------------------------------------------------------------- what processes ask

    async def place(self, order: Order) -> str:
        world, post_id = self._world, next(self._posts)
        world.recorder.note(
            h.PostBegan, post_id=post_id, call_id=order.call_id, to=order.to, caller=order.caller, ring_timeout_s=order.ring_timeout_s
        )
        answer: asyncio.Future[Any] = world.loop.create_future()
        self._busy(self._serve(order, post_id, answer, OWNER.get()), f"post {post_id}")
        try:
            carrier_call_id: str = await asyncio.wait_for(answer, POST_LIMIT_S)
        except TimeoutError as error:
            world.recorder.note(h.PostReturned, post_id=post_id, call_id=order.call_id, answer=Answer.LOST)
            raise DialOutcomeUnknown("no answer in time") from error
        except (CarrierRefused, CarrierThrottled, DialOutcomeUnknown, NothingSent) as error:
            world.recorder.note(h.PostReturned, post_id=post_id, call_id=order.call_id, answer=_named(error))
            raise
        world.recorder.note(h.PostReturned, post_id=post_id, call_id=order.call_id, answer=Answer.ACCEPTED, carrier_call_id=carrier_call_id)
        return carrier_call_id

    async def hang_up(self, carrier_call_id: str) -> None:
        world = self._world
        await asyncio.sleep(self._travel())
        fails, reaches = world.chance(world.unkindness.look_up), world.chance(0.5)
        world.recorder.note(h.HangUpAsked, carrier_call_id=carrier_call_id, failed=fails)
        if not fails or reaches:
            call = self._calls[carrier_call_id]
            self._end(call, "answered" if call.state is CallState.ANSWERED else "canceled", by_us=True)
        if fails:
            await asyncio.sleep(_TIME_LIMIT_S)
            raise world.rng.choice((DialOutcomeUnknown("no answer in time"), CarrierThrottled("too many requests")))
        await asyncio.sleep(self._travel())

    async def look_up(self, to: str, caller: str, created_after: datetime) -> list[CarrierCall]:
        def find() -> list[CarriersCall]:
            found = [
                each
                for each in self._calls.values()
                if (each.order.to, each.order.caller) == (to, caller)
                and each.created_at >= created_after
                and each.visible_at <= self._world.now
            ]
            return sorted(found, key=lambda each: each.created_at, reverse=True)

        return await self._look(find, to=to)

    async def look_up_call(self, carrier_call_id: str) -> CarrierCall | None:
        def find() -> list[CarriersCall]:
            return [each for each in self._calls.values() if each.id == carrier_call_id]

        return next(iter(await self._look(find, carrier_call_id=carrier_call_id)), None)

    async def _look(
        self, find: Callable[[], list[CarriersCall]], *, to: str | None = None, carrier_call_id: str | None = None
    ) -> list[CarrierCall]:
        await asyncio.sleep(self._travel())
        fails = self._world.chance(self._world.unkindness.look_up)
        found = [] if fails else [_as_told(each) for each in find()]
        self._world.recorder.note(
            h.LookedUp,
            carrier_call_id=carrier_call_id,
            to=to,
            found=None if fails else tuple(f"{each.carrier_call_id} {each.state}" for each in found),
        )
        await asyncio.sleep(self._travel())
        if fails:
            raise self._world.rng.choice(
                (DialOutcomeUnknown("no answer in time"), CarrierThrottled("too many requests"), NothingSent("no route"))
            )
        return found

    # ------------------------------------------------------------- what becomes of a request

    async def _serve(self, order: Order, post_id: int, answer: "asyncio.Future[Any]", asker: Owner | None) -> None:
        world = self._world
        fate = world.rng.choice(_BAD_POSTS) if world.chance(world.unkindness.post) else "accepted"
        if fate == "nothing_sent":
            _tell(answer, NothingSent("connection refused"))
            return
        await asyncio.sleep(world.rng.uniform(8.0, 14.0) if fate == "stuck" else self._travel())
        if asker is not None and asker.dead and world.chance(0.5):
            return  # it never left
        match fate:
            case "accepted" | "stuck" | "lost" | "error":
                call = self._create(order, post_id)
                if fate in ("accepted", "stuck"):
                    await asyncio.sleep(self._travel())
                    _tell(answer, call.id)
                elif fate == "error":
                    _tell(answer, DialOutcomeUnknown("503"))
                elif world.chance(0.5):
                    _tell(answer, DialOutcomeUnknown("the connection was lost"))
            case "error_nothing":
                _tell(answer, DialOutcomeUnknown("502"))
            case "throttled":
                _tell(answer, CarrierThrottled("too many requests", world.rng.choice((None, 3.0, 20.0))))
            case "callees_fault":
                _tell(answer, CarrierRefused("callee", "21211", "invalid number"))
            case "our_fault":
                _tell(answer, CarrierRefused("ours", "20003", "authentication failed"))

    def _create(self, order: Order, post_id: int) -> CarriersCall:
        world = self._world
        created_at = world.now + timedelta(seconds=world.scenario.clock_skew_s)
        visible_at = world.now + timedelta(seconds=world.rng.choice((0.0, 0.0, 2.0)))
        call = CarriersCall(f"CA{next(self._ids)}", order, created_at, visible_at)
        self._calls[call.id] = call
        world.recorder.note(
            h.PostAccepted, "", post_id=post_id, call_id=order.call_id, carrier_call_id=call.id, to=order.to, caller=order.caller
        )
        self._busy(self._live(call), f"life of {call.id}")
        return call

    # ------------------------------------------------------------- a call's life

    async def _live(self, call: CarriersCall) -> None:
        rng = self._world.rng
        if self._world.chance(self._world.unkindness.post * 0.1):
            call.queued = True
            self._move(call, CallState.REQUESTED, told="queued")
            if await self._ended_within(call, rng.choice((5.0, 60.0, 400.0))):
                return
            call.queued = False
        if await self._ended_within(call, rng.uniform(0.1, 3.0)):
            return
        way = rng.random()
        if way < 0.1:
            self._end(call, rng.choice(("busy", "failed")))
            return
        self._move(call, CallState.RINGING)
        if way < self._world.scenario.answer_share:
            if not await self._ended_within(call, rng.uniform(0.5, call.order.ring_timeout_s - 1.0)):
                await self._answered(call)
        elif not await self._ended_within(call, call.order.ring_timeout_s):
            self._end(call, rng.choice(("no_answer", "no_answer", "busy", "failed")))

    async def _answered(self, call: CarriersCall) -> None:
        """The callee is on the line: it asks what to do, connects the stream, and asks again when the stream breaks."""
        world = self._world
        self._move(call, CallState.ANSWERED)
        talk = self._talk(call)
        if world.chance(0.25):  # the callee will not hear it to its end
            self._busy(self._callee_leaves(call, world.rng.uniform(0.5, talk.seconds + 10)), f"callee of {call.id} leaves")
        for asked in range(3):
            process = self._somebody()
            if process is not None:
                await asyncio.sleep(self._travel())
                if call.over.is_set():
                    return
                if await self._connect(call, process, talk, asked):
                    break
            if await self._ended_within(call, world.rng.uniform(0.1, 4.0)):
                return
        self._end(call, "answered")

    async def _connect(self, call: CarriersCall, process: SimulatedProcess, talk: Talk, asked: int) -> bool:
        """Whether the call is over with it; False: ask again."""
        report = CarrierReport(call.id, CallState.ANSWERED, f"{call.id}-door{asked}", at=self._told_at())
        self._note_sent(process, call, report, report.at, 1)
        try:
            token = await process.do(process.answer_door(call.order.call_id, report, 1), "answer door")
        except _AWAY:
            return False
        if token is None:
            return True
        await asyncio.sleep(self._travel())
        server = self._somebody()
        if server is None or call.over.is_set():
            return False
        stream = MediaStream()
        self._busy(self._end_of(call, stream), f"end of a stream of {call.id}")
        serving = self._busy(self._serve_stream(call, server, token, talk, stream), f"stream of {call.id}")
        await stream.left.wait()
        if stream.broke:
            return False  # the callee hears nothing any more, and its action URL is asked
        await serving
        return stream.served or self._world.chance(0.4)

    async def _serve_stream(self, call: CarriersCall, server: SimulatedProcess, token: str, talk: Talk, stream: MediaStream) -> None:
        try:
            await server.do(server.talk(call.order.call_id, call.id, call.order.to, token, talk, stream), f"stream of {call.id}")
            stream.served = True
        except _AWAY:
            pass
        finally:
            stream.left.set()

    async def _end_of(self, call: CarriersCall, stream: MediaStream) -> None:
        """The stream ends with its call; or it breaks before, which the process that serves it may see late."""
        world = self._world
        breaks_after = world.rng.uniform(0.5, 10.0) if world.chance(world.unkindness.broken) else None
        ended = self._busy(call.over.wait(), f"end of {call.id}")
        left = self._busy(stream.left.wait(), f"end of a stream of {call.id}")
        await asyncio.wait({ended, left}, timeout=breaks_after, return_when=asyncio.FIRST_COMPLETED)
        if not (call.over.is_set() or stream.left.is_set()):
            stream.broke = True
            stream.left.set()
            await asyncio.sleep(world.rng.choice((0.5, 20.0)))
        stream.over.set()

    async def _callee_leaves(self, call: CarriersCall, seconds: float) -> None:
        if not await self._ended_within(call, seconds):
            self._end(call, "answered")

    def _talk(self, call: CarriersCall) -> Talk:
        world, rng = self._world, self._world.rng
        who, reason, goal = rng.choice(
            (
                ("human", "goodbye", "met"),
                ("human", "goodbye", "not_met"),
                ("human", "declined", "not_met"),
                ("human", "opted_out", "not_met"),
                ("human", "callback", "unclear"),
                ("human", "callback", "unclear"),
                ("human", "line_lost", "unclear"),
                ("voicemail", "message_left", "not_met"),
                ("voicemail", "no_message", "not_met"),
                ("no_one", "silence", "not_met"),
            )
        )
        later = rng.choice((None, timedelta(minutes=2), timedelta(hours=3))) if reason == "callback" else None
        return Talk(
            seconds=rng.choice((2.0, 10.0, 45.0, 100.0)),
            result=ConversationResult(
                ended_by="agent",
                reason=reason,
                who=who,
                goal=goal,
                opted_out=reason == "opted_out",
                callback_at=world.now + later if later else None,
                message_delivered=reason == "message_left",
            ),
        )

    async def _ended_within(self, call: CarriersCall, seconds: float) -> bool:
        try:
            await asyncio.wait_for(call.over.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _end(self, call: CarriersCall, outcome: str, *, by_us: bool = False) -> None:
        if call.state is not CallState.ENDED:
            call.outcome = outcome
            call.over.set()
            self._move(call, CallState.ENDED, by_us=by_us)

    def _move(self, call: CarriersCall, state: CallState, *, told: str | None = None, by_us: bool = False) -> None:
        call.state = state
        self._world.recorder.note(
            h.LineMoved,
            "",
            carrier_call_id=call.id,
            call_id=call.order.call_id,
            state=told or state.value,
            outcome=call.outcome,
            by_us=by_us,
        )
        if told is None:
            self._busy(self._tell(call, state, call.outcome), f"webhooks of {call.id}")

    # ------------------------------------------------------------- webhooks

    async def _tell(self, call: CarriersCall, state: CallState, outcome: str | None) -> None:
        world, happened_at = self._world, self._world.now
        report = CarrierReport(call.id, state, f"{call.id}-{state}", at=self._told_at(), outcome=outcome)
        if world.chance(world.unkindness.never):
            return
        delays = [world.rng.uniform(5.0, 240.0) if world.chance(world.unkindness.late) else world.rng.uniform(0.0, 0.6)]
        if world.chance(world.unkindness.doubled):
            delays.append(world.rng.choice((0.0, 1.0, 100.0)))
        for delivery, delay in enumerate(delays, start=1):
            await asyncio.sleep(delay)
            process = self._somebody()
            if process is None:
                continue  # it does not ask again
            self._note_sent(process, call, report, happened_at, delivery)
            try:
                await process.do(process.take_report(call.order.call_id, report, delivery), f"webhook of {call.id}")
            except _AWAY:
                continue

    def _note_sent(
        self, process: SimulatedProcess, call: CarriersCall, report: CarrierReport, happened_at: datetime | None, delivery: int
    ) -> None:
        self._world.recorder.note(
            h.WebhookSent,
            process.id,
            call_id=call.order.call_id,
            carrier_call_id=call.id,
            state=report.state.value,
            outcome=report.outcome,
            key=report.key,
            happened_at=happened_at,
            delivery=delivery,
        )

    def _told_at(self) -> datetime:
        return self._world.now + timedelta(seconds=self._world.scenario.clock_skew_s)

    def _travel(self) -> float:
        return self._world.rng.choice((0.02, 0.1, 0.1, 0.5, 2.0))

    def _busy(self, work: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[None]":
        """Something that the world outside does, until it is done."""
        world = self._world

        async def until_done() -> None:
            try:
                await work
            finally:
                world.busy -= 1

        world.busy += 1
        return world.begin(until_done(), name)


def _tell(answer: "asyncio.Future[Any]", what: str | BaseException) -> None:
    if answer.done():
        return
    if isinstance(what, BaseException):
        answer.set_exception(what)
    else:
        answer.set_result(what)


def _named(error: BaseException) -> Answer:
    if isinstance(error, CarrierRefused):
        return Answer.OUR_FAULT if error.fault == "ours" else Answer.CALLEES_FAULT
    if isinstance(error, CarrierThrottled):
        return Answer.THROTTLED
    if isinstance(error, NothingSent):
        return Answer.NOTHING_SENT
    return Answer.SERVER_ERROR if str(error).startswith("50") else Answer.LOST


def _as_told(call: CarriersCall) -> CarrierCall:
    return CarrierCall(call.id, call.order.to, call.order.caller, call.state, call.created_at, queued=call.queued, outcome=call.outcome)
