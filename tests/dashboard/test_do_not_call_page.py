"""The do-not-call list as operators and viewers see it, fill it and take from it."""

from datetime import UTC, datetime

import asyncpg
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.commands import commands
from dashboard.parts.suppression_add import parse_numbers
from dashboard.parts.suppression_export import as_csv
from dashboard.reads.suppressions import Entry, digits_of
from tests.dashboard.conftest import Dashboard, kept, labels, shown
from tests.dashboard.seed import House

STANDING = "select string_agg(number, ' ' order by number) from suppressions where removed_at is null and rehearsal = $1"


async def write(dashboard: Dashboard, entries: int = 1, **values: object) -> None:
    """Entries from +12025550100 on, each with its own reason."""
    database = await asyncpg.connect(dashboard.database_url)
    await database.execute(
        "insert into suppressions (number, rehearsal, reason, source, call_id, added_by) "
        "select '+1202555' || lpad((99 + i)::text, 4, '0'), $2, 'reason ' || i, $3, $4, 'agent' from generate_series(1, $1::int) i",
        *(entries, values.get("rehearsal", False), values.get("source", "operator"), values.get("call_id")),
    )
    await database.close()


async def press(dashboard: Dashboard, page: AppTest, label: str) -> None:
    next(button for button in page.button if button.label == label).click()
    await dashboard.draw(page)


async def add(dashboard: Dashboard, page: AppTest, numbers: str, reason: str) -> None:
    page.text_area(key="suppress_0_numbers").set_value(numbers)
    page.text_input(key="suppress_0_reason").set_value(reason)
    await press(dashboard, page, "Add to the list")


async def test_an_empty_list_says_how_numbers_come_onto_it(dashboard: Dashboard) -> None:
    words = shown(await dashboard.open("do_not_call"))
    assert "Nobody is on this list yet" in words
    assert "Import a list" in words


async def test_the_list_tells_who_why_when_and_by_whom_and_leads_to_the_call(dashboard: Dashboard, house: House) -> None:
    await write(dashboard, source="call", call_id=house.talked)
    page = await dashboard.open("do_not_call")
    words = shown(page)
    for told in ("+12025550100", "reason 1", "In a call", "by agent", "UTC"):
        assert told in words
    assert [link.label for link in page.get("page_link") if link.proto.query_string == f"id={house.talked}"] == ["Open the call"]


async def test_the_rehearsal_list_is_apart_from_the_real_one(dashboard: Dashboard) -> None:
    await write(dashboard, rehearsal=True)
    assert "+12025550100" not in shown(await dashboard.open("do_not_call"))
    assert "+12025550100" in shown(await dashboard.open("do_not_call", list="Rehearsal calls"))


async def test_the_list_is_paged_newest_first_and_searched_as_people_type_numbers(dashboard: Dashboard) -> None:
    await write(dashboard, 30)
    page = await dashboard.open("do_not_call")
    assert "+12025550129" in shown(page)
    await press(dashboard, page, "Next")
    assert "Numbers 26 to 30" in shown(page)
    page.text_input(key="entry_search").set_value("+1 (202) 555-01 07")
    await dashboard.draw(page)
    assert [word for word in ("+12025550107", "+12025550108") if word in shown(page)] == ["+12025550107"]
    for typed, told in (("999999", "leave out the 0 before an area code"), ("Ada", "no digit in this search")):
        page.text_input(key="entry_search").set_value(typed)
        await dashboard.draw(page)
        assert told in shown(page)


@pytest.mark.usefixtures("as_viewer")
async def test_a_viewer_sees_masked_numbers_and_is_offered_nothing(dashboard: Dashboard) -> None:
    await write(dashboard)
    page = await dashboard.open("do_not_call")
    assert "•••••00" in shown(page)
    assert "+1202555" not in shown(page)
    assert (labels(page), len(page.text_area), len(page.get("download_button"))) == ([], 0, 0)
    page.text_input(key="entry_search").set_value("2025")
    await dashboard.draw(page)
    assert "No number on this list" in shown(page)


async def test_one_number_is_added_as_it_was_pasted(dashboard: Dashboard) -> None:
    page = await dashboard.open("do_not_call")
    await add(dashboard, page, " +1 (202) 555-0155 ", "asked by letter")
    assert "asked by letter" in shown(page)
    assert await kept(dashboard, "select row(number, reason, source, added_by)::text from suppressions") == (
        '(+12025550155,"asked by letter",operator,operator)'
    )
    assert page.text_area(key="suppress_1_numbers").value == ""


async def test_many_pasted_numbers_are_added_at_once(dashboard: Dashboard) -> None:
    page = await dashboard.open("do_not_call", list="Rehearsal calls")
    await add(dashboard, page, "+1 202 555 0155\n+12025550156, +1-202-555-0157;\n+12025550155", "old customers")
    assert await kept(dashboard, STANDING, True) == "+12025550155 +12025550156 +12025550157"
    assert await kept(dashboard, STANDING, False) is None


@pytest.mark.parametrize(
    ("numbers", "reason", "told"),
    [
        ("", "letter", "Enter a phone number"),
        ("+12025550155", " ", "Say why"),
        ("+1 202 55", "letter", "the number is too short"),
        ("+12025550155\nAda\n12", "letter", "Nothing was added: 2 of these are no numbers that can be called"),
        ("+12025550155\n" * 1001, "letter", "These are 1,001 numbers. Import more than 1,000 as a file"),
    ],
)
async def test_a_mistake_adds_nothing_and_stays_as_typed(dashboard: Dashboard, numbers: str, reason: str, told: str) -> None:
    page = await dashboard.open("do_not_call")
    await add(dashboard, page, numbers, reason)
    assert told in shown(page)
    assert (page.text_area(key="suppress_0_numbers").value, page.text_input(key="suppress_0_reason").value) == (numbers, reason)
    assert await kept(dashboard, STANDING, False) is None


