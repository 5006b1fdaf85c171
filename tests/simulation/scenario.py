"""What a seed is about: campaigns, people, processes, and how unkind the world is. Drawn once, at the beginning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")

# Days on which the clock changes somewhere, and days on which it does not.
_DAYS = (
    datetime(2030, 3, 31, tzinfo=UTC),
    datetime(2030, 10, 27, tzinfo=UTC),
    datetime(2030, 3, 10, tzinfo=UTC),
    datetime(2030, 11, 3, tzinfo=UTC),
    datetime(2030, 5, 15, tzinfo=UTC),
    datetime(2030, 5, 17, tzinfo=UTC),
    datetime(2030, 12, 31, tzinfo=UTC),
)
_ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC")
_OWN_ZONES = (*[None] * 8, "Europe/Berlin", "Europe/Berlin", "America/Los_Angeles", "Australia/Lord_Howe", "Nowhere/Land")
VARIABLE = "appointment_date"


@dataclass(frozen=True, slots=True)
class Person:
    """A contact to add. `variables`: may lack what the agent needs."""

    number: str
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """A campaign to create: which agent and which of our numbers (by their place), the rest of its settings, and its people."""

    agent: int
    line: int
    settings: Mapping[str, Any]
    people: Sequence[Person]


@dataclass(frozen=True, slots=True)
class LinePlan:
    e164: str
    concurrency: int | None
    calls_per_second: float | None


@dataclass(frozen=True, slots=True)
class Unkindness:
    """Shares (0 to 1) of what goes wrong.

    At one step of the world: `kill` and `stop` (SIGTERM) of a process, `freeze` (a standstill), `verb` (an operator's deed). At one
    statement: `cut` of its connection, `hold` until others have gone on. `ambush`: of claims that an operator forbids before their flip.
    `post`, `look_up`: of requests and look-ups. `late`, `doubled`, `never`: of webhooks. `broken`: of media streams whose call goes on.
    `last`: of each process but one, when the quiet begins.
    """

    kill: float
    cut: float
    verb: float
    post: float
    late: float
    doubled: float
    never: float
    look_up: float
    stop: float
    freeze: float
    hold: float
    ambush: float
    broken: float
    last: float


KIND = Unkindness(
    kill=0, cut=0, verb=0, post=0, late=0, doubled=0, never=0, look_up=0, stop=0, freeze=0, hold=0, ambush=0, broken=0, last=0
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`accounts`: calls per second of each. `processes`: calls that each may hold. `busy_calls`: attempts until the quiet begins;
    `stubborn`: how likely the one who has just done a step does the next; `clock_skew_s`: of the carrier's clock."""

    began_at: datetime
    calls_per_second: float
    lines: Sequence[LinePlan]
    campaigns: Sequence[CampaignPlan]
    numbers: Sequence[str]
    processes: Sequence[int]
    interval_s: float
    busy_calls: int
    stubborn: float
    unkindness: Unkindness
    answer_share: float
    clock_skew_s: float


def draw(rng: Random) -> Scenario:
    """The scenario of a seed."""
    began_at = rng.choice(_DAYS) + timedelta(hours=rng.choice((0, 6, 8, 9, 12, 15, 18, 20)), minutes=rng.choice((0, 29, 58)))
    numbers = _numbers(rng)
    lines = [
        LinePlan(f"+49301234{place}", _maybe(rng, 0.3, rng.randint(1, 3)), _maybe(rng, 0.3, rng.choice((0.2, 1.0, 5.0))))
        for place in range(rng.choice((1, 1, 2)))
    ]
    campaigns: list[CampaignPlan] = []
    for _ in range(rng.choice((1, 1, 2, 2, 3))):
        people = _people(rng, numbers)
        settled = settings(rng, began_at)
        if campaigns and rng.random() < 0.5:  # the same people at the same hours, twice
            people, settled = campaigns[0].people, dict(campaigns[0].settings) | {"concurrency": settled["concurrency"]}
        campaigns.append(CampaignPlan(rng.choice((0, 0, 1)), rng.randrange(len(lines)), settled, people))
    return Scenario(
        began_at=began_at,
        calls_per_second=rng.choice((0.5, 1.0, 5.0, 100.0)),
        lines=lines,
        campaigns=campaigns,
        numbers=numbers,
        processes=[rng.choice((1, 2, 3, 100)) for _ in range(rng.choice((1, 1, 2, 2, 3)))],
        interval_s=rng.choice((4.0, 10.0, 10.0, 20.0)),
        busy_calls=rng.choice((4, 8, 12)),
        stubborn=rng.choice((0.0, 0.5, 0.9)),
        unkindness=_unkindness(rng),
        answer_share=rng.choice((0.3, 0.6, 0.9)),
        clock_skew_s=rng.choice((0.0, 0.0, 0.0, -10.0, 10.0)),
    )


def settings(rng: Random, now: datetime) -> dict[str, Any]:
    """Settings of a campaign, without its name, agent and number."""
    retries = rng.choice((0, 1, 2, 2))
    opens, closes = rng.choice(
        (*[(None, None)] * 4, (time(9), time(17)), (time(20), time(2)), (time(0), time(0)), (time(2, 30), time(3, 30)))
    )
    if rng.random() < 0.2:  # one that closes, or opens, within minutes
        soon = now + timedelta(minutes=rng.choice((1, 3, 10)))
        opens, closes = rng.choice(((time(0), soon.time()), (soon.time(), time(23, 59))))
    per_24h = rng.choice((1, 3, 3, 10))
    return {
        "concurrency": rng.choice((1, 2, 3, 10)),
        "max_retries": retries,
        "retry_delay_min": rng.choice((1, 2, 30)) if retries or rng.random() < 0.2 else None,
        "throttle_delay_ms": rng.choice((None, None, 1, 700, 15_000)),
        "start_time": opens,
        "end_time": closes,
        "timezone": rng.choice(_ZONES),
        "weekdays": rng.choice(
            ((1, 2, 3, 4, 5, 6, 7), (1, 2, 3, 4, 5, 6, 7), (1, 2, 3, 4, 5), (6, 7), tuple(sorted({now.isoweekday(), 3})))
        ),
        "scheduled_start": now + timedelta(seconds=rng.choice((20, 600, 90_000))) if rng.random() < 0.15 else None,
        "retry_on_voicemail": rng.random() < 0.3,
        "retry_on_dropped": rng.random() < 0.7,
        "local_hours": rng.random() < 0.4,
        "ring_timeout_s": rng.choice((5, 20, 30)),
        "max_per_24h": per_24h,
        "max_per_7d": max(per_24h, rng.choice((1, 3, 7))),
        "pilot_size": _maybe(rng, 0.15, rng.randint(1, 3)),
    }


def person(rng: Random, number: str) -> Person:
    """Somebody with that number, who may lack what an agent needs."""
    zone = rng.choice(_OWN_ZONES)
    variables = {"timezone": zone} if zone else {}
    if rng.random() < 0.92:
        variables[VARIABLE] = "Monday"
    return Person(number, variables)


def _people(rng: Random, numbers: Sequence[str]) -> Sequence[Person]:
    return [person(rng, number) for number in rng.sample(numbers, min(rng.randint(1, 6), len(numbers)))]


def _numbers(rng: Random) -> list[str]:
    """The callees of this world: in Berlin, in New York, and where nobody knows."""
    kinds = rng.choices(("+493055501{:03}", "+1212555{:04}", "+882161234{:04}"), (6, 3, 1), k=rng.randint(2, 8))
    return [kind.format(place) for place, kind in enumerate(kinds)]


def _unkindness(rng: Random) -> Unkindness:
    hard = rng.choice((0.5, 1.0, 2.0, 3.0))
    return Unkindness(
        kill=hard * rng.choice((0, 0.002, 0.006)),
        cut=hard * rng.choice((0, 0, 0.004)),
        verb=rng.choice((0, 0.01, 0.03)),
        post=min(0.9, hard * rng.choice((0.1, 0.3, 0.5))),
        late=hard * rng.choice((0, 0.1, 0.3)),
        doubled=hard * rng.choice((0, 0.2)),
        never=hard * rng.choice((0, 0.05, 0.3)),
        look_up=hard * rng.choice((0, 0.15)),
        stop=hard * rng.choice((0, 0, 0.001)),
        freeze=hard * rng.choice((0, 0, 0.01)),
        hold=hard * rng.choice((0, 0.05, 0.15)),
        ambush=rng.choice((0, 0.1, 0.3)),
        broken=min(0.8, hard * rng.choice((0, 0.5))),
        last=0.8,
    )


def _maybe(rng: Random, share: float, value: T) -> T | None:
    return value if rng.random() < share else None
