"""How long the database takes for a page of each table at a million contacts and a million calls, as the dashboard asks for it."""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from benchmarks.dashboard.house import House
from dashboard.background import Background
from dashboard.data import CallFilter, CampaignFilter, Data
from dashboard.source import Source
from mediaserver.figure import Figure
from mediaserver.seeding import FREQUENT, RARE

NAME, GOAL = "dashboard.table_page_1m_ms", "<= 150"
WARM, ASKED = 3, 15

Ask = Callable[[], object]


def figures(house: House, runs: int) -> Iterable[Figure]:
    """A run asks each kind of page some times; the value is the median of the worst kind."""
    source = Source(Background(), house.database_url)
    try:
        kinds = {**_contacts(Data(source), house.large), **_calls(Data(source), house.large), **_lists(Data(source))}
        taken: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(runs):
            for kind, ask in kinds.items():
                taken[kind].append(_median_ms(ask))
    finally:
        source.close()
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
    return {"campaigns": lambda: data.campaigns(CampaignFilter())}


def _median_ms(ask: Ask) -> float:
    taken = []
    for _ in range(WARM + ASKED):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken[WARM:])
