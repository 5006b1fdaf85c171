"""The loop runs by itself: it starts, waits, is told, survives the loss of the database, and leaves nothing behind when it stops."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from db.database import Database
from dialer import campaigns
from dialer.carrier import CarrierThrottled, Order
from tests.dialer.world import World


async def passes(loop_passed: asyncio.Event) -> None:
    loop_passed.clear()
    await asyncio.wait_for(loop_passed.wait(), 30)


class Cable:
    """The wire to the database, that can be cut and mended."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._to)
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()


@pytest.fixture
async def cable(database_url: str) -> AsyncIterator[Cable]:
    host, _, port = database_url.rpartition("/")[0].rpartition("@")[2].partition(":")
    built = Cable(host, int(port))
    await built.mend()
    yield built
    await built.cut()


async def test_a_started_campaign_is_dialed_and_completes_without_anyone_watching(world: World) -> None:
    loop = await world.loop(interval_s=0.05)
    running = asyncio.create_task(loop.run())
    campaign = await world.campaign(1)
    await asyncio.wait_for(world.carrier.asked.wait(), 30)
    await loop.placed()
    await world.talk((await world.calls())[0]["id"])
    assert await world.status(campaign) == "completed"
    loop.stop()
    loop.stop()
    await running


async def test_a_nudge_is_enough_to_look_at_once(world: World) -> None:
    loop = await world.loop(interval_s=3600)
    running = asyncio.create_task(loop.run())
    await asyncio.wait_for(loop.passed.wait(), 30)
    await world.campaign(1)
    loop.nudge()
    await asyncio.wait_for(world.carrier.asked.wait(), 30)
    loop.stop()
    await running


async def test_what_another_process_started_is_heard_of(world: World) -> None:
    loop = await world.loop(interval_s=3600)
    running = asyncio.create_task(loop.run())
    await asyncio.wait_for(loop.passed.wait(), 30)
    await world.campaign(1)
    await asyncio.wait_for(world.carrier.asked.wait(), 30)
    loop.stop()
    await running


async def test_the_greeting_is_prepared_while_it_rings_and_may_fail(world: World) -> None:
    prepared: list[int] = []

    async def prepare(call_id: int) -> None:
        prepared.append(call_id)
        raise RuntimeError("no voice")

    await world.campaign(1)
    loop = await world.loop(on_requested=prepare)
    await world.tick(loop)
    (call,) = await world.calls()
    assert (prepared, call["state"], call["carrier_call_id"]) == ([call["id"]], "requested", "CA1")


async def test_a_loop_that_stops_dials_nobody_and_hands_its_leases_back(world: World) -> None:
    await world.campaign(5, concurrency=1)
    loop = await world.loop(interval_s=3600)
    running = asyncio.create_task(loop.run())
    await asyncio.wait_for(world.carrier.asked.wait(), 30)
    loop.stop()
    await running
    (call,) = await world.calls()
    assert call["lease_until"] <= world.now
    assert await world.value("select stopped_at is not null from processes")
    await world.ring_out(call["id"])  # there is room for the next one
    await world.later(seconds=1)
    assert await world.tick(loop) == 0


async def test_a_loop_that_only_stops_dialing_keeps_the_leases_of_its_calls(world: World) -> None:
    await world.campaign(5, concurrency=1)
    loop = await world.loop(interval_s=3600)
    running = asyncio.create_task(loop.run())
    await asyncio.wait_for(world.carrier.asked.wait(), 30)
    await loop.placed()
    loop.stop_dialing()
    await world.later(seconds=20)
    loop.nudge()
    await passes(loop.passed)
    (call,) = await world.calls()
    assert call["lease_until"] > world.now
    loop.stop()
    await running


async def test_a_database_that_is_gone_is_waited_for_and_nothing_is_lost(
    world: World, database_url: str, cable: Cable, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dialer.loop")
    address = database_url.replace(database_url.rpartition("/")[0].rpartition(":")[2], str(cable.port))
    through = await Database.connect(address)
    direct, world.db = world.db, through
    loop = await world.loop(interval_s=0.01)
    world.db = direct
    campaign = await world.campaign(1, start=False)
    running = asyncio.create_task(loop.run())
    await passes(loop.passed)
    await cable.cut()
    for _ in range(3):
        await passes(loop.passed)
    await campaigns.start(world.db, campaign.id, actor="test")
    assert world.carrier.orders == []
    await cable.mend()
    await asyncio.wait_for(world.carrier.asked.wait(), 30)
    await loop.placed()
    assert [record.message.split(" (")[0] for record in caplog.records if "database" in record.message] == [
        "the database does not answer",
        "the database is back: dialing goes on",
    ]
    loop.stop()
    await running
    await through.close()


async def test_an_answer_of_the_carrier_outlives_a_short_loss_of_the_database(world: World, database_url: str, cable: Cable) -> None:
    address = database_url.replace(database_url.rpartition("/")[0].rpartition(":")[2], str(cable.port))
    through = await Database.connect(address)

    async def cut_while_asked(order: Order) -> Exception:
        await cable.cut()
        await cable.mend()
        return CarrierThrottled("429")

    await world.campaign(1)
    world.carrier.script = [cut_while_asked]
    direct, world.db = world.db, through
    loop = await world.loop()
    world.db = direct
    await world.tick(loop)
    assert [(call["state"], call["outcome"]) for call in await world.calls()] == [("ended", "withdrawn")]
    await through.close()


@pytest.mark.parametrize("state", ["planned", "requested"])
async def test_a_call_whose_own_task_failed_is_settled_by_its_living_process(world: World, state: str) -> None:
    await world.campaign(1)
    await world.tick(await world.loop())
    (call,) = await world.calls()
    await world.db.pool.execute("alter table calls disable trigger call_transition")
    await world.db.pool.execute(
        "update calls set state = $1, posted_at = null, carrier_call_id = null, lease_until = callwright_now() + interval '1 day'", state
    )
    await world.later(seconds=61)
    await world.settle()
    settled = await world.call(call["id"])
    assert (settled["state"], settled["outcome"]) == (("ended", "withdrawn") if state == "planned" else ("ringing", None))
