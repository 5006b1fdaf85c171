"""What goes wrong while somebody works: what was saved is not lost, and each page says what is the matter and what to do."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.conftest import Served, dashboard_process, signed_in
from tests.browser.pages import NewCampaign, fill_number, settled, sign_in
from tests.dashboard.conftest import kept
from tests.dashboard.real_api import PASSWORD
from tests.media.cable import Cable

MIB = 1 << 20
API_AWAY, DATABASE_AWAY = (
    "The media server can't be reached: nothing was changed",
    "The database does not answer, so this page can't be shown",
)
GOOD = 300
PATIENCE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Cables:
    """What the dashboard reaches the API and the database by."""

    api: Cable
    database: Cable


@pytest.fixture
async def cables(behind: Served) -> AsyncIterator[Cables]:
    """The dashboard is served, and what is behind it can be cut off."""
    both = Cables(Cable(behind.api.url), Cable(behind.database_url))
    await both.api.mend()
    await both.database.mend()
    async with dashboard_process(behind, both.database.url, both.api.url):
        yield both
    await both.api.cut()
    await both.database.cut()


async def test_an_api_and_a_database_that_are_away_are_told_and_lose_nothing(browser: Browser, behind: Served, cables: Cables) -> None:
    await cables.api.cut()
    context, page = await signed_in(browser, behind)
    draft = behind.house.campaigns["draft"]
    await page.goto(f"{behind.url}/new_campaign?id={draft}&step=2")
    await expect(page.get_by_text(API_AWAY)).to_be_visible()
    await cables.api.mend()
    await page.get_by_role("button", name="Try again").click()
    await fill_number(page, "Concurrency", 7)
    await cables.api.cut()
    await either(page, "Continue to contacts", "Try again").click()
    await expect(page.get_by_text(API_AWAY).first).to_be_visible()
    await cables.database.cut()
    await cables.api.mend()
    await either(page, "Continue to contacts", "Try again").click()
    await expect(page.get_by_text(DATABASE_AWAY)).to_be_visible()
    await cables.database.mend()
    await expect(page.get_by_text(DATABASE_AWAY)).to_have_count(0)
    await expect(page.get_by_label("Concurrency", exact=True)).to_have_value("7")
    await page.get_by_role("button", name="Continue to contacts").click()
    await expect(page.get_by_text("Step 3 of 3")).to_be_visible()
    assert await kept(behind, "select concurrency from campaigns where id = $1", draft) == 7
    await context.close()


async def test_what_was_typed_outlives_the_session_and_is_shown_to_nobody_else(browser: Browser, served: Served) -> None:
    for name in ("maria", "otto"):
        served.api.account(name)
    context, page = await signed_in(browser, served)
    await context.add_cookies([{"name": "callwright_session", "value": served.api.sign_in("maria"), "url": served.url}])
    draft = served.house.campaigns["draft"]
    await page.goto(f"{served.url}/new_campaign?id={draft}&step=2")
    await fill_number(page, "Concurrency", 9)
    await session_ends(page, served)
    await sign_in(page, "otto", "not his password")
    await expect(page.get_by_role("alert")).to_have_text("name or password are wrong")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("Step 2 of 3")).to_be_visible()
    await expect(page.get_by_label("Concurrency", exact=True)).to_have_value("1")
    await session_ends(page, served)
    await sign_in(page, "maria", PASSWORD)
    await expect(page.get_by_label("Concurrency", exact=True)).to_have_value("9")
    assert await kept(served, "select concurrency from campaigns where id = $1", draft) == 1
    await page.get_by_role("button", name="Continue to contacts").click()
    await expect(page.get_by_text("Step 3 of 3")).to_be_visible()
    assert await kept(served, "select concurrency from campaigns where id = $1", draft) == 9
    await context.close()


async def session_ends(page: Page, served: Served) -> None:
    """All sessions, and the page finds it out when the step is left."""
    await kept(served, "update sessions set ended_at = callwright_now() returning user_id")
    await page.get_by_role("button", name="Continue to contacts").click()
    await expect(page.get_by_text("Your session has ended. Sign in again").first).to_be_visible()


async def test_a_file_of_50_mb_is_imported_and_one_that_is_too_large_is_refused_in_words(
    browser: Browser, served: Served, tmp_path: Path
) -> None:
    context, page = await signed_in(browser, served)
    await page.goto(f"{served.url}/new_campaign?id={served.house.campaigns['draft']}&step=3")
    new = NewCampaign(page)
    await new.choose_file(file_of(tmp_path / "enormous.csv", 201))
    await expect(page.get_by_text("File must be 200.0MB or smaller.")).to_be_visible()
    await new.choose_file(file_of(tmp_path / "large.csv", 50))
    await settled(page)
    checked = page.get_by_test_id("stMetric").filter(has_text="Rows with problems").filter(has_text="4,")
    await press(page, checked, "Check all rows")
    await press(page, page.get_by_text(f"{GOOD} contacts in this campaign so far"), f"Import {GOOD} contacts")
    await context.close()


async def press(page: Page, done: Locator, button: str) -> None:
    """Presses the button until it is done: a page that is drawn anew in the moment of a click may lose it."""
    there, app = page.get_by_role("button", name=button), page.get_by_test_id("stApp")
    while True:
        await expect(done.or_(there).first).to_be_visible(timeout=PATIENCE_MS)
        if await done.is_visible():
            return
        await there.first.click()
        with contextlib.suppress(AssertionError):  # the click was lost, or what it began is over already
            await expect(app).to_have_attribute("data-test-script-state", "running", timeout=5_000)
        await expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE_MS)


def either(page: Page, *buttons: str) -> Locator:
    """Whichever of these buttons is there: a page that can't be shown may have taken the place of the one that was."""
    first, second = (page.get_by_role("button", name=name) for name in buttons)
    return first.or_(second).first


def file_of(path: Path, mib: int) -> Path:
    """A CSV of that size, with long notes so that it has few rows; the first GOOD have a number that can be called."""
    note = "x" * 9_900
    with path.open("w") as file:
        file.write("phone_number,contact_name,note")
        for row in range(mib * MIB // 9_950 + 1):
            file.write(f"\n{'+1415' if row < GOOD else ''}{5_550_000 + row},Contact {row},{note}")
    return path
