"""What every carrier promises, whoever it is. A carrier joins by adding to `CARRIERS` how to reach it on a network of this machine."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from dialer.carrier import Carrier, CarrierRefused, DialOutcomeUnknown, NothingSent, Order
from dialer.lifecycle import CallState
from mediaserver.carriers.simulated.network import PhoneNetwork
from mediaserver.carriers.simulated.settings import NetworkSettings
from mediaserver.carriers.simulated.speech import Tones
from mediaserver.carriers.twilio.rest import TwilioCarrier
from tests.carriers.twilio_double import ACCOUNT, TOKEN, TwilioDouble

ORDER = Order(7, "+12025550123", "+15005550006", "http://127.0.0.1:9/answer/7", "http://127.0.0.1:9/status/7", 30)


@dataclass
class Subject:
    """`carrier` may place `ORDER`. `intruder`: the same network with wrong credentials. `nowhere`: the same carrier where
    nobody listens."""

    carrier: Carrier
    intruder: Carrier
    nowhere: Carrier


@asynccontextmanager
async def twilio_s_api(url: str) -> AsyncIterator[Subject]:
    """The Twilio room with whoever speaks that API at `url`."""
    async with aiohttp.ClientSession() as session:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))

            def reach(api_url: str, token: str = TOKEN) -> TwilioCarrier:
                return TwilioCarrier(session, api_url=api_url, account_sid=ACCOUNT, auth_token=token)

            yield Subject(reach(url), reach(url, "wrong"), reach(f"http://127.0.0.1:{silent.getsockname()[1]}"))


@asynccontextmanager
async def twilio() -> AsyncIterator[Subject]:
    async with TestServer(TwilioDouble().app()) as server, twilio_s_api(str(server.make_url("")).rstrip("/")) as subject:
        yield subject


@asynccontextmanager
async def simulated() -> AsyncIterator[Subject]:
    settings = NetworkSettings(
        port=0, account_sid=ACCOUNT, auth_token=TOKEN, caller_numbers=(ORDER.caller,), api_latency_ms=0, ring_ms=60_000, callback_tries=1
    )
    network = PhoneNetwork(settings, Tones())
    try:
        async with twilio_s_api(await network.start()) as subject:
            yield subject
    finally:
        await network.stop()


CARRIERS: dict[str, Callable[[], AbstractAsyncContextManager[Subject]]] = {"twilio": twilio, "simulated": simulated}


@pytest.fixture(params=CARRIERS)
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    async with CARRIERS[request.param]() as made:
        yield made


def a_minute_ago() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=1)


async def test_a_placed_call_is_found_by_its_numbers_and_by_its_id(subject: Subject) -> None:
    call = await subject.carrier.place(ORDER)
    [found] = await subject.carrier.look_up(ORDER.to, ORDER.caller, a_minute_ago())
    assert found == await subject.carrier.look_up_call(call)
    assert (found.carrier_call_id, found.to, found.caller) == (call, ORDER.to, ORDER.caller)
    assert found.state in (CallState.REQUESTED, CallState.RINGING)
    assert found.outcome is None


async def test_calls_are_found_newest_first(subject: Subject) -> None:
    calls = [await subject.carrier.place(ORDER) for _ in range(3)]
    found = await subject.carrier.look_up(ORDER.to, ORDER.caller, a_minute_ago())
    assert sorted(call.carrier_call_id for call in found) == sorted(calls)
    assert [call.created_at for call in found] == sorted((call.created_at for call in found), reverse=True)


async def test_a_look_up_finds_neither_older_calls_nor_those_of_others(subject: Subject) -> None:
    await subject.carrier.place(ORDER)
    assert await subject.carrier.look_up(ORDER.to, ORDER.caller, datetime.now(UTC) + timedelta(minutes=1)) == []
    assert await subject.carrier.look_up("+12025550199", ORDER.caller, a_minute_ago()) == []
    assert await subject.carrier.look_up(ORDER.to, "+15005550001", a_minute_ago()) == []


async def test_a_hang_up_ends_the_call_and_may_be_asked_for_twice(subject: Subject) -> None:
    call = await subject.carrier.place(ORDER)
    await subject.carrier.hang_up(call)
    await subject.carrier.hang_up(call)
    told = await subject.carrier.look_up_call(call)
    assert told is not None
    assert told.state is CallState.ENDED
    assert told.outcome == "canceled"


async def test_a_call_that_nobody_knows_is_none_and_its_hang_up_success(subject: Subject) -> None:
    unknown = "CA" + "f" * 32
    assert await subject.carrier.look_up_call(unknown) is None
    await subject.carrier.hang_up(unknown)


async def test_a_number_that_is_none_is_the_callee_s_fault_and_places_nothing(subject: Subject) -> None:
    with pytest.raises(CarrierRefused) as refusal:
        await subject.carrier.place(replace(ORDER, to="+1202"))
    assert refusal.value.fault == "callee"
    assert await subject.carrier.look_up("+1202", ORDER.caller, a_minute_ago()) == []


async def test_a_caller_number_that_is_not_ours_is_our_fault(subject: Subject) -> None:
    with pytest.raises(CarrierRefused) as refusal:
        await subject.carrier.place(replace(ORDER, caller="+15005550001"))
    assert refusal.value.fault == "ours"


async def test_wrong_credentials_are_our_fault(subject: Subject) -> None:
    with pytest.raises(CarrierRefused) as refusal:
        await subject.intruder.place(ORDER)
    assert refusal.value.fault == "ours"
    with pytest.raises(DialOutcomeUnknown):
        await subject.intruder.look_up(ORDER.to, ORDER.caller, a_minute_ago())


async def test_where_nobody_listens_nothing_was_sent(subject: Subject) -> None:
    with pytest.raises(NothingSent):
        await subject.nowhere.place(ORDER)
