"""An import takes what people export: good rows go in, bad rows are reported with what to do."""

import csv
import io
import os
import signal
import tempfile
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer import campaigns, contacts
from dialer.contact_import import (
    PREVIEW_BYTES,
    ImportOptions,
    NotACsv,
    ReadSoFar,
    Report,
    import_contacts,
    imports,
    preview,
    problems_csv,
)
from dialer.contact_reader import BATCH, Batch, Ended, ReaderLost, read_frames
from dialer.contact_rows import snake_case
from dialer.errors import NotAllowed, NotFound
from dialer.import_report import HEADER, safe_for_spreadsheets
from tests.dialer.world import World

PLAIN = "phone_number,contact_name,Appointment Date\n+49 30 1234567,Zoë,Monday\n+49 30 1234568,Bo,Tuesday\n"
MIXED = "phone_number,contact_name\n+49301234567,Ann\nrubbish,Bob\n+1,Cy\n+49301234568,Di,too,many\n"


async def bring_in(world: World, text: str | bytes, **options: Any) -> tuple[Report, list[contacts.Contact]]:
    campaign = await world.campaign(0, start=False)
    data = text if isinstance(text, bytes) else text.encode()
    report = await import_contacts(world.db, campaign.id, io.BytesIO(data), actor="test", options=ImportOptions(**options))
    return report, await world.contacts(campaign)


async def downloaded(world: World, report: Report) -> list[list[str]]:
    pieces = await problems_csv(world.db, report.import_id)
    header, *rows = csv.reader(io.StringIO(b"".join(pieces).decode()))
    assert tuple(header) == HEADER
    return rows


def many(count: int, first: int = 0) -> str:
    return "phone_number\n" + "".join(f"+4930{1000000 + first + i}\n" for i in range(count))


async def test_what_the_preview_shows_goes_in(world: World) -> None:
    shown = preview(io.BytesIO(PLAIN.encode("utf-16")))
    assert shown.contacts == [
        {"phone_number": "+49301234567", "contact_name": "Zoë", "appointment_date": "Monday"},
        {"phone_number": "+49301234568", "contact_name": "Bo", "appointment_date": "Tuesday"},
    ]
    report, there = await bring_in(world, PLAIN.encode("utf-16"))
    assert [{"phone_number": each.number, "contact_name": each.name} | each.variables for each in there] == report.preview == shown.contacts
    assert (report.rows, report.imported, report.refused, report.kept) == (2, 2, 0, True)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_a_preview_reads_the_beginning_of_the_file_only(encoding: str) -> None:
    text = "phone_number,contact_name,note\n" + f"+49301234567,Zoë,{'für ' * 2250}\n" * 200
    file = io.BytesIO(text.encode(encoding))
    shown = preview(file)
    assert (len(shown.cells), len(shown.contacts), shown.contacts[0]["contact_name"]) == (20, 20, "Zoë")
    assert file.tell() == PREVIEW_BYTES


async def test_a_number_that_a_spreadsheet_has_destroyed_is_named_as_such(world: World) -> None:
    report, there = await bring_in(world, "phone_number;contact_name\n4,4E+11;Ann\n493012345678;Bob\n")
    assert there == []
    assert ["scientific notation" in report.problems[0].problem, "lost its +" in report.problems[1].problem] == [True, True]
    assert "text" in report.problems[0].what_to_do


async def test_a_default_country_completes_national_numbers(world: World) -> None:
    report, there = await bring_in(world, "phone\n030 12345678\n+1 212 400 0000\n", default_region="DE")
    assert [each.number for each in there] == ["+493012345678", "+12124000000"]
    report, there = await bring_in(world, "phone\n030 12345678\n")
    assert (there, "no country code" in report.problems[0].problem) == ([], True)


