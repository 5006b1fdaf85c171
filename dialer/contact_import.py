"""Contacts from a CSV: the good rows go in, the bad rows are reported with their line, column, problem and what to do.

Streamed: a process of its own reads and checks the rows (`contact_reader`), and each batch is inserted while it reads the next, all in one
transaction, so that an import is there as a whole or not at all.
"""

import io
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO

import msgspec

from db.audit import audit
from db.database import Connection, Database
from dialer import campaigns, import_report, queries
from dialer.contact_reader import Batch, Opened, reading
from dialer.contact_rows import ContactRow, ContactTable, ImportOptions, Problem
from dialer.csv_reading import NotACsv, read_table
from dialer.errors import NotFound
from dialer.import_report import ProblemsFile
from dialer.lifecycle import Action

__all__ = [
    "ContactImport",
    "ImportOptions",
    "NotACsv",
    "Preview",
    "Problem",
    "ReadSoFar",
    "Report",
    "import_contacts",
    "imports",
    "preview",
    "problems_csv",
]

PROBLEMS_SHOWN = 1000
PREVIEW_ROWS = 20
PREVIEW_BYTES = 1 << 20


@dataclass(slots=True)
class Report:
    """What an import did. `import_id`: under which all its problems are kept. `rows`: without header and empty ones; `imported`: how
    many went in (would go in, on a dry run). `problems`: the first 1,000; `refused` counts all, also the `duplicates` (of the file or
    of the campaign). `preview`: the first good rows."""

    import_id: int = 0
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

    def add_problems(self, problems: Sequence[Problem]) -> None:
        self.refused += len(problems)
        self.problems += problems[: PROBLEMS_SHOWN - len(self.problems)]

    def add_preview(self, rows: Sequence[dict[str, str]]) -> None:
        self.preview += rows[: PREVIEW_ROWS - len(self.preview)]

    def summary(self) -> dict[str, Any]:
        """What is kept of it: without problems, which are kept apart, and without what is in the contacts."""
        return {name: value for name, value in asdict(self).items() if name not in ("import_id", "problems", "preview")}


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a file. `header`, `cells`: as they stand in it; `columns`: header -> variable, without those left out; `contacts`:
    the good ones of its rows; `why_not`: why it can't be imported before columns are mapped otherwise."""

    encoding: str
    delimiter: str
    header: Sequence[str]
    cells: Sequence[Sequence[str]]
    columns: Mapping[str, str] = field(default_factory=dict)
    contacts: Sequence[Mapping[str, str]] = ()
    problems: Sequence[Problem] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class ReadSoFar:
    """How far an import is. `offset`: in the file, in bytes."""

    rows: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactImport:
    """An import that is over. `report`: its `Report` without problems and preview."""

    id: int
    file_name: str
    at: datetime
    actor: str
    report: Mapping[str, Any]


class _NothingGoesIn(Exception):
    """Rolls the import back; the report has been made."""


async def import_contacts(
    db: Database,
    campaign_id: int,
    file: BinaryIO,
    *,
    actor: str,
    options: ImportOptions | None = None,
    progress: Callable[[ReadSoFar], None] | None = None,
) -> Report:
    """Import a CSV into a campaign in Draft or Paused. `progress` is told after each batch.

    Raises:
        NotACsv: the file as a whole can't be read; nothing went in.
        NotAllowed, NotFound: the campaign takes no contacts.
        ReaderLost: the process that reads the file died; nothing went in.
    """
    importing = _Import(campaign_id, options or ImportOptions(), actor)
    report = importing.report
    try:
        async with db.transaction() as connection:
            await campaigns.lock(connection, campaign_id, Action.EDIT)
            async with reading(file, importing.options) as frames:
                await importing.take_in(connection, frames, progress)
            if not importing.goes_in:
                raise _NothingGoesIn
            report.kept = True
            await importing.keep_report(connection)
            await audit(connection, actor, "contact.import", f"campaign {campaign_id}", {"contacts": report.imported})
    except _NothingGoesIn:
        if not report.dry_run:
            report.imported = 0
        async with db.transaction() as connection:
            await importing.keep_report(connection)
    return report


