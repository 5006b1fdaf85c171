"""A simulated network and our side of its calls, both on real sockets."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from mediaserver.carriers.simulated.exchange import Exchange
from mediaserver.carriers.simulated.journal import CallJournal
from mediaserver.carriers.simulated.network import PhoneNetwork
from mediaserver.carriers.simulated.settings import NetworkSettings
from mediaserver.carriers.simulated.speech import Speech, Tones
from tests.simulated.our_side import QUICK, Api, OurSide, Stream


@dataclass
class Stage:
    api: Api
    ours: OurSide
    exchange: Exchange

    async def curtain(self) -> CallJournal:
        """Wait until all calls have ended and all callbacks have arrived; the record of the only call. No agent may have failed."""
        await self.exchange.all_ended()
        assert self.ours.agent_failure is None, self.ours.agent_failure
        return self.exchange.journals()[-1]

    def record_of(self, stream: Stream) -> CallJournal:
        sid = stream.events("start")[0]["start"]["callSid"]
        return next(each for each in self.exchange.journals() if each.call_sid == sid)


SetStage = Callable[..., Awaitable[Stage]]


@asynccontextmanager
async def stages() -> AsyncIterator[SetStage]:
    """`await stage(ring_ms=..., speech=...)`: a network with these settings, and our side."""
    async with AsyncExitStack() as stack:

        async def set_stage(speech: Speech | None = None, **changed: Any) -> Stage:
            settings = NetworkSettings(**{**QUICK, **changed})
            ours = OurSide(settings)
            server = await stack.enter_async_context(TestServer(ours.app()))
            ours.url = str(server.make_url("")).rstrip("/")
            http = await stack.enter_async_context(aiohttp.ClientSession())
            network = PhoneNetwork(settings, speech or Tones())
            base_url = await network.start()
            stack.push_async_callback(network.stop)
            return Stage(Api(http, base_url, settings, ours), ours, network.exchange)

        yield set_stage


@pytest.fixture
async def stage() -> AsyncIterator[SetStage]:
    async with stages() as set_stage:
        yield set_stage
