"""`callwright up`: everything that one machine runs, as one. The database is the first to start and the last to stop."""

import argparse
import asyncio
import secrets
import signal
import sys
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import aiohttp

from agent_runtime.templates import gallery
from db.audit import audit
from db.database import Database
from db.embedded import EmbeddedPostgres
from db.migrate import migrate
from db.queries import load
from db.rows import AgentRow
from mediaserver.identity import ensure_first_user
from mediaserver.ports import DASHBOARD_PORT, Ports
from mediaserver.settings import Settings
from mediaserver.stack import Child, ChildFailed, Program, make_folder

T = TypeVar("T")

_agents = load("agents")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where to reach what runs. `password`: of the first user `admin`, where this start made it."""

    database: str
    web: str
    dashboard: str
    password: str | None


class Machine:
    """PostgreSQL, one `web` process and the dashboard; with `phones`, the simulated phone network as the carrier.

    `phones`: arguments of the simulated network, None for a real carrier. All that they write lies below `settings.data_dir`.
    """

    def __init__(self, settings: Settings, *, phones: tuple[str, ...] | None = None, dashboard: bool = True) -> None:
        self._settings = settings
        self._phone_arguments = phones
        self._with_dashboard = dashboard
        self._postgres: EmbeddedPostgres | None = None
        self._watching: asyncio.Task[None] | None = None
        self._ports = Ports()
        self.children: dict[str, Child] = {}
        self.phones_url = ""

    async def start(self) -> Addresses:
        """Starts everything and returns once all of it is ready.

        Raises:
            DatabaseUnavailable, ChildFailed: something did not come up; what had started is stopped again.
        """
        try:
            return await self._start()
        except BaseException:  # whatever ends the start, Ctrl-C among it: nothing stays behind
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stops everything, the database last. May be called twice."""
        for name in reversed(list(self.children)):
            await self.children.pop(name).stop()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
            self._watching = None
        self._ports.give_back()
        postgres, self._postgres = self._postgres, None
        if postgres is not None:
            await postgres.stop()

    async def _start(self) -> Addresses:
        settings = self._settings
        make_folder(settings.data_dir)
        make_folder(settings.data_dir / "logs")
        url = settings.database_url or await self._start_database()
        await migrate(url)
        database = await Database.connect(url)
        try:
            password = await ensure_first_user(database)
            if password is not None:
                await _add_templates(database)
        finally:
            await database.close()
        carrier = await self._start_phones() if self._phone_arguments is not None else {}
        dashboard_port = self._ports.choose(DASHBOARD_PORT)
        dashboard_url = settings.dashboard_url or f"http://127.0.0.1:{dashboard_port}"
        web = await self._start_web(url, dashboard_url, carrier)
        if self._with_dashboard:
            await self._start_dashboard(url, web, dashboard_port)
        return Addresses(url, web, dashboard_url, password)

    async def _start_database(self) -> str:
        self._postgres = EmbeddedPostgres(self._settings.data_dir)
        url = await self._postgres.start()
        self._watching = asyncio.create_task(self._postgres.supervise(), name="watch the database")
        return url

    async def _start_phones(self) -> Mapping[str, str]:
        """Starts the simulated network; returns the environment that makes it our carrier."""
        account, token = "AC" + secrets.token_hex(16), secrets.token_hex(16)
        credentials = {"TWILIO_ACCOUNT_SID": account, "TWILIO_AUTH_TOKEN": token}
        announced = await self._child(
            Program(
                "phones",
                (sys.executable, "-m", "mediaserver.carriers.simulated", "--port", "0", *(self._phone_arguments or ())),
                environment=credentials,
                log_path=self._log("phones"),
            )
        )
        self.phones_url = str(announced["url"])
        return {**credentials, "TWILIO_API_URL": self.phones_url, "CALLWRIGHT_REHEARSAL": "1"}

    async def _start_web(self, database_url: str, dashboard_url: str, carrier: Mapping[str, str]) -> str:
        settings = self._settings
        environment = {
            **carrier,
            "DATABASE_URL": database_url,
            "CALLWRIGHT_DATA_DIR": str(settings.data_dir.absolute()),
            "CALLWRIGHT_DASHBOARD_URL": dashboard_url,
            "CALLWRIGHT_DRAIN_S": str(settings.drain_s),
            "CALLWRIGHT_CALLS_PER_SECOND": str(settings.calls_per_second),
            "PORT": str(self._ports.choose(settings.port)),
        }
        announced = await self._child(
            Program(
                "web",
                (sys.executable, "-m", "mediaserver.cli", "serve"),
                environment=environment,
                log_path=self._log("web"),
                again=lambda said: {"PORT": str(said["port"])},
                stop_within_s=settings.drain_s + 20,
            )
        )
        return str(announced["url"])

    async def _start_dashboard(self, database_url: str, web: str, port: int) -> None:
        environment = {
            "DATABASE_URL": database_url,
            "CALLWRIGHT_API_URL": web,
            "CALLWRIGHT_PUBLIC_URL": self._settings.public_url or web,
        }
        arguments = (sys.executable, "-m", "dashboard", "--port", str(port))
        await self._child(Program("dashboard", arguments, environment, self._log("dashboard"), announces=False))
        await _answers(f"http://127.0.0.1:{port}/_stcore/health", within_s=60.0)

    async def _child(self, program: Program) -> dict[str, object]:
        child = self.children[program.name] = Child(program)
        return await child.start()

    def _log(self, name: str) -> str:
        return str(self._settings.data_dir / "logs" / f"{name}.log")


async def up(settings: Settings, _options: argparse.Namespace) -> int:
    """Runs everything until Ctrl-C or SIGTERM."""
    machine = Machine(settings)
    with stop_signals() as stopped:
        addresses = await unless(stopped, machine.start())
        if addresses is not None:
            print(welcome(addresses, settings.data_dir), flush=True)
            await stopped.wait()
            print("Stopping: calls in progress finish first ...", flush=True)
        await machine.stop()
    return 0


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """An event that Ctrl-C (SIGINT) and SIGTERM set, instead of ending the process."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        yield stopped
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def unless(stopped: asyncio.Event, work: Coroutine[object, object, T]) -> T | None:
    """What `work` returns; None where `stopped` came first: then `work` was cancelled, and has ended."""
    task = asyncio.create_task(work)
    stop = asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return None
        return task.result()
    finally:
        stop.cancel()


async def _add_templates(database: Database) -> None:
    """The agents that ship with the product, for a house that is new: something to choose, and to start from."""
    for template in gallery():
        async with database.transaction() as connection:
            row: AgentRow = await _agents.add_agent(connection, name=template.name, definition=template.definition)
            await audit(connection, "first start", "agent.create", f"agent {row.id}", {"name": template.name})


def welcome(addresses: Addresses, data_dir: Path) -> str:
    """What a person needs to know once everything runs."""
    lines = [f"Dashboard    {addresses.dashboard}", f"API          {addresses.web}/api/v1/openapi.json"]
    if addresses.password is not None:
        lines.append(f"Sign in      admin / {addresses.password}   (shown this once: change it under Settings)")
    return "\n".join([*lines, f"Logs         {data_dir / 'logs'}", "Ctrl-C stops everything."])


async def _answers(url: str, within_s: float) -> None:
    try:
        async with asyncio.timeout(within_s), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(url) as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        raise ChildFailed(f"nothing answers at {url} after {within_s:.0f} s") from error