async def test_duplicates_go_in_once_and_are_reported_with_their_first_line(world: World) -> None:
    text = "phone_number\n+49301234567\n+49 30 1234567\n"
    campaign = await world.campaign(0, start=False)
    first = await import_contacts(world.db, campaign.id, io.BytesIO(text.encode()), actor="test")
    assert (first.imported, first.duplicates, first.problems[0].line) == (1, 1, 3)
    assert "line 2" in first.problems[0].problem
    for options in (ImportOptions(dry_run=True), ImportOptions()):
        again = await import_contacts(world.db, campaign.id, io.BytesIO(text.encode()), actor="test", options=options)
        assert (again.imported, again.duplicates, [p.line for p in again.problems]) == (0, 2, [2, 3])
        assert "the campaign has" in again.problems[0].problem
    assert len(await world.contacts(campaign)) == 1


async def test_duplicates_are_found_across_batches(world: World) -> None:
    text = many(BATCH + 10) + "+49 30 1000003\n"
    report, _ = await bring_in(world, text)
    assert (report.imported, report.duplicates) == (BATCH + 10, 1)
    assert report.problems[0].problem == "line 5 has the same number"


async def test_good_rows_go_in_and_bad_rows_do_not_unless_it_is_all_or_nothing(world: World) -> None:
    report, there = await bring_in(world, MIXED)
    assert [each.name for each in there] == ["Ann"]
    assert [p.line for p in report.problems] == [3, 4, 5]
    report, there = await bring_in(world, MIXED, all_or_nothing=True)
    assert (there, report.imported, report.kept, len(report.problems)) == ([], 0, False, 3)


async def test_all_or_nothing_takes_back_the_batches_before_the_bad_row(world: World) -> None:
    report, there = await bring_in(world, many(BATCH + 5) + "rubbish\n" + many(BATCH + 5, first=BATCH + 5), all_or_nothing=True)
    assert (there, report.imported, report.kept, report.rows) == ([], 0, False, 2 * BATCH + 12)
    report, there = await bring_in(world, many(BATCH + 5), all_or_nothing=True)
    assert (report.imported, report.kept) == (BATCH + 5, True)


async def test_a_dry_run_reports_and_changes_nothing(world: World) -> None:
    report, there = await bring_in(world, PLAIN, dry_run=True)
    assert (report.imported, report.kept, there) == (2, False, [])


@pytest.mark.parametrize("options", [{}, {"dry_run": True}, {"all_or_nothing": True}], ids=("kept", "dry run", "all or nothing"))
async def test_every_problem_can_be_downloaded_whatever_became_of_the_import(world: World, options: dict[str, Any]) -> None:
    text = "=phone_number,contact_name\n" + "rubbish,Bob\n" * 2500 + "+49301234567,Ann\n"
    report, _ = await bring_in(world, text, file_name="people.csv", columns={"=phone_number": "phone_number"}, **options)
    assert (report.refused, len(report.problems)) == (2500, 1000)
    rows = await downloaded(world, report)
    assert [row[0] for row in rows] == [str(line) for line in range(2, 2502)]
    assert rows[0][1:] == ["'=phone_number", "this is not a phone number", "write it with country code, such as +49 30 1234567"]


async def test_imports_are_listed_newest_first_without_anybody_s_data(world: World) -> None:
    campaign = await world.campaign(0, start=False)
    for name in ("one.csv", "two.csv"):
        await import_contacts(world.db, campaign.id, io.BytesIO(MIXED.encode()), actor="test", options=ImportOptions(file_name=name))
    newest, oldest = await imports(world.db, campaign.id)
    assert [(each.file_name, each.actor, each.at) for each in (newest, oldest)] == [
        ("two.csv", "test", world.now),
        ("one.csv", "test", world.now),
    ]
    assert (oldest.report["imported"], newest.report["duplicates"]) == (1, 1)
    assert "Ann" not in str(oldest) + str(newest)
    assert await imports(world.db, campaign.id, before=newest.id, page_size=1) == [oldest]
    with pytest.raises(NotFound, match="no import"):
        await problems_csv(world.db, 12345)


