"""What axe-core finds on the pages of a large house, in light and dark: faults that are serious or critical."""

import asyncio
from collections.abc import Iterable

from benchmarks.dashboard.browser import NoBrowser, chromium, window
from benchmarks.dashboard.house import House
from mediaserver.figure import Figure
from tests.browser.test_axe import looked_at_each

NAME, GOAL = "dashboard.serious_axe", "== 0"
PAGES = (
    *("/", "/new_campaign", "/campaign?id={0}", "/campaign?id={0}&tab=Contacts", "/campaign?id={0}&tab=Settings"),
    *("/campaign?id={0}&tab=Call+Log", "/call?id=1", "/agents", "/agent?id=1", "/phone_numbers", "/do_not_call", "/analytics", "/settings"),
)


def figures(house: House, _runs: int) -> Iterable[Figure]:
    """Once: a page has its faults or not."""
    places = [(page, page.format(house.middle)) for page in PAGES]
    try:
        found = asyncio.run(_look(house, places))
    except NoBrowser as error:
        yield Figure.not_measured(NAME, "", GOAL, str(error))
        return
    yield Figure.measured(NAME, [float(len(found))], "", GOAL, "; ".join(found) or f"{len(places)} pages, light and dark")


async def _look(house: House, places: list[tuple[str, str]]) -> list[str]:
    async with chromium() as browser:
        context, page = await window(browser, house)
        found = await looked_at_each(page, house.dashboard_url, places)
        await context.close()
        return found
