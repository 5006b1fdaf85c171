"""Each page in a real browser: drawn without a fault in light, dark and on a phone held upright, and kept as a picture."""

import asyncio
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import ARTEFACTS, Served, signed_in
from tests.browser.pages import Campaign, Campaigns, settled, sign_in
from tests.dashboard.live_calls import add_live_calls
from tests.dashboard.real_api import PASSWORD

LOOKS = {"light": (1280, False), "dark": (1280, True), "narrow": (390, False)}


def addresses(served: Served) -> dict[str, str]:
    running, draft = served.house.campaigns["in_progress"], served.house.campaigns["draft"]
    return {
        "campaigns": "/",
        "wallboard": "/live",
        "new-1-basics": "/new_campaign",
        "new-2-call-settings": f"/new_campaign?id={draft}&step=2",
        "new-3-contacts": f"/new_campaign?id={draft}&step=3",
        "campaign-overview": f"/campaign?id={running}",
        "campaign-contacts": f"/campaign?id={running}&tab=Contacts",
        "campaign-settings": f"/campaign?id={running}&tab=Settings",
        "campaign-settings-of-a-draft": f"/campaign?id={draft}&tab=Settings",
        "campaign-call-log": f"/campaign?id={running}&tab=Call+Log",
        "call": f"/call?id={served.house.talked}",
    }


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_is_drawn_and_fits_its_window(browser: Browser, served: Served, look: str) -> None:
    width, dark = LOOKS[look]
    await add_live_calls(served.database_url, served.house)
    context, page = await signed_in(browser, served, width=width, dark=dark)
    await context.add_cookies([{"name": "callwright_session", "value": served.api.session("supervisor"), "url": served.url}])
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: faults.append(request.url) if foreign(request.url) else None)
    ARTEFACTS.mkdir(exist_ok=True)
    for name, address in addresses(served).items():
        await page.goto(served.url + address)
        await settled(page)
        await expect(page.get_by_test_id("stException")).to_have_count(0)
        assert await overflow(page) <= 0, f"{name} is wider than a window of {width} px"
        icon = await page.locator("link[rel~=icon]").first.evaluate("(link) => link.href")
        assert not foreign(icon), f"{name} has an icon of another machine's: {icon}"
        await page.set_viewport_size({"width": width, "height": await content_height(page)})
        await page.screenshot(path=ARTEFACTS / f"{name}-{look}.png")
        await page.set_viewport_size({"width": width, "height": 900})
    await context.close()
    assert faults == []


async def test_ticks_and_focus_survive_the_live_refresh_and_a_dialog(browser: Browser, served: Served) -> None:
    context, page = await signed_in(browser, served)
    frames = Frames(page)
    await page.goto(f"{served.url}/campaign?id={served.house.campaigns['in_progress']}&tab=Contacts")
    box = page.get_by_role("checkbox", name="Radia Perlman")
    await expect(box).to_have_count(1)
    await page.get_by_text("Radia Perlman").click()
    await expect(page.get_by_role("button", name="Retry (1)")).to_be_enabled()
    await frames.another()
    await settled(page)
    await frames.another()
    await settled(page)
    await expect(box).to_be_checked()
    await expect(box).to_be_focused()
    await page.get_by_text("Tick all on this page").click()
    await expect(page.get_by_text("25 contacts ticked")).to_be_visible()
    await page.get_by_role("button", name="Why? Radia Perlman").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_contain_text("Dropped")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_role("button", name="Why? Radia Perlman")).to_be_focused()
    await context.close()


async def test_a_question_stays_open_over_the_live_refresh_and_going_back_sends_nothing(browser: Browser, served: Served) -> None:
    context, page = await signed_in(browser, served)
    frames = Frames(page)
    await page.goto(f"{served.url}/campaign?id={served.house.campaigns['in_progress']}")
    campaign = Campaign(page, "November reminders")
    await campaign.act("Cancel")
    await expect(page.get_by_role("dialog")).to_contain_text("stops for good")
    await frames.another()
    await settled(page)
    await campaign.confirm("Go back")
    assert served.api.received == []
    await campaign.act("Cancel")
    await campaign.confirm("Cancel the campaign")
    assert [path for _, path in served.api.received] == [f"/campaigns/{served.house.campaigns['in_progress']}/cancel"]
    await context.close()


async def test_the_list_leads_to_a_campaign_and_on_to_a_call_by_keyboard_alone(browser: Browser, served: Served) -> None:
    context, page = await signed_in(browser, served)
    await Campaigns(page, served.url).open()
    await page.get_by_role("link", name="November reminders").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="November reminders")).to_be_visible()
    await page.get_by_role("tab", name="Overview").focus()
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Export as CSV")).to_be_visible()
    await page.get_by_role("link", name="Edsger Knuth").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Edsger Knuth")).to_be_visible()
    await context.close()


async def test_signing_in_leads_to_the_page_that_was_asked_for_and_signing_out_leaves_nothing_to_see(
    browser: Browser, served: Served
) -> None:
    served.api.account("maria")
    page = await browser.new_page()
    await page.goto(f"{served.url}/campaign?id={served.house.campaigns['paused']}")
    await sign_in(page, "maria", PASSWORD)
    await expect(page.get_by_role("heading", name="Payment follow-up")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Payment follow-up")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    await expect(page.get_by_text("Payment follow-up")).to_have_count(0)
    await page.reload()
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    await page.close()


async def test_a_recording_is_played_by_the_browser_with_its_own_session(browser: Browser, served: Served) -> None:
    context, page = await signed_in(browser, served)
    await page.goto(f"{served.url}/call?id={served.house.talked}")
    player = page.locator("audio")
    await expect(player).to_have_count(1)
    length = await player.evaluate(
        "(audio) => audio.readyState > 0 ? audio.duration"
        " : new Promise((done) => audio.addEventListener('loadedmetadata', () => done(audio.duration)))"
    )
    assert round(length) == 19
    await context.close()


async def test_the_call_log_is_downloaded_as_the_filters_show_it(browser: Browser, served: Served) -> None:
    context, page = await signed_in(browser, served)
    await page.goto(f"{served.url}/campaign?id={served.house.campaigns['in_progress']}&tab=Call+Log")
    await page.get_by_role("combobox", name="Outcome").click()
    await page.get_by_role("option", name="Busy").click()
    await expect(page.get_by_text("Talked to a person")).to_have_count(0)
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Export as CSV").click()
    lines = (await (await started.value).path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("call_id,phone_number,contact_name")
    assert all(",busy," in line for line in lines[1:])
    await context.close()


def foreign(url: str) -> bool:
    """Whether another machine would be asked."""
    return urlsplit(url).scheme in ("http", "https", "ws", "wss") and urlsplit(url).hostname != "127.0.0.1"


async def overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    wider: int = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return wider


async def content_height(page: Page) -> int:
    height: int = await page.evaluate(
        "Math.max(900, ...[...document.querySelectorAll('[data-testid=stMain]')].map((part) => part.scrollHeight))"
    )
    return min(height, 3000)


class Frames:
    """What the server sends to the page after it was opened: each live refresh is some of it."""

    def __init__(self, page: Page) -> None:
        self._came = asyncio.Event()
        page.on("websocket", lambda socket: socket.on("framereceived", lambda _data: self._came.set()))

    async def another(self) -> None:
        """Waits for the next one."""
        self._came.clear()
        await asyncio.wait_for(self._came.wait(), 20)