async def test_columns_can_be_mapped_renamed_and_left_out(world: World) -> None:
    text = "Mobil,Wer,Secret\n+49301234567,Ann,x\n"
    report, there = await bring_in(world, text, columns={"Mobil": "phone_number", "Wer": "contact_name", "Secret": ""})
    assert (there[0].name, there[0].variables, report.columns) == ("Ann", {}, {"Mobil": "phone_number", "Wer": "contact_name"})


@pytest.mark.parametrize("header", ["Phone Number", "PHONE_NUMBER", "phoneNumber", "Phone", "mobile", "  phone  number "])
def test_the_number_is_found_under_its_usual_names(header: str) -> None:
    shown = preview(io.BytesIO(f"{header},Name\n+49301234567,Ann\n".encode()))
    assert shown.contacts == [{"phone_number": "+49301234567", "contact_name": "Ann"}]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,city\nAnn,Bonn\n", "no column is called phone_number"),
        ("phone_number,Phone Number\n1,2\n", "two columns"),
    ],
)
async def test_a_table_without_usable_columns_is_refused_as_a_whole(world: World, text: str, says: str) -> None:
    shown = preview(io.BytesIO(text.encode()))
    assert (says in shown.why_not, shown.header, len(shown.cells)) == (True, text.split("\n")[0].split(","), 1)
    with pytest.raises(NotACsv, match=says):
        await bring_in(world, text)


async def test_formulas_stay_text_and_are_neutralised_on_export(world: World) -> None:
    _, there = await bring_in(world, 'phone_number,x\n+49301234567,"=HYPERLINK(""http://evil"")"\n')
    assert there[0].variables["x"].startswith("=")
    assert safe_for_spreadsheets(there[0].variables["x"]).startswith("'=")


async def test_what_is_over_a_limit_is_reported_by_row_and_column(world: World) -> None:
    filler = f"+49301234560,Al,{'x' * 10_000}\n"
    text = f"phone_number,contact_name,note\n+49301234567,{'n' * 201},\n+49301234568,Bo,{'x' * 10_001}\n{filler * 7}+49301234569,Cy,a\0b\n"
    report, there = await bring_in(world, text)
    assert [each.name for each in there] == ["Al"]
    assert [(p.line, p.column) for p in report.problems if p.column != "phone_number"] == [(2, "contact_name"), (3, "note"), (11, "note")]


async def test_text_of_any_script_and_every_escape_arrives_as_it_was(world: World) -> None:
    note = 'tab\there, "quotes", \\backslash\\, \u2028, 😀, {"json": [1]}, Ω, \x07'
    out = io.StringIO()
    csv.writer(out).writerows([["phone_number", "contact_name", "note"], ["+49301234567", "Żółć", note]])
    _, there = await bring_in(world, out.getvalue())
    assert (there[0].name, there[0].variables) == ("Żółć", {"note": note})


@pytest.mark.parametrize("end", ['"' + "x" * 2_000_000, '"+49301234567\n'], ids=("endless", "short"))
async def test_a_file_that_breaks_off_leaves_nothing_behind(world: World, end: str) -> None:
    with pytest.raises(NotACsv, match="quote"):
        await bring_in(world, many(2 * BATCH) + end)
    assert await world.value("select count(*) from contacts") == 0


async def test_a_reader_that_is_killed_leaves_nothing_behind_and_says_so(world: World) -> None:
    def kill(_: ReadSoFar) -> None:
        for child in psutil.Process().children():
            if "dialer.contact_reader" in child.cmdline():
                os.kill(child.pid, signal.SIGKILL)

    campaign = await world.campaign(0, start=False)
    with pytest.raises(ReaderLost):
        await import_contacts(world.db, campaign.id, io.BytesIO(many(60_000).encode()), actor="test", progress=kill)
    assert await world.value("select count(*) from contacts") == 0


