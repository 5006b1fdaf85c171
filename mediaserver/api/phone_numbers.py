"""/phone-numbers: where calls come from."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from db.audit import audit
from db.queries import load
from db.rows import PhoneNumberRow
from dialer.phone_numbers import read_number
from mediaserver.api.models import Answer, Body, Id, Page, PageQuery, page_of
from mediaserver.api.problems import Problem
from mediaserver.api.routes import Asked, Route
from mediaserver.identity import Role

_queries = load("phone_numbers")


class PhoneNumberAnswer(Answer):
    """`concurrency`, `calls_per_second`: null where only the carrier account's limits count; `rehearsal`: reaches no real person."""

    id: Id
    number: str
    label: str
    carrier_account: str
    rehearsal: bool
    concurrency: int | None
    calls_per_second: float | None
    created_at: datetime


class NewPhoneNumber(Body):
    """`number`: with country code. `carrier_account`: may be left out where there is only one."""

    number: str
    label: str = Field(default="", max_length=200)
    carrier_account: str | None = None
    concurrency: int | None = Field(default=None, ge=1, le=1000)
    calls_per_second: float | None = Field(default=None, gt=0, le=100)


class PhoneNumberChange(Body):
    label: str | None = Field(default=None, max_length=200)
    concurrency: int | None = Field(default=None, ge=1, le=1000)
    calls_per_second: float | None = Field(default=None, gt=0, le=100)


async def list_phone_numbers(asked: Asked[PageQuery, None]) -> Page[PhoneNumberAnswer]:
    """All numbers that campaigns may call from, oldest first."""
    query = asked.query
    found = _queries.list_phone_numbers(asked.database.pool, after=query.position or 0, at_most=query.limit + 1)
    return page_of(PhoneNumberAnswer, [row async for row in found], query.limit)


async def get_phone_number(asked: Asked[None, None]) -> PhoneNumberAnswer:
    """One number."""
    return PhoneNumberAnswer.of(await _found(asked, asked.id("phone_number_id")))


async def add_phone_number(asked: Asked[None, NewPhoneNumber]) -> PhoneNumberAnswer:
    """Adds a number that the carrier account owns."""
    body = asked.body
    number = read_number(body.number)
    async with asked.database.transaction() as connection:
        accounts = {row["name"]: row["id"] async for row in _queries.carrier_accounts(connection)}
        number_id = await _queries.add_phone_number(
            connection,
            number=number,
            label=body.label,
            carrier_account_id=_account(accounts, body.carrier_account),
            concurrency=body.concurrency,
            calls_per_second=body.calls_per_second,
        )
        if number_id is None:
            raise Problem(409, f"the number {number} is there already: change it instead", {"number": "is there already"})
        await audit(connection, asked.actor, "phone_number.add", f"phone number {number_id}", {"label": body.label})
    return PhoneNumberAnswer.of(await _found(asked, number_id))


async def change_phone_number(asked: Asked[None, PhoneNumberChange]) -> PhoneNumberAnswer:
    """Changes label and limits; what is left out stays as it is, null takes a limit away."""
    current = await _found(asked, asked.id("phone_number_id"))
    changes = asked.body.model_dump(exclude_unset=True)
    async with asked.database.transaction() as connection:
        await _queries.change_phone_number(
            connection,
            id=current.id,
            label=changes.get("label") if changes.get("label") is not None else current.label,
            concurrency=changes.get("concurrency", current.concurrency),
            calls_per_second=changes.get("calls_per_second", current.calls_per_second),
        )
        await audit(connection, asked.actor, "phone_number.change", f"phone number {current.id}", {"fields": sorted(changes)})
    return PhoneNumberAnswer.of(await _found(asked, current.id))


async def delete_phone_number(asked: Asked[None, None]) -> None:
    """Takes a number out of the list, unless a campaign that is not over uses it."""
    current = await _found(asked, asked.id("phone_number_id"))
    async with asked.database.transaction() as connection:
        if await _queries.delete_phone_number(connection, id=current.id) is None:
            raise _in_use([row["name"] async for row in _queries.campaigns_that_use(connection, id=current.id)])
        await audit(connection, asked.actor, "phone_number.delete", f"phone number {current.id}", {"label": current.label})


async def _found(asked: Asked[Any, Any], number_id: int) -> PhoneNumberRow:
    row: PhoneNumberRow | None = await _queries.get_phone_number(asked.database.pool, id=number_id)
    if row is None:
        raise Problem(404, f"there is no phone number {number_id}")
    return row


def _in_use(names: Sequence[str]) -> Problem:
    """Says which campaigns keep a number from being deleted: the first three by name."""
    if len(names) == 1:
        return Problem(409, f"the campaign “{names[0]}” uses this number and is not over: give it another one, or cancel it first")
    named = ", ".join(f"“{name}”" for name in names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return Problem(409, f"campaigns that are not over use this number: {named}. Give them another one, or cancel them first")


def _account(accounts: dict[str, int], wanted: str | None) -> int:
    """The account of that name, or the only one."""
    if not accounts:
        raise Problem(409, "there is no carrier account yet: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN and start the media server")
    if wanted is None and len(accounts) == 1:
        return next(iter(accounts.values()))
    if wanted is None or wanted not in accounts:
        said = f"name one of: {', '.join(accounts)}"
        raise Problem(422, f"carrier_account: {said}", {"carrier_account": said})
    return accounts[wanted]


ROUTES = (
    Route("GET", "/phone-numbers", list_phone_numbers, Role.VIEWER),
    Route("POST", "/phone-numbers", add_phone_number, Role.OPERATOR, status=201, once=True),
    Route("GET", "/phone-numbers/{phone_number_id}", get_phone_number, Role.VIEWER),
    Route("PATCH", "/phone-numbers/{phone_number_id}", change_phone_number, Role.OPERATOR),
    Route("DELETE", "/phone-numbers/{phone_number_id}", delete_phone_number, Role.OPERATOR),
)
