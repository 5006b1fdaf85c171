"""The call log of a campaign: searched for words, between days of the campaign's zone, and counted."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.views.tabs.call_log import between, how_many
from db.call_log import Counted
from tests.dashboard.conftest import Dashboard, kept, shown
from tests.dashboard.seed import House


async def opened(dashboard: Dashboard, house: House) -> AppTest:
    """The log with the words of the one call that has a transcript."""
    await kept(dashboard, "select keep_words(array[$1::bigint])::text", house.talked)
    return await dashboard.open("campaign", id=str(house.campaigns["in_progress"]), tab="Call Log")


async def test_calls_are_found_by_the_words_that_were_said(dashboard: Dashboard, house: House) -> None:
    page = await opened(dashboard, house)
    assert "**25 calls**, newest first. Times and days are in Europe/Berlin." in shown(page)
    page.text_input(key="log_words").set_value('wonderful "monday at ten" -refund')
    await dashboard.draw(page)
    assert "**1 call**, newest first" in shown(page)
    page.text_input(key="log_words").set_value("wonderful refund")
    await dashboard.draw(page)
    assert "No call fits. Change the search" in shown(page)
    page.text_input(key="log_words").set_value("...")
    await dashboard.draw(page)
    assert "There is no word in this search" in shown(page)


async def test_calls_are_found_by_the_days_on_which_they_were(dashboard: Dashboard, house: House) -> None:
    page = await opened(dashboard, house)
    today = await kept(dashboard, "select (callwright_now() at time zone 'Europe/Berlin')::date")
    page.date_input(key="log_from").set_value(date(2020, 1, 1))
    page.date_input(key="log_until").set_value(today)
    await dashboard.draw(page)
    assert "**25 calls**" in shown(page)
    page.date_input(key="log_until").set_value(date(2020, 1, 2))
    await dashboard.draw(page)
    assert "No call fits" in shown(page)
    page.date_input(key="log_until").set_value(date(2019, 12, 31))
    await dashboard.draw(page)
    assert "Until is before From. Days are those of Europe/Berlin." in shown(page)


def test_days_begin_and_end_in_the_campaign_s_zone() -> None:
    since, until = between(date(2026, 3, 29), date(2026, 3, 29), ZoneInfo("Europe/Berlin"))  # the clock is put forward that night
    assert since == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert until == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert between(None, None, UTC) == (None, None)


@pytest.mark.parametrize(
    ("counted", "words"), [(Counted(1, False), "1 call"), (Counted(2000, False), "2,000 calls"), (Counted(10_000, True), "10,000+ calls")]
)
def test_a_count_that_stopped_says_that_there_are_more(counted: Counted, words: str) -> None:
    assert how_many(counted) == words
