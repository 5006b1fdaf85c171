"""What all bodies and answers share: ids as strings, times with zone, pages with a cursor, numbers masked for viewers."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, time
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, SerializationInfo, field_validator

from db.browser_line import in_the_browser
from db.said_numbers import unsaid, unsaid_in
from dialer.phone_numbers import masked


def _masked(number: str, info: SerializationInfo) -> str:
    """Only the last two digits, where the context of the answer says so. Whoever talks in the browser has none."""
    return "*" * (len(number) - 2) + number[-2:] if _hides(info) and not in_the_browser(number) else number


def _variables_masked(values: dict[str, Any], info: SerializationInfo) -> dict[str, Any]:
    """A contact's variables may hold numbers too, in a column beside the first or in a text."""
    return {name: masked(value) for name, value in values.items()} if _hides(info) else values


def _said_masked(text: str, info: SerializationInfo) -> str:
    return unsaid(text) if _hides(info) else text


def _told_masked(value: dict[str, Any], info: SerializationInfo) -> dict[str, Any]:
    told: dict[str, Any] = unsaid_in(value) if _hides(info) else value
    return told


def _hides(info: SerializationInfo) -> bool:
    return isinstance(info.context, dict) and bool(info.context.get("mask_numbers"))


def _text(example: str) -> Callable[[object], object]:
    """A number is no time of ours, though one could take it for seconds."""

    def check(value: object) -> object:
        if value is None or isinstance(value, str | time | datetime):
            return value
        raise ValueError(f"use a text such as {example}")

    return check


ID = re.compile(r"\d{1,18}", re.ASCII)
Id = Annotated[str, BeforeValidator(str), Field(description="an id, as a string", examples=["42"])]
Whole = Annotated[int, Field(strict=True)]
YesNo = Annotated[bool, Field(strict=True)]
WallClock = Annotated[time, BeforeValidator(_text("09:00"))]
Moment = Annotated[datetime, BeforeValidator(_text("2030-01-31T09:00:00+01:00"))]
Version = Annotated[int, Field(ge=1, le=2**31 - 1, description="as it was read")]
PhoneNumber = Annotated[
    str,
    PlainSerializer(_masked),
    Field(description="E.164, viewers see the last two digits only; browser:ID where that user talked to an agent in the browser"),
]
Variables = Annotated[dict[str, Any], PlainSerializer(_variables_masked), Field(description="numbers in them are masked for viewers")]
Said = Annotated[str, PlainSerializer(_said_masked), Field(description="numbers that were said are masked for viewers")]
Told = Annotated[dict[str, Any], PlainSerializer(_told_masked), Field(description="numbers in its texts are masked for viewers")]

T = TypeVar("T")


class Answer(BaseModel):
    """Made from the rows of the layers below, by the names of their fields."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    @classmethod
    def of(cls, row: object) -> Self:
        return cls.model_validate(row)


class Body(BaseModel):
    """Values that somebody sends: an unknown one is an error, so that a misspelt one is not lost in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _can_be_kept(cls, value: object) -> object:
        if _has_zero_byte(value):
            raise ValueError("has a zero byte, which no text can hold: remove it")
        return value


def _has_zero_byte(value: object) -> bool:
    match value:
        case str():
            return "\0" in value
        case dict():
            return any(_has_zero_byte(part) for item in value.items() for part in item)
        case list():
            return any(_has_zero_byte(part) for part in value)
    return False


class PageQuery(Body):
    """`cursor`: `next_cursor` of the page before; leave it out for the first."""

    cursor: str = Field(default="", pattern=r"^\d{0,18}$")
    limit: int = Field(default=50, ge=1, le=200)

    @property
    def position(self) -> int | None:
        """The id of the last item of the page before."""
        return int(self.cursor) if self.cursor else None


class Page(Answer, Generic[T]):
    """`next_cursor` is null on the last page."""

    items: list[T]
    next_cursor: str | None = None


Item = TypeVar("Item", bound=Answer)


def page_of(kind: type[Item], rows: Sequence[object], limit: int) -> Page[Item]:
    """A page from one row more than fits on it: that one only tells that there is a next page."""
    items = [kind.of(row) for row in rows[:limit]]
    last = getattr(rows[limit - 1], "id", None) if len(rows) > limit else None
    return Page[kind](items=items, next_cursor=None if last is None else str(last))  # type: ignore[valid-type]  # a class made for `kind`
