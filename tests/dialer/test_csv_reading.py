"""A file is a table, or the reason why not, at once and whatever it holds; no more of it is in memory than a row."""

import gzip
import io
import random
import tracemalloc
import zipfile

import pytest

from dialer.csv_reading import MAX_ROW, NotACsv, read_table

MB = 1_000_000


def rows(data: bytes) -> list[tuple[int, list[str]]]:
    return list(read_table(io.BytesIO(data)).rows)


def refused(data: bytes) -> str:
    with pytest.raises(NotACsv) as told:
        rows(data)
    return str(told.value)


def zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "<row/>")
    return packed.getvalue()


GARBAGE = {
    "random bytes": (random.Random(1).randbytes(10 * MB), "not text"),
    "random bytes without zeros": (random.Random(1).randbytes(10 * MB).replace(b"\0", b"\1"), "not text"),
    "one endless line": (b"x" * 10 * MB, "line breaks"),
    "one endless line after a header": (b"phone_number\n" + b"1" * 10 * MB, "line 2: a row has more than"),
    "commas": (b"," * 10 * MB, "line breaks"),
    "a million commas": (b"," * MB, "columns"),
    "an unclosed quote": (b'phone_number\n"' + b"+493012345678\n" * (10 * MB // 14), "quote that is not closed"),
    "an unclosed quote in the last line": (b'phone_number\n+493012345678\n"+493012345678\n', "line 3 has a quote that is never closed"),
    "a row of quoted line breaks": (b"phone_number\n" + b'"\n",' * (2 * MB), "quote that is not closed"),
    "zero bytes": (bytes(10 * MB), "zero bytes"),
    "an Excel workbook": (zipped(), "Excel workbook"),
    "an old Excel workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000), "Excel workbook"),
    "a compressed file": (gzip.compress(b"phone_number\n+493012345678\n"), "compressed"),
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
    "UTF-32": ("phone_number\n+493012345678\n".encode("utf-32"), "zero bytes"),
    "UTF-16 that breaks off": ("phone_number\n+493012345678\n".encode("utf-16")[:-1], "not utf-16"),
    "nothing": (b"", "empty"),
    "blanks": (b"   \n \n", "empty"),
    "empty lines": (b"\n" * MB, "empty"),
    "only a byte-order mark and a line break": (b"\xef\xbb\xbf\n", "no header"),
    "a text": (b"We have the honour to invite you and yours " * 5, "more than 100 characters"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_table_is_refused_as_a_whole_and_says_what_to_do(name: str) -> None:
    data, says = GARBAGE[name]
    with pytest.raises(NotACsv, match=says):
        rows(data)


@pytest.mark.parametrize("name", ["one endless line", "a row of quoted line breaks", "an unclosed quote", "random bytes"])
def test_garbage_is_not_held_in_memory(name: str) -> None:
    file = io.BytesIO(GARBAGE[name][0])
    tracemalloc.start()
    try:
        with pytest.raises(NotACsv):
            list(read_table(file).rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40 * MAX_ROW  # a row of 200,000 empty fields included


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_every_usual_encoding_delimiter_and_line_break_is_understood(encoding: str, delimiter: str, line_break: str) -> None:
    text = line_break.join(("phone_number,contact_name", "+49301234567,Zoë", "+49301234568,Bo", "")).replace(",", delimiter)
    table = read_table(io.BytesIO(text.encode(encoding)))
    assert table.header == ["phone_number", "contact_name"]
    assert list(table.rows) == [(2, ["+49301234567", "Zoë"]), (3, ["+49301234568", "Bo"])]
    assert table.delimiter == delimiter


def test_the_first_accent_may_stand_in_the_last_line() -> None:
    text = "phone_number;contact_name\n" + "+49301234567;Bo\n" * 20_000 + "+49301234568;Zoë\n"
    assert rows(text.encode())[-1] == (20_002, ["+49301234568", "Zoë"])
    assert rows(text.encode("latin-1"))[-1] == (20_002, ["+49301234568", "Zoë"])


def test_quoted_delimiters_quotes_and_line_breaks_stay_in_their_field_and_lines_are_counted_as_in_the_file() -> None:
    assert rows(b'a,b\n"1,5","say ""hi"""\n"one\ntwo",x\n\n,\nlast,y\n') == [
        (2, ["1,5", 'say "hi"']),
        (3, ["one\ntwo", "x"]),
        (7, ["last", "y"]),
    ]


def test_a_table_may_lack_the_last_line_break() -> None:
    assert rows(b'a,b\n1,"2"') == [(2, ["1", "2"])]
    assert rows(b"a\n1") == [(2, ["1"])]


def test_a_quote_that_is_never_closed_is_found_also_where_little_follows() -> None:
    assert "line 2" in refused(b'phone_number,contact_name\n+493012345678,"Ann\n+493012345679,Bob\n')
