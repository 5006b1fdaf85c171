"""The simulated phone network as one thing that starts and stops, in a process of its own or inside a test."""

import asyncio
import json
import logging
import signal
import sys
from collections.abc import Sequence

import aiohttp
import uvloop
from aiohttp import web
from pydantic import ValidationError
from pydantic_settings import CliApp
from yarl import URL

from agent_runtime.engines import EngineUnavailable
from agent_runtime.local.engines import RECOGNITION, VOICE, LocalEngines
from mediaserver.carriers.simulated.api import Api
from mediaserver.carriers.simulated.directory import BadDirectory, Directory
from mediaserver.carriers.simulated.exchange import Exchange
from mediaserver.carriers.simulated.settings import NetworkSettings
from mediaserver.carriers.simulated.speech import Speech, Tones

log = logging.getLogger(__name__)


class PhoneNetwork:
    """`base_url = await network.start()`; the REST API is below it. `exchange` holds the calls and their records."""

    exchange: Exchange

    def __init__(self, settings: NetworkSettings, speech: Speech) -> None:
        self._settings, self._speech = settings, speech
        self._http: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listen. Returns `http://host:port`.

        Raises:
            BadDirectory: the file of people can't be used.
            OSError: the port is taken.
        """
        directory = Directory.read(self._settings.people) if self._settings.people else Directory()
        self._http = aiohttp.ClientSession(headers={"User-Agent": "TwilioProxy/1.1"})
        self.exchange = Exchange(self._settings, directory, self._speech, self._http)
        self._runner = web.AppRunner(Api(self.exchange, self._settings).application(), access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._settings.host, self._settings.port).start()
        except OSError:
            await self.stop()
            raise
        self.exchange.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        """Break off what is under way and close. May be called twice."""
        if self._runner is not None:
            await self._runner.cleanup()
            await self.exchange.stop()
            self._runner = None
        if self._http is not None:
            await self._http.close()
            self._http = None


async def serve(settings: NetworkSettings) -> int:
    """Run a network until SIGINT or SIGTERM. Prints one JSON line with its address once it listens. Returns the exit status."""
    asked_to_stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, asked_to_stop.set)
    engines = None if settings.tones else LocalEngines(speech_cache=settings.speech_cache)
    try:
        speech: Speech = Tones() if engines is None else await engines.start((RECOGNITION, VOICE))
        network = PhoneNetwork(settings, speech)
        try:
            base_url = await network.start()
            ready = {"ready": "phones", "url": base_url, "port": URL(base_url).port, "account_sid": settings.account_sid}
            print(json.dumps(ready), flush=True)
            await asked_to_stop.wait()
        finally:
            await network.stop()
    except OSError as error:
        address = f"{settings.host}:{settings.port}"
        log.error("the phone network can't listen on %s (%s): choose another --port, or 0 for a free one", address, error.strerror)
        return 1
    except (BadDirectory, EngineUnavailable) as error:
        log.error("the phone network can't start: %s", error)
        return 1
    finally:
        if engines is not None:
            await engines.stop()
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """`callwright phones`: a phone network with people on it. `arguments`: without the program's name."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = CliApp.run(NetworkSettings, cli_args=list(sys.argv[1:] if arguments is None else arguments))
    except ValidationError as error:
        for problem in error.errors():
            name = "-".join(str(part) for part in problem["loc"]).replace("_", "-")
            print(f"callwright phones: --{name}: {problem['msg']}", file=sys.stderr)
        return 2
    return uvloop.run(serve(settings))
