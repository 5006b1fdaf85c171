"""How long the database takes for a page of each table at a million contacts and a million calls, as the dashboard asks for it."""

import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from benchmarks.dashboard.house import House
from dashboard.data import CallFilter, CampaignFilter, Data
from dashboard.reads import agents, analytics, phone_numbers, suppressions
from dashboard.source import source
from mediaserver.figure import Figure
from mediaserver.seeding import FREQUENT, RARE

NAME, GOAL = "dashboard.table_page_1m_ms", "<= 150"
WARM, ASKED = 3, 15
ZONE = "Europe/Berlin"

Ask = Callable[[], object]


def figures(house: House, runs: int) -> Iterable[Figure]:
    """A run asks each kind of page some times; the value is the median of the worst kind."""
    os.environ["DATABASE_URL"] = house.database_url
    data = Data(source())
    kinds = {**_contacts(data, house.large), **_calls(data, house.large), **_lists(data), **_analytics()}
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(runs):
        for kind, ask in kinds.items():
            taken[kind].append(_median_ms(ask))
    source.clear()
    medians = {kind: statistics.median(values) for kind, values in taken.items()}
    worst = max(medians, key=medians.__getitem__)
    told = ", ".join(f"{kind} {value:.1f}" for kind, value in sorted(medians.items(), key=lambda each: -each[1]))
    yield Figure.measured(NAME, taken[worst], "ms", GOAL, f"worst: {worst}; medians: {told}")


def _contacts(data: Data, campaign: int) -> Mapping[str, Ask]:
    middle = data.contacts(campaign, None, "", None)[0].id + 500_000
    some = data.contacts(campaign, None, "", middle)[0]
    return {
        "contacts": lambda: data.contacts(campaign, None, "", None),
        "contacts, deep": lambda: data.contacts(campaign, None, "", middle),
        "contacts by status": lambda: data.contacts(campaign, "failed", "", middle),
        "contacts by name": lambda: data.contacts(campaign, None, some.name, None),
        "contacts by number": lambda: data.contacts(campaign, None, some.number, None),
        "contacts by a name that nobody has": lambda: data.contacts(campaign, None, "Xylophone", None),
        "contacts by name, masked": lambda: data.contacts(campaign, None, some.name, None, masked=True),
    }


def _calls(data: Data, campaign: int) -> Mapping[str, Ask]:
    now = datetime.now(UTC)
    asked = {
        "all": CallFilter(),
        "outcome": CallFilter(outcome="no_answer"),
        "goal and sentiment": CallFilter(goal="met", sentiment="positive"),
        "dates": CallFilter(since=now - timedelta(days=20), until=now - timedelta(days=10)),
        "a frequent word": CallFilter(words=FREQUENT),
        "a rare word": CallFilter(words=RARE),
        "a word and an outcome": CallFilter(words=RARE, outcome="person"),
    }
    middle = data.calls(campaign, CallFilter(), None)[0].id - 500_000
    kinds: dict[str, Ask] = {f"calls by {name}": lambda wanted=wanted: data.calls(campaign, wanted, None) for name, wanted in asked.items()}
    return kinds | {"calls, deep": lambda: data.calls(campaign, CallFilter(), middle)}


def _lists(data: Data) -> Mapping[str, Ask]:
    numbers = [each.id for each in phone_numbers.numbers()]
    return {
        "campaigns": lambda: data.campaigns(CampaignFilter()),
        "agents": lambda: agents.agents(""),
        "phone numbers": lambda: phone_numbers.numbers(),
        "phone numbers, their health": lambda: phone_numbers.answered_by_day(numbers, ZONE),
        "do-not-call list": lambda: suppressions.entries(suppressions.EntryFilter()),
        "do-not-call list, searched": lambda: suppressions.entries(suppressions.EntryFilter(digits="77777")),
    }


def _analytics() -> Mapping[str, Ask]:
    now = datetime.now(UTC)
    scope = analytics.Scope(since=now - timedelta(days=90), until=now, zone=ZONE, is_rehearsal=True)
    return {
        "analytics by day": lambda: analytics.by_day(scope),
        "analytics by hour": lambda: analytics.by_hour(scope),
        "analytics by try": lambda: analytics.by_try(scope),
        "analytics, first words": lambda: analytics.first_words(scope),
        "analytics by campaign": lambda: analytics.by_thing(scope, "campaign"),
    }


def _median_ms(ask: Ask) -> float:
    taken = []
    for _ in range(WARM + ASKED):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken[WARM:])
