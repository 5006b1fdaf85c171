"""What operators do by hand, in a real browser on the real API: nobody is called here, so that each step stands still to be looked at."""

from pathlib import Path

from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Served, signed_in
from tests.browser.pages import Campaign, Campaigns, NewCampaign, fill_number, settled
from tests.dashboard.conftest import kept

AGENT, NUMBER = "Appointment reminder", "+14155550100"
FILE = """phone_number,contact_name,appointment_date
+14155550123,Ada Lovelace,Monday at ten
+14155550124,Grace Hopper,Tuesday at nine
12,Nobody,never
"""


async def test_a_campaign_is_made_in_three_steps_and_a_mistake_loses_nothing(browser: Browser, served: Served, tmp_path: Path) -> None:
    context, page = await signed_in(browser, served)
    campaigns = Campaigns(page, served.url)
    await campaigns.open()
    new = await campaigns.create()
    await new.basics("January reminders", AGENT, NUMBER)
    await expect(page.get_by_text("Step 2 of 3")).to_be_visible()
    await fill_number(page, "Concurrency", 3)
    await fill_number(page, "Max retries", 2)
    await page.get_by_role("button", name="Continue to contacts").click()
    await expect(page.get_by_text("required once there are retries")).to_be_visible()
    await expect(page.get_by_label("Concurrency", exact=True)).to_have_value("3")
    await fill_number(page, "Retry delay (minutes)", 45)
    await page.get_by_role("button", name="Continue to contacts").click()
    await expect(page.get_by_text("Step 3 of 3")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("Step 3 of 3")).to_be_visible()
    await upload(new, tmp_path)
    campaign = await new.finish("January reminders")
    await campaign.expect_status("Draft")
    await expect(campaign.metric("Contacts")).to_have_text("2")
    settings = "select row(concurrency, max_retries, retry_delay_min)::text from campaigns where name = 'January reminders'"
    assert await kept(served, settings) == "(3,2,45)"
    await context.close()


async def upload(new: NewCampaign, folder: Path) -> None:
    """A file with one bad row: its report is read, then the good rows go in."""
    file = folder / "contacts.csv"
    file.write_text(FILE)
    await new.choose_file(file)
    await expect(new.page.get_by_text("These rows are left out")).to_be_visible()
    await expect(new.page.get_by_text("The first contacts")).to_be_visible()
    await new.take_file(2)


async def test_start_pause_edit_resume_duplicate_and_cancel(browser: Browser, served: Served) -> None:
    context, page = await signed_in(browser, served)
    campaign = await opened(page, served, "Payment follow-up", "paused")
    await campaign.tab("Settings")
    await fill_number(page, "Concurrency", 6)
    await page.get_by_role("button", name="Save settings").click()
    await expect(page.get_by_text("Settings saved")).to_be_visible()
    await campaign.act("Resume")
    await campaign.expect_action("Pause")
    await expect(page.get_by_text("Settings can't be changed while the campaign is")).to_be_visible()
    await campaign.act("Pause")
    await campaign.expect_status("Paused")
    await campaign.act("Duplicate")
    await campaign.expect_status("Draft")
    await campaign.tab("Overview")
    await expect(campaign.metric("Pending")).to_have_text("12")
    await campaign.act("Start")
    await campaign.expect_action("Pause")
    await campaign.act("Cancel")
    await campaign.confirm("Cancel the campaign")
    await campaign.expect_status("Cancelled")
    assert await kept(served, "select concurrency from campaigns order by id desc limit 1") == 6
    await context.close()


async def test_a_failed_contact_is_retried_and_pending_ones_are_skipped_and_removed(browser: Browser, served: Served) -> None:
    context, page = await signed_in(browser, served)
    campaign = await opened(page, served, "November reminders", "in_progress")
    await campaign.tab("Contacts")
    await campaign.tick("Radia Perlman")
    await page.get_by_role("button", name="Retry (1)").click()
    await expect(page.get_by_text("1 contact queued for one more try")).to_be_visible()
    await campaign.tick("Donald Knuth")
    await page.get_by_role("button", name="Skip (1)").click()
    await campaign.confirm("Skip 1 contact")
    await campaign.tick("Grace Turing")
    await page.get_by_role("button", name="Remove (1)").click()
    await campaign.confirm("Remove 1 contact")
    await expect(page.get_by_text("1 contact removed")).to_be_visible()
    await expect(page.get_by_text("Grace Turing")).to_have_count(0)
    states = "select string_agg(name || ' ' || status, ', ' order by id) from contacts where campaign_id = $1 and name = any ($2)"
    names = ["Radia Perlman", "Donald Knuth", "Grace Turing"]
    assert await kept(served, states, served.house.campaigns["in_progress"], names) == "Donald Knuth skipped, Radia Perlman pending"
    await context.close()


async def test_a_status_that_changes_elsewhere_is_shown_without_a_reload(browser: Browser, served: Served) -> None:
    context, page = await signed_in(browser, served)
    campaign = await opened(page, served, "November reminders", "in_progress")
    await campaign.expect_action("Pause")
    running = served.house.campaigns["in_progress"]
    await kept(
        served, "update campaigns set status = 'paused', status_reason = 'paused by somebody else' where id = $1 returning id", running
    )
    await campaign.expect_status("Paused")
    await campaign.expect_action("Resume")
    await expect(page.get_by_text("paused by somebody else")).to_be_visible()
    await context.close()


async def opened(page: Page, served: Served, name: str, status: str) -> Campaign:
    await page.goto(f"{served.url}/campaign?id={served.house.campaigns[status]}")
    await expect(page.get_by_role("heading", name=name)).to_be_visible()
    await settled(page)
    return Campaign(page, name)
