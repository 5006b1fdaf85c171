"""The wallboard in a real browser: it changes every two seconds, and whoever uses it keeps their place."""

import asyncpg
from playwright.async_api import Browser, expect

from tests.browser.conftest import Served, signed_in
from tests.dashboard.live_calls import add_live_calls


async def test_the_focus_stays_on_a_call_that_changes_its_place(browser: Browser, served: Served) -> None:
    calls = await add_live_calls(served.database_url, served.house)
    context, page = await signed_in(browser, served)
    await context.add_cookies([{"name": "callwright_session", "value": served.api.session("supervisor"), "url": served.url}])
    await page.goto(f"{served.url}/live")
    board = page.get_by_role("list", name="Calls in progress")
    listen = board.get_by_role("link", name="Listen to Grace Hopper, in a new tab")
    await listen.focus()
    database = await asyncpg.connect(served.database_url)
    await database.execute("update live_calls set stuck = 'nobody has spoken for 30 s' where call_id = $1", calls["Grace Hopper"])
    await database.execute("update live_calls set stuck = '' where call_id = $1", calls["Ken Thompson"])
    await expect(board.get_by_role("listitem").first).to_contain_text("Nobody has spoken for 30 s")
    await expect(listen).to_be_focused()
    await expect(listen).to_have_attribute("href", f"{served.api.url}/live/{calls['Grace Hopper']}")
    assert (await listen.get_attribute("target"), await listen.get_attribute("rel")) == ("_blank", "noopener")

    await database.execute("update calls set conversation_ended_at = callwright_now() where id = $1", calls["Grace Hopper"])
    await database.close()
    await expect(listen).to_have_count(0)
    await expect(board).to_be_focused()
    await board.get_by_role("link", name="Radia Perlman", exact=True).click()
    await expect(page.get_by_role("heading", name="Radia Perlman")).to_be_visible()
    await expect(page.get_by_role("link", name="Listen live")).to_be_visible()
    await context.close()
