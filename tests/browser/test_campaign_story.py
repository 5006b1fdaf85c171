"""The whole machine, watched from the dashboard: a campaign made from a CSV, started, and followed until everybody was called.

The people are simulated; database, media server, speech and browser are real.
"""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from db.embedded import EmbeddedPostgres
from mediaserver.administration import make_token
from mediaserver.api_client import Api
from mediaserver.rehearsal import CALLER, CONTACTS, PEOPLE, agent_and_number
from mediaserver.settings import Settings
from mediaserver.up import Addresses, Machine
from tests.browser.conftest import ARTEFACTS
from tests.browser.pages import Campaigns, settled, sign_in

CALLED = ("+12125550101", "+12125550103", "+12125550110")  # agrees, declines, is busy
WITHIN_S = 150


@pytest.fixture
async def machine(chromium: str, tmp_path: Path) -> AsyncIterator[Addresses]:
    """Everything that `callwright up` runs, with the simulated phone network as its carrier, an agent and a number to call from."""
    stack = Machine(Settings(data_dir=tmp_path, port=0, database_url="", public_url=""), phones=("--people", str(PEOPLE)))
    try:
        addresses = await stack.start()
        async with Api(addresses.web, await make_token(addresses.database, "test", "operator")) as api:
            await agent_and_number(api)
        yield addresses
    finally:
        await stack.stop()
        await EmbeddedPostgres(tmp_path).destroy()


@pytest.mark.timeout(420)
async def test_a_campaign_is_made_from_a_csv_started_and_watched_until_it_is_complete(
    browser: Browser, machine: Addresses, tmp_path: Path
) -> None:
    assert machine.password is not None  # a fresh machine: its first start made the account
    context = await browser.new_context(viewport={"width": 1280, "height": 900}, timezone_id="Europe/Berlin")
    page = await context.new_page()
    await page.goto(machine.dashboard)
    await sign_in(page, "admin", machine.password)
    await expect(page.get_by_text("No campaigns yet")).to_be_visible()
    new = await Campaigns(page, machine.dashboard).create()
    await new.basics("March reminders", "Appointment reminder", CALLER)
    await new.call_settings(concurrency=3, local_hours=False)
    file = tmp_path / "people.csv"
    file.write_text(people())
    await new.choose_file(file)
    await new.take_file(len(CALLED))
    campaign = await new.finish("March reminders")
    await campaign.act("Start")
    await campaign.expect_action("Pause")
    await campaign.expect_status("Completed", within_s=WITHIN_S)
    await expect(campaign.metric("Completed")).to_have_text("2")
    await expect(campaign.metric("Failed")).to_have_text("1")
    await page.screenshot(path=ARTEFACTS / "story-completed.png")
    await campaign.tab("Call Log")
    await campaign.open_call("Anna Agreda")
    await settled(page)
    await expect(page.get_by_label("Transcript").get_by_role("listitem").nth(1)).to_be_visible()
    await expect(page.locator("audio")).to_have_js_property("error", None)
    await page.screenshot(path=ARTEFACTS / "story-call.png")
    await context.close()


def people() -> str:
    """Those of the demo's contacts that this story calls."""
    rows = list(csv.DictReader(io.StringIO(CONTACTS.read_text(encoding="utf-8"))))
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(row for row in rows if row["phone_number"] in CALLED)
    return text.getvalue()