async def test_what_was_typed_stays_when_the_session_ends_meanwhile(dashboard: Dashboard) -> None:
    page = await dashboard.open("do_not_call")
    database = await asyncpg.connect(dashboard.database_url)
    await database.execute("update sessions set expires_at = callwright_now()")
    await add(dashboard, page, "+12025550155", "letter")
    assert "Your session has ended" in shown(page)
    assert page.text_area(key="suppress_0_numbers").value == "+12025550155"
    await dashboard.draw(page)
    assert not page.text_area
    await database.execute("update sessions set expires_at = callwright_now() + interval '1 hour'")
    await database.close()
    await dashboard.draw(page)
    assert page.text_area(key="suppress_0_numbers").value == "+12025550155"
    await press(dashboard, page, "Add to the list")
    assert await kept(dashboard, STANDING, False) == "+12025550155"


async def test_a_file_is_looked_at_first_and_then_imported_with_every_row_accounted_for(dashboard: Dashboard) -> None:
    await write(dashboard)
    page = await dashboard.open("do_not_call")
    content = "phone_number,reason\n+12025550100,\n+1 202 555 0155,moved\n+12025550155,\n555,\n"
    page.file_uploader(key="suppress_file_0").upload("list.csv", content.encode(), "text/csv")
    await dashboard.draw(page)
    assert {metric.label: metric.value for metric in page.metric} == {
        "New on the list": "1", "There already": "1", "Twice in the file": "1", "No numbers": "1",
    }  # fmt: skip
    (problem,) = page.table[0].value.to_dict("records")
    assert (problem["Line"], problem["Problem"]) == ("5", "the number has no country code")
    (download,) = [each for each in page.get("download_button") if each.key == "suppress_problems"]
    assert download.proto.label == "Download all problems (1)"
    header, line = commands().suppress_list_problems("list.csv", content.encode()).decode().splitlines()
    assert (header, line.split(",")[:2]) == ("line,column,problem,what_to_do", ["5", "phone_number"])
    assert await kept(dashboard, STANDING, False) == "+12025550100"
    await press(dashboard, page, "Add 1 number")
    assert await kept(dashboard, STANDING, False) == "+12025550100 +12025550155"
    assert await kept(dashboard, "select reason from suppressions where number = '+12025550155'") == "moved"


async def test_a_file_that_is_no_list_says_what_to_do(dashboard: Dashboard) -> None:
    page = await dashboard.open("do_not_call")
    page.file_uploader(key="suppress_file_0").upload("list.csv", b"PK\x03\x04 a workbook", "text/csv")
    await dashboard.draw(page)
    assert "save it as CSV" in shown(page)
    assert "Mend the file" in shown(page)


async def test_removing_asks_and_says_what_it_means(dashboard: Dashboard) -> None:
    await write(dashboard)
    page = await dashboard.open("do_not_call")
    await press(dashboard, page, "Remove")
    assert "may be called again, by every campaign" in shown(page)
    assert "reason 1" in shown(page)
    assert [button.label for button in page.button if str(button.key).startswith("confirm_")] == ["Allow calls to it", "Go back"]
    assert await kept(dashboard, STANDING, False) == "+12025550100"


def test_an_export_holds_no_formula_and_can_be_imported_again() -> None:
    entry = Entry(7, "+12025550100", '=HYPERLINK("x")', "call", 3, "@agent", datetime(2030, 5, 15, 12, tzinfo=UTC))
    header, line = as_csv([entry], UTC).decode("utf-8-sig").splitlines()
    assert header == "phone_number,reason,source,added_at,added_by,call_id"
    assert line == '\'+12025550100,"\'=HYPERLINK(""x"")",call,2030-05-15T12:00:00+00:00,\'@agent,3'


async def test_an_exported_list_is_taken_back(dashboard: Dashboard) -> None:
    entry = Entry(7, "+12025550100", "moved", "call", 3, "agent", datetime(2030, 5, 15, 12, tzinfo=UTC))
    report = commands().suppress_list("list.csv", as_csv([entry], UTC), "again", rehearsal=False)
    assert (report["added"], report["refused"]) == (1, 0)


def test_numbers_are_read_as_people_write_them() -> None:
    assert parse_numbers("+1 202, 0044 20;\n\n +49\t-30 ") == ["+1 202", "0044 20", "+49", "-30"]
    assert (digits_of("+1 (202) 555"), digits_of("0044 20"), digits_of("Ada")) == ("1202555", "4420", "")


async def test_the_audit_log_names_the_number_that_was_put_on_the_list(dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    await write(dashboard)
    entry = await kept(dashboard, "select max(id) from suppressions")
    line = "insert into audit_log (actor, action, subject) values ('Anna', 'suppression.add', 'suppression ' || $1::bigint) returning id"
    await kept(dashboard, line, entry)
    session, number = dashboard.api.session("admin"), await kept(dashboard, "select number from suppressions where id = $1", entry)
    monkeypatch.setattr("dashboard.commands.session_cookie", lambda: session)
    assert f"**Anna** put a number on the do-not-call list: **{number}**" in shown(await dashboard.open("settings", part="Audit log"))
