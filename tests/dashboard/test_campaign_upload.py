"""Contacts from a CSV: its columns are mapped, each row is reported, and all problems can be downloaded."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.commands import commands
from dashboard.parts.mapping import rows
from dashboard.parts.upload import example_file
from tests.dashboard.conftest import Dashboard, kept, labels, shown
from tests.dashboard.seed import House

GERMAN = "Mobil;Kunde;Termin;Notiz\n030 1234567;Ada Lovelace;Montag;geheim\n12;Niemand;nie;\n"
PASTED = "phone_number,contact_name\n+1 (415) 555-0123,Ada\n+1-415-555-0124,Grace\n"


async def contacts_step(dashboard: Dashboard, house: House, content: str) -> AppTest:
    """The wizard's third step with a file chosen."""
    page = await dashboard.open("new_campaign", id=str(house.campaigns["draft"]), step="3")
    page.file_uploader[0].upload("contacts.csv", content.encode(), "text/csv")
    return await dashboard.draw(page)


def column(page: AppTest, label: str) -> str:
    """The key of a column's choice."""
    return str(next(box.key for box in page.selectbox if box.label == label))


async def test_columns_are_mapped_and_the_rows_that_are_bad_are_told_and_downloaded(dashboard: Dashboard, house: House) -> None:
    page = await contacts_step(dashboard, house, GERMAN)
    assert "no column is called phone_number" in shown(page)
    assert "Import" not in " ".join(labels(page))
    page.selectbox(key=column(page, "Mobil")).set_value("phone_number")
    page.selectbox(key=column(page, "Kunde")).set_value("contact_name")
    page.selectbox(key=column(page, "Notiz")).set_value("")
    next(field for field in page.text_input if field.label.startswith("Country")).set_value("de")
    await dashboard.draw(page)
    assert "These rows are left out" in shown(page)
    page.button(key="new_upload_import").click()
    await dashboard.draw(page)
    assert "1 contact imported from contacts.csv. 1 row left out." in shown(page)
    saved = "select row(number, name, variables->>'termin', variables ? 'notiz')::text from contacts where campaign_id = $1"
    assert await kept(dashboard, saved, house.campaigns["draft"]) == '(+49301234567,"Ada Lovelace",Montag,f)'
    last = await kept(dashboard, "select max(id)::text from contact_imports")
    problems = commands().import_problems(last).decode().splitlines()
    assert [line.split(",")[:2] for line in problems] == [["line", "column"], ["3", "Mobil"]]


async def test_files_that_were_imported_are_listed_with_who_brought_them_and_what_was_left_out(dashboard: Dashboard, house: House) -> None:
    draft = house.campaigns["draft"]
    page = await contacts_step(dashboard, house, PASTED + "12,Nobody\n")
    assert "Imported files" not in " ".join(
        each.label for each in (await dashboard.open("campaign", id=str(draft), tab="Contacts")).expander
    )
    page.button(key="new_upload_import").click()
    await dashboard.draw(page)
    listed = await dashboard.open("campaign", id=str(draft), tab="Contacts")
    assert "Imported files (1)" in [each.label for each in listed.expander]
    assert "**contacts.csv**: 2 contacts imported, 1 row left out" in shown(listed)
    actor = await kept(dashboard, "select actor from contact_imports order by id desc limit 1")
    assert f" by {actor}" in shown(listed)
    last = await kept(dashboard, "select max(id)::text from contact_imports")
    assert f"import_problems_{last}" in [button.key for button in listed.get("download_button")]
    await kept(dashboard, "update contact_imports set file_name = '', problems = null, report = report - 'columns' returning id")
    listed = await dashboard.open("campaign", id=str(draft), tab="Contacts")
    assert "**A file, its name deleted**: 2 contacts imported, 1 row left out" in shown(listed)
    assert f"import_problems_{last}" not in [button.key for button in listed.get("download_button")]


async def test_the_columns_that_the_agent_needs_are_named_and_stand_in_the_example(dashboard: Dashboard, house: House) -> None:
    definition = '{"name": "a", "first_message": "Hello {{contact_name|there}}, about {{invoice_number}} of {{company_name|us}}"}'
    await kept(dashboard, "update agent_versions set definition = $1 returning version", definition)
    page = await dashboard.open("new_campaign", id=str(house.campaigns["draft"]), step="3")
    assert "The texts of Appointment reminder need: **invoice_number**." in shown(page)
    by_hand = next(area for area in page.text_area if area.label == "Variables for the agent")
    assert by_hand.placeholder == "invoice_number = "
    header, contact = example_file({"contact_name": False, "invoice_number": True, "company_name": False}).splitlines()
    assert header == "phone_number,contact_name,invoice_number,company_name"
    assert contact.startswith("+14155550123,Ada Lovelace,")


async def test_all_or_nothing_imports_nothing_while_a_row_is_bad(dashboard: Dashboard, house: House) -> None:
    page = await contacts_step(dashboard, house, PASTED + "12,Nobody\n")
    page.checkbox(key="new_upload_strict").check()
    await dashboard.draw(page)
    assert page.button(key="new_upload_import").disabled
    assert "nothing would be imported" in shown(page)


async def test_pasted_numbers_with_spaces_and_dashes_are_taken(dashboard: Dashboard, house: House) -> None:
    page = await contacts_step(dashboard, house, PASTED)
    page.button(key="new_upload_import").click()
    await dashboard.draw(page)
    number = next(field for field in page.text_input if field.label == "Phone number")
    number.set_value(" +44 (0)20 7946-0018 ")
    next(button for button in page.button if button.label == "Add contact").click()
    await dashboard.draw(page)
    numbers = "select string_agg(number, ' ' order by id) from contacts where campaign_id = $1"
    assert await kept(dashboard, numbers, house.campaigns["draft"]) == "+14155550123 +14155550124 +442079460018"


async def test_a_file_that_is_no_table_is_told_and_can_be_mended(dashboard: Dashboard, house: House) -> None:
    page = await contacts_step(dashboard, house, "PK\x03\x04 not a table")
    assert "Mend the file and choose it again" in shown(page)


async def test_a_large_file_is_checked_when_somebody_asks_for_it(
    dashboard: Dashboard, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.parts.upload.MIB", 64)
    page = await contacts_step(dashboard, house, PASTED)
    assert "Good rows" not in [metric.label for metric in page.metric]
    page.button(key="new_upload_check").click()
    await dashboard.draw(page)
    assert {metric.label: metric.value for metric in page.metric} == {"Good rows": "2", "Rows with problems": "0"}


async def test_a_column_that_is_chosen_to_be_what_it_is_changes_nothing(dashboard: Dashboard, house: House) -> None:
    page = await contacts_step(dashboard, house, PASTED + "12,Nobody\n")
    assert page.selectbox(key=column(page, "phone\\_number")).options == ["The phone number", "The name", "Leave out"]
    before = len(dashboard.api.received)
    page.selectbox(key=column(page, "phone\\_number")).set_value("phone_number")
    await dashboard.draw(page)
    assert "Good rows" in [metric.label for metric in page.metric]
    assert dashboard.api.received[before:] == []


def test_columns_that_are_called_the_same_are_all_shown() -> None:
    assert rows(["a", "", "a"], [["1", "2", "3"]]) == [{"a (1)": "1", " (2)": "2", "a (3)": "3"}]
