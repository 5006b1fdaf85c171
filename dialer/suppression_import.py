"""A list of numbers -> the do-not-call list: every good row goes in, every other row is told of with its line and what to do.

The list is a CSV with a column for the numbers (and one called `reason`, if there are reasons), or nothing but numbers, one a line. It is
read as a whole by a process of its own, and added in batches: no lock is held for longer than one of them takes, and a list that was cut
short may be sent again.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO

import msgspec

from db.audit import audit
from db.database import Connection, Database
from dialer import import_report, queries
from dialer.clock import Clock
from dialer.contact_reader import ABOUT_A_DUPLICATE, Batch, reading
from dialer.contact_rows import NUMBER, ContactRow, ImportOptions, Problem
from dialer.csv_reading import NotACsv, read_table
from dialer.import_report import ProblemsFile
from dialer.phone_numbers import InvalidNumber, read_number
from dialer.stopping import posts_are_back

MAX_NUMBERS = 100_000
MAX_REASON = 500
BATCH = 1000
PROBLEMS_SHOWN = 1000
_REASON = "reason"
_A_NUMBER = re.compile(r"[\d\s()+./'-]*\d[\d\s()+./'-]*")

_contacts = msgspec.json.Decoder(list[ContactRow]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions:
    """`reason`: of numbers that have none of their own. `default_region`: ISO country code for numbers without country code. `dry_run`:
    report only. `rehearsal`: the list of calls that reach no real person."""

    reason: str
    rehearsal: bool = False
    default_region: str | None = None
    dry_run: bool = False


@dataclass(slots=True)
class ListReport:
    """What became of the rows: each is one of `added` (would be, on a dry run), `standing` (on the list already), `duplicates` (of another
    row) and `refused`. `problems`: the first 1,000 of those that are refused; `all_problems`: all, as a file."""

    rows: int = 0
    added: int = 0
    standing: int = 0
    duplicates: int = 0
    refused: int = 0
    problems: list[Problem] = field(default_factory=list)
    dry_run: bool = False
    all_problems: ProblemsFile = field(default_factory=ProblemsFile, repr=False, compare=False)

    def refuse(self, problems: Sequence[Problem]) -> None:
        """These rows hold no number that can be called; as many are listed as there is room for."""
        self.refused += len(problems)
        self.problems += problems[: PROBLEMS_SHOWN - len(self.problems)]
        self.all_problems.add(problems)


async def import_list(db: Database, file: BinaryIO, *, actor: str, options: ListOptions, clock: Clock | None = None) -> ListReport:
    """Put all numbers of the list on the do-not-call list. Once this has returned, no call to any of them starts.

    Raises:
        NotACsv: the file as a whole can't be read, or has more than 100,000 rows; nothing was added.
        ReaderLost: the process that reads the file died; nothing was added.
    """
    report = ListReport(dry_run=options.dry_run)
    reasons = await _read(file, options, report)
    numbers = sorted(reasons)
    if options.dry_run:
        report.standing = await queries.suppressions.standing_of(db.pool, numbers=numbers, rehearsal=options.rehearsal)
        report.added = len(numbers) - report.standing
        return report
    stopped: list[int] = []
    for batch in _batches(numbers):
        added, calls = await _add(db, {number: reasons[number] for number in batch}, options.rehearsal, actor)
        report.added += added
        report.standing += len(batch) - added
        stopped += calls
    await posts_are_back(db, stopped, clock)
    return report


async def problems_csv(file: BinaryIO, options: ListOptions) -> Iterator[bytes]:
    """Every row of the list that holds no number that can be called, as a CSV in UTF-8, piece by piece. Nothing is added, and nothing kept.

    Raises:
        NotACsv, ReaderLost: as for an import.
    """
    report = ListReport(dry_run=True)
    await _read(file, options, report)
    return import_report.unpacked(report.all_problems.packed())


async def _add(db: Database, reasons: Mapping[str, str], rehearsal: bool, actor: str) -> tuple[int, list[int]]:
    """One batch in one transaction: how many numbers are new on the list, and the calls that are to be taken back."""
    numbers = list(reasons)

    async def work(connection: Connection) -> tuple[int, list[int]]:
        await queries.suppressions.lock_callees(connection, numbers=numbers, rehearsal=rehearsal)
        added: int = await queries.suppressions.add_many(
            connection, numbers=numbers, reasons=list(reasons.values()), rehearsal=rehearsal, added_by=actor
        )
        stopped = [row["id"] async for row in queries.suppressions.stop_calls_to(connection, numbers=numbers, rehearsal=rehearsal)]
        if added:
            await audit(connection, actor, "suppression.import", "the do-not-call list", {"numbers": added, "rehearsal": rehearsal})
        return added, stopped

    return await db.retrying(work)


def _batches(numbers: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(numbers), BATCH):
        yield numbers[start : start + BATCH]


async def _read(file: BinaryIO, options: ListOptions, report: ListReport) -> dict[str, str]:
    """Number (E.164) -> reason, of all good rows; `report` is told of the others."""
    header = await asyncio.to_thread(_header, file)
    columns, first = heading(header)
    reasons: dict[str, str] = {}
    if first is not None:
        _take_first(first, reasons, options, report)
    async with reading(file, ImportOptions(columns=columns, default_region=options.default_region)) as frames:
        async for frame in frames:
            if isinstance(frame, Batch):
                _take(frame, reasons, options, report, headed=first is None)
    return reasons


def _header(file: BinaryIO) -> Sequence[str]:
    header = read_table(file).header
    file.seek(0)
    return header


def heading(header: Sequence[str]) -> tuple[Mapping[str, str], str | None]:
    """How to read a file that begins with this line: header -> variable, where its names do not say it; and the number in the line, where
    that is no heading but a row already."""
    first = next((cell for cell in header if _A_NUMBER.fullmatch(cell)), None)
    if first is not None:
        return {cell: NUMBER if cell == first else "" for cell in header}, first
    return ({header[0]: NUMBER}, None) if len(header) == 1 else ({}, None)


def _take_first(written: str, reasons: dict[str, str], options: ListOptions, report: ListReport) -> None:
    report.rows += 1
    try:
        reasons[read_number(written, options.default_region)] = options.reason
    except InvalidNumber as error:
        report.refuse([Problem(1, "", error.problem, error.what_to_do)])


def _take(batch: Batch, reasons: dict[str, str], options: ListOptions, report: ListReport, *, headed: bool) -> None:
    """`headed`: the file has a heading, which names the columns of problems."""
    report.rows += batch.rows
    if report.rows > MAX_NUMBERS:
        raise NotACsv(f"the list has more than {MAX_NUMBERS:,} rows: split it and send one part after the other")
    report.duplicates += batch.duplicates
    refused = [problem for problem in batch.problems if problem.what_to_do != ABOUT_A_DUPLICATE]
    report.refuse(refused if headed else [replace(problem, column="") for problem in refused])
    for row in _contacts(batch.contacts):
        if row.number in reasons:
            report.duplicates += 1  # of the first line, which the reader took for a heading
        else:
            reasons[row.number] = row.variables.get(_REASON, "")[:MAX_REASON] or options.reason
