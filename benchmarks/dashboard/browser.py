"""A browser that looks at the dashboard, on the same machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from benchmarks.dashboard.house import House
from tests.browser.conftest import FLAGS
from tests.chromium import INSTALL_COMMAND, find_chromium


class NoBrowser(Exception):
    """There is no Chromium; the message says how to get it."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Raises NoBrowser."""
    found = find_chromium()
    if found is None:
        raise NoBrowser(f"Chromium is not on this machine: {INSTALL_COMMAND}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


async def window(browser: Browser, house: House) -> tuple[BrowserContext, Page]:
    """A window of a person who has signed in, with nothing cached."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900}, timezone_id="Europe/Berlin")
    await context.add_cookies([{"name": "callwright_session", "value": house.session, "url": house.dashboard_url}])
    return context, await context.new_page()


async def drawn(page: Page) -> None:
    """Waits until the page is there: its heading, no run in progress, no placeholder left."""
    await expect(page.get_by_role("heading").first).to_be_visible(timeout=30_000)
    await expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=30_000)
    await expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=30_000)
