"""From the answer of a Pause, a Cancel or a suppression on, no call that it forbids starts ("starts": the carrier takes it), however many
processes dial and however slow the carrier is; what it took since the stop was asked for is hung up by then."""

import asyncio
import io
import random
from collections.abc import Awaitable, Callable

import pytest

from dialer import campaigns, stopping, suppressions
from dialer.carrier import DialOutcomeUnknown, Order
from dialer.lifecycle import CallState
from dialer.loop import DialerLoop
from dialer.rows import Campaign
from dialer.suppression_import import ListOptions, import_list
from tests.dialer.world import StandingClock, World, number

HELD = 6  # so many requests are with the carrier when the stop is asked for, and come back only while it waits for them
PEOPLE = 60


class PatientClock(StandingClock):
    """Time does not run out for who waits; `waited` says that somebody does."""

    async def sleep(self, seconds: float) -> None:
        self.waited.set()
        await asyncio.sleep(0)


class SlowCarrier:
    """Takes the first calls when somebody waits for them, and each later one after others have gone first."""

    def __init__(self, world: World, clock: PatientClock) -> None:
        self._world, self._clock, self._chance = world, clock, random.Random(7)
        self.held: list[str] = []
        self.taken: list[str] = []
        self.all_held, self.took = asyncio.Event(), asyncio.Event()

    async def __call__(self, order: Order) -> str:
        if len(self.held) < HELD:
            self.held.append(order.to)
            if len(self.held) == HELD:
                self.all_held.set()
            await self._clock.waited.wait()
        for _ in range(self._chance.choice([0, 1, 5, 20])):
            await self._world.value("select 1")
        self.taken.append(order.to)
        self.took.set()
        return self._world.carrier.take(order)

    async def take_more(self, calls: int, of: Callable[[str], bool]) -> None:
        """Return when so many more of these have been taken."""
        until = sum(map(of, self.taken)) + calls
        while sum(map(of, self.taken)) < until:
            self.took.clear()
            await asyncio.wait_for(self.took.wait(), 60)


async def dial(world: World, loop: DialerLoop, done: asyncio.Event) -> None:
    """Tick without waiting for what is on its way; calls that were taken end, so that there is room for more."""
    while not done.is_set():
        await loop.run_once()
        for call in await world.db.pool.fetch(
            "select id from calls where state = 'requested' and carrier_call_id is not null and not cancel_wanted limit 3"
        ):
            await world.report(call["id"], CallState.ENDED, "busy")
        await world.later(milliseconds=5)
    await loop.placed()


async def pause(world: World, campaign: Campaign, _: str, clock: PatientClock) -> object:
    return await campaigns.pause(world.db, campaign.id, actor="test", clock=clock)


async def cancel(world: World, campaign: Campaign, _: str, clock: PatientClock) -> object:
    return await campaigns.cancel(world.db, campaign.id, actor="test", clock=clock)


async def suppress(world: World, _: Campaign, asked_for: str, clock: PatientClock) -> object:
    last = number(PEOPLE - 1)
    await suppressions.add(world.db, last, reason="asked", source="operator", actor="test", clock=clock)
    return await suppressions.add(world.db, asked_for, reason="asked", source="operator", actor="test", clock=clock)


async def suppress_a_list(world: World, _: Campaign, asked_for: str, clock: PatientClock) -> object:
    numbers = io.BytesIO(f"{number(PEOPLE - 1)}\n{asked_for}\n".encode())
    return await import_list(world.db, numbers, actor="test", options=ListOptions(reason="asked"), clock=clock)


Stop = Callable[[World, Campaign, str, PatientClock], Awaitable[object]]


@pytest.mark.parametrize("stop", [pause, cancel, suppress, suppress_a_list])
async def test_after_its_answer_nothing_starts_that_it_forbids(world: World, stop: Stop) -> None:
    await world.db.pool.execute("update carrier_accounts set calls_per_second = 1e9")
    clock = PatientClock()
    carrier = SlowCarrier(world, clock)
    world.carrier.script = [carrier] * (4 * PEOPLE)
    stopped = await world.campaign(PEOPLE, concurrency=4)
    other = await world.campaign(PEOPLE, concurrency=4, first=1000)
    everybody = {number(each) for each in range(PEOPLE)}
    suppresses = stop in (suppress, suppress_a_list)
    loops = [await world.loop(f"process {turn}") for turn in range(3)]
    done = asyncio.Event()
    async with asyncio.TaskGroup() as dialing:
        for loop in loops:
            dialing.create_task(dial(world, loop, done))
        await asyncio.wait_for(carrier.all_held.wait(), 60)
        asked_for = next(to for to in carrier.held if to in everybody)
        forbidden = {asked_for, number(PEOPLE - 1)} if suppresses else everybody
        await stop(world, stopped, asked_for, clock)
        at_answer = [to for to in carrier.taken if to in forbidden]
        hung_up = {world.carrier.calls[each].to for each in world.carrier.hung_up}
        assert forbidden.intersection(carrier.held) <= hung_up, "what the carrier took while the stop waited is hung up by its answer"
        await carrier.take_more(15, lambda to: to not in forbidden)  # dialing goes on elsewhere
        done.set()
    assert [to for to in carrier.taken if to in forbidden] == at_answer
    if suppresses:
        assert number(PEOPLE - 1) not in carrier.taken
    else:
        assert await world.status(stopped) == ("paused" if stop is pause else "cancelled")
    assert await world.status(other) in ("in_progress", "completed")


