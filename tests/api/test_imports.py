"""A CSV through the API: looked at first, imported, and its problems downloaded; an upload that goes wrong leaves nothing."""

import asyncio
import csv
import functools
import io
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import aiohttp
import pytest

from db.database import Database
from mediaserver.api import imports
from mediaserver.identity import Role
from tests.api.conftest import Api

Make = Callable[..., Awaitable[dict[str, Any]]]
GERMAN = "Wer;Wohin;Termin\nAda;030 12345678;Montag\nBo;rubbish;Dienstag\n"
MAPPED = {"mapping": '{"Wer": "contact_name", "Wohin": "phone_number"}', "default_region": "de"}
MB = 1_000_000


def form(data: bytes | str, **fields: str) -> aiohttp.FormData:
    made = aiohttp.FormData()
    made.add_field("file", io.BytesIO(data.encode() if isinstance(data, str) else data), filename="people.csv", content_type="text/csv")
    for name, value in fields.items():
        made.add_field(name, value)
    return made


@pytest.fixture
async def path(api: Api, make_campaign: Make) -> str:
    """Where the contacts of a campaign are."""
    return f"/campaigns/{(await make_campaign())['id']}/contacts"


async def contacts(database: Database) -> int:
    count: int = await database.pool.fetchval("select count(*) from contacts")
    return count


async def test_a_preview_shows_what_is_there_and_then_what_the_mapping_makes_of_it(api: Api, path: str, database: Database) -> None:
    seen = await api.done("POST", f"{path}/import/preview", data=form(GERMAN))
    assert (seen["header"], seen["cells"][0]) == (["Wer", "Wohin", "Termin"], ["Ada", "030 12345678", "Montag"])
    assert "no column is called phone_number" in seen["why_not"]
    seen = await api.done("POST", f"{path}/import/preview", data=form(GERMAN, **MAPPED))
    assert seen["contacts"] == [{"contact_name": "Ada", "phone_number": "+493012345678", "termin": "Montag"}]
    assert seen["columns"] == {"Wer": "contact_name", "Wohin": "phone_number", "Termin": "termin"}
    assert ([problem["line"] for problem in seen["problems"]], seen["why_not"]) == ([3], "")
    assert await contacts(database) == 0


