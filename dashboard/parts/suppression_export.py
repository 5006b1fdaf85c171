"""The do-not-call list as a file for spreadsheets."""

import csv
import io
from collections.abc import Iterable
from datetime import tzinfo

from dashboard.parts.export import cell, neutral
from dashboard.reads.suppressions import Entry

HEADER = ("phone_number", "reason", "source", "added_at", "added_by", "call_id")


def as_csv(entries: Iterable[Entry], there: tzinfo) -> bytes:
    """The entries as a CSV in UTF-8 with a mark that spreadsheets know it by; its columns are such that it can be imported again."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for entry in entries:
        values = (entry.number, entry.reason, entry.source, entry.added_at, entry.added_by, entry.call_id)
        writer.writerow([neutral(cell(value, there)) for value in values])
    return b"\xef\xbb\xbf" + text.getvalue().encode()
