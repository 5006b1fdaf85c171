"""Files for spreadsheets. What a spreadsheet would take for a formula is kept as text by a leading apostrophe (OWASP, CSV injection)."""

import csv
import io
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime, tzinfo

from dashboard.rows import ExportedCall

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
_HEADERS = {"id": "call_id", "number": "phone_number", "try_": "try"}


def call_log(calls: Iterable[ExportedCall], there: tzinfo) -> bytes:
    """The calls as a CSV in UTF-8 with a mark that spreadsheets know it by; times in `there`, with their offset from UTC."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    names = [field.name for field in fields(ExportedCall)]
    writer.writerow([_HEADERS.get(name, name) for name in names])
    for call in calls:
        writer.writerow([neutral(cell(getattr(call, name), there)) for name in names])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def cell(value: object, there: tzinfo) -> str:
    """A value as text: times as ISO 8601, pairs as `name=value`, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(there).isoformat(timespec="seconds")
    if isinstance(value, dict):
        return "; ".join(f"{name}={held}" for name, held in value.items())
    return str(value)


def neutral(text: str) -> str:
    """`text` as no spreadsheet takes it for a formula. A plain number stays one; a phone number keeps its plus behind the apostrophe."""
    if not text.startswith(_FORMULA_SIGNS):
        return text
    try:
        float(text)
    except ValueError:
        return "'" + text
    return text if text.startswith("-") else "'" + text
