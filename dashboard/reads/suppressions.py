"""The do-not-call list as its page reads it: the one of real calls, and apart from it that of rehearsals."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from dashboard.data import EXPORT_PAGE, PAGE_SIZE
from dashboard.source import source
from db.queries import load


@dataclass(frozen=True, slots=True)
class Entry:
    """A number that is not called. `source`: call, operator or import; `call_id`: in which somebody asked for it, None where it is gone."""

    id: int
    number: str
    reason: str
    source: str
    call_id: int | None
    added_by: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries to list. `digits`: in a row in the number; `masked`: only in what a masked number shows."""

    rehearsal: bool = False
    digits: str = ""
    masked: bool = False


_queries = load("dashboard_suppressions", sys.modules[__name__])


def entries(wanted: EntryFilter, after_id: int | None = None, page_size: int = PAGE_SIZE + 1) -> list[Entry]:
    """Entries that follow `after_id`, newest first; one more than PAGE_SIZE where there is a next page."""
    return source().many(
        _queries.entries,
        rehearsal=wanted.rehearsal,
        digits=wanted.digits,
        masked=wanted.masked,
        after_id=after_id,
        page_size=page_size,
    )


def exported(wanted: EntryFilter) -> Iterator[Entry]:
    """All entries, newest first, read page by page."""
    after: int | None = None
    while page := entries(wanted, after, EXPORT_PAGE):
        yield from page
        after = page[-1].id


def any_entry(rehearsal: bool) -> bool:
    """Whether anybody is on the list."""
    return bool(source().one(_queries.any_entry, rehearsal=rehearsal))


def digits_of(typed: str) -> str:
    """What a number holds of a search as people type it: +1 (202) 555 is 1202555, 0044 20 is 4420."""
    return re.sub(r"\D", "", typed).removeprefix("00")
