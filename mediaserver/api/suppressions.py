"""/suppressions: the do-not-call list."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import BinaryIO

from aiohttp import web
from pydantic import Field

from dialer import suppressions
from dialer.phone_numbers import read_number
from dialer.suppression_import import MAX_REASON, ListOptions, import_list, problems_csv
from mediaserver.api.imports import RowProblemAnswer, csv_file, read_form, temporary_file
from mediaserver.api.models import Answer, Body, Id, Page, PageQuery, PhoneNumber, Said, page_of
from mediaserver.api.routes import Asked, Route
from mediaserver.identity import Role


class SuppressionAnswer(Answer):
    """`source`: call, operator or import; `call_id`: in which somebody asked for it; `removed_at`: since when it may be called again."""

    id: Id
    number: PhoneNumber
    rehearsal: bool
    reason: Said
    source: str
    call_id: Id | None
    added_by: str
    added_at: datetime
    removed_at: datetime | None


class NewSuppression(Body):
    """`number`: with country code. `rehearsal`: on the list of calls that reach no real person."""

    number: str
    reason: str = Field(min_length=1, max_length=MAX_REASON)
    rehearsal: bool = False


class ListImportQuery(Body):
    """May also be sent as fields of the form. `reason`: of numbers that have none in a column `reason`; `default_region`: the country of
    numbers without country code; `dry_run`: only say what would happen."""

    reason: str = Field(default="on an imported list", min_length=1, max_length=MAX_REASON)
    rehearsal: bool = False
    default_region: str | None = Field(default=None, pattern="^[A-Za-z]{2}$")
    dry_run: bool = False


class ListImportAnswer(Answer):
    """Of all `rows`, each is `added` (would be, on a dry run), `standing` on the list already, one of `duplicates` or `refused`;
    `problems`: the first 1,000 of those refused; /suppressions/import/problems.csv has them all."""

    rows: int
    added: int
    standing: int
    duplicates: int
    refused: int
    problems: list[RowProblemAnswer]
    dry_run: bool


class SuppressionsQuery(PageQuery):
    search: str = Field(default="", max_length=20, description="digits of the number")
    rehearsal: bool = False


async def list_suppressions(asked: Asked[SuppressionsQuery, None]) -> Page[SuppressionAnswer]:
    """Numbers that are not called, newest first."""
    query = asked.query
    found = await suppressions.page(
        asked.database,
        rehearsal=query.rehearsal,
        search=query.search,
        masked=asked.masked,
        after_id=query.position,
        page_size=query.limit + 1,
    )
    return page_of(SuppressionAnswer, found, query.limit)


async def add_suppression(asked: Asked[None, NewSuppression]) -> SuppressionAnswer:
    """No campaign calls this number any more, from this answer on; a number that stands there keeps its entry."""
    body = asked.body
    number = read_number(body.number)
    entry = await suppressions.add(
        asked.database, number, reason=body.reason, source="operator", actor=asked.actor, rehearsal=body.rehearsal
    )
    return SuppressionAnswer.of(entry)


async def import_suppressions(asked: Asked[ListImportQuery, None]) -> ListImportAnswer:
    """Adds a list of up to 100,000 numbers, sent as the part `file` of a form: a CSV, or one number a line. From this answer on no
    campaign calls any of them; bad rows are reported, the good ones go in."""
    async with _sent(asked) as (file, options):
        return ListImportAnswer.of(await import_list(asked.database, file, actor=asked.actor, options=options))


async def list_problems(asked: Asked[ListImportQuery, None]) -> web.StreamResponse:
    """Every bad row of a list, sent as for an import, as a CSV: line, column, problem, what to do. Adds nothing, and keeps nothing."""
    async with _sent(asked) as (file, options):
        pieces = await problems_csv(file, options)
    return await csv_file(asked.request, "do-not-call-problems.csv", pieces)


@asynccontextmanager
async def _sent(asked: Asked[ListImportQuery, None]) -> AsyncIterator[tuple[BinaryIO, ListOptions]]:
    """The list that was sent, and how to read it."""
    with temporary_file() as file:
        _, fields = await read_form(asked.request, file)
        query = ListImportQuery.model_validate({**asked.request.query, **fields})
        yield (
            file,
            ListOptions(
                reason=query.reason,
                rehearsal=query.rehearsal,
                default_region=query.default_region.upper() if query.default_region else None,
                dry_run=query.dry_run,
            ),
        )


async def get_suppression(asked: Asked[None, None]) -> SuppressionAnswer:
    """One entry, standing or removed."""
    return SuppressionAnswer.of(await suppressions.get(asked.database, asked.id("suppression_id")))


async def remove_suppression(asked: Asked[None, None]) -> None:
    """The number may be called again."""
    await suppressions.remove(asked.database, asked.id("suppression_id"), actor=asked.actor)


ROUTES = (
    Route("GET", "/suppressions", list_suppressions, Role.VIEWER),
    Route("POST", "/suppressions", add_suppression, Role.OPERATOR, status=201),
    Route("POST", "/suppressions/import", import_suppressions, Role.OPERATOR, upload=True),
    Route("POST", "/suppressions/import/problems.csv", list_problems, Role.OPERATOR, upload=True, file_type="text/csv"),
    Route("GET", "/suppressions/{suppression_id}", get_suppression, Role.VIEWER),
    Route("DELETE", "/suppressions/{suppression_id}", remove_suppression, Role.OPERATOR),
)
