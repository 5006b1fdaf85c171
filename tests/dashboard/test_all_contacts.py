"""Retry, Skip and Remove for all contacts that the list shows, on every page of it."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.dashboard.conftest import Dashboard, kept, shown
from tests.dashboard.seed import House

FAILED = "update contacts set status = 'failed' where campaign_id = $1 and status = 'pending' returning id"


async def contacts(dashboard: Dashboard, house: House, status: str | None = None, search: str = "") -> AppTest:
    """The list of the running campaign, with this filter."""
    page = await dashboard.open("campaign", id=str(house.campaigns["in_progress"]), tab="Contacts")
    if status:
        page.pills(key="contact_status").set_value(status)
    page.text_input(key="contact_search").set_value(search)
    return await dashboard.draw(page)


def offered(page: AppTest) -> list[str]:
    return [button.label for button in page.main.button if str(button.key).endswith("_all")]


async def agree(dashboard: Dashboard, page: AppTest, key: str) -> None:
    """Agrees in the dialog, which stands for as long as the button that opens it is pressed."""
    for each in (key, "confirm_yes"):
        page.button(key=each).click()
    await dashboard.draw(page)


async def test_all_failed_ones_are_retried_after_a_question_that_names_count_and_campaign(dashboard: Dashboard, house: House) -> None:
    running = house.campaigns["in_progress"]
    await kept(dashboard, FAILED, running)  # 20 more than the three that are there
    await kept(dashboard, "update contacts set status = 'pending' where campaign_id = $1 and status = 'failed' and id % 2 = 0", running)
    page = await contacts(dashboard, house)
    failed = await kept(dashboard, "select failed from campaign_counts where campaign_id = $1", running)
    pending = await kept(dashboard, "select pending from campaign_counts where campaign_id = $1", running)
    assert offered(page) == [f"Retry all {failed} failed", f"Skip all {pending} pending", f"Remove all {pending} pending"]
    page.button(key="retry_all").click()
    await dashboard.draw(page)
    assert f"**November reminders**: {failed} failed contacts. Each is called once more when its turn comes." in shown(page)
    assert dashboard.api.received == []
    await agree(dashboard, page, "retry_all")
    assert dashboard.api.received == [("POST", f"/campaigns/{running}/contacts/retry")]
    now = await kept(dashboard, "select (failed, pending)::text from campaign_counts where campaign_id = $1", running)
    assert now == f"(0,{failed + pending})"


async def test_all_pending_ones_that_a_search_finds_are_skipped(dashboard: Dashboard, house: House) -> None:
    running = house.campaigns["in_progress"]
    counted = "select count(*) from contacts where campaign_id = $1 and status = 'pending' and number like '%555%'"
    found = await kept(dashboard, counted, running)
    page = await contacts(dashboard, house, search="555")
    assert offered(page) == ["Retry all failed that fit", "Skip all pending that fit", "Remove all pending that fit"]
    page.button(key="skip_all").click()
    await dashboard.draw(page)
    assert f"{found} pending contacts whose name or number has **555** in it. They stay in the list and will not be called." in shown(page)
    await agree(dashboard, page, "skip_all")
    assert dashboard.api.received == [("POST", f"/campaigns/{running}/contacts/skip")]
    assert await kept(dashboard, counted, running) == 0


async def test_that_nobody_is_left_to_call_is_said_before_the_last_ones_are_skipped(dashboard: Dashboard, house: House) -> None:
    running = house.campaigns["in_progress"]
    page = await contacts(dashboard, house)
    said = "Nobody is left to call then: the campaign will be Completed."
    for calls_in_progress in (True, False):
        page.button(key="skip_all").click()
        await dashboard.draw(page)
        assert (said in shown(page)) is not calls_in_progress
        over = "update contacts set status = 'failed' where campaign_id = $1 and status = 'in_progress' returning id"
        await kept(dashboard, over, running)
    await agree(dashboard, page, "skip_all")
    assert await kept(dashboard, "select status from campaigns where id = $1", running) == "completed"


async def test_a_list_of_one_page_is_ticked(dashboard: Dashboard, house: House) -> None:
    assert offered(await contacts(dashboard, house, "failed")) == []
    assert offered(await contacts(dashboard, house, search="lovelace")) == []


@pytest.mark.parametrize(("status", "verbs"), [("paused", ["Retry", "Skip", "Remove"]), ("completed", ["Retry"]), ("cancelled", [])])
async def test_only_what_the_campaign_allows_is_offered(dashboard: Dashboard, house: House, status: str, verbs: list[str]) -> None:
    await kept(dashboard, "update campaigns set status = $2 where id = $1 returning id", house.campaigns["in_progress"], status)
    assert [label.partition(" ")[0] for label in offered(await contacts(dashboard, house))] == verbs


async def test_a_status_that_no_verb_takes_offers_none(dashboard: Dashboard, house: House) -> None:
    running = house.campaigns["in_progress"]
    more = "insert into contacts (campaign_id, number, status) select $1, '+1202555' || n, 'skipped' from generate_series(1000, 1029) n"
    await kept(dashboard, more + " returning id", running)
    assert offered(await contacts(dashboard, house, "skipped")) == []


@pytest.mark.usefixtures("as_viewer")
async def test_a_viewer_is_offered_none(dashboard: Dashboard, house: House) -> None:
    assert offered(await contacts(dashboard, house)) == []
