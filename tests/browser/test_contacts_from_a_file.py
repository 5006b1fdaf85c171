"""An operator's way from somebody's spreadsheet to a campaign that runs, with the mistakes that people make on it."""

from pathlib import Path

from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import ARTEFACTS, Served, signed_in
from tests.browser.pages import Campaign, settled
from tests.dashboard.conftest import kept

FILE = "Mobil;Kunde;Termin\n+1 (415) 555-0123;Ada Lovelace;Montag\n12;Niemand;nie\n+1-415-555-0124;Grace Hopper;Dienstag\n"


async def test_a_foreign_file_is_mapped_foreseen_and_started_with_a_double_click(browser: Browser, served: Served, tmp_path: Path) -> None:
    context, page = await signed_in(browser, served)
    draft = served.house.campaigns["draft"]
    await page.goto(f"{served.url}/new_campaign?id={draft}&step=3")
    file = tmp_path / "kunden.csv"
    file.write_text(FILE)
    await page.locator("input[type=file]").set_input_files(file)
    await expect(page.get_by_text("The file can't be imported like this")).to_be_visible()
    await map_column(page, "Mobil", "The phone number")
    await map_column(page, "Kunde", "The name")
    await map_column(page, "Termin", "appointment_date")
    await expect(page.get_by_text("These rows are left out")).to_be_visible()
    await settled(page)
    ARTEFACTS.mkdir(exist_ok=True)
    await page.screenshot(path=ARTEFACTS / "new-3-columns.png", full_page=True)
    assert await problems_of(page) == ["line,column", "3,Mobil"]
    await page.get_by_role("button", name="Import 2 contacts").click()
    await expect(page.get_by_text("2 contacts imported from kunden.csv. 1 row left out.")).to_be_visible()
    await expect(page.get_by_role("heading", name="Forecast")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("2 contacts in this campaign so far")).to_be_visible()
    await page.get_by_role("button", name="Review and start").click()
    campaign = Campaign(page, "December reminders")
    await campaign.expect_status("Draft")
    await page.get_by_role("button", name="Start", exact=True).dblclick()
    await campaign.expect_action("Pause")
    await expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
    assert [path for _, path in served.api.received if path.endswith(("/start", "/pause"))] == [f"/campaigns/{draft}/start"]
    told = "number || ' ' || name || ' ' || (variables->>'appointment_date')"
    known = f"select string_agg({told}, ', ' order by id) from contacts where campaign_id = $1"
    assert await kept(served, known, draft) == "+14155550123 Ada Lovelace Montag, +14155550124 Grace Hopper Dienstag"
    await context.close()


async def map_column(page: Page, column: str, meaning: str) -> None:
    """Says what a column is: one of the choices, or the name of a variable, typed."""
    choice = page.get_by_role("combobox", name=column)
    await choice.click()
    await choice.fill(meaning)
    await choice.press("Enter")
    await expect(choice).to_have_attribute("value", meaning)


async def problems_of(page: Page) -> list[str]:
    """The first two columns of the problems that are downloaded."""
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Download all problems (1)").click()
    lines = (await (await started.value).path()).read_text().splitlines()
    return [",".join(line.split(",")[:2]) for line in lines]
