"""Numbers that campaigns call from, as their page reads them: limits, who uses them, and how many of their calls are answered."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dashboard.data import PAGE_SIZE
from dashboard.source import source
from db.queries import load

DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberLine:
    """A number. `number`: E.164; `concurrency`, `calls_per_second`: its own limits, None for none. `campaign_ids`, `campaign_names`: of
    the campaigns that are not over and call from it, oldest first; `calls_now`: in progress."""

    id: int
    number: str
    label: str
    concurrency: int | None
    calls_per_second: float | None
    account: str
    rehearsal: bool
    account_calls_per_second: float
    campaign_ids: Sequence[int]
    campaign_names: Sequence[str]
    calls_now: int


@dataclass(frozen=True, slots=True)
class Account:
    """An account at a carrier. `rehearsal`: its calls reach no real person."""

    name: str
    rehearsal: bool
    calls_per_second: float


@dataclass(frozen=True, slots=True)
class Day:
    """Ended calls of a number on a day that had some."""

    number_id: int
    day: date
    calls: int
    answered: int


_queries = load("dashboard_phone_numbers", sys.modules[__name__])


def numbers(after_id: int | None = None) -> list[NumberLine]:
    """A page of the numbers that follow `after_id`, oldest first; one more than PAGE_SIZE where there is a next page."""
    return source().many(_queries.numbers_page, only_id=None, after_id=after_id, page_size=PAGE_SIZE + 1)


def number(number_id: int) -> NumberLine | None:
    """The number, or None where there is none of that id."""
    found = source().many(_queries.numbers_page, only_id=number_id, after_id=None, page_size=1)
    return found[0] if found else None


def accounts() -> list[Account]:
    """The carrier accounts, oldest first."""
    return source().many(_queries.accounts)


def answered_by_day(number_ids: Sequence[int], zone: str) -> dict[int, list[Day]]:
    """Of each number that was called from in the last DAYS days, the days with calls, oldest first. `zone`: an IANA name."""
    found: dict[int, list[Day]] = {}
    for day in source().many(_queries.answered_by_day, numbers=list(number_ids), zone=zone, days=DAYS):
        found.setdefault(day.number_id, []).append(day)
    return found