async def test_an_import_that_is_broken_off_leaves_neither_contacts_nor_a_process(world: World) -> None:
    class BrokenOffError(Exception):
        pass

    readers: list[psutil.Process] = []

    def break_off(_: ReadSoFar) -> None:
        readers.extend(child for child in psutil.Process().children() if "dialer.contact_reader" in child.cmdline())
        raise BrokenOffError

    campaign = await world.campaign(0, start=False)
    with pytest.raises(BrokenOffError):
        await import_contacts(world.db, campaign.id, io.BytesIO(many(60_000).encode()), actor="test", progress=break_off)
    assert await world.value("select count(*) from contacts") == 0
    assert [reader.is_running() for reader in readers] == [False]


async def test_a_running_campaign_takes_no_contacts(world: World) -> None:
    campaign = await world.campaign(1)
    with pytest.raises(NotAllowed, match="In Progress"):
        await import_contacts(world.db, campaign.id, io.BytesIO(PLAIN.encode()), actor="test")


@pytest.mark.parametrize("on_disk", [True, False])
async def test_more_than_one_batch_goes_in_and_is_told_of(world: World, on_disk: bool) -> None:
    campaign = await world.campaign(0, start=False)
    data = many(2 * BATCH + 100).encode()
    seen: list[ReadSoFar] = []
    with tempfile.TemporaryFile() if on_disk else io.BytesIO() as file:
        file.write(data)
        file.seek(0)
        report = await import_contacts(world.db, campaign.id, file, actor="test", progress=seen.append)
    assert (report.imported, [read.rows for read in seen]) == (2 * BATCH + 100, [BATCH, 2 * BATCH, 2 * BATCH + 100])
    assert seen[-1].offset == len(data)
    assert (await campaigns.get(world.db, campaign.id)).pending == 2 * BATCH + 100


async def test_contacts_stand_in_the_order_of_the_file(world: World) -> None:
    numbers = [f"+4930{1000000 + (i * 7919) % 5000}" for i in range(5000)]
    campaign = await world.campaign(0, start=False)
    await import_contacts(world.db, campaign.id, io.BytesIO("\n".join(["phone", *numbers]).encode()), actor="test")
    rows = await world.db.pool.fetch("select number from contacts order by id")
    assert [row["number"] for row in rows] == numbers


def pieces_of(data: bytes) -> Iterator[Any]:
    return read_frames(io.BytesIO(data), ImportOptions())


@settings(max_examples=200)
@given(st.binary(max_size=3000))
def test_any_bytes_are_a_table_or_not_a_csv(data: bytes) -> None:
    try:
        shown = preview(io.BytesIO(b"phone_number\n" + data))
    except NotACsv:
        return
    assert len(shown.cells) == len(shown.contacts) + len(shown.problems)
    frames = list(pieces_of(b"phone_number\n" + data))
    if isinstance(frames[-1], Ended):
        assert all(frame.rows == frame.good + len(frame.problems) for frame in frames if isinstance(frame, Batch))


@given(st.text(max_size=40))
def test_a_variable_can_be_written_in_a_text(header: str) -> None:
    name = snake_case(header)
    assert name == "" or name.isidentifier()
    assert snake_case(name) == name


async def test_missing_variables_are_counted_before_start_as_the_gate_will_count_them(world: World) -> None:
    definition = {"first_message": "{{contact_name}} {{city}} {{zip}} {{phone_number}} {{note|none}}"}
    await world.db.pool.execute("update agent_versions set definition = $1", definition)
    campaign = await world.campaign(0, start=False)
    text = "phone_number,contact_name,city\n+49301234567,Ann,Bonn\n+49301234568,,Köln\n+49301234569,Cy,\n+49301234560\n"
    report = await import_contacts(world.db, campaign.id, io.BytesIO(text.encode()), actor="test")
    assert report.imported == 4
    counted = {each.name: each.contacts for each in await campaigns.missing_variables(world.db, campaign.id)}
    assert counted == {"zip": 4, "city": 2, "contact_name": 2}
    gate = await world.db.pool.fetch(
        """select lacks, count(*) as contacts
           from contacts ct, agent_versions av,
                unnest(missing_variables(av.required_variables, ct.variables, ct.number, ct.name)) as v (lacks)
           group by lacks"""
    )
    assert counted == {row["lacks"]: row["contacts"] for row in gate}
