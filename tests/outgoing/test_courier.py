"""Deliveries to real endpoints: signed, at least once, again after a failure, and none at another's cost."""

import asyncio
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from db.database import Database
from db.webhook_events import Event
from dialer import suppressions
from mediaserver.outgoing import endpoints
from mediaserver.outgoing.courier import AT_ONCE, LEASE_S, Courier
from mediaserver.outgoing.post import KEPT_OF_ANSWER, Poster
from mediaserver.outgoing.schedule import ATTEMPTS, wait_s
from tests.dialer.world import World, number
from tests.outgoing.conftest import Subscribe, deliver
from tests.outgoing.receiver import Receiver, receiving
from tests.outgoing.test_pure_parts import documented

ROOT = Path(__file__).parents[2]
# A courier as a process of its own, to be killed.
PROGRAM = """
import asyncio, sys
from db.database import Database
from mediaserver.outgoing.courier import Courier
from mediaserver.outgoing.post import Poster

async def main():
    await Courier(await Database.connect(sys.argv[1]), Poster(private_allowed=True)).run()

asyncio.run(main())
"""


async def something_happens(world: World, times: int = 1, first: int = 0) -> None:
    """So many numbers are put on the do-not-call list."""
    for index in range(first, first + times):
        await suppressions.add(world.db, number(index), reason="asked", source="operator", actor="olive")


async def state(world: World, column: str = "state") -> Any:
    """Of the only delivery."""
    return await world.value(f"select {column} from webhook_deliveries")


async def test_a_message_is_delivered_and_verified_by_the_documented_code(
    world: World, courier: Courier, receiver: Receiver, subscribe: Subscribe
) -> None:
    webhook, secret = await subscribe(receiver.url)
    receiver.script, receiver.says = [200], "thanks"
    await something_happens(world)
    assert await deliver(courier) == 1
    (got,) = receiver.got
    assert documented()(got.headers, got.body, secret)
    assert (got.path, got.headers["Content-Type"]) == ("/hook", "application/json")
    assert (got.message["id"], got.message["type"], got.message["data"]["number"]) == (got.id, "suppression.added", number(0))
    assert got.message["timestamp"] == "2030-05-15T12:00:00+00:00"
    assert [await state(world, each) for each in ("state", "status_code", "response", "attempts")] == ["delivered", 200, "thanks", 1]
    assert (await endpoints.get(world.db, webhook.id)).last_delivered_at == world.now
    assert await deliver(courier) == 0


async def test_what_fails_is_sent_again_later_and_later_with_the_same_id(
    world: World, courier: Courier, receiver: Receiver, subscribe: Subscribe
) -> None:
    webhook, _ = await subscribe(receiver.url)
    receiver.script, receiver.says = [500, 404], "out of order"
    await something_happens(world)
    for seconds, error in ((10, "answered 500"), (30, "answered 404")):
        assert await deliver(courier) == 1
        assert [await state(world, each) for each in ("state", "error", "response")] == ["waiting", error, "out of order"]
        await world.later(seconds=seconds - 1)
        assert await deliver(courier) == 0
        await world.later(seconds=1)
    failing = await endpoints.get(world.db, webhook.id)
    assert (failing.failing_since is not None, failing.last_error, failing.active) == (True, "answered 404", True)
    assert await deliver(courier) == 1
    assert await state(world) == "delivered"
    assert len({got.id for got in receiver.got}) == 1
    assert len({got.body for got in receiver.got}) == 1
    healed = await endpoints.get(world.db, webhook.id)
    assert (healed.failing_since, healed.last_error) == (None, "")


async def test_who_does_not_answer_is_given_up_waiting_for_and_asked_again(world: World, receiver: Receiver, subscribe: Subscribe) -> None:
    await subscribe(receiver.url)
    receiver.holds = True
    await something_happens(world)
    async with AsyncExitStack() as stack:
        impatient = Poster(private_allowed=True, within_s=0.2)
        stack.push_async_callback(impatient.close)
        courier = Courier(world.db, impatient, chance=lambda: 0.5)
        await deliver(courier)
        assert "no answer within" in await state(world, "error")
        receiver.let_go()
        await world.later(seconds=10)
        await deliver(courier)
    assert await state(world) == "delivered"


async def test_who_is_not_there_is_asked_again(world: World, courier: Courier, subscribe: Subscribe) -> None:
    async with receiving() as receiver:
        url = receiver.url
    await subscribe(url)
    await something_happens(world)
    await deliver(courier)
    assert "can't be reached" in await state(world, "error")
    assert await state(world) == "waiting"


async def test_in_the_end_it_is_given_up_and_an_admin_can_have_it_sent_again(
    world: World, courier: Courier, receiver: Receiver, subscribe: Subscribe
) -> None:
    webhook, _ = await subscribe(receiver.url)
    await something_happens(world)
    receiver.script = [500] * ATTEMPTS
    for attempt in range(1, ATTEMPTS + 1):
        assert await deliver(courier) == 1
        await world.later(seconds=wait_s(attempt, 0.5) or 0)
    assert await deliver(courier) == 0
    assert await state(world) == "given_up"
    delivery_id = await state(world, "id")
    await endpoints.redeliver(world.db, webhook.id, delivery_id, actor="olive")
    assert await deliver(courier) == 1
    assert [await state(world), await state(world, "attempts")] == ["delivered", 1]


