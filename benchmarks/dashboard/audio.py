"""Whether calls notice the people who look at them: 100 calls with speech services that cost nothing, without and with 20 open pages."""

import asyncio
from collections.abc import Iterable

from playwright.async_api import Error as BrowserFailed

from benchmarks.caller_load import Load
from benchmarks.dashboard.browser import NoBrowser, chromium, drawn, step_back, window
from benchmarks.dashboard.house import House
from benchmarks.switch import OURS, Unmeasured, server
from mediaserver.figure import Figure

CALLS, PAGES = 100, 20
NAME, GOAL = "dashboard.late_messages_with_20_pages", "== 0"
VIEWS = ("/campaign?id={0}", "/campaign?id={0}&tab=Contacts", "/campaign?id={0}&tab=Call+Log", "/")


def figures(house: House, runs: int) -> Iterable[Figure]:
    """In each run the same calls, first without pages and then with them."""
    try:
        alone, watched = asyncio.run(_measure(house, runs))
    except (NoBrowser, Unmeasured, BrowserFailed) as error:
        yield Figure.not_measured(NAME, "", GOAL, str(error).splitlines()[0])
        return
    detail = (
        f"of {sum(load.messages for load in watched):,} in all runs, late p99 {_late(watched)} ms; "
        f"without pages {', '.join(str(load.late_messages) for load in alone)}, late p99 {_late(alone)} ms; "
        f"{CALLS} calls with null services, {PAGES} pages that refresh themselves every 2 s, browser on the same machine, niced"
    )
    yield Figure.measured(NAME, [float(load.late_messages) for load in watched], "", GOAL, detail)


async def _measure(house: House, runs: int) -> tuple[list[Load], list[Load]]:
    alone: list[Load] = []
    watched: list[Load] = []
    for _ in range(runs):
        alone.append(await asyncio.to_thread(_calls))
        async with chromium() as browser:
            for number in range(PAGES):
                _context, page = await window(browser, house)
                view = VIEWS[number % len(VIEWS)].format(house.middle if number % 2 else house.large)
                await page.goto(house.dashboard_url + view)
                await drawn(page)
            step_back()
            watched.append(await asyncio.to_thread(_calls))
    return alone, watched


def _calls() -> Load:
    with server(*OURS) as running:
        running.load(1, seconds=2, repeats=1)
        return running.load(CALLS)


def _late(loads: list[Load]) -> str:
    return ", ".join("-" if load.late_p99_ms is None else f"{load.late_p99_ms:g}" for load in loads)
