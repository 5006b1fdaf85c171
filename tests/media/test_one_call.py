"""One call through the order, the callbacks, the answer document and the stream, on a phone network that shares no code with us."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from dialer.carrier import Order
from mediaserver.carriers.simulated.network import PhoneNetwork
from mediaserver.carriers.simulated.settings import NetworkSettings
from mediaserver.carriers.simulated.speech import Tones
from mediaserver.carriers.twilio.rest import TwilioCarrier
from mediaserver.webhooks import CarrierUrls
from tests.carriers.twilio_double import ACCOUNT, TOKEN
from tests.media.conftest import CALLER, MediaServer
from tests.media.conversations import say_a_tone
from tests.simulated.our_side import QUICK, TO_AGREES, TO_BUSY, TO_NO_ANSWER

PlaceAndWait = Callable[..., Awaitable[Any]]


@pytest.fixture
async def place_and_wait(server: MediaServer) -> AsyncIterator[PlaceAndWait]:
    """`await place_and_wait(number, **how the network behaves)`: the row of the call, when all is over."""
    async with AsyncExitStack() as stack:

        async def run(number: str, **behaviour: Any) -> Any:
            network = PhoneNetwork(NetworkSettings(**{**QUICK, "account_sid": ACCOUNT, "auth_token": TOKEN, **behaviour}), Tones())
            api_url = await network.start()
            stack.push_async_callback(network.stop)
            carrier = TwilioCarrier(server.http, api_url=api_url, account_sid=ACCOUNT, auth_token=TOKEN)
            server.carriers["twilio"] = carrier
            call, _ = await server.call("requested")
            await server.db.pool.execute("update calls set number = $2, carrier_call_id = null where id = $1", call, number)
            urls = CarrierUrls(server.url)
            await carrier.place(Order(call, number, CALLER, urls.answer(call), urls.status(call), 5))
            await network.exchange.all_ended()
            return await server.ended(call)

        yield run


@pytest.mark.parametrize(
    "behaviour",
    [
        {},
        {"doubled_callback_share": 1.0, "late_callback_share": 1.0, "late_callback_ms": 300},
        {"stop_late_share": 1.0},
        {"stop_missing_share": 1.0},
        {"burst_share": 1.0},
    ],
)
async def test_an_answered_call_ends_as_the_conversation_ended_it(
    server: MediaServer, place_and_wait: PlaceAndWait, behaviour: dict[str, Any]
) -> None:
    server.converse = say_a_tone
    row = await place_and_wait(TO_AGREES, **behaviour)
    assert (row["state"], row["end_reason"], row["outcome"], row["ended_by"]) == ("ended", "goodbye", "person", "agent")
    assert row["carrier_call_id"].startswith("CA")
    assert row["ringing_at"] <= row["answered_at"] <= row["stream_bound_at"] <= row["conversation_ended_at"]


@pytest.mark.parametrize(("number", "outcome"), [(TO_BUSY, "busy"), (TO_NO_ANSWER, "no_answer")])
async def test_a_call_that_nobody_answers_ends_as_the_carrier_says(place_and_wait: PlaceAndWait, number: str, outcome: str) -> None:
    row = await place_and_wait(number)
    assert (row["state"], row["outcome"], row["answered_at"]) == ("ended", outcome, None)