async def test_an_endpoint_that_is_gone_gets_nothing_any_more(
    world: World, courier: Courier, receiver: Receiver, subscribe: Subscribe
) -> None:
    webhook, _ = await subscribe(receiver.url)
    receiver.script = [410]
    await something_happens(world, 1)
    await deliver(courier)
    gone = await endpoints.get(world.db, webhook.id)
    assert (gone.active, "410" in gone.disabled_reason) == (False, True)
    assert await state(world) == "given_up"
    await something_happens(world, 1, first=1)
    assert await world.value("select count(*) from webhook_deliveries") == 1
    assert await world.value("select actor from audit_log where action = 'webhook.disable'") == "webhooks"


async def test_an_endpoint_that_takes_nothing_for_five_days_is_disabled(
    world: World, courier: Courier, receiver: Receiver, subscribe: Subscribe
) -> None:
    webhook, _ = await subscribe(receiver.url)
    receiver.script = [500] * 3
    for day in range(3):
        await something_happens(world, 1, first=day)
        await world.db.pool.execute("update webhook_deliveries set state = 'given_up' where state = 'waiting' and attempts > 0")
        await deliver(courier)
        assert (await endpoints.get(world.db, webhook.id)).active is (day < 2)
        await world.later(days=2.5)
    assert "5 days" in (await endpoints.get(world.db, webhook.id)).disabled_reason


async def test_a_paused_endpoint_gets_what_waits_once_it_is_active_again(
    world: World, courier: Courier, receiver: Receiver, subscribe: Subscribe
) -> None:
    webhook, _ = await subscribe(receiver.url)
    keep: dict[str, Any] = {"url": None, "events": None, "description": None, "actor": "test", "private_allowed": True}
    await something_happens(world)
    await endpoints.change(world.db, webhook.id, active=False, **keep)
    assert await deliver(courier) == 0
    await endpoints.change(world.db, webhook.id, active=True, **keep)
    assert await deliver(courier) == 1


async def test_a_killed_process_s_message_is_delivered_by_another(
    world: World, courier: Courier, receiver: Receiver, subscribe: Subscribe, database_url: str
) -> None:
    await subscribe(receiver.url)
    await something_happens(world)
    receiver.holds = True
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, database_url, cwd=ROOT)
    await receiver.has(1)
    process.kill()
    await process.wait()
    receiver.let_go()
    assert await deliver(courier) == 0  # its lease lasts
    await world.later(seconds=LEASE_S)
    assert await deliver(courier) == 1
    assert len({got.id for got in receiver.got}) == 1
    assert await state(world) == "delivered"


