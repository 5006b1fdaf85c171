"""Contacts from a CSV: the good rows go in, the bad rows are reported with their line, column, problem and what to do.

Streamed: a batch of rows is read and checked (in a thread) and inserted before the next is read, all in one transaction, so that an import
is there as a whole or not at all.
"""

import asyncio
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import BinaryIO

from db.audit import audit
from db.database import Connection, Database
from dialer import campaigns, queries
from dialer.csv_reading import MAX_FIELD, NotACsv, Table, read_table
from dialer.lifecycle import Action
from dialer.phone_numbers import InvalidNumber, read_number

__all__ = ["ImportOptions", "NotACsv", "Problem", "Report", "import_contacts", "preview", "safe_for_spreadsheets"]

_WRITTEN_OUT = {ord(letter): written for letter, written in zip("äöüÄÖÜß", ("ae", "oe", "ue", "Ae", "Oe", "Ue", "ss"), strict=True)}
BATCH = 5000
PROBLEMS_KEPT = 10_000
NUMBER, NAME = "phone_number", "contact_name"
_KNOWN_AS: Mapping[str, str] = {
    name: target
    for target, names in {
        NUMBER: ("phone_number", "phone", "phonenumber", "number", "mobile", "mobile_number", "telephone", "tel", "cell"),
        NAME: ("contact_name", "name", "full_name", "contact"),
    }.items()
    for name in names
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """`columns`: header as it stands in the file -> variable, "" leaves a column out; headers that are not named keep their own name in
    snake_case. `default_region`: ISO country code for numbers without country code. `dry_run`: report only."""

    default_region: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    all_or_nothing: bool = False
    dry_run: bool = False
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One row that did not go in. `line`: of the file, from 1; `column`: its header, empty where the whole row is meant."""

    line: int
    column: str
    problem: str
    what_to_do: str


@dataclass(slots=True)
class Report:
    """What an import did. `rows`: without header and empty ones; `imported`: how many went in (would go in, on a dry run).
    `problems`: the first 10,000; `refused` counts all. `preview`: the first good rows, as they went in."""

    rows: int = 0
    imported: int = 0
    refused: int = 0
    duplicates: int = 0
    encoding: str = ""
    delimiter: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    preview: list[dict[str, str]] = field(default_factory=list)
    dry_run: bool = False
    kept: bool = False

    def add(self, problem: Problem) -> None:
        self.refused += 1
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(problem)


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    number: str
    name: str
    variables: dict[str, str]


class _NothingGoesIn(Exception):
    """Rolls the import back; the report has been made."""


async def import_contacts(
    db: Database,
    campaign_id: int,
    file: BinaryIO,
    *,
    actor: str,
    options: ImportOptions | None = None,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Import a CSV into a campaign in Draft or Paused. `progress` is called with the number of rows read so far.

    Raises:
        NotACsv: the file as a whole can't be read; nothing went in.
        NotAllowed, NotFound: the campaign takes no contacts.
    """
    options = options or ImportOptions()
    report = Report(dry_run=options.dry_run)
    try:
        async with db.transaction() as connection:
            await campaigns.lock(connection, campaign_id, Action.EDIT)
            await _read_in(connection, campaign_id, file, options, report, progress)
            if options.dry_run or (options.all_or_nothing and report.refused):
                raise _NothingGoesIn
            report.kept = True
            await queries.contacts.keep_import(
                connection, campaign_id=campaign_id, file_name=options.file_name, actor=actor, report=asdict(report)
            )
            await audit(connection, actor, "contact.import", f"campaign {campaign_id}", {"contacts": report.imported})
    except _NothingGoesIn:
        if not options.dry_run:
            report.imported = 0
    return report


def preview(file: BinaryIO, options: ImportOptions | None = None, rows: int = 20) -> Report:
    """The first rows as they would go in, without a campaign. Raises NotACsv."""
    options = options or ImportOptions()
    report, table, names = _open(file, options)
    for line, cells in islice(table.rows, rows):
        report.rows += 1
        read = _read_row(line, cells, names, table.header, options)
        if isinstance(read, Problem):
            report.add(read)
        else:
            report.imported += 1
            _show(report, read, rows)
    return report


async def _read_in(
    connection: Connection,
    campaign_id: int,
    file: BinaryIO,
    options: ImportOptions,
    report: Report,
    progress: Callable[[int], None] | None,
) -> None:
    opened, table, names = await asyncio.to_thread(_open, file, options)
    report.encoding, report.delimiter, report.columns = opened.encoding, opened.delimiter, opened.columns
    first_line: dict[str, int] = {}
    while True:
        before = report.rows
        good = await asyncio.to_thread(_good_rows, table, names, options, report, first_line)
        if report.rows == before:
            return
        await _insert(connection, campaign_id, good, report, names, table.header)
        if progress is not None:
            progress(report.rows)


def _open(file: BinaryIO, options: ImportOptions) -> tuple[Report, Table, list[str]]:
    table = read_table(file)
    names = _variable_names(table.header, options.columns)
    columns = {header: name for header, name in zip(table.header, names, strict=True) if name}
    return Report(encoding=table.encoding, delimiter=table.delimiter, columns=columns), table, names


def _good_rows(table: Table, names: Sequence[str], options: ImportOptions, report: Report, first_line: dict[str, int]) -> list[_Row]:
    """The good ones of the next batch of rows; the others are in the report."""
    good: list[_Row] = []
    for line, cells in islice(table.rows, BATCH):
        report.rows += 1
        read = _read_row(line, cells, names, table.header, options)
        if isinstance(read, Problem):
            report.add(read)
        elif read.number in first_line:
            report.duplicates += 1
            column = _header_of(NUMBER, names, table.header)
            report.add(Problem(line, column, f"line {first_line[read.number]} has the same number", "leave it out"))
        else:
            first_line[read.number] = line
            good.append(read)
    return good


async def _insert(
    connection: Connection, campaign_id: int, good: Sequence[_Row], report: Report, names: Sequence[str], header: Sequence[str]
) -> None:
    """All rows of a batch in one statement; what the campaign had before is reported."""
    inserted = {
        row["number"]
        async for row in queries.contacts.add(
            connection,
            campaign_id=campaign_id,
            numbers=[row.number for row in good],
            names=[row.name for row in good],
            variables=[row.variables for row in good],
        )
    }
    for row in good:
        if row.number in inserted:
            report.imported += 1
            _show(report, row, 20)
        else:
            report.duplicates += 1
            report.add(Problem(row.line, _header_of(NUMBER, names, header), "the campaign has this number already", "leave it out"))


def _show(report: Report, row: _Row, most: int) -> None:
    if len(report.preview) < most:
        report.preview.append({NUMBER: row.number, NAME: row.name} | row.variables)


def snake_case(header: str) -> str:
    """A header as the name of a variable: letters, digits and underscores, not beginning with a digit; empty where nothing is left."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", header.replace("\ufeff", ""))
    name = re.sub(r"[^a-z0-9]+", "_", _plain_letters(spaced).lower()).strip("_")
    return f"_{name}" if name[:1].isdigit() else name


def _plain_letters(text: str) -> str:
    """Accents dropped, umlauts and sharp s written out: variables are named in ASCII."""
    return unicodedata.normalize("NFKD", text.translate(_WRITTEN_OUT)).encode("ascii", "ignore").decode()


def _variable_names(header: Sequence[str], mapping: Mapping[str, str]) -> list[str]:
    """The variable of each column; "" for those left out.

    Raises:
        NotACsv: no column holds the phone number, or two have the same name.
    """
    names = [snake_case(mapping.get(column, column)) for column in header]
    for target in (NUMBER, NAME):
        if target not in names:
            known = [i for i, name in enumerate(names) if _KNOWN_AS.get(name) == target and header[i] not in mapping]
            if len(known) == 1:
                names[known[0]] = target
    if NUMBER not in names:
        there = ", ".join(repr(column) for column in header[:10])
        raise NotACsv(f"no column is called {NUMBER} (there are {there}): rename the one with the numbers, or map it")
    twice = {name for name in names if name and names.count(name) > 1}
    if twice:
        raise NotACsv(f"two columns are called {', '.join(sorted(twice))}: rename one of them, or leave it out")
    return names


def _header_of(name: str, names: Sequence[str], header: Sequence[str]) -> str:
    return header[names.index(name)] if name in names else ""


def _read_row(line: int, cells: Sequence[str], names: Sequence[str], header: Sequence[str], options: ImportOptions) -> _Row | Problem:
    if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
        return Problem(
            line, "", f"the row has {len(cells)} fields, the header {len(names)}", "look for a delimiter inside a field; quote it"
        )
    values: dict[str, str] = {}
    for name, column, cell in zip(names, header, cells, strict=False):
        if len(cell) > MAX_FIELD:
            return Problem(
                line, column, f"the field has more than {MAX_FIELD} characters", "shorten it; look for a quote that is not closed"
            )
        if "\0" in cell:
            return Problem(line, column, "the field has a zero byte", "remove it")
        if name:
            values[name] = cell.strip()
    try:
        number = read_number(values.pop(NUMBER, ""), options.default_region)
    except InvalidNumber as error:
        return Problem(line, _header_of(NUMBER, names, header), error.problem, error.what_to_do)
    return _Row(line, number, values.pop(NAME, ""), values)


def safe_for_spreadsheets(cell: str) -> str:
    """A cell for an export: what a spreadsheet would take for a formula is kept as text by an apostrophe before it."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
