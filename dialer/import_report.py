"""The report of an import as a CSV that people download: every row that did not go in, however many they are."""

import csv
import io
import zlib
from collections.abc import Iterable, Iterator

from dialer.contact_rows import Problem

HEADER = ("line", "column", "problem", "what_to_do")
_GZIP = 31
_PIECE = 65536


class ProblemsFile:
    """Takes problems as they are found and keeps them packed: a million of them are some megabytes."""

    def __init__(self) -> None:
        self._packer = zlib.compressobj(wbits=_GZIP)
        self._packed = bytearray()
        self._write([HEADER])

    def add(self, problems: Iterable[Problem]) -> None:
        self._write([(each.line, safe_for_spreadsheets(each.column), each.problem, each.what_to_do) for each in problems])

    def packed(self) -> bytes:
        """The whole, gzipped; nothing can be added any more."""
        return bytes(self._packed + self._packer.flush())

    def _write(self, rows: Iterable[Iterable[object]]) -> None:
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        self._packed += self._packer.compress(text.getvalue().encode())


def unpacked(packed: bytes) -> Iterator[bytes]:
    """The CSV in UTF-8, piece by piece."""
    unpacker = zlib.decompressobj(wbits=_GZIP)
    while piece := unpacker.decompress(packed, _PIECE):
        yield piece
        packed = unpacker.unconsumed_tail


def safe_for_spreadsheets(cell: str) -> str:
    """A cell for an export: what a spreadsheet would take for a formula is kept as text by an apostrophe before it."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
