"""A CSV as people export it -> header and rows with their line numbers. Pure but for reading the file, once, as a stream.

UTF-8 with or without byte-order mark, UTF-16, Latin-1; comma, semicolon or tab; quoted line breaks. However large the file, one row of it
is in memory.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

_LOOK_AT = 65536
MAX_FIELD = 10_000
MAX_COLUMNS = 200
MAX_HEADING = 100
MAX_ROW = 1 << 20

# How files begin that people take for a CSV.
_SIGNATURES: Mapping[bytes, str] = {
    b"PK\x03\x04": "an Excel workbook, or a zip archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\x1f\x8b": "compressed",
    b"%PDF": "a PDF",
}


class NotACsv(ValueError):
    """The file can't be read as a table; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Table:
    """`header`: as it stands in the file. `encoding`, `delimiter`: as found."""

    header: Sequence[str]
    rows: Iterator[tuple[int, list[str]]]
    encoding: str
    delimiter: str


def read_table(file: BinaryIO) -> Table:
    """The table in `file` (seekable). `rows`: line of the file where the row begins (from 1), and its fields; empty rows are left out.

    Raises:
        NotACsv: empty, not text, or no header; also while the rows are read.
    """
    sample = file.read(_LOOK_AT)
    file.seek(0)
    if not sample.strip():
        raise NotACsv("the file is empty: export it again, with a header line")
    encoding = _encoding(sample, file)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    try:
        first = _first_record(text.read(_LOOK_AT))
    except UnicodeDecodeError as error:
        text.detach()
        raise _not_encoded(1, error) from error
    text.seek(0)
    delimiter = max((",", ";", "\t"), key=first.count)  # the first of those that occur most often
    rows = _rows(text, delimiter)
    try:
        _, header = next(rows)
    except StopIteration:
        raise NotACsv("the file has no header line: name the columns in its first line") from None
    if len(header) > MAX_COLUMNS:
        raise NotACsv(f"the file has {len(header)} columns, more than {MAX_COLUMNS}: leave out what the agent does not need")
    if any(len(name) > MAX_HEADING for name in header):
        raise NotACsv(f"the header line has a name of more than {MAX_HEADING} characters: name the columns in the first line")
    return Table([name.strip() for name in header], rows, encoding, delimiter)


def _encoding(sample: bytes, file: BinaryIO) -> str:
    for signature, kind in _SIGNATURES.items():
        if sample.startswith(signature):
            raise NotACsv(f"the file is {kind}, not text: open it and save it as CSV")
    zeros = sample.count(0)
    if zeros > len(sample) * 0.6:
        raise NotACsv("the file is not text, most of it are zero bytes: export it again, as CSV in UTF-8")
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if zeros > len(sample) // 4:
        return "utf-16-le" if sample[1::2].count(0) > sample[0::2].count(0) else "utf-16-be"
    if zeros:
        raise NotACsv("the file is not text (a spreadsheet perhaps): export it as CSV")
    return "utf-8" if _is_utf8(file) else _latin_1(sample)


def _is_utf8(file: BinaryIO) -> bool:
    """Whether the whole file is; a file of a million rows may have its first accent in the last one."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while piece := file.read(1 << 20):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    finally:
        file.seek(0)
    return True


def _latin_1(sample: bytes) -> str:
    """Windows' superset of Latin-1, if that is what it looks like: any bytes at all would pass as Latin-1."""
    control = sum(1 for byte in sample if byte < 32 and byte not in b"\t\n\r")
    high = sum(1 for byte in sample if byte >= 128)
    if control or high > len(sample) * 0.3:
        raise NotACsv("the file is not text in UTF-8, UTF-16 or Latin-1: export it as CSV in UTF-8")
    return "latin-1" if any(byte in sample for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)) else "cp1252"


def _first_record(text: str) -> str:
    """The header line, without what stands in quotes."""
    unquoted = re.sub(r'"[^"]*"', "", text.lstrip("\ufeff\r\n"))
    return unquoted.splitlines()[0] if unquoted.strip() else ""


def _not_encoded(line: int, error: UnicodeDecodeError) -> NotACsv:
    return NotACsv(f"the text after line {line} is not {error.encoding}: export the file as CSV in UTF-8")


class _Lines:
    """The lines of a text. `of_row`: characters read since whoever reads rows set it to 0; `at_end`: more was asked for than there is."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.of_row, self.at_end = 0, False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_ROW + 1)
        if not line:
            self.at_end = True
            raise StopIteration
        self.of_row += len(line)
        if self.of_row > MAX_ROW:
            raise NotACsv(f"a row has more than {MAX_ROW:,} characters: look for a quote that is not closed, or for missing line breaks")
        return line


def _rows(text: io.TextIOWrapper, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    try:
        yield from _records(text, delimiter)
    finally:
        if not text.closed:
            text.detach()  # the file is the caller's to close


def _records(text: io.TextIOWrapper, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(MAX_ROW)
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter)
    line = 1
    while True:
        lines.of_row = 0
        try:
            row = next(reader, None)
        except NotACsv as error:
            raise NotACsv(f"line {line}: {error}") from error
        except csv.Error as error:
            raise NotACsv(f"line {line} can't be read ({error}): look for a quote that is not closed") from error
        except UnicodeDecodeError as error:
            raise _not_encoded(line, error) from error
        if row is None:
            return
        if lines.at_end:  # the reader wanted to go on: it was inside quotes
            raise NotACsv(f"line {line} has a quote that is never closed: close it, or export the file again")
        if any(cell.strip() for cell in row):
            yield line, row
        line = reader.line_num + 1
