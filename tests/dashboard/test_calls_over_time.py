"""A campaign's calls over time: in spans that suit how long it has been calling, one bar upon the other."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from dashboard.parts import charts
from dashboard.parts.outcomes_over_time import busiest
from dashboard.rows import OutcomeSpan
from tests.dashboard.conftest import Dashboard, shown
from tests.dashboard.history import add_history
from tests.dashboard.seed import House

BERLIN = ZoneInfo("Europe/Berlin")
NINE, TEN = datetime.fromisoformat("2026-03-02T09:00"), datetime.fromisoformat("2026-03-02T10:00")
SPANS = [OutcomeSpan(NINE, 60, "busy", 2), OutcomeSpan(NINE, 60, "person", 3), OutcomeSpan(TEN, 60, "callback", 4)]


def test_outcomes_stand_upon_each_other_in_one_order() -> None:
    (drawn,) = json.loads(charts.outcomes_over_time(SPANS).to_json())["datasets"].values()
    bars = [(bar["begin"], bar["outcome"], bar["low"], bar["high"]) for bar in drawn]
    assert bars == [
        ("2026-03-02T09:00:00", "Talked to a person", 0, 3),
        ("2026-03-02T09:00:00", "Busy", 3, 5),
        ("2026-03-02T10:00:00", "Talked to a person", 0, 4),
    ]


def test_the_busiest_span_is_told() -> None:
    assert busiest(SPANS, BERLIN) == "9 calls by hour (Europe/Berlin); most, 5, in the hour from Mon 2 Mar, 09:00."
    assert busiest(SPANS[:1], BERLIN) == "2 calls, all in the hour from Mon 2 Mar, 09:00 (Europe/Berlin)."


@pytest.mark.parametrize(("days", "span"), [(28, "day"), (200, "week")])
async def test_a_month_is_told_by_days_and_a_year_by_weeks(dashboard: Dashboard, house: House, days: int, span: str) -> None:
    database = await asyncpg.connect(dashboard.database_url)
    await add_history(database, house, calls=300)
    await database.execute("update call_half_hours set half_hour = half_hour - make_interval(days => $1 - 28) where try = 3", days)
    await database.close()
    page = await dashboard.open("campaign", id=str(house.campaigns["completed"]))
    assert "Calls over time" in shown(page)
    assert f"100 calls by {span} (Europe/Berlin)" in shown(page)
    assert page.get("vega_lite_chart")[0].proto.alt.startswith(f"Calls by {span} and how they ended.")
