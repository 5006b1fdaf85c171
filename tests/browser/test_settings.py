"""The settings in a real browser: an admin lets somebody in, and gives a program a token."""

from dataclasses import replace

from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import ARTEFACTS, Served, signed_in
from tests.browser.pages import settled, sign_in
from tests.browser.test_pages_look import LOOKS, overflow

PARTS = ("My account", "People", "API tokens", "Webhooks", "Audit log", "Roles")


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