async def test_a_request_that_comes_back_after_the_stops_patience_is_hung_up_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, asked = asyncio.Event(), asyncio.Event()

    async def very_slow(order: Order) -> str:
        asked.set()
        await going.wait()
        return world.carrier.take(order)

    campaign = await world.campaign(1)
    loop = await world.loop()
    world.carrier.script = [very_slow]
    await loop.run_once()
    await asked.wait()
    monkeypatch.setattr(stopping, "WAIT_AT_MOST_S", 0.0)
    await campaigns.pause(world.db, campaign.id, actor="test")
    assert world.carrier.hung_up == []
    going.set()
    await loop.placed()
    assert world.carrier.hung_up == ["CA1"]
    await world.report((await world.calls())[0]["id"], CallState.ENDED, "canceled")
    (contact,) = await world.contacts(campaign)
    assert (contact.status, contact.tries) == ("pending", 0)


async def begin_a_request(world: World) -> tuple[Campaign, DialerLoop, asyncio.Event]:
    """A campaign whose one request is with the carrier, which takes it when the event is set."""
    going, asked = asyncio.Event(), asyncio.Event()

    async def slow(order: Order) -> str:
        asked.set()
        await going.wait()
        return world.carrier.take(order)

    campaign, loop = await world.campaign(1), await world.loop()
    world.carrier.script = [slow]
    await loop.run_once()
    await asked.wait()
    return campaign, loop, going


async def waits(stop: Callable[[StandingClock], Awaitable[object]]) -> "tuple[StandingClock, asyncio.Future[object]]":
    """The stop, once it waits for something."""
    clock = StandingClock()
    stopping_now, waiting = asyncio.ensure_future(stop(clock)), asyncio.ensure_future(clock.waited.wait())
    await asyncio.wait({stopping_now, waiting}, return_when=asyncio.FIRST_COMPLETED)
    assert not stopping_now.done(), "it has answered while a request that it forbids was on its way"
    return clock, stopping_now


async def test_a_stop_waits_for_a_request_also_where_a_webhook_told_of_its_call_before(world: World) -> None:
    campaign, loop, going = await begin_a_request(world)
    first, paused = await waits(lambda clock: campaigns.pause(world.db, campaign.id, actor="test", clock=clock))
    (call,) = await world.calls()
    await world.report(call["id"], CallState.RINGING, carrier_call_id="CA1")
    second, back = await waits(lambda clock: stopping.posts_are_back(world.db, [call["id"]], clock))
    going.set()
    await loop.placed()
    for clock in (first, second):
        clock.goes_on.set()
    await asyncio.gather(paused, back)
    assert world.carrier.hung_up == ["CA1"]


async def test_a_second_stop_waits_for_the_same_request(world: World) -> None:
    campaign, loop, going = await begin_a_request(world)
    first, paused = await waits(lambda clock: campaigns.pause(world.db, campaign.id, actor="test", clock=clock))
    second, suppressed = await waits(
        lambda clock: suppressions.add(world.db, number(0), reason="asked", source="operator", actor="test", clock=clock)
    )
    going.set()
    await loop.placed()
    for clock in (first, second):
        clock.goes_on.set()
    await asyncio.gather(paused, suppressed)
    assert world.carrier.hung_up == ["CA1"]


@pytest.mark.parametrize(
    ("ended_as", "outcome", "tries"), [("canceled", "withdrawn", 0), ("busy", "busy", 1), ("no_answer", "no_answer", 1)]
)
async def test_a_stopped_call_that_ended_by_itself_before_it_was_taken_back_is_a_try(
    world: World, ended_as: str, outcome: str, tries: int
) -> None:
    campaign = await world.campaign(1)
    await world.tick(await world.loop())
    await suppressions.add(world.db, number(0), reason="asked", source="operator", actor="test")
    (call,) = await world.calls()
    await world.report(call["id"], CallState.ENDED, ended_as)
    assert (await world.call(call["id"]))["outcome"] == outcome
    (contact,) = await world.contacts(campaign)
    assert contact.tries == tries


@pytest.mark.parametrize("stop", [campaigns.pause, campaigns.cancel])
async def test_a_call_of_which_nobody_knew_at_the_stop_is_hung_up_when_it_rings(
    world: World, stop: Callable[..., Awaitable[object]]
) -> None:
    campaign = await world.campaign(1)
    world.carrier.script = [DialOutcomeUnknown("no answer in time")]
    await world.tick(await world.loop())
    (call,) = await world.calls()
    assert call["state"] == "unknown"
    await stop(world.db, campaign.id, actor="test")
    told = await world.report(call["id"], CallState.RINGING, carrier_call_id="CA1")
    assert told.hang_up == "CA1"
