"""/contacts/import: contacts from a CSV, what it would become first, and what came of it."""

import asyncio
import errno
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, BinaryIO

from aiohttp import BodyPartReader, web
from pydantic import Field, field_validator

from dialer import campaigns, contact_import
from dialer.contact_import import PREVIEW_BYTES, ImportOptions, import_contacts
from mediaserver.api.models import Answer, Body, Id, Page, PageQuery, page_of
from mediaserver.api.problems import Problem
from mediaserver.api.routes import MIB, Asked, Route
from mediaserver.identity import Role

CSV_LIMIT = 256 * MIB
_FIELD_LIMIT = 65536
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class PreviewQuery(Body):
    """May also be sent as fields of the form. `mapping`: a JSON object, header -> variable, "" leaves a column out; `default_region`: the
    country of numbers without country code."""

    mapping: str = "{}"
    default_region: str | None = Field(default=None, pattern="^[A-Za-z]{2}$")

    @field_validator("mapping")
    @classmethod
    def _names_to_names(cls, text: str) -> str:
        read = json.loads(text)
        if not isinstance(read, dict) or not all(isinstance(name, str) for name in read.values()):
            raise ValueError('use a JSON object such as {"Mobile": "phone_number"}')
        return text


class ImportQuery(PreviewQuery):
    """As for a preview, and `dry_run`: only say what would happen; `all_or_nothing`: import nothing where a row is bad."""

    dry_run: bool = False
    all_or_nothing: bool = False


class RowProblemAnswer(Answer):
    """`line`: of the file, from 1."""

    line: int
    column: str
    problem: str
    what_to_do: str


class ImportAnswer(Answer):
    """`rows` without header and empty ones; `imported`: went in, or would; `problems`: the first 1,000 of all `refused`, the others are in
    /imports/{import_id}/problems.csv."""

    import_id: Id
    rows: int
    imported: int
    refused: int
    duplicates: int
    encoding: str
    delimiter: str
    columns: dict[str, str]
    problems: list[RowProblemAnswer]
    preview: list[dict[str, str]]
    dry_run: bool
    kept: bool


class PreviewAnswer(Answer):
    """The beginning of the file. `header` and `cells`: as they stand in it, 20 rows at most; `columns`: header -> variable; `contacts`:
    what the rows would become; `why_not`: why the file can't be imported before its columns are mapped otherwise, empty where it can."""

    encoding: str
    delimiter: str
    header: list[str]
    cells: list[list[str]]
    columns: dict[str, str]
    contacts: list[dict[str, str]]
    problems: list[RowProblemAnswer]
    why_not: str


class ImportLine(Answer):
    """An import that is over. `kept`: its good rows went in."""

    id: Id
    file_name: str
    at: datetime
    actor: str
    rows: int
    imported: int
    refused: int
    duplicates: int
    dry_run: bool
    kept: bool


async def import_csv(asked: Asked[ImportQuery, None]) -> ImportAnswer:
    """Imports a CSV, sent as the part `file` of a form, in Draft and Paused. Good rows go in, bad rows are reported."""
    with temporary_file() as file:
        file_name, fields = await read_form(asked.request, file)
        query = ImportQuery.model_validate({**asked.request.query, **fields})
        options = ImportOptions(
            default_region=query.default_region.upper() if query.default_region else None,
            columns=json.loads(query.mapping),
            all_or_nothing=query.all_or_nothing,
            dry_run=query.dry_run,
            file_name=file_name,
        )
        return ImportAnswer.of(await import_contacts(asked.database, asked.id("campaign_id"), file, actor=asked.actor, options=options))


async def preview_csv(asked: Asked[PreviewQuery, None]) -> PreviewAnswer:
    """What the first rows of a CSV would become; sent as for an import. The first MiB of the file is enough, the rest is not read."""
    await campaigns.get(asked.database, asked.id("campaign_id"))
    with temporary_file() as file:
        _, fields = await read_form(asked.request, file, enough=PREVIEW_BYTES)
        query = PreviewQuery.model_validate({**asked.request.query, **fields})
        region = query.default_region.upper() if query.default_region else None
        options = ImportOptions(default_region=region, columns=json.loads(query.mapping))
        return PreviewAnswer.of(await asyncio.to_thread(contact_import.preview, file, options))


