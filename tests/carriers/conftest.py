"""A Twilio account on a local server."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from mediaserver.carriers.twilio.rest import TwilioCarrier
from tests.carriers.twilio_double import ACCOUNT, TOKEN, TwilioDouble


@pytest.fixture
async def network() -> TwilioDouble:
    return TwilioDouble()


@pytest.fixture
async def server(network: TwilioDouble) -> AsyncIterator[TestServer]:
    running = TestServer(network.app())
    async with running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def carrier(server: TestServer, session: aiohttp.ClientSession) -> TwilioCarrier:
    return TwilioCarrier(session, api_url=str(server.make_url("")).rstrip("/"), account_sid=ACCOUNT, auth_token=TOKEN)
