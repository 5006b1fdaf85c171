"""Webhooks in a real browser: an admin adds one, tries it out on a server that listens, sees it fail and heal, and deletes it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from playwright.async_api import Browser, expect

from db.database import Database
from mediaserver.outgoing.courier import Courier
from mediaserver.outgoing.post import Poster
from tests.browser.conftest import ARTEFACTS, Served, signed_in
from tests.browser.pages import settled
from tests.browser.test_axe import COLOURS_ONLY, STILL, grave_faults
from tests.browser.test_pages_look import LOOKS, overflow
from tests.browser.test_settings import secret
from tests.outgoing.receiver import receiving
from tests.outgoing.test_pure_parts import documented


@asynccontextmanager
async def delivering(database_url: str) -> AsyncIterator[None]:
    """A courier at work, as every web process has one."""
    database, poster = await Database.connect(database_url), Poster(private_allowed=True)
    courier = Courier(database, poster)
    running = asyncio.create_task(courier.run())
    try:
        yield
    finally:
        await courier.stop()
        await running
        await poster.close()
        await database.close()


async def test_a_webhook_is_added_tried_out_mended_and_deleted(browser: Browser, served: Served) -> None:
    context, page = await signed_in(browser, replace(served, session=served.api.session("admin")))
    async with receiving() as receiver, delivering(served.database_url):
        await page.goto(f"{served.url}/settings?part=Webhooks")
        await expect(page.get_by_text("No webhooks yet")).to_be_visible()
        await page.get_by_role("button", name="Add a webhook").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Address", exact=True).fill(receiver.url)
        await dialog.get_by_label("What for", exact=True).fill("The shop's own system")
        await dialog.get_by_text("Campaign completed").click()
        await dialog.get_by_role("button", name="Add this webhook").click()
        shown = await secret(page)
        await page.get_by_role("button", name="I have noted it").click()
        await expect(dialog).to_have_count(0)
        card = page.locator("[class*=st-key-webhook_line]")
        receiver.script, receiver.says = [500] * 9, "out of order"
        await page.get_by_role("button", name="Send a test").click()
        await expect(card).to_contain_text("It is tried again")  # without a reload
        await expect(card).to_contain_text("Failing")
        assert documented()(receiver.got[0].headers, receiver.got[0].body, shown)
        receiver.script = []
        await page.get_by_role("button", name="Send a test").click()
        await expect(card).to_contain_text("Active")
        await expect(card).to_contain_text("Delivered")
        await expect(card).not_to_contain_text("Given up")
        await page.get_by_role("button", name="Look at it").first.click()
        await expect(dialog).to_contain_text("webhook_id")
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        sent = {got.id for got in receiver.got}
        before = len(receiver.got)
        await page.get_by_role("button", name="Send again").first.click()
        await receiver.has(before + 1)
        assert {got.id for got in receiver.got} == sent
        await settled(page)
        await expect(page.get_by_test_id("stToast")).to_have_count(0)  # Streamlit's own, which axe would be told of
        await page.add_style_tag(content=STILL)
        ARTEFACTS.mkdir(exist_ok=True)
        for look, (width, dark) in LOOKS.items():
            await page.emulate_media(color_scheme="dark" if dark else "light")
            await page.set_viewport_size({"width": width, "height": 1100})
            await expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", "dark" if dark else "light")
            assert await overflow(page) <= 0, f"wider than a window of {width} px"
            assert not await grave_faults(page, COLOURS_ONLY if dark else None)
            await page.screenshot(path=ARTEFACTS / f"settings-webhooks-at-work-{look}.png", animations="disabled")
        await page.set_viewport_size({"width": 1280, "height": 900})
        await page.get_by_role("button", name="Delete", exact=True).click()
        await expect(dialog).to_contain_text("the list of its deliveries")
        await dialog.get_by_role("button", name="Delete the webhook").click()
        await expect(page.get_by_text("No webhooks yet")).to_be_visible()
    await context.close()
