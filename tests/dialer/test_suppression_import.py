"""A list of numbers becomes entries of the do-not-call list: each row is accounted for, and no lock is left in another's way."""

import asyncio
import io

import pytest

from db.database import Database
from dialer import suppressions
from dialer.csv_reading import NotACsv
from dialer.suppression_import import BATCH, MAX_NUMBERS, ListOptions, ListReport, heading, import_list, problems_csv

LETTER = ListOptions(reason="asked by letter")


async def taken(database: Database, text: str, options: ListOptions = LETTER) -> ListReport:
    return await import_list(database, io.BytesIO(text.encode()), actor="olive", options=options)


async def standing(database: Database, rehearsal: bool = False) -> dict[str, str]:
    return {entry.number: entry.reason for entry in await suppressions.page(database, rehearsal=rehearsal)}


async def test_each_row_of_a_table_is_accounted_for(database: Database) -> None:
    await suppressions.add(database, "+12025550101", reason="before", source="operator", actor="olive")
    report = await taken(
        database,
        "Name,Phone,Reason\nAda,+1 202 555 0101,\nBob,+1 (202) 555-0102,moved away\nCem,0202555,\nDee,+12025550102,\nEve,+12025550103,\n",
    )
    assert (report.rows, report.added, report.standing, report.duplicates, report.refused) == (5, 2, 1, 1, 1)
    assert [(problem.line, problem.problem) for problem in report.problems] == [(4, "the number has no country code")]
    assert await standing(database) == {"+12025550101": "before", "+12025550102": "moved away", "+12025550103": "asked by letter"}
    kept = await database.pool.fetchrow("select actor, detail from audit_log where action = 'suppression.import'")
    assert (kept["actor"], kept["detail"]) == ("olive", {"numbers": 2, "rehearsal": False})


@pytest.mark.parametrize("first", ["", "Blocked\n", "phone_number\n"])
async def test_a_list_of_nothing_but_numbers_needs_no_heading(database: Database, first: str) -> None:
    report = await taken(database, first + "+1 202 555 0101\n+12025550102\n+12025550101\n")
    assert (report.rows, report.added, report.duplicates, report.refused) == (3, 2, 1, 0)
    assert set(await standing(database)) == {"+12025550101", "+12025550102"}


async def test_a_first_line_that_is_a_bad_number_is_reported_and_not_taken_for_a_heading(database: Database) -> None:
    report = await taken(database, "12\n+12025550102\n")
    assert (report.rows, report.added, report.refused) == (2, 1, 1)
    assert report.problems[0].line == 1


async def test_problems_of_a_list_without_a_heading_name_no_column_after_somebody_s_number(database: Database) -> None:
    text = "+12025550101\n12\n"
    report = await taken(database, text)
    assert [(problem.line, problem.column) for problem in report.problems] == [(2, "")]
    file = b"".join(await problems_csv(io.BytesIO(text.encode()), LETTER)).decode()
    assert "\r\n2,," in file
    assert "2025550101" not in file


def test_a_number_in_the_first_line_names_the_column() -> None:
    assert heading(["Ada", "+1 202 555 0101"]) == ({"Ada": "", "+1 202 555 0101": "phone_number"}, "+1 202 555 0101")
    assert heading(["name", "phone 2"]) == ({}, None)


async def test_a_dry_run_tells_the_same_and_adds_nothing(database: Database) -> None:
    text = "+12025550101\n+12025550102\n12\n"
    would = await taken(database, text, ListOptions(reason="letter", dry_run=True))
    assert await standing(database) == {}
    did = await taken(database, text)
    assert (would.rows, would.added, would.refused, would.problems) == (did.rows, did.added, did.refused, did.problems)


async def test_the_rehearsal_list_is_another_one(database: Database) -> None:
    await taken(database, "+12025550101\n", ListOptions(reason="letter", rehearsal=True))
    assert await standing(database) == {}
    assert set(await standing(database, rehearsal=True)) == {"+12025550101"}


async def test_two_lists_at_once_that_share_all_numbers_both_end(database: Database) -> None:
    numbers = [f"+1202{5550000 + at}" for at in range(2 * BATCH + 1)]
    there, back = await asyncio.gather(taken(database, "\n".join(numbers)), taken(database, "\n".join(reversed(numbers))))
    assert there.added + back.added == len(numbers)
    assert there.standing + back.standing == len(numbers)
    assert await database.pool.fetchval("select count(*) from suppressions where removed_at is null") == len(numbers)


async def test_a_list_that_is_too_long_or_no_text_adds_nothing(database: Database) -> None:
    with pytest.raises(NotACsv, match="split it"):
        await taken(database, "phone_number\n" + "12\n" * (MAX_NUMBERS + 1))
    with pytest.raises(NotACsv, match="Excel"):
        await import_list(database, io.BytesIO(b"PK\x03\x04 and so on"), actor="olive", options=LETTER)
    assert await standing(database) == {}
