"""The settings in a real browser: an admin lets somebody in, and gives a program a token."""

from dataclasses import replace

import asyncpg
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import ARTEFACTS, Served, signed_in
from tests.browser.pages import fill_number, settled, sign_in
from tests.browser.test_pages_look import LOOKS, overflow

PARTS = ("My account", "People", "API tokens", "Webhooks", "Retention", "Audit log", "Roles")


async def test_an_admin_lets_somebody_in_and_gives_a_program_a_token(browser: Browser, served: Served) -> None:
    context, page = await signed_in(browser, replace(served, session=served.api.session("admin")))
    await page.goto(f"{served.url}/settings?part=People")
    await page.get_by_role("button", name="Add a person").click()
    await page.get_by_role("dialog").get_by_label("Name", exact=True).fill("Olive")
    await page.get_by_role("button", name="Add this person").click()
    password = await secret(page)
    await page.get_by_role("button", name="I have noted it").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.get_by_role("tab", name="API tokens").click()
    await page.get_by_role("button", name="Create a token").click()
    await page.get_by_role("dialog").get_by_label("Name", exact=True).fill("Reports")
    await page.get_by_role("button", name="Create this token").click()
    assert (await secret(page)).startswith("cw_")
    await page.get_by_role("button", name="I have noted it").click()
    await pictures(page, served)
    await page.get_by_role("tab", name="API tokens").click()
    await page.get_by_role("button", name="Revoke").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke the token").click()
    await expect(page.get_by_text("No tokens yet")).to_be_visible()
    await context.clear_cookies()
    await page.goto(f"{served.url}/settings")
    await sign_in(page, "olive", password)
    await expect(page.get_by_text("Signed in as Olive (operator)")).to_be_visible()
    await context.close()


async def test_an_admin_keeps_recordings_for_a_month_and_erases_a_person(browser: Browser, served: Served) -> None:
    database = await asyncpg.connect(served.database_url)
    aged = "update calls set ended_at = ended_at - interval '40 days' where id = $1 returning number"
    number = await database.fetchval(aged, served.house.talked)
    context, page = await signed_in(browser, replace(served, session=served.api.session("admin")))
    await page.goto(f"{served.url}/settings?part=Retention")
    await page.get_by_text("Keep recordings for ever").click()
    await fill_number(page, "Days to keep: recordings", 30)
    await expect(page.get_by_text("Within a minute of saving this deletes 1 recording")).to_be_visible()
    await page.screenshot(path=ARTEFACTS / "settings-retention-changed.png", full_page=True)
    await page.get_by_role("button", name="Save these limits").click()
    await page.get_by_role("dialog").get_by_role("button", name="Save and delete").click()
    await expect(page.get_by_text("Nothing is changed")).to_be_visible()
    assert await database.fetchval("select recordings_days from retention") == 30
    await page.get_by_label("Phone number", exact=True).fill(number)
    await page.get_by_role("button", name="Erase this person").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("An entry on the do-not-call list stays")
    await page.screenshot(path=ARTEFACTS / "settings-retention-erase.png")
    await dialog.get_by_role("button", name="Erase for good").click()
    await expect(page.get_by_text("Erased: 1 recording, 1 transcript")).to_be_visible()
    await page.goto(f"{served.url}/call?id={served.house.talked}")
    await expect(page.get_by_text("The recording was deleted on")).to_be_visible()
    await page.screenshot(path=ARTEFACTS / "call-deleted.png")
    await context.close()
    await database.close()


async def pictures(page: Page, served: Served) -> None:
    """Each part of the page in light, dark and on a phone held upright, kept to be looked at; none is wider than its window."""
    ARTEFACTS.mkdir(exist_ok=True)
    for part in PARTS:
        await page.goto(f"{served.url}/settings?part={part}")
        await settled(page)
        for look, (width, dark) in LOOKS.items():
            await page.emulate_media(color_scheme="dark" if dark else "light")
            await page.set_viewport_size({"width": width, "height": 900})
            await expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", "dark" if dark else "light")
            assert await overflow(page) <= 0, f"{part} is wider than a window of {width} px"
            await page.screenshot(path=ARTEFACTS / f"settings-{part.lower().replace(' ', '-')}-{look}.png", animations="disabled")
        await page.set_viewport_size({"width": 1280, "height": 900})


async def secret(page: Page) -> str:
    """The secret that the dialog shows, which the button beside it copies."""
    shown = page.get_by_role("dialog").get_by_test_id("stCode")
    await expect(shown).to_be_visible()
    await shown.hover()
    await expect(shown.get_by_role("button")).to_be_visible()
    return (await shown.locator("code").inner_text()).strip()
