"""/suppressions: the do-not-call list."""

from datetime import datetime

from pydantic import Field

from dialer import suppressions
from dialer.phone_numbers import read_number
from mediaserver.api.models import Answer, Body, Id, Page, PageQuery, PhoneNumber, page_of
from mediaserver.api.routes import Asked, Route
from mediaserver.identity import Role


class SuppressionAnswer(Answer):
    """`source`: call, operator or import; `call_id`: in which somebody asked for it; `removed_at`: since when it may be called again."""

    id: Id
    number: PhoneNumber
    rehearsal: bool
    reason: str
    source: str
    call_id: Id | None
    added_by: str
    added_at: datetime
    removed_at: datetime | None


class NewSuppression(Body):
    """`number`: with country code. `rehearsal`: on the list of calls that reach no real person."""

    number: str
    reason: str = Field(min_length=1, max_length=500)
    rehearsal: bool = False


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


async def get_suppression(asked: Asked[None, None]) -> SuppressionAnswer:
    """One entry, standing or removed."""
    return SuppressionAnswer.of(await suppressions.get(asked.database, asked.id("suppression_id")))


async def remove_suppression(asked: Asked[None, None]) -> None:
    """The number may be called again."""
    await suppressions.remove(asked.database, asked.id("suppression_id"), actor=asked.actor)


ROUTES = (
    Route("GET", "/suppressions", list_suppressions, Role.VIEWER),
    Route("POST", "/suppressions", add_suppression, Role.OPERATOR, status=201),
    Route("GET", "/suppressions/{suppression_id}", get_suppression, Role.VIEWER),
    Route("DELETE", "/suppressions/{suppression_id}", remove_suppression, Role.OPERATOR),
)
