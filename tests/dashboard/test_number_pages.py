"""The numbers that campaigns call from, as operators and viewers see and change them."""

from datetime import date

import asyncpg
import pytest

from dashboard.parts.number_health import has_fallen, rate
from dashboard.reads.phone_numbers import Day
from tests.dashboard.conftest import Dashboard, kept, labels, shown
from tests.dashboard.seed import House, add_ground

USED_BY = "Payment follow-up, Evening notifications, November reminders, December reminders"


async def test_an_empty_house_says_what_a_number_is_for_and_whom_to_ask(dashboard: Dashboard) -> None:
    words = shown(await dashboard.open("phone_numbers"))
    assert "A campaign needs one to call from" in words
    assert "Ask an engineer to set TWILIO_ACCOUNT_SID" in words


async def test_a_line_tells_limits_use_and_health(dashboard: Dashboard, house: House) -> None:
    words = shown(await dashboard.open("phone_numbers"))
    for told in (
        "Front desk · Rehearsal",
        "1 call per second (the account's)",
        "No limit of calls at the same time",
        "Used by Payment follow-up, Evening notifications and 2 more",
        "**75%** answered in 30 days",
        "1 call now",
    ):
        assert told in words


async def test_one_number_shows_its_days_and_the_campaigns_that_keep_it(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("phone_numbers", id=str(house.number))
    words = shown(page)
    assert "+14155550100" in words
    assert [(metric.label, metric.value) for metric in page.metric] == [("Last 30 days", "75%")]
    days = page.dataframe[0].value
    assert (days["Calls"].sum(), days["Answered"].sum()) == (24, 18)
    assert f"can't be deleted while a campaign uses it: {USED_BY}" in words
    assert "Delete number" not in labels(page)


async def test_limits_and_label_are_changed(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("phone_numbers", id=str(house.number))
    page.text_input(key=f"number_{house.number}_label").set_value("Reception")
    page.number_input(key=f"number_{house.number}_concurrency").set_value(3)
    page.number_input(key=f"number_{house.number}_calls_per_second").set_value(0.5)
    next(button for button in page.button if button.label == "Save").click()
    await dashboard.draw(page)
    words = shown(page)
    assert "Label: **Reception**" in words
    assert "0.5 calls per second" in words
    assert "3 calls at the same time" in words
    assert (
        await kept(dashboard, "select row(label, concurrency, calls_per_second)::text from phone_numbers where deleted_at is null")
        == "(Reception,3,0.5)"
    )


async def test_a_number_is_added_as_it_was_pasted_and_deleting_it_asks(dashboard: Dashboard) -> None:
    database = await asyncpg.connect(dashboard.database_url)
    await add_ground(database)
    await database.close()
    page = await dashboard.open("phone_numbers")
    page.text_input(key="number_add_number").set_value(" +1 (202) 555-0199 ")
    next(button for button in page.button if button.label == "Add number").click()
    await dashboard.draw(page)
    added = await kept(dashboard, "select id from phone_numbers where e164 = '+12025550199'")
    page = await dashboard.open("phone_numbers", id=str(added))
    page.button(key="number_delete").click()
    await dashboard.draw(page)
    assert "+12025550199** goes from the list" in shown(page)
    assert ("DELETE", f"/phone-numbers/{added}") not in dashboard.api.received


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "Enter the phone number, with the country code"),
        ("0202 555", "the number has no country code"),
        ("+1 202 55", "the number is too short"),
        ("+1 415 555 0100", "is there already"),
        ("1.4E+10", "a spreadsheet turned the number into scientific notation"),
    ],
)
async def test_a_number_that_can_not_be_added_is_told_in_words_and_stays_as_typed(
    dashboard: Dashboard, house: House, typed: str, told: str
) -> None:
    page = await dashboard.open("phone_numbers")
    page.text_input(key="number_add_number").set_value(typed)
    page.text_input(key="number_add_label").set_value("Second desk")
    next(button for button in page.button if button.label == "Add number").click()
    await dashboard.draw(page)
    assert told in shown(page)
    assert (page.text_input(key="number_add_number").value, page.text_input(key="number_add_label").value) == (typed, "Second desk")
    assert await kept(dashboard, "select count(*) from phone_numbers where deleted_at is null") == 1


async def test_what_was_typed_stays_when_the_session_ends_meanwhile(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("phone_numbers")
    page.text_input(key="number_add_number").set_value("+12025550199")
    database = await asyncpg.connect(dashboard.database_url)
    await database.execute("update sessions set expires_at = callwright_now()")
    next(button for button in page.button if button.label == "Add number").click()
    await dashboard.draw(page)
    assert "Your session has ended" in shown(page)
    await database.execute("update sessions set expires_at = callwright_now() + interval '1 hour'")
    await database.close()
    await dashboard.draw(page)
    assert page.text_input(key="number_add_number").value == "+12025550199"
    next(button for button in page.button if button.label == "Add number").click()
    await dashboard.draw(page)
    assert await kept(dashboard, "select count(*) from phone_numbers where e164 = '+12025550199'") == 1


@pytest.mark.usefixtures("as_viewer")
async def test_a_viewer_sees_numbers_and_is_offered_nothing(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("phone_numbers")
    assert "+14155550100" not in labels(page)
    assert (labels(page), len(page.text_input)) == ([], 0)
    one = await dashboard.open("phone_numbers", id=str(house.number))
    assert (labels(one), len(one.text_input)) == ([], 0)


async def test_a_number_that_is_gone_leads_back_to_the_list(dashboard: Dashboard) -> None:
    for nothing in ("999", "x"):
        assert "There is no such number" in shown(await dashboard.open("phone_numbers", id=nothing))


def test_a_fall_is_told_only_where_there_were_calls_enough() -> None:
    def days(*calls: tuple[int, int]) -> list[Day]:
        return [Day(1, date(2030, 5, 1 + at), made, answered) for at, (made, answered) in enumerate(calls)]

    assert rate(days()) is None
    assert rate(days((10, 4), (30, 16))) == 0.5
    assert has_fallen(days((100, 60), (50, 15)))
    assert not has_fallen(days((100, 60), (50, 16 * 2)))
    assert not has_fallen(days((100, 60), (19, 0)))
    assert not has_fallen(days((100, 0)))
