"""Phone numbers and the do-not-call list in a real browser: one journey each, and how the pages look."""

from pathlib import Path

import asyncpg
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import ARTEFACTS, Served, signed_in
from tests.browser.pages import settled
from tests.browser.test_axe import grave_faults
from tests.browser.test_pages_look import LOOKS, content_height, overflow
from tests.dashboard.conftest import kept

STANDING = "select string_agg(number, ' ' order by number) from suppressions where removed_at is null"


async def test_a_number_is_added_by_a_double_click_changed_and_deleted(browser: Browser, served: Served) -> None:
    context, page = await signed_in(browser, served)
    await page.goto(f"{served.url}/phone_numbers")
    await page.get_by_text("Add a number").click()
    await page.get_by_label("Phone number", exact=True).fill("+1 202 555 01")
    await page.get_by_role("button", name="Add number").click()
    await expect(page.get_by_text("is too short")).to_be_visible()
    await page.get_by_label("Phone number", exact=True).fill("+1 (202) 555-0199")
    await page.get_by_role("button", name="Add number").dblclick()
    await expect(page.get_by_role("heading", name="+12025550199")).to_be_visible()
    assert await kept(served, "select count(*) from phone_numbers where e164 = '+12025550199'") == 1
    await page.get_by_label("Label").fill("Reception")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Label: Reception")).to_be_visible()
    await page.get_by_role("button", name="Delete number").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Past calls and their figures stay")
    await page.get_by_role("dialog").get_by_role("button", name="Delete the number").click()
    await expect(page.get_by_role("heading", name="Phone Numbers")).to_be_visible()
    await expect(page.get_by_role("link", name="+14155550100")).to_be_visible()
    await expect(page.get_by_role("link", name="+12025550199")).to_have_count(0)
    assert await kept(served, "select deleted_at is not null from phone_numbers where e164 = '+12025550199'")
    await page.get_by_role("link", name="+14155550100").click()
    await expect(page.get_by_role("heading", name="Answer rate")).to_be_visible()
    await page.get_by_role("link", name="All phone numbers").click()
    await expect(page.get_by_role("heading", name="Phone Numbers")).to_be_visible()
    await context.close()


async def test_numbers_are_added_imported_exported_and_removed(browser: Browser, served: Served, tmp_path: Path) -> None:
    context, page = await signed_in(browser, served)
    await page.goto(f"{served.url}/do_not_call")
    await page.get_by_text("Add numbers").first.click()
    await page.get_by_role("textbox", name="Phone numbers").fill("+1 202 555 0155\n+1-202-555-0156")
    await page.get_by_label("Reason", exact=True).fill("Asked by letter")
    await page.get_by_role("button", name="Add to the list").dblclick()
    await expect(page.get_by_text("+12025550155")).to_be_visible()
    assert await kept(served, STANDING) == "+12025550155 +12025550156"
    await import_list(page, tmp_path)
    assert await kept(served, STANDING) == "+12025550155 +12025550156 +12025550157"
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Export as CSV").click()
    lines = (await (await started.value).path()).read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[:3] for line in lines[:2]] == [["phone_number", "reason", "source"], ["'+12025550157", "moved", "import"]]
    await page.get_by_placeholder("Digits of the number").fill("555 0155")
    await expect(page.get_by_text("+12025550156")).to_have_count(0)
    await page.get_by_role("button", name="Remove").click()
    await page.get_by_role("dialog").get_by_role("button", name="Allow calls to it").click()
    await expect(page.get_by_text("No number on this list has these digits")).to_be_visible()
    assert await kept(served, STANDING) == "+12025550156 +12025550157"
    await context.close()


async def import_list(page: Page, folder: Path) -> None:
    """A file with a number that is new, one that is there already and one that is none."""
    file = folder / "list.csv"
    file.write_text("phone_number,reason\n+12025550157,moved\n+12025550156,\n12,\n")
    await page.get_by_text("Import a list").first.click()
    await page.locator("input[type=file]").set_input_files(file)
    await expect(page.get_by_text("These rows are left out")).to_be_visible()
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download all problems (1)").click()
    problems = (await (await download.value).path()).read_text().splitlines()
    assert [line.split(",")[:2] for line in problems] == [["line", "column"], ["4", "phone_number"]]
    await page.get_by_role("button", name="Add 1 number").click()
    await expect(page.get_by_text("+12025550157")).to_be_visible()


async def test_the_pages_are_drawn_and_fit_each_window(browser: Browser, served: Served) -> None:
    await listed(served)
    ARTEFACTS.mkdir(exist_ok=True)
    addresses = {
        "phone-numbers": "/phone_numbers",
        "phone-number": f"/phone_numbers?id={served.house.number}",
        "do-not-call": "/do_not_call",
    }
    for look, (width, dark) in LOOKS.items():
        context, page = await signed_in(browser, served, width=width, dark=dark)
        for name, address in addresses.items():
            await page.goto(served.url + address)
            await settled(page)
            await unfold(page)
            await expect(page.get_by_test_id("stException")).to_have_count(0)
            assert await overflow(page) <= 0, f"{name} is wider than a window of {width} px"
            await page.set_viewport_size({"width": width, "height": await content_height(page)})
            await page.screenshot(path=ARTEFACTS / f"{name}-{look}.png")
            assert await grave_faults(page) == [], f"{name}, {look}"
            await page.set_viewport_size({"width": width, "height": 900})
        await context.close()


async def unfold(page: Page) -> None:
    """Opens what is folded, and waits until it has."""
    for folded in await page.locator("[data-testid=stMain] summary").all():
        await folded.click()
    await page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished.catch(() => null)))")
    await settled(page)


async def listed(served: Served) -> None:
    """An entry from a call and one from a list; and weeks of calls from the number, of which ever fewer are answered."""
    database = await asyncpg.connect(served.database_url)
    await database.execute(
        "insert into call_half_hours (half_hour, campaign_id, agent_id, phone_number_id, rehearsal, try, result, outcome, calls, answered) "
        "select half_hour_of(callwright_now() - i * interval '1 day'), $1, $2, $3, true, 1, 'seeded', 'no_answer', 60, 25 + i / 2 "
        "from generate_series(1, 28) i where i % 7 <> 3",
        *(served.house.campaigns["completed"], served.house.agent, served.house.number),
    )
    await database.execute(
        "insert into suppressions (number, reason, source, call_id, added_by) values "
        "('+12025550155', 'Please take me off your list, and do not call again', 'call', $1, 'agent'), "
        "('+12025550156', 'On an imported list', 'import', null, 'maria')",
        served.house.talked,
    )
    await database.close()
