"""`callwright serve`: one web process. The one place where everything is wired together."""

import argparse
import asyncio
import errno
import json
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

from agent_runtime.brain_llm import shared_http
from agent_runtime.conversation import converse
from agent_runtime.engines import EngineUnavailable
from agent_runtime.local.engines import VOICE, LocalEngines
from agent_runtime.pipeline import quiet_pipecat_logs, warm_up
from agent_runtime.providers import Services
from db import browser_line
from db.database import Database
from db.embedded import attached_url
from db.queries import load
from dialer.carrier import Carrier
from dialer.loop import DialerLoop, Process
from mediaserver.api import setup_api
from mediaserver.api.routes import BrowserCalls
from mediaserver.calls import CallHouse
from mediaserver.carrier_doors import setup_carrier_doors
from mediaserver.carriers.browser.carrier import BrowserCarrier, ensure_line
from mediaserver.carriers.twilio.rest import TwilioCarrier
from mediaserver.carriers.twilio.signature import Signatures
from mediaserver.greetings import Greetings
from mediaserver.health import setup_health
from mediaserver.live_doors import setup_live_doors
from mediaserver.media import LiveCalls
from mediaserver.outgoing.courier import Courier
from mediaserver.outgoing.post import Poster
from mediaserver.retaining import Retaining
from mediaserver.settings import Settings
from mediaserver.stack import PortTaken
from mediaserver.supervision.floor import Floor
from mediaserver.supervision.peers import Peers
from mediaserver.switch.switch import Switch
from mediaserver.up import stop_signals, unless
from mediaserver.webhooks import CarrierUrls, Webhooks

log = logging.getLogger(__name__)

ACCOUNT = "twilio"
DATABASE_PATIENCE_S = 30.0  # at the start: it may recover from the crash that ended us too
LARGEST_UPLOAD = 256 * 1024 * 1024  # bytes: a CSV of a million contacts

_accounts = load("phone_numbers")


async def serve(settings: Settings, _options: argparse.Namespace) -> int:
    """Serves until SIGTERM or Ctrl-C, then lets calls in progress finish within `settings.drain_s`."""
    with stop_signals() as stopped:
        listener = _listen(settings.host, settings.port)
        async with AsyncExitStack() as stack:
            url = await unless(stopped, stack.enter_async_context(web_process(settings, listener)))
            if url is None:
                return 0
            print(json.dumps({"url": url, "port": listener.getsockname()[1], "pid": os.getpid()}), flush=True)
            await stopped.wait()
            log.info("stopping")
    return 0


