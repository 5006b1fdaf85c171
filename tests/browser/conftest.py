"""A real Chromium for the tests of this folder, and what they look at.

Where Chromium is missing the tests say so and how to get it; with CALLWRIGHT_REQUIRE_BROWSER=1 that is a failure.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from dashboard.launch import command
from tests.browser.live_ears import write_voice
from tests.browser.live_edge import LiveEdge
from tests.chromium import INSTALL_COMMAND, find_chromium
from tests.dashboard.real_api import RealApi
from tests.dashboard.recording import write_tone
from tests.dashboard.seed import House, seed

ARTEFACTS = Path(__file__).parents[2] / "artefacts"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-default-apps", "--autoplay-policy=no-user-gesture-required"),
)
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path."""
    found = find_chromium()
    if found is None:
        missing = f"Chromium is not on this machine. Install it with: {INSTALL_COMMAND}"
        if os.environ.get("CALLWRIGHT_REQUIRE_BROWSER") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """A browser of its own for each test."""
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield opened
        await opened.close()


@pytest.fixture(scope="module")
async def browser_with_microphone(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """A browser that a file of tests shares. Its microphone hears a caller's voice over and over, and every page is given it that asks."""
    voice = write_voice(tmp_path_factory.mktemp("microphone") / "voice.wav")
    fake = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", f"--use-file-for-fake-audio-capture={voice}")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, *fake])
        yield opened
        await opened.close()


@pytest.fixture
async def page(browser_with_microphone: Browser) -> AsyncIterator[Page]:
    """An empty page in a context of its own."""
    context = await browser_with_microphone.new_context(viewport={"width": 1280, "height": 700})
    yield await context.new_page()
    await context.close()


@pytest.fixture
async def edge() -> AsyncIterator[LiveEdge]:
    """Where live pages come in, with a call that does what the test says."""
    double = LiveEdge()
    async with TestServer(double.app()) as server:
        double.url = str(server.make_url("")).rstrip("/")
        yield double


@dataclass(frozen=True)
class Served:
    """A dashboard in a process of its own, on a seeded database."""

    url: str
    api: RealApi
    session: str
    house: House

    @property
    def database_url(self) -> str:
        return self.api.database_url


@pytest.fixture
async def behind(chromium: str, database_url: str, tmp_path: Path) -> AsyncIterator[Served]:
    """A seeded database and its API, and where the dashboard is to be. `chromium` first: without it there is nothing to serve for."""
    database = await asyncpg.connect(database_url)
    house = await seed(database)
    await database.close()
    write_tone(tmp_path / "recordings" / "1.wav")
    url = f"http://127.0.0.1:{_free_port()}"
    api = RealApi(database_url, tmp_path, url)
    api.start()
    yield Served(url, api, api.session(), house)
    api.stop()


@pytest.fixture
async def served(behind: Served) -> AsyncIterator[Served]:
    """Serves the dashboard until the test ends."""
    async with dashboard_process(behind, behind.database_url, behind.api.url):
        yield behind


@asynccontextmanager
async def dashboard_process(served: Served, database_url: str, api_url: str) -> AsyncIterator[None]:
    """The dashboard at `served.url` for as long as the block lasts; it reaches database and API at these addresses."""
    addresses = {"DATABASE_URL": database_url, "CALLWRIGHT_API_URL": api_url, "CALLWRIGHT_PUBLIC_URL": served.api.url}
    process = await asyncio.create_subprocess_exec(
        *command(int(served.url.rpartition(":")[2])),
        env={**os.environ, **addresses, "PYTHONUNBUFFERED": "1"},
        cwd="/",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        await _ready(process)
        yield
    finally:
        process.terminate()
        await process.communicate()


async def signed_in(browser: Browser, served: Served, *, width: int = 1280, dark: bool = False) -> tuple[BrowserContext, Page]:
    """A window of an operator who has signed in."""
    context = await browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", timezone_id="Europe/Berlin"
    )
    await context.add_cookies([{"name": "callwright_session", "value": served.session, "url": served.url}])
    return context, await context.new_page()


async def _ready(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None  # asked for above
    said = b""
    async for line in process.stdout:
        said += line
        if b"URL:" in line:
            return
    pytest.fail(f"the dashboard ended at once: {said.decode()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
