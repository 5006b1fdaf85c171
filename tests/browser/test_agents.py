"""An operator makes an agent from a template, writes its texts, hears it, has it call, and takes it out again."""

from typing import Any

from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import ARTEFACTS, Served, signed_in
from tests.browser.pages import settled
from tests.browser.test_pages_look import LOOKS, content_height, overflow

TABS = ("Edit", "Preview", "Script", "Versions", "Test call")
DRAWN_WITH = ("document", "script", "stylesheet", "font", "fetch", "xhr", "media")  # of ours alone: the graph too is drawn offline
HEARD_S = 3


async def test_an_agent_is_made_from_a_template_written_heard_tried_out_and_deleted(browser: Browser, served: Served) -> None:
    served.api.greeting = bytes(2 * 8000 * HEARD_S)
    served.api.place_test_call = _running_call(served)
    context, page = await signed_in(browser, served)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.resource_type in DRAWN_WITH else None)
    await page.goto(f"{served.url}/agents")
    await page.get_by_role("button", name="New agent").click()
    await page.get_by_role("button", name="Use Follow-up").click()
    await expect(page.get_by_role("heading", name="Follow-up", exact=True)).to_be_visible()
    await _write(page)
    await _hear(page)
    await _call(page)
    await _tab(page, "Script")
    await expect(page.get_by_test_id("stGraphVizChart").locator("svg g.node").first).to_be_visible()
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete the agent").click()
    await expect(page.get_by_role("link", name="Appointment reminder")).to_be_visible()
    await expect(page.get_by_role("link", name="Follow-up")).to_have_count(0)
    assert [url for url in asked if not url.startswith((served.url, "data:", "blob:"))] == []
    await context.close()


async def test_the_agents_pages_are_drawn_fit_the_window_and_have_no_serious_fault(browser: Browser, served: Served) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    agent = 0
    for look, (width, dark) in LOOKS.items():
        context, page = await signed_in(browser, served, width=width, dark=dark)
        await page.goto(f"{served.url}/agents?show=Templates")
        await settled(page)
        if not agent:
            await page.get_by_role("button", name="Use Appointment reminder").click()
            await expect(page.get_by_role("heading", name="Appointment reminder 2")).to_be_visible()
            agent = int(page.url.partition("id=")[2])
            await page.goto(f"{served.url}/agents?show=Templates")
            await settled(page)
        await _keep(page, f"agent-templates-{look}")
        await page.goto(f"{served.url}/agents")
        await settled(page)
        await _keep(page, f"agents-{look}")
        await page.goto(f"{served.url}/agent?id={agent}")
        await settled(page)
        for tab in TABS:
            await _tab(page, tab)
            await _keep(page, f"agent-{tab.lower().replace(' ', '-')}-{look}")
        found = await Axe().run(page, context=".stMain")
        serious = [
            (each["id"], each["nodes"][0]["html"]) for each in found.response["violations"] if each["impact"] in ("serious", "critical")
        ]
        assert serious == []
        await context.close()


def _running_call(served: Served) -> Any:
    async def place(_wanted: object) -> int:
        return served.house.running

    return place


async def _write(page: Page) -> None:
    """Another first message, with a variable of its own; saved as the second version."""
    message = page.get_by_role("textbox", name="First message")
    await message.fill("Hello {{contact_name|there}}. How was your {{visit_kind}}?")
    await message.press("Tab")
    await expect(page.get_by_role("listitem").filter(has_text="visit_kind")).to_be_visible()
    await page.get_by_role("button", name="Save as version 2").click()
    await expect(page.get_by_role("button", name="Save as version 3")).to_be_visible()
    await _tab(page, "Versions")
    await expect(page.get_by_text("Version 2 (newest)")).to_be_visible()


async def _hear(page: Page) -> None:
    await _tab(page, "Preview")
    await page.get_by_role("textbox", name="Visit kind").fill("stay")
    await page.get_by_role("textbox", name="Visit kind").press("Enter")
    await expect(page.get_by_text("Hello Ada. How was your stay?")).to_be_visible()
    await page.get_by_role("button", name="Hear the greeting").click()
    player = page.locator("audio")
    await expect(player).to_have_count(1)
    length = await player.evaluate(
        "(audio) => audio.readyState > 0 ? audio.duration"
        " : new Promise((done) => audio.addEventListener('loadedmetadata', () => done(audio.duration)))"
    )
    assert round(length) == HEARD_S


async def _call(page: Page) -> None:
    await _tab(page, "Test call")
    await page.get_by_role("textbox", name="Number to call").fill("+1 415 555 0188")
    await page.get_by_role("button", name="Call now").click()
    await expect(page.get_by_role("link", name="Open this call")).to_be_visible()


async def _tab(page: Page, name: str) -> None:
    await page.get_by_role("tab", name=name).click()
    await expect(page.get_by_role("tab", name=name, selected=True)).to_be_visible()
    await settled(page)


async def _keep(page: Page, name: str) -> None:
    """A picture of the whole page, which fits its window."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert await overflow(page) <= 0, f"{name} is wider than a window of {width} px"
    await page.set_viewport_size({"width": width, "height": await content_height(page)})
    await page.screenshot(path=ARTEFACTS / f"{name}.png")
    await page.set_viewport_size({"width": width, "height": 900})
