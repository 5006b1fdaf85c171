"""What came of calls over a range of days, by time, try, campaign, agent and number: read from counts that are kept as calls end."""

import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, Literal

from dashboard.rows import Choice
from dashboard.source import source
from db.queries import load

Thing = Literal["campaign", "agent", "number"]
Step = Literal["day", "week", "month"]

MOST_LINES = 500


@dataclass(frozen=True, slots=True)
class Ground:
    """The database's time, and whether a call has ended yet."""

    now: datetime
    any_call: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Ended calls of campaigns; withdrawn ones and test calls are none. `people`: calls in which a person was on the line; `met`: of
    these, those that met their goal; `timed`: those that have a duration, `duration_ms` all of them together."""

    calls: int = 0
    answered: int = 0
    people: int = 0
    voicemails: int = 0
    opted_out: int = 0
    timed: int = 0
    duration_ms: int = 0
    met: int = 0

    @property
    def mean_duration_ms(self) -> float | None:
        """None where no call has a duration."""
        return self.duration_ms / self.timed if self.timed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Period(Figures):
    """One day, week or month, named by its first day. Goals and sentiment are those of calls with a person."""

    day: date
    not_met: int
    unclear: int
    positive: int
    neutral: int
    negative: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Figures):
    """One campaign, agent or number."""

    id: int
    label: str


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of a weekday; Monday is 1."""

    weekday: int
    hour: int
    calls: int
    answered: int


@dataclass(frozen=True, slots=True)
class Try:
    """How many calls of this try, from 1, had this outcome."""

    try_: int
    outcome: str | None
    calls: int


@dataclass(frozen=True, slots=True)
class FirstWords:
    """Calls of a period whose agent spoke after at most `first_word_ms`, and more than 20 ms less."""

    day: date
    first_word_ms: int
    calls: int


@dataclass(frozen=True, slots=True)
class Scope:
    """Which calls: from `since` up to but without `until`; None or nothing fits all. Days and hours are those of `zone`, an IANA name."""

    since: datetime
    until: datetime
    zone: str
    step: Step = "day"
    campaigns: tuple[int, ...] = ()
    agent: int | None = None
    phone_number: int | None = None
    is_rehearsal: bool | None = None


_queries = load("dashboard_analytics", sys.modules[__name__])


def ground() -> Ground:
    """What the page has to know before it asks for more."""
    found: Ground = source().one(_queries.ground)
    return found


def campaigns() -> list[Choice]:
    """Campaigns that have begun, newest first."""
    return source().many(_queries.campaigns)


def agents() -> list[Choice]:
    """All agents, deleted ones too."""
    return source().many(_queries.agents)


def phone_numbers() -> list[Choice]:
    """All numbers, deleted ones too."""
    return source().many(_queries.phone_numbers)


def by_day(scope: Scope) -> list[Period]:
    """The figures of each period in which there was a call."""
    return source().many(_queries.by_day, **_filter(scope), zone=scope.zone, step=scope.step)


def by_hour(scope: Scope) -> list[Hour]:
    """The hours of the week in which there was a call."""
    return source().many(_queries.by_hour, **_filter(scope), zone=scope.zone)


def by_try(scope: Scope) -> list[Try]:
    """How each try ended, in the order of the tries."""
    return source().many(_queries.by_try, **_filter(scope))


def first_words(scope: Scope) -> list[FirstWords]:
    """How soon the agent spoke, in the order of time."""
    return source().many(_queries.first_words, **_filter(scope), zone=scope.zone, step=scope.step)


def by_thing(scope: Scope, thing: Thing) -> list[Line]:
    """The figures of each campaign, agent or number, those with the most calls first, MOST_LINES at most."""
    return source().many(_queries.by_thing, **_filter(scope), thing=thing, most=MOST_LINES)


def total(of: Iterable[Figures]) -> Figures:
    """All of them together."""
    summed = {field.name: 0 for field in fields(Figures)}
    for each in of:
        held = asdict(each)
        for name in summed:
            summed[name] += held[name]
    return Figures(**summed)


def percentile(words: Iterable[FirstWords], share: float) -> int | None:
    """The fewest milliseconds within which at least `share` (0 to 1) of the calls had their first word; None without a call."""
    counted: dict[int, int] = {}
    for each in words:
        counted[each.first_word_ms] = counted.get(each.first_word_ms, 0) + each.calls
    wanted, up_to = share * sum(counted.values()), 0
    for ms in sorted(counted):
        up_to += counted[ms]
        if up_to >= wanted:
            return ms
    return None


def _filter(scope: Scope) -> dict[str, Any]:
    return {
        "since": scope.since,
        "until": scope.until,
        "campaigns": list(scope.campaigns) or None,
        "agent": scope.agent,
        "phone_number": scope.phone_number,
        "is_rehearsal": scope.is_rehearsal,
    }