async def list_imports(asked: Asked[PageQuery, None]) -> Page[ImportLine]:
    """A campaign's imports, newest first, also those of which nothing went in."""
    query = asked.query
    campaign = await campaigns.get(asked.database, asked.id("campaign_id"))
    found = await contact_import.imports(asked.database, campaign.id, before=query.position, page_size=query.limit + 1)
    lines = [ImportLine(id=str(each.id), file_name=each.file_name, at=each.at, actor=each.actor, **_counts(each.report)) for each in found]
    return page_of(ImportLine, lines, query.limit)


def _counts(report: Mapping[str, Any]) -> dict[str, Any]:
    return {name: report[name] for name in ("rows", "imported", "refused", "duplicates", "dry_run", "kept")}


async def import_problems(asked: Asked[None, None]) -> web.StreamResponse:
    """Every row that an import refused, as a CSV: line, column, problem, what to do."""
    import_id = asked.id("import_id")
    pieces = await contact_import.problems_csv(asked.database, import_id)
    return await csv_file(asked.request, f"import-{import_id}-problems.csv", pieces)


async def csv_file(request: web.Request, name: str, pieces: Iterable[bytes]) -> web.StreamResponse:
    """A CSV of that name, sent piece by piece."""
    headers = {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": f'attachment; filename="{name}"'}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece)
    await response.write_eof()
    return response


@contextmanager
def temporary_file() -> Iterator[BinaryIO]:
    """A file for an upload; it is gone with the block."""
    try:
        with tempfile.TemporaryFile() as file:
            yield file
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        raise Problem(503, "the disk of the media server is full: free some space there, then send the file again") from error


async def read_form(request: web.Request, file: BinaryIO, enough: int = CSV_LIMIT) -> tuple[str, Mapping[str, str]]:
    """The upload into `file`, from its beginning, and no more than about `enough` bytes of it; its name, and the other fields."""
    if not request.content_type.startswith("multipart/"):
        raise Problem(415, "send the CSV as the part `file` of a multipart form: curl -F file=@contacts.csv")
    name, fields = "", {}
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise Problem(400, "a form inside a form: send the parts side by side")
            if part.name == "file":
                name = part.filename or "contacts.csv"
                await _receive(part, file, enough)
            else:
                fields[part.name or ""] = await _field(part)
    except ValueError as error:
        raise Problem(400, "the form is malformed, or breaks off: send it again") from error
    if not name:
        raise Problem(422, "there is no part `file`: send the CSV under that name", {"file": "is required"})
    return name, fields


async def _receive(part: BodyPartReader, file: BinaryIO, enough: int) -> None:
    """The part into `file`, written by a thread: a slow disk keeps no call waiting."""
    size = 0
    while chunk := await part.read_chunk(MIB):
        size += len(chunk)
        if size > CSV_LIMIT:
            raise Problem(413, f"the file is larger than {CSV_LIMIT // MIB} MiB: split it")
        if size - len(chunk) < enough:
            await asyncio.to_thread(file.write, chunk)
    await asyncio.to_thread(file.seek, 0)


async def _field(part: BodyPartReader) -> str:
    text = bytearray()
    while chunk := await part.read_chunk():
        text += chunk
        if len(text) > _FIELD_LIMIT:
            raise Problem(413, f"the field {part.name} has more than {_FIELD_LIMIT} bytes: shorten it")
    return text.decode(errors="replace")


ROUTES = (
    Route("POST", "/campaigns/{campaign_id}/contacts/import", import_csv, Role.OPERATOR, upload=True, once=True),
    Route("POST", "/campaigns/{campaign_id}/contacts/import/preview", preview_csv, Role.OPERATOR, upload=True),
    Route("GET", "/campaigns/{campaign_id}/imports", list_imports, Role.VIEWER),
    Route("GET", "/imports/{import_id}/problems.csv", import_problems, Role.VIEWER, file_type="text/csv"),
)
