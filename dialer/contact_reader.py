"""Reads the contacts of a CSV in a process of its own, so that nobody's audio waits while a million numbers are checked.

Run as a module it is that process: the file is its standard input, the options its argument, and on its standard output come frames, each
a length of four bytes (big-endian) and MessagePack: Opened, Batch after Batch, Ended; or Unreadable, which ends it too.
"""

import asyncio
import contextlib
import io
import os
import shutil
import struct
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from typing import BinaryIO

import msgspec

from dialer.contact_rows import ContactRow, ContactTable, ImportOptions, Problem
from dialer.csv_reading import NotACsv, read_table

BATCH = 2000
ABOUT_A_DUPLICATE = "leave it out"  # what to do, said of no other problem
MAX_ROWS = 2_000_000
_AHEAD_BYTES = 1 << 20  # how much is read ahead while the database is at work
_NICE = 10  # calls in progress come first
_LENGTH = struct.Struct(">I")


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The header was read. `columns`: header -> variable; `number_column`: the header of the one with the numbers."""

    encoding: str
    delimiter: str
    columns: dict[str, str]
    number_column: str


class Batch(msgspec.Struct, frozen=True, tag=True):
    """The next rows. `contacts`: a JSON array of line, number, name and variables; `good`: how many these are; `first`: the first of them,
    as a preview; `offset`: how many bytes of the file have been read."""

    rows: int
    good: int
    contacts: bytes
    problems: list[Problem]
    duplicates: int
    first: list[dict[str, str]]
    offset: int


class Unreadable(msgspec.Struct, frozen=True, tag=True):
    """The file is no table, or ceases to be one."""

    why: str


class Ended(msgspec.Struct, frozen=True, tag=True):
    """All rows have been read."""


Frame = Opened | Batch | Unreadable | Ended
_decode = msgspec.msgpack.Decoder(Frame).decode


class ReaderLost(RuntimeError):
    """The process that reads the file ended before the file did."""


@asynccontextmanager
async def reading(file: BinaryIO, options: ImportOptions) -> AsyncIterator[AsyncIterator[Opened | Batch]]:
    """The frames of `file` in their order; the process that makes them ends with the block.

    Raises (from the iterator):
        NotACsv: the file as a whole can't be read.
        ReaderLost
    """
    async with _as_file_of_the_system(file) as opened:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "dialer.contact_reader", msgspec.json.encode(options).decode()),
            stdin=opened,
            stdout=asyncio.subprocess.PIPE,
            limit=_AHEAD_BYTES,
            start_new_session=True,  # Ctrl-C at the terminal is for us
        )
        try:
            assert process.stdout is not None  # a pipe, as asked for
            yield _frames(process.stdout)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@asynccontextmanager
async def _as_file_of_the_system(file: BinaryIO) -> AsyncIterator[BinaryIO]:
    """`file` itself where another process can read it from its beginning, else a copy on disk."""
    if _is_file_of_the_system(file):
        yield file
        return
    with tempfile.TemporaryFile() as copy:
        await asyncio.to_thread(shutil.copyfileobj, file, copy)
        copy.flush()
        yield copy


def _is_file_of_the_system(file: BinaryIO) -> bool:
    try:
        file.fileno()
    except io.UnsupportedOperation:
        return False
    return file.seekable()


async def _frames(stream: asyncio.StreamReader) -> AsyncIterator[Opened | Batch]:
    while True:
        try:
            (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
            frame = _decode(await stream.readexactly(length))
        except asyncio.IncompleteReadError as error:
            raise ReaderLost("the process that reads the file died: its error output says why; try again") from error
        match frame:
            case Ended():
                return
            case Unreadable(why):
                raise NotACsv(why)
            case _:
                yield frame


def read_frames(file: BinaryIO, options: ImportOptions) -> Iterator[Frame]:
    """What the process says, frame by frame. Of a number that occurs twice, the first is good and the others are problems."""
    try:
        read = read_table(file)
        table = ContactTable(read, options)
        yield Opened(read.encoding, read.delimiter, table.columns, table.number_column)
        first_line: dict[int, int] = {}
        rows, count = iter(table), 0
        while batch := list(islice(rows, BATCH)):
            count += len(batch)
            if count > MAX_ROWS:
                raise NotACsv(f"the file has more than {MAX_ROWS:,} rows: split it")
            yield _batch(batch, first_line, table.number_column, file)
    except NotACsv as error:
        yield Unreadable(str(error))
        return
    yield Ended()


def _batch(rows: Iterable[ContactRow | Problem], first_line: dict[int, int], number_column: str, file: BinaryIO) -> Batch:
    good: list[ContactRow] = []
    problems: list[Problem] = []
    duplicates = 0
    for row in rows:
        if isinstance(row, Problem):
            problems.append(row)
        elif (before := first_line.setdefault(int(row.number), row.line)) != row.line:
            duplicates += 1
            problems.append(Problem(row.line, number_column, f"line {before} has the same number", ABOUT_A_DUPLICATE))
        else:
            good.append(row)
    first = [row.shown() for row in good[:20]]
    return Batch(len(good) + len(problems), len(good), msgspec.json.encode(good), problems, duplicates, first, file.tell())


def main(options: str) -> None:
    """Writes frames until the file, or whoever reads them, has ended."""
    os.nice(_NICE)
    chosen = msgspec.json.decode(options, type=ImportOptions)
    with open(0, "rb", closefd=False) as file, open(1, "wb", buffering=0, closefd=False) as out:
        file.seek(0)
        with contextlib.suppress(BrokenPipeError):
            for frame in read_frames(file, chosen):
                said = msgspec.msgpack.encode(frame)
                _write(out, _LENGTH.pack(len(said)) + said)


def _write(out: io.FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[out.write(view) :]


if __name__ == "__main__":
    main(sys.argv[1])
