"""A media server with real doors, a real database and a carrier's REST API on this machine; what talks on the line is up to the test."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, get_unused_port_socket

from agent_runtime.agent import Agent
from agent_runtime.calls import Brief, CallActions, CallResult
from agent_runtime.leg import Leg
from agent_runtime.supervision import Watcher
from db.database import Database
from dialer.carrier import Carrier
from dialer.rows import CallBrief
from dialer.streams import issue_stream_token
from mediaserver.calls import CallHouse
from mediaserver.carrier_doors import setup_carrier_doors
from mediaserver.carriers.twilio.rest import TwilioCarrier
from mediaserver.carriers.twilio.signature import Signatures
from mediaserver.media import LiveCalls
from mediaserver.supervision.floor import Floor
from mediaserver.switch.switch import Switch
from mediaserver.switch.voice import SpeechModel
from mediaserver.webhooks import CarrierUrls, Webhooks
from tests.carriers.twilio_double import ACCOUNT, TOKEN, TwilioDouble
from tests.media.cable import Cable
from tests.media.conversations import Converse, keep_listening

CALLER = "+15005550006"
AGENT: dict[str, Any] = {
    "name": "Ann",
    "first_message": "Hello {{contact_name|there}}.",
    "stt": "null",
    "llm": "null",
    "tts": "null",
    "record": False,
}


@dataclass
class MediaServer:
    """`url`: public, http. `network`: the carrier's REST side. `converse`: what talks on calls that start from now on; `greeting`: the
    audio that was prepared for them."""

    url: str
    db: Database
    cable: Cable
    network: TwilioDouble
    data_dir: Path
    switch: Switch
    app: web.Application
    http: aiohttp.ClientSession
    carriers: dict[str, Carrier]
    converse: Converse = keep_listening
    greeting: bytes | None = None
    watchers: dict[str, Watcher] = field(default_factory=dict)  # by the call's id
    begun: asyncio.Event = field(default_factory=asyncio.Event)  # a conversation runs
    live: LiveCalls = field(init=False)
    webhooks: Webhooks = field(init=False)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(2025550100))

    @property
    def stream_url(self) -> str:
        return f"ws{self.url.removeprefix('http')}/carriers/twilio/stream"

    async def call(self, state: str = "ringing", **agent: Any) -> tuple[int, str]:
        """A call that the carrier makes for us: our id and the carrier's."""
        number = f"+1{next(self._numbers)}"
        carrier_id = self.network.add(number, CALLER, "in-progress")
        call_id: int = await self.db.pool.fetchval(
            """
            with account as (
                insert into carrier_accounts (name, carrier) values ('twilio', 'twilio')
                on conflict (name) do update set carrier = excluded.carrier returning id
            ), line as (
                insert into phone_numbers (e164, carrier_account_id) select $1, id from account
                on conflict (e164) do update set label = '' returning id, carrier_account_id
            ), agent as (
                insert into agents (name) select 'Ann ' || $2 returning id
            ), version as (
                insert into agent_versions (agent_id, version, definition) select id, 1, $3 from agent
            )
            insert into calls (number, contact_name, phone_number_id, carrier_account_id, agent_id, agent_version, state, process_id,
                               lease_until, requested_at, carrier_call_id)
            select $2, 'Bo', line.id, line.carrier_account_id, agent.id, 1, $4, 'dialed-by', callwright_now() + interval '1 minute',
                   callwright_now(), $5
            from line, agent returning id
            """,
            CALLER,
            number,
            {**AGENT, **agent},
            state,
            carrier_id,
        )
        return call_id, carrier_id

    async def token(self, call_id: int) -> str:
        return await issue_stream_token(self.db, call_id)

    async def row(self, call_id: int) -> Any:
        return await self.db.pool.fetchrow("select * from calls where id = $1", call_id)

    async def settled(self, *, down_to: int = 0) -> None:
        """Return when no more than so many calls are in progress."""
        while len(self.live) > down_to:
            await asyncio.wait(self.live.running, return_when=asyncio.FIRST_COMPLETED)

    async def ended(self, call_id: int) -> Any:
        """The row of the call, once all are settled."""
        await self.settled()
        return await self.row(call_id)

    async def _talk(self, leg: Leg, brief: Brief, actions: CallActions, watcher: Watcher) -> CallResult:
        self.watchers[brief.call_id] = watcher
        self.begun.set()
        return await self.converse(leg, brief, actions)

    async def _prepared(self, _agent: Agent, _call: CallBrief) -> bytes | None:
        return self.greeting


@pytest.fixture(scope="session")
def model() -> SpeechModel:
    return SpeechModel.load()


@pytest.fixture
async def cable(database_url: str) -> AsyncIterator[Cable]:
    made = Cable(database_url)
    await made.mend()
    yield made
    await made.cut()


@pytest.fixture
async def database(cable: Cable) -> AsyncIterator[Database]:
    """A pool on a fresh database, at the end of a cable."""
    pool = await Database.connect(cable.url)
    yield pool
    await pool.close()


@pytest.fixture
async def server(database: Database, cable: Cable, model: SpeechModel, tmp_path: Path) -> AsyncIterator[MediaServer]:
    async with AsyncExitStack() as stack:
        network = TwilioDouble()
        api = await stack.enter_async_context(TestServer(network.app()))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        carrier = TwilioCarrier(http, api_url=str(api.make_url("")).rstrip("/"), account_sid=ACCOUNT, auth_token=TOKEN)
        switch = Switch(model=model)
        await switch.start()
        stack.push_async_callback(switch.stop)
        socket = get_unused_port_socket("127.0.0.1")
        app = web.Application()
        url = f"http://127.0.0.1:{socket.getsockname()[1]}"
        media = MediaServer(url, database, cable, network, tmp_path, switch, app, http, {"twilio": carrier})
        house = CallHouse(
            db=database,
            process_id="p1",
            carriers=media.carriers,
            converse=media._talk,
            greeting=media._prepared,
            data_dir=tmp_path,
            floor=Floor(switch),
        )
        media.webhooks = Webhooks(database, carrier, CarrierUrls(media.url), Signatures(TOKEN))
        media.live = setup_carrier_doors(app, house=house, switch=switch, webhooks=media.webhooks, drain_s=0)
        await stack.enter_async_context(TestServer(app, socket_factory=lambda *_: socket))
        yield media