async def test_a_preview_of_a_large_file_keeps_its_beginning_only(api: Api, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []

    class Watched(io.BytesIO):
        def write(self, data: Any) -> int:
            kept.append(len(data))
            return super().write(data)

    monkeypatch.setattr(imports.tempfile, "TemporaryFile", Watched)
    text = "phone_number,note\n" + "+493012345678,x\n" * 600_000
    seen = await api.done("POST", f"{path}/import/preview", data=form(text))
    assert (len(seen["contacts"]), seen["why_not"]) == (20, "")
    assert sum(kept) < 2 * imports.PREVIEW_BYTES < len(text)


async def test_a_preview_is_refused_where_there_is_nothing_to_see(api: Api, path: str) -> None:
    assert "file" in (await api.refused(422, "POST", f"{path}/import/preview", data=form("")))["problems"]
    await api.refused(404, "POST", "/campaigns/12345/contacts/import/preview", data=form(GERMAN))
    await api.refused(403, "POST", f"{path}/import/preview", Role.VIEWER, data=form(GERMAN))
    assert "mapping" in (await api.refused(422, "POST", f"{path}/import/preview", data=form(GERMAN, mapping="[]")))["problems"]


async def test_all_problems_of_an_import_can_be_downloaded(api: Api, path: str) -> None:
    rows = "=phone,contact_name\n" + "rubbish,Bob\n" * 1500 + "+493012345678,Ann\n"
    report = await api.done("POST", f"{path}/import", data=form(rows, mapping='{"=phone": "phone_number"}'))
    assert (report["imported"], report["refused"], len(report["problems"])) == (1, 1500, 1000)
    headers = {"Authorization": f"Bearer {api.tokens[Role.VIEWER]}"}
    async with api.client.get(f"/api/v1/imports/{report['import_id']}/problems.csv", headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "text/csv")
        assert f"import-{report['import_id']}-problems.csv" in answer.headers["Content-Disposition"]
        header, *lines = csv.reader(io.StringIO(await answer.text()))
    assert header == ["line", "column", "problem", "what_to_do"]
    assert [line[0] for line in lines] == [str(line) for line in range(2, 1502)]
    assert lines[0][1] == "'=phone", "a header that looks like a formula is kept as text"
    await api.refused(404, "GET", "/imports/12345/problems.csv")


async def test_imports_are_listed_also_those_of_which_nothing_went_in(api: Api, path: str) -> None:
    for fields in ({}, {"dry_run": "true"}, {"all_or_nothing": "true"}):
        await api.done("POST", f"{path}/import", data=form(GERMAN, **MAPPED, **fields))
    listed = path.replace("/contacts", "/imports")
    page = await api.done("GET", f"{listed}?limit=2", Role.VIEWER)
    assert [(each["kept"], each["dry_run"], each["imported"]) for each in page["items"]] == [(False, False, 0), (False, True, 0)]
    (first,) = (await api.done("GET", f"{listed}?limit=2&cursor={page['next_cursor']}"))["items"]
    assert (first["kept"], first["imported"], first["refused"], first["file_name"]) == (True, 1, 1, "people.csv")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (random.Random(1).randbytes(10 * MB), "not text"),
        (b"x" * 10 * MB, "line"),
        (b"," * MB, "columns"),
        (b'phone_number\n"' + b"+493012345678\n" * (10 * MB // 14), "quote"),
        (bytes(10 * MB), "zero bytes"),
        (b"PK\x03\x04" + random.Random(1).randbytes(MB), "Excel"),
    ],
    ids=("random bytes", "one line", "a million commas", "an unclosed quote", "zero bytes", "a workbook"),
)
async def test_garbage_is_answered_clearly_and_nothing_goes_in(api: Api, path: str, database: Database, data: bytes, says: str) -> None:
    for address in (f"{path}/import", f"{path}/import/preview"):
        assert says in (await api.refused(422, "POST", address, data=form(data)))["problems"]["file"]
    assert await contacts(database) == 0


async def test_a_file_that_is_too_large_is_answered_so(api: Api, path: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "CSV_LIMIT", MB)
    said = await api.refused(413, "POST", f"{path}/import", data=form("phone_number\n" + "+493012345678\n" * 100_000))
    assert "split it" in said["detail"]
    said = await api.refused(413, "POST", f"{path}/import", data=form("phone\n+493012345678\n", mapping="x" * 70_000))
    assert "mapping" in said["detail"]
    assert await contacts(database) == 0


async def test_a_full_disk_is_named(api: Api, path: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports.tempfile, "TemporaryFile", functools.partial(open, "/dev/full", "w+b"))
    said = await api.refused(503, "POST", f"{path}/import", data=form(GERMAN, **MAPPED))
    assert "disk" in said["detail"]
    assert await contacts(database) == 0


async def test_a_form_that_breaks_off_is_refused(api: Api, path: str, database: Database) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nphone_number\n+493012345678\n'
    for content_type in ("multipart/form-data; boundary=x", "multipart/form-data"):
        said = await api.refused(400, "POST", f"{path}/import", data=body, headers={"Content-Type": content_type})
        assert "send it again" in said["detail"]
    assert await contacts(database) == 0


async def test_a_client_that_leaves_in_mid_upload_leaves_nothing(
    api: Api, path: str, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened, closed = asyncio.Event(), asyncio.Event()

    @contextmanager
    def watched() -> Iterator[BinaryIO]:
        try:
            with TemporaryFile() as file:
                opened.set()
                yield file
        finally:
            closed.set()

    monkeypatch.setattr(imports.tempfile, "TemporaryFile", watched)
    _, writer = await asyncio.open_connection(api.client.host, api.client.port)
    head = f"POST /api/v1{path}/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.tokens[Role.OPERATOR]}\r\n"
    part = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nphone_number\n+493012345678\n'
    writer.write(f"{head}Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n{part}".encode())
    await writer.drain()
    await opened.wait()
    writer.close()
    await writer.wait_closed()
    await closed.wait()
    assert await contacts(database) == 0
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_full_disk_of_the_database_is_named(api: Api, path: str, database: Database) -> None:
    await database.pool.execute(
        """create function full_disk() returns trigger language plpgsql as
           $$ begin raise exception 'could not extend file' using errcode = 'disk_full'; end $$;
           create trigger full_disk before insert on contacts execute function full_disk()"""
    )
    said = await api.refused(503, "POST", f"{path}/import", data=form(GERMAN, **MAPPED))
    assert "disk of the database" in said["detail"]
