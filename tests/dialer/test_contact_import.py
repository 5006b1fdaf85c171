"""An import takes what people export: good rows go in, bad rows are reported with what to do."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer import campaigns, contacts
from dialer.contact_import import ImportOptions, NotACsv, Report, import_contacts, preview, safe_for_spreadsheets, snake_case
from dialer.errors import NotAllowed
from dialer.phone_numbers import InvalidNumber, read_number
from tests.dialer.world import World

PLAIN = "phone_number,contact_name,Appointment Date\n+49 30 1234567,Zoë,Monday\n+49 30 1234568,Bo,Tuesday\n"


async def bring_in(world: World, text: str | bytes, **options: object) -> tuple[Report, list[contacts.Contact]]:
    campaign = await world.campaign(0, start=False)
    data = text if isinstance(text, bytes) else text.encode()
    report = await import_contacts(world.db, campaign.id, io.BytesIO(data), actor="test", options=ImportOptions(**options))
    return report, await world.contacts(campaign)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_every_usual_encoding_and_delimiter_is_understood(encoding: str, delimiter: str) -> None:
    report = preview(io.BytesIO(PLAIN.replace(",", delimiter).encode(encoding)))
    assert report.preview == [
        {"phone_number": "+49301234567", "contact_name": "Zoë", "appointment_date": "Monday"},
        {"phone_number": "+49301234568", "contact_name": "Bo", "appointment_date": "Tuesday"},
    ]


async def test_what_the_preview_shows_goes_in(world: World) -> None:
    report, there = await bring_in(world, PLAIN.encode("utf-16"))
    assert [{"phone_number": each.number, "contact_name": each.name} | each.variables for each in there] == report.preview
    assert (report.rows, report.imported, report.refused, report.kept) == (2, 2, 0, True)


async def test_quoted_line_breaks_stay_in_their_field_and_lines_are_counted_as_in_the_file(world: World) -> None:
    report, there = await bring_in(world, 'phone_number,note\n+49301234567,"one\ntwo"\n\n,empty number\n')
    assert there[0].variables == {"note": "one\ntwo"}
    assert [(p.line, p.column) for p in report.problems] == [(5, "phone_number")]


@pytest.mark.parametrize("written", ["4.4E+11", "4,93012E+11", "4.4e11"])
def test_a_number_that_a_spreadsheet_has_destroyed_is_named_as_such(written: str) -> None:
    report = preview(io.BytesIO(f"phone_number;contact_name\n{written};Ann\n".encode()))
    assert report.imported == 0
    assert "scientific notation" in report.problems[0].problem
    assert "text" in report.problems[0].what_to_do


def test_a_lost_plus_is_named_as_such() -> None:
    with pytest.raises(InvalidNumber, match=r"lost its \+"):
        read_number("493012345678")


@pytest.mark.parametrize(
    "written",
    [
        "+49 30 12345678",
        "+49-30-12345678",
        "+49 (0)30 12345678",
        "0049 30 12345678",
        "+49.30.12345678",
        "'+493012345678",
        " +49/30/12345678 ",
    ],
)
def test_one_number_in_many_forms_is_one_number(written: str) -> None:
    assert read_number(written) == "+493012345678"


def test_a_default_country_completes_national_numbers() -> None:
    assert read_number("030 12345678", "DE") == "+493012345678"
    with pytest.raises(InvalidNumber, match="no country code"):
        read_number("030 12345678")


async def test_duplicates_go_in_once_and_are_reported_with_their_first_line(world: World) -> None:
    text = "phone_number\n+49301234567\n+49 30 1234567\n"
    campaign = await world.campaign(0, start=False)
    first = await import_contacts(world.db, campaign.id, io.BytesIO(text.encode()), actor="test")
    assert (first.imported, first.duplicates, first.problems[0].line) == (1, 1, 3)
    assert "line 2" in first.problems[0].problem
    again = await import_contacts(world.db, campaign.id, io.BytesIO(text.encode()), actor="test")
    assert (again.imported, again.duplicates) == (0, 2)
    assert len(await world.contacts(campaign)) == 1


async def test_good_rows_go_in_and_bad_rows_do_not_unless_it_is_all_or_nothing(world: World) -> None:
    text = "phone_number,contact_name\n+49301234567,Ann\nrubbish,Bob\n+1,Cy\n+49301234568,Di,too,many\n"
    report, there = await bring_in(world, text)
    assert [each.name for each in there] == ["Ann"]
    assert [p.line for p in report.problems] == [3, 4, 5]
    report, there = await bring_in(world, text, all_or_nothing=True)
    assert (there, report.imported, report.kept, len(report.problems)) == ([], 0, False, 3)


async def test_a_dry_run_reports_and_changes_nothing(world: World) -> None:
    report, there = await bring_in(world, PLAIN, dry_run=True)
    assert (report.imported, report.kept, there) == (2, False, [])


async def test_columns_can_be_mapped_renamed_and_left_out(world: World) -> None:
    text = "Mobil,Wer,Secret\n+49301234567,Ann,x\n"
    report, there = await bring_in(world, text, columns={"Mobil": "phone_number", "Wer": "contact_name", "Secret": ""})
    assert (there[0].name, there[0].variables, report.columns) == ("Ann", {}, {"Mobil": "phone_number", "Wer": "contact_name"})


@pytest.mark.parametrize("header", ["Phone Number", "PHONE_NUMBER", "phoneNumber", "Phone", "mobile"])
def test_the_number_is_found_under_its_usual_names(header: str) -> None:
    report = preview(io.BytesIO(f"{header},Name\n+49301234567,Ann\n".encode()))
    assert report.preview == [{"phone_number": "+49301234567", "contact_name": "Ann"}]


async def test_formulas_stay_text_and_are_neutralised_on_export(world: World) -> None:
    _, there = await bring_in(world, 'phone_number,x\n+49301234567,"=HYPERLINK(""http://evil"")"\n')
    assert there[0].variables["x"].startswith("=")
    assert safe_for_spreadsheets(there[0].variables["x"]).startswith("'=")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"   \n \n", "empty"),
        (bytes(range(256)) * 1000, "not text"),
        (b"name,city\nAnn,Bonn\n", "phone_number"),
        (b"phone_number,Phone Number\n1,2\n", "two columns"),
        (b"phone_number\n" + b'"' + b"x" * 2_000_000, "quote"),
    ],
)
def test_what_is_no_table_is_refused_as_a_whole_and_says_what_to_do(data: bytes, says: str) -> None:
    with pytest.raises(NotACsv, match=says):
        preview(io.BytesIO(data))


async def test_a_file_that_breaks_off_leaves_nothing_behind(world: World) -> None:
    rows = "".join(f"+4930{1000000 + i}\n" for i in range(6000))
    with pytest.raises(NotACsv, match="quote"):
        await bring_in(world, f"phone_number\n{rows}" + '"' + "x" * 2_000_000)
    assert await world.value("select count(*) from contacts") == 0


async def test_a_running_campaign_takes_no_contacts(world: World) -> None:
    campaign = await world.campaign(1)
    with pytest.raises(NotAllowed, match="In Progress"):
        await import_contacts(world.db, campaign.id, io.BytesIO(PLAIN.encode()), actor="test")


async def test_more_than_one_batch_goes_in_and_is_told_of(world: World) -> None:
    campaign = await world.campaign(0, start=False)
    text = "phone_number\n" + "".join(f"+4930{1000000 + i}\n" for i in range(11_000))
    seen: list[int] = []
    report = await import_contacts(world.db, campaign.id, io.BytesIO(text.encode()), actor="test", progress=seen.append)
    assert (report.imported, seen) == (11_000, [5000, 10_000, 11_000])
    assert (await campaigns.get(world.db, campaign.id)).pending == 11_000


@settings(max_examples=200)
@given(st.binary(max_size=3000))
def test_any_bytes_are_a_table_or_not_a_csv(data: bytes) -> None:
    try:
        report = preview(io.BytesIO(b"phone_number\n" + data))
    except NotACsv:
        return
    assert report.rows == report.imported + report.refused


@given(st.text(max_size=40))
def test_a_variable_can_be_written_in_a_text(header: str) -> None:
    name = snake_case(header)
    assert name == "" or name.isidentifier()
    assert snake_case(name) == name
