"""An operator looks back: when people answer, narrowed to one campaign, and the numbers taken home as a file."""

import asyncpg
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import ARTEFACTS, Served, signed_in
from tests.browser.pages import settled
from tests.browser.test_pages_look import LOOKS, overflow
from tests.dashboard.history import add_history

PLOTS = 7
LOADED = ("script", "stylesheet", "font", "fetch", "xhr")  # what a plot could ask for; the tab's icon is none of them


async def test_when_people_answer_is_seen_narrowed_to_a_campaign_and_taken_home_as_a_file(browser: Browser, served: Served) -> None:
    await _history(served)
    context, page = await signed_in(browser, served)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.resource_type in LOADED else None)
    await _open(page, served)
    await expect(page.get_by_text("Most are answered on")).to_be_visible()
    await page.get_by_role("combobox", name="Campaigns").click()
    await page.get_by_role("option", name="October reminders").click()
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("stMetric").first).to_contain_text("2,000")
    await page.get_by_text("Numbers: outcomes by try").click()
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Export outcomes by try as CSV").click()
    lines = (await (await started.value).path()).read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "Try,Outcome,Calls,Of the try's calls %"
    assert sum(int(line.split(",")[-2]) for line in lines[1:]) == 2000
    assert [url for url in asked if not url.startswith((served.url, "data:", "blob:"))] == []
    await context.close()


async def test_the_plots_are_drawn_fit_the_window_and_have_no_serious_fault(browser: Browser, served: Served) -> None:
    await _history(served)
    ARTEFACTS.mkdir(exist_ok=True)
    for look, (width, dark) in LOOKS.items():
        context, page = await signed_in(browser, served, width=width, dark=dark)
        await page.set_viewport_size({"width": width, "height": 5200 if width < 500 else 3600})  # what is out of sight is not drawn
        await _open(page, served)
        assert await overflow(page) <= 0, look
        await page.screenshot(path=ARTEFACTS / f"analytics-{look}.png")
        if look != "narrow":  # the same parts and colours as light
            found = await Axe().run(page, context="[data-testid=stMain]")
            serious = [each["id"] for each in found.response["violations"] if each["impact"] in ("serious", "critical")]
            assert serious == [], look
        await context.close()


async def _history(served: Served) -> None:
    database = await asyncpg.connect(served.database_url)
    await add_history(database, served.house)
    await database.close()


async def _open(page: Page, served: Served) -> None:
    """The page with all its plots drawn."""
    await page.goto(f"{served.url}/analytics")
    await expect(page.get_by_test_id("stVegaLiteChart").locator("canvas, svg.marks")).to_have_count(PLOTS, timeout=60_000)
    await settled(page)
