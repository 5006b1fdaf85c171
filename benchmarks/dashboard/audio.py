"""Whether calls notice the people who look at them: 100 calls with speech services that cost nothing, without and with 20 open pages."""

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack

from benchmarks.caller_load import Load
from benchmarks.dashboard.house import House
from benchmarks.dashboard.windows import NotOpened, meanwhile, open_windows
from benchmarks.switch import OURS, Unmeasured, server
from mediaserver.figure import Figure

CALLS, PAGES = 100, 20
NAME, GOAL = "dashboard.late_messages_with_20_pages", "== 0"
VIEWS = ("/campaign?id={0}", "/campaign?id={0}&tab=Contacts", "/campaign?id={0}&tab=Call+Log", "/")


def figures(house: House, runs: int) -> Iterable[Figure]:
    """In each run the same calls, first without pages and then with them."""
    try:
        alone, watched, least = asyncio.run(_measure(house, runs))
    except (NotOpened, Unmeasured) as error:
        yield Figure.not_measured(NAME, "", GOAL, str(error))
        return
    detail = (
        f"of {sum(load.messages for load in watched):,} in all runs, late p99 {_late(watched)} ms; "
        f"without pages {', '.join(str(load.late_messages) for load in alone)}, late p99 {_late(alone)} ms; "
        f"{CALLS} calls with null services, {PAGES} open pages of which each was drawn anew at least {least} times meanwhile"
    )
    yield Figure.measured(NAME, [float(load.late_messages) for load in watched], "", GOAL, detail)


async def _measure(house: House, runs: int) -> tuple[list[Load], list[Load], int]:
    """The loads without and with pages, and how often the page that was refreshed least was refreshed during the calls of a run."""
    views = [VIEWS[number % len(VIEWS)].format(house.middle if number % 2 else house.large) for number in range(PAGES)]
    alone: list[Load] = []
    watched: list[Load] = []
    refreshed: list[int] = []
    for _ in range(runs):
        alone.append(await asyncio.to_thread(_calls))
        async with open_windows([house.dashboard_url + view for view in views], house.cookie) as windows:
            async with AsyncExitStack() as stack:
                for window in windows:
                    await stack.enter_async_context(meanwhile(window.keep_fresh()))
                watched.append(await asyncio.to_thread(_calls))
            refreshed += [window.refreshes for window in windows]
    if not min(refreshed):
        raise Unmeasured("a page was not drawn anew while there were calls")
    return alone, watched, min(refreshed)


def _calls() -> Load:
    with server(*OURS) as running:
        running.load(1, seconds=2, repeats=1)
        return running.load(CALLS)


def _late(loads: list[Load]) -> str:
    return ", ".join("-" if load.late_p99_ms is None else f"{load.late_p99_ms:g}" for load in loads)