def preview(file: BinaryIO, options: ImportOptions | None = None) -> Preview:
    """What the first 20 rows would become; of the file only its first MiB is read. Raises NotACsv where it is no table."""
    table = read_table(io.BytesIO(_beginning(file)))
    rows = list(islice(table.rows, PREVIEW_ROWS))
    shown = Preview(table.encoding, table.delimiter, table.header, [cells for _, cells in rows])
    try:
        named = ContactTable(replace(table, rows=iter(rows)), options or ImportOptions())
    except NotACsv as error:
        return replace(shown, why_not=str(error))
    read = list(named)
    contacts = [row.shown() for row in read if isinstance(row, ContactRow)]
    return replace(shown, columns=named.columns, contacts=contacts, problems=[row for row in read if isinstance(row, Problem)])


def _beginning(file: BinaryIO) -> bytes:
    """The first MiB of a file, up to its last line break."""
    sample = file.read(PREVIEW_BYTES)
    if len(sample) < PREVIEW_BYTES:
        return sample
    end = sample.rfind(b"\n") + 1
    if end % 2 and sample[end : end + 1] == b"\0":  # UTF-16, the low byte first: the other half of the line break
        end += 1
    return sample[:end] if end else sample


async def imports(db: Database, campaign_id: int, *, before: int | None = None, page_size: int = 100) -> list[ContactImport]:
    """A campaign's imports, newest first, also those of which nothing went in. `before`: an import's id."""
    found = queries.contacts.imports(db.pool, campaign_id=campaign_id, before=before, page_size=page_size)
    return [ContactImport(**row) async for row in found]


async def problems_csv(db: Database, import_id: int) -> Iterator[bytes]:
    """Every row that an import refused, as a CSV in UTF-8, piece by piece.

    Raises:
        NotFound
    """
    packed: bytes | None = await queries.contacts.import_problems(db.pool, import_id=import_id)
    if packed is None:
        raise NotFound(f"there is no import {import_id}, or its problems are not kept any more")
    return import_report.unpacked(packed)


class _Import:
    """One import under way. `goes_in`: nothing has been found so far that keeps all of it out."""

    def __init__(self, campaign_id: int, options: ImportOptions, actor: str) -> None:
        self.options, self.report = options, Report(dry_run=options.dry_run)
        self._campaign_id, self._actor = campaign_id, actor
        self._problems = ProblemsFile()
        self._number_column = ""

    @property
    def goes_in(self) -> bool:
        return not self.options.dry_run and not (self.options.all_or_nothing and self.report.refused)

    async def take_in(
        self, connection: Connection, frames: AsyncIterator[Opened | Batch], progress: Callable[[ReadSoFar], None] | None
    ) -> None:
        async for frame in frames:
            match frame:
                case Opened(encoding, delimiter, columns, number_column):
                    self.report.encoding, self.report.delimiter, self.report.columns = encoding, delimiter, columns
                    self._number_column = number_column
                case Batch():
                    await self._take_batch(connection, frame)
                    if progress is not None:
                        progress(ReadSoFar(self.report.rows, frame.offset))

    async def _take_batch(self, connection: Connection, batch: Batch) -> None:
        """All contacts of a batch in one statement; what the campaign had before is reported."""
        work = queries.contacts.import_rows if self.goes_in else queries.contacts.known_rows
        known = [row["line"] async for row in work(connection, campaign_id=self._campaign_id, rows=msgspec.Raw(batch.contacts))]
        problems = batch.problems
        if known:
            there = [Problem(line, self._number_column, "the campaign has this number already", "leave it out") for line in known]
            problems = sorted([*problems, *there], key=lambda each: each.line)
        report = self.report
        report.rows += batch.rows
        report.imported += batch.good - len(known)
        report.duplicates += batch.duplicates + len(known)
        report.add_problems(problems)
        report.add_preview(batch.first)
        if problems:
            self._problems.add(problems)

    async def keep_report(self, connection: Connection) -> None:
        self.report.import_id = await queries.contacts.keep_import(
            connection,
            campaign_id=self._campaign_id,
            file_name=self.options.file_name,
            actor=self._actor,
            report=self.report.summary(),
            problems=self._problems.packed(),
        )