@asynccontextmanager
async def web_process(settings: Settings, listener: socket.socket) -> AsyncIterator[str]:
    """One web process, serving on `listener`; yields its address once it is ready. At the end its calls finish first."""
    port = listener.getsockname()[1]
    own_url = f"http://{settings.host}:{port}"
    peer_url = settings.peer_url or as_peers_see(settings.host, port)
    settings = settings.model_copy(update={"public_url": settings.public_url or own_url, "peer_url": peer_url})
    quiet_pipecat_logs()
    async with AsyncExitStack() as stack:
        url = settings.database_url or await asyncio.to_thread(attached_url, settings.data_dir)
        database = await Database.connect(url, patience_s=DATABASE_PATIENCE_S)
        stack.push_async_callback(database.close)
        await database.check_schema()
        parts = await _start_parts(stack, settings, database)
        _start_courier(stack, settings, database)
        app = web.Application(client_max_size=LARGEST_UPLOAD)
        live = _wire(app, settings, parts)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=settings.drain_s + 15)
        await runner.setup()
        dialing = asyncio.create_task(parts.loop.run(), name="dialer loop")
        stack.push_async_callback(_stop_loop, parts.loop, dialing)
        stack.push_async_callback(runner.cleanup)
        stack.push_async_callback(live.drain, settings.drain_s)  # before the doors close: aiohttp hears nobody any more from then on
        stack.callback(parts.loop.stop_dialing)
        retaining = asyncio.create_task(Retaining(database, settings.data_dir).run(), name="retention")
        stack.callback(retaining.cancel)
        await web.SockSite(runner, listener).start()
        warm_up()
        log.info("serving at %s, for up to %d calls", own_url, settings.concurrency)
        yield own_url
        if len(live):
            log.info("%d calls go on for up to %.0f s before this process stops", len(live), settings.drain_s)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What one process is made of."""

    database: Database
    switch: Switch
    floor: Floor
    peers: aiohttp.ClientSession
    carrier: TwilioCarrier | None
    carriers: Mapping[str, Carrier]
    browser_line: int
    urls: CarrierUrls
    greetings: Greetings
    services: Services
    loop: DialerLoop
    process: Process


async def _start_parts(stack: AsyncExitStack, settings: Settings, database: Database) -> _Parts:
    session = await stack.enter_async_context(aiohttp.ClientSession())
    local = await _engines(stack, settings.data_dir)
    http = shared_http()
    stack.push_async_callback(http.aclose)
    switch = Switch()
    await switch.start()
    stack.push_async_callback(switch.stop)
    host = socket.gethostname()
    urls = CarrierUrls(settings.public_url)
    process = Process(f"{host}-{os.getpid()}-{secrets.token_hex(3)}", host, urls.stream(), settings.concurrency, settings.peer_url)
    peers = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
    carrier = await _carrier(settings, session, database)
    services = Services(engines=local.engines if local is not None else None, openai_http=http)
    greetings = Greetings(database, services)
    if local is not None:
        greetings = Greetings(database, services, local.preparing, local.pools[VOICE].version)
    await greetings.forget_old()
    ahead = asyncio.create_task(greetings.speak_ahead(), name="speak ahead")
    stack.callback(ahead.cancel)
    carriers: dict[str, Carrier] = {browser_line.ACCOUNT: BrowserCarrier(database)}
    if carrier is not None:
        carriers[ACCOUNT] = carrier
    line = await ensure_line(database)
    loop = DialerLoop(database, carriers, process, urls, on_requested=greetings.prepare)
    floor = Floor(switch, tone_every_s=settings.listening_tone_s)
    return _Parts(database, switch, floor, peers, carrier, carriers, line, urls, greetings, services, loop, process)


def _wire(app: web.Application, settings: Settings, parts: _Parts) -> LiveCalls:
    """Every door of `app` with what stands behind it."""

    house = CallHouse(
        db=parts.database,
        process_id=parts.process.id,
        carriers=parts.carriers,
        converse=lambda leg, brief, actions, watcher: converse(leg, brief, parts.services, actions, watcher),
        greeting=parts.greetings.find,
        data_dir=settings.data_dir,
        floor=parts.floor,
    )
    webhooks = None
    if parts.carrier is not None:
        webhooks = Webhooks(parts.database, parts.carrier, parts.urls, Signatures(settings.twilio_auth_token))
    live = setup_carrier_doors(app, house=house, switch=parts.switch, webhooks=webhooks, drain_s=settings.drain_s)
    desk = setup_live_doors(
        app,
        database=parts.database,
        floor=parts.floor,
        peers=Peers(parts.peers, parts.process.id),
        process_id=parts.process.id,
        public_url=settings.public_url,
        dashboard_url=settings.dashboard_url,
    )
    setup_health(app, database=parts.database, live=live, switch=parts.switch)
    test_calls = parts.loop.place_test_call if parts.carrier is not None else None
    setup_api(
        app,
        database=parts.database,
        settings=settings,
        nudge=parts.loop.nudge,
        place_test_call=test_calls,
        browser=BrowserCalls(parts.browser_line, parts.loop.place_test_call),
        speak_greeting=parts.greetings.speak if parts.greetings.has_voice else None,
        desk=desk,
    )
    return live


def as_peers_see(host: str, port: int) -> str:
    """Our address for the other processes. `host`: what we listen on; who listens everywhere goes by the name of his machine."""
    return f"http://{socket.gethostname() if host in ('0.0.0.0', '::', '') else host}:{port}"


async def _engines(stack: AsyncExitStack, data_dir: Path) -> LocalEngines | None:
    """The local engines, started; None where they can't run: agents with other services work all the same."""
    local = LocalEngines(speech_cache=data_dir / "speech")
    stack.push_async_callback(local.stop)
    try:
        await local.start()
    except EngineUnavailable as error:
        log.warning("calls with local engines will fail: %s", error)
        return None
    return local


async def _carrier(settings: Settings, session: aiohttp.ClientSession, database: Database) -> TwilioCarrier | None:
    """The carrier of the credentials in the settings, known to the database; None without any: nothing is dialed then."""
    if not (settings.twilio_account_sid and settings.twilio_auth_token):
        log.warning("no carrier: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN to place calls")
        return None
    await _accounts.ensure_carrier_account(
        database.pool,
        name=ACCOUNT,
        carrier="twilio",
        rehearsal=settings.rehearsal,
        calls_per_second=settings.calls_per_second,
    )
    return TwilioCarrier(
        session,
        api_url=settings.twilio_api_url,
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token,
    )


def _start_courier(stack: AsyncExitStack, settings: Settings, database: Database) -> None:
    """Webhooks go out until the calls in progress have finished: their ends are told of too."""
    poster = Poster(private_allowed=settings.webhooks_private)
    courier = Courier(database, poster, public_url=settings.public_url)
    running = asyncio.create_task(courier.run(), name="courier")
    stack.push_async_callback(poster.close)
    stack.push_async_callback(_stop_courier, courier, running)


async def _stop_courier(courier: Courier, running: asyncio.Task[None]) -> None:
    await courier.stop()
    await running


async def _stop_loop(loop: DialerLoop, dialing: asyncio.Task[None]) -> None:
    loop.stop()
    await dialing


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=1024)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"another program listens on {host}:{port}: end it, or set PORT to another (0 picks a free one)") from error
        raise PortTaken(f"can't listen on {host}:{port} ({error.strerror}): set CALLWRIGHT_HOST and PORT") from error
