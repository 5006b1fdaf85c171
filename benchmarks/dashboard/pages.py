"""How long a person waits: the first page in a fresh window, and the server's time for each live refresh of a campaign."""

import asyncio
import statistics
import time
from collections.abc import Iterable

from playwright.async_api import Page, WebSocket

from benchmarks.dashboard.browser import NoBrowser, chromium, drawn, window
from benchmarks.dashboard.house import House
from mediaserver.figure import Figure

FIRST_PAGES, REFRESHES = 7, 20
TABS = ("Overview", "Contacts", "Call+Log")
FIRST, REFRESH = ("dashboard.first_page_ms", "<= 2000"), ("dashboard.refresh_100k_ms", "<= 100")


def figures(house: House, runs: int) -> Iterable[Figure]:
    """A run opens the first page some times, and watches each tab refresh itself."""
    try:
        first, refresh = asyncio.run(_measure(house, runs))
    except NoBrowser as error:
        yield from (Figure.not_measured(name, "ms", goal, str(error)) for name, goal in (FIRST, REFRESH))
        return
    yield Figure.measured(FIRST[0], first, "ms", FIRST[1], f"{FIRST_PAGES} fresh windows a run, from the address to the drawn list")
    told = ", ".join(f"{tab} {statistics.median(values):.0f}" for tab, values in refresh.items())
    worst = max(refresh, key=lambda tab: statistics.median(refresh[tab]))
    detail = f"from the browser's request to the last of its answer, medians of {REFRESHES} refreshes: {told}"
    yield Figure.measured(REFRESH[0], refresh[worst], "ms", REFRESH[1], detail)


async def _measure(house: House, runs: int) -> tuple[list[float], dict[str, list[float]]]:
    first: list[float] = []
    refresh: dict[str, list[float]] = {tab: [] for tab in TABS}
    async with chromium() as browser:
        for run in range(runs + 1):
            taken = []
            for _ in range(FIRST_PAGES):
                context, page = await window(browser, house)
                began = time.perf_counter()
                await page.goto(house.dashboard_url)
                await drawn(page)
                taken.append((time.perf_counter() - began) * 1000)
                await context.close()
            if run:  # the first warms up
                first.append(statistics.median(taken))
        for _ in range(runs):
            for tab in TABS:
                context, page = await window(browser, house)
                answers = Answers(page)
                await page.goto(f"{house.dashboard_url}/campaign?id={house.middle}&tab={tab}")
                await drawn(page)
                refresh[tab].append(statistics.median(await answers.next(REFRESHES)))
                await context.close()
    return first, refresh


class Answers:
    """How long the server takes for what the page asks by itself: from each message that it sends to the last that comes for it."""

    def __init__(self, page: Page) -> None:
        self._asked = self._answered = 0.0
        self._taken: asyncio.Queue[float] = asyncio.Queue()
        page.on("websocket", self._listen)

    async def next(self, count: int) -> list[float]:
        """The next `count` of them, ms."""
        while not self._taken.empty():
            self._taken.get_nowait()
        return [await asyncio.wait_for(self._taken.get(), 30) for _ in range(count)]

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda _data: self._ask())
        socket.on("framereceived", lambda _data: self._answer())

    def _ask(self) -> None:
        if self._answered > self._asked > 0:
            self._taken.put_nowait((self._answered - self._asked) * 1000)
        self._asked = time.perf_counter()

    def _answer(self) -> None:
        self._answered = time.perf_counter()
