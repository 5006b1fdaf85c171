"""axe-core looks at every page, light and dark: nothing that stops somebody with a screen reader, a keyboard or weak eyes."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Served, signed_in
from tests.browser.pages import settled
from tests.browser.test_pages_look import addresses
from tests.dashboard.live_calls import add_live_calls

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
GRAVE = ("serious", "critical")
# Colours glide from light to dark, and on their way they are neither: bright letters stand on a ground that is not dark yet. And what is
# about to be drawn anew fades for a moment.
STILL = '*, *::before, *::after { transition: none !important; } [data-stale="true"] { opacity: 1 !important; }'
COLOURS_ONLY = {"runOnly": ["color-contrast"]}
# Rule and place of what is Streamlit's own and can't be mended from outside: st.navigation wraps the header and the pages of each section
# in a div, between its ul and their li.
NOT_OURS = {"list": "[data-testid=stSidebarNavItems]", "listitem": "[data-testid=stSidebarNavItems] > div > li"}


def every_address(served: Served) -> dict[str, str]:
    """Where each page is, and each part of a page that has parts."""
    return {
        **addresses(served),
        "agents": "/agents",
        "agent": f"/agent?id={served.house.agent}",
        "phone-numbers": "/phone_numbers",
        "do-not-call": "/do_not_call",
        "analytics": "/analytics",
        **{
            f"settings-{part}": f"/settings?part={part}"
            for part in ("My account", "People", "API tokens", "Webhooks", "Retention", "Audit log", "Roles")
        },
    }


async def test_no_page_has_a_grave_fault(browser: Browser, served: Served) -> None:
    looked_at = {urlsplit(address).path.strip("/") or "campaigns" for address in every_address(served).values()}
    assert looked_at == set(re.findall(r'"views/(\w+)\.py"', APP.read_text())), "a page of the navigation is not looked at"
    await add_live_calls(served.database_url, served.house)
    context, page = await signed_in(browser, served)
    await context.add_cookies([{"name": "callwright_session", "value": served.api.session("admin"), "url": served.url}])
    places = [(name, address) for address, name in {address: name for name, address in every_address(served).items()}.items()]
    windows = [page, await context.new_page()]
    found = await asyncio.gather(*(looked_at_each(window, served.url, places[i :: len(windows)]) for i, window in enumerate(windows)))
    await context.close()
    faults = [fault for each in found for fault in each]
    assert not faults, "\n".join(faults)


async def looked_at_each(page: Page, url: str, places: Sequence[tuple[str, str]]) -> list[str]:
    """What axe finds on these pages: by all of its rules in light, by that of contrast in dark."""
    found: list[str] = []
    for name, address in places:
        await page.emulate_media(color_scheme="light")
        await page.goto(url + address)
        await settled(page)
        await page.add_style_tag(content=STILL)
        found += [f"{name}, light: {fault}" for fault in await grave_faults(page)]
        await page.emulate_media(color_scheme="dark")
        await expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", "dark")
        found += [f"{name}, dark: {fault}" for fault in await grave_faults(page, COLOURS_ONLY)]
    return found


async def grave_faults(page: Page, options: dict[str, Any] | None = None) -> list[str]:
    """Rule, place and help of each violation that is serious or critical."""
    results = await Axe().run(page, options={"resultTypes": ["violations"], **(options or {})})
    return [
        f"{violation['id']} at {node['target']}: {violation['help']} | {node['html'][:160]}"
        for violation in results.response["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
        if not await _is_not_ours(page, violation["id"], node["target"][0])
    ]


async def _is_not_ours(page: Page, rule: str, target: str) -> bool:
    place = NOT_OURS.get(rule)
    return place is not None and await page.evaluate("([target, place]) => document.querySelector(target).matches(place)", [target, place])
