"""How long a person waits: the first page in a fresh window of a browser, and the server's time for each live refresh of a campaign."""

import asyncio
import statistics
import time
from collections.abc import Iterable

from benchmarks.dashboard.browser import NoBrowser, chromium, drawn, window
from benchmarks.dashboard.house import House
from benchmarks.dashboard.windows import NotOpened, open_windows
from dashboard.parts.frame import LIVE_EVERY_S
from mediaserver.figure import Figure

FIRST_PAGES, REFRESHES = 7, 20
TABS = ("Overview", "Contacts", "Call+Log")
FIRST, REFRESH = ("dashboard.first_page_ms", "<= 2000"), ("dashboard.refresh_100k_ms", "<= 100")


def figures(house: House, runs: int) -> Iterable[Figure]:
    """A run opens the first page some times, and asks each tab for its live parts."""
    try:
        first = asyncio.run(_first_pages(house, runs))
    except NoBrowser as error:
        yield Figure.not_measured(FIRST[0], "ms", FIRST[1], str(error))
    else:
        yield Figure.measured(FIRST[0], first, "ms", FIRST[1], f"{FIRST_PAGES} fresh windows a run, from the address to the drawn list")
    try:
        refresh = asyncio.run(_refreshes(house, runs))
    except (NotOpened, TimeoutError) as error:
        yield Figure.not_measured(REFRESH[0], "ms", REFRESH[1], str(error))
        return
    told = ", ".join(f"{tab} {statistics.median(values):.0f}" for tab, values in refresh.items())
    worst = max(refresh, key=lambda tab: statistics.median(refresh[tab]))
    detail = f"all live parts of a page, each from the request to the last of its answer; medians of {REFRESHES} refreshes: {told}"
    yield Figure.measured(REFRESH[0], refresh[worst], "ms", REFRESH[1], detail)


async def _first_pages(house: House, runs: int) -> list[float]:
    """The median of each run, ms."""
    first: list[float] = []
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
    return first


async def _refreshes(house: House, runs: int) -> dict[str, list[float]]:
    """By tab, the median of each run for all of its live parts together, ms."""
    found: dict[str, list[float]] = {tab: [] for tab in TABS}
    for _ in range(runs):
        for tab in TABS:
            address = f"{house.dashboard_url}/campaign?id={house.middle}&tab={tab}"
            async with open_windows([address], house.cookie) as (opened,):
                live = [part for part, every_s in opened.parts.items() if every_s <= LIVE_EVERY_S]
                taken = [sum([await opened.refresh(part) for part in live]) for _ in range(REFRESHES)]
            found[tab].append(statistics.median(taken))
    return found