async def test_a_process_that_is_stopped_gives_back_what_it_was_at(
    world: World, poster: Poster, courier: Courier, receiver: Receiver, subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediaserver.outgoing.courier.STOP_WITHIN_S", 0.0)
    await subscribe(receiver.url)
    await something_happens(world)
    receiver.holds = True
    stopping = Courier(world.db, poster)
    await stopping.run_once()
    await receiver.has(1)
    await stopping.stop()
    receiver.let_go()
    assert await deliver(courier) == 1
    assert await state(world) == "delivered"


async def test_what_was_committed_is_told_by_whoever_lives(
    world: World, courier: Courier, receiver: Receiver, subscribe: Subscribe, database_url: str
) -> None:
    await subscribe(receiver.url, Event.CALL_ENDED)
    await world.campaign(1)
    await world.tick(await world.loop())
    dying = await Database.connect(database_url)
    other = World(dying, world.account_id, world.phone_number_id, world.agent_id)
    await other.ring_out(await world.value("select id from calls"))
    dying.pool.terminate()  # the process that ended the call is gone
    await deliver(courier)
    (got,) = receiver.got
    assert (got.message["type"], got.message["data"]["outcome"]) == ("call.ended", "no_answer")


async def test_two_processes_share_what_is_due_and_send_nothing_twice(
    world: World, poster: Poster, courier: Courier, receiver: Receiver, subscribe: Subscribe
) -> None:
    await subscribe(receiver.url)
    await something_happens(world, 20)
    other = Courier(world.db, poster)
    while sum(await asyncio.gather(deliver(courier), deliver(other))):
        pass
    assert len(receiver.got) == len({got.id for got in receiver.got}) == 20


async def test_an_endpoint_that_hangs_holds_up_no_other_and_is_asked_few_at_once(
    world: World, courier: Courier, receiver: Receiver, subscribe: Subscribe
) -> None:
    async with receiving() as hanging:
        hanging.holds = True
        await subscribe(hanging.url)
        await subscribe(receiver.url)
        await something_happens(world, 12)
        running = asyncio.create_task(courier.run())
        await receiver.has(12)
        await hanging.has(AT_ONCE)
        assert len(hanging.got) == AT_ONCE
        hanging.let_go()
        await hanging.has(12)
        await courier.stop()
        await running


async def test_an_endpoint_that_fails_is_asked_one_at_a_time_until_it_answers(
    world: World, courier: Courier, receiver: Receiver, subscribe: Subscribe
) -> None:
    await subscribe(receiver.url)
    receiver.script = [500] * AT_ONCE
    await something_happens(world, 12)
    assert [await deliver(courier) for _ in range(4)] == [AT_ONCE, 1, AT_ONCE, 12 - 2 * AT_ONCE - 1]
    await world.later(seconds=10)
    assert await deliver(courier) == AT_ONCE


async def test_what_somebody_asks_for_goes_before_what_waits(
    world: World, courier: Courier, receiver: Receiver, subscribe: Subscribe
) -> None:
    webhook, _ = await subscribe(receiver.url)
    receiver.script = [500] * AT_ONCE
    await something_happens(world, 12)
    await deliver(courier)
    await endpoints.ping(world.db, webhook.id, actor="olive")
    assert await deliver(courier) == 1
    assert receiver.got[-1].message["type"] == "ping"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(world: World, courier: Courier, receiver: Receiver, subscribe: Subscribe, status: int) -> None:
    async with receiving() as elsewhere:
        receiver.script, receiver.headers = [status], {"Location": elsewhere.url}
        await subscribe(receiver.url)
        await something_happens(world)
        await deliver(courier)
        assert "a redirect" in await state(world, "error")
        assert elsewhere.got == []


async def test_of_an_answer_only_the_beginning_is_read(world: World, courier: Courier, receiver: Receiver, subscribe: Subscribe) -> None:
    await subscribe(receiver.url)
    receiver.script, receiver.says = [200], "a\0" + "b" * 1_000_000
    await something_happens(world)
    await deliver(courier)
    kept = await state(world, "response")
    assert (await state(world), kept[:3], len(kept)) == ("delivered", "abb", KEPT_OF_ANSWER - 1)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the names of the world lead to."""
    known: dict[str, str] = {}
    asked = socket.getaddrinfo

    def look_up(host: str, port: int, *rest: Any, **more: Any) -> Any:
        return asked(known.get(host, host), port, *rest, **more)

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    return known


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "public.example.com", "2130706433", "127.1"])
async def test_no_address_leads_into_our_own_network_however_it_is_written(
    world: World, receiver: Receiver, subscribe: Subscribe, names: dict[str, str], host: str
) -> None:
    names["public.example.com"] = "127.0.0.1"  # when it was saved it may have led elsewhere
    await subscribe(receiver.url.replace("127.0.0.1", host))
    await world.db.pool.execute("update webhooks set url = replace(url, 'http:', 'https:')")
    await something_happens(world)
    async with AsyncExitStack() as stack:
        guarded = Poster()
        stack.push_async_callback(guarded.close)
        await deliver(Courier(world.db, guarded))
    assert receiver.got == []
    assert await state(world) == "waiting"
    assert await state(world, "error") != ""
    if host in ("127.0.0.1", "localhost", "public.example.com"):
        assert "private address" in await state(world, "error")


async def test_a_secret_that_was_changed_signs_beside_the_new_one_for_a_day(
    world: World, courier: Courier, receiver: Receiver, subscribe: Subscribe
) -> None:
    webhook, old = await subscribe(receiver.url)
    new = await endpoints.rotate_secret(world.db, webhook.id, actor="olive")
    verified = documented()
    for day, expected in ((0, [True, True]), (1, [True, False])):
        await something_happens(world, 1, first=day)
        await deliver(courier)
        got = receiver.got[-1]
        assert [verified(got.headers, got.body, secret) for secret in (new, old)] == expected
        await world.later(days=1)


async def test_deliveries_are_kept_for_thirty_days(world: World, courier: Courier, receiver: Receiver, subscribe: Subscribe) -> None:
    await subscribe(receiver.url)
    await something_happens(world, 2)
    await deliver(courier)
    await world.later(days=29)
    assert await courier.clear_old() == 0
    await world.later(days=2)
    assert await courier.clear_old() == 2


async def test_deliveries_are_kept_no_longer_than_the_words_in_them(
    world: World, courier: Courier, receiver: Receiver, subscribe: Subscribe
) -> None:
    await subscribe(receiver.url)
    await something_happens(world)
    await deliver(courier)
    await world.later(days=8)
    assert await courier.clear_old() == 0
    await world.db.pool.execute("update retention set transcripts_days = 7")
    assert await courier.clear_old() == 1


async def test_a_database_that_is_away_is_waited_for(
    world: World, courier: Courier, receiver: Receiver, subscribe: Subscribe, database_url: str
) -> None:
    await subscribe(receiver.url)
    running = asyncio.create_task(courier.run())
    name = database_url.rpartition("/")[2]
    await world.value("select 1 from pg_sleep(0)")
    await world.db.pool.expire_connections()
    killed = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()"
    await world.value(killed, name)
    await something_happens(world)
    await receiver.has(1)
    await courier.stop()
    await running
    assert await state(world) == "delivered"
