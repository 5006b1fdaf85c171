"""The analytics on a real database: figures, filters, plots with their tables, and files."""

from datetime import date

import asyncpg
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Element

from dashboard.parts import charts
from dashboard.parts.analytics_plots import best_and_worst, reached_by_try
from dashboard.parts.analytics_tables import Table, as_csv
from dashboard.reads.analytics import Figures, FirstWords, Hour, Try, percentile, total
from tests.dashboard.conftest import Dashboard, kept, shown
from tests.dashboard.history import add_history
from tests.dashboard.seed import House

DAY = date(2026, 3, 2)


@pytest.fixture
async def history(dashboard: Dashboard, house: House) -> House:
    """The house with a month of calls."""
    database = await asyncpg.connect(dashboard.database_url)
    await add_history(database, house, 1200)
    await database.close()
    return house


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: str(metric.value) for metric in page.metric}


def exports(page: AppTest) -> list[str]:
    return [str(button.proto.label) for button in page.get("download_button") if isinstance(button, Element)]


async def test_before_the_first_call_the_page_says_what_to_do(dashboard: Dashboard) -> None:
    page = await dashboard.open("analytics")
    assert "No call has ended yet. Start a campaign" in shown(page)
    assert not page.metric


async def test_the_figures_are_those_of_the_calls_and_few_calls_claim_nothing(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("analytics")
    assert metrics(page) == {
        "Calls": "24", "Answered": "75%", "People reached": "15", "Goal rate": "60%", "Average duration": "19 s", "Voicemail": "17%",
        "Opted out": "3",
    }  # fmt: skip
    words = shown(page)
    assert "No hour of the week has 20 calls yet" in words or "Only " in words or "Most are answered on" in words
    assert "Talked to a person in Try 1: 50% of 24 calls" in words
    assert "Withdrawn calls and test calls are not counted" in words


async def test_filters_narrow_every_figure_and_one_that_fits_nothing_says_so(dashboard: Dashboard, history: House) -> None:
    page = await dashboard.open("analytics")
    assert metrics(page)["Calls"] == "1,224"
    page.multiselect(key="analytics_campaigns").select(history.campaigns["completed"])
    await dashboard.draw(page)
    assert metrics(page)["Calls"] == "400"
    by_campaign = next(frame.value for frame in page.dataframe if "Campaign" in frame.value.columns)
    assert list(by_campaign["Campaign"]) == ["October reminders"]
    page.selectbox(key="analytics_period").select("Last 7 days")
    await dashboard.draw(page)
    week = "planned_at >= date_trunc('day', callwright_now(), 'UTC') - interval '6 days'"
    asked = f"select count(*) from calls where campaign_id = $1 and {week}"
    assert int(metrics(page)["Calls"]) == await kept(dashboard, asked, history.campaigns["completed"]) < 400
    page.selectbox(key="analytics_kind").select("Real")
    await dashboard.draw(page)
    assert "No call fits. Choose more days, or take away a filter above." in shown(page)


async def test_days_are_those_of_the_zone_and_until_before_from_is_told(dashboard: Dashboard, history: House) -> None:
    page = await dashboard.open("analytics")
    page.selectbox(key="analytics_zone").select("Asia/Kolkata")
    page.selectbox(key="analytics_period").select("Days that you choose")
    await dashboard.draw(page)
    assert "Days and hours are those of **Asia/Kolkata**" in shown(page)
    hours = next(frame.value for frame in page.dataframe if "Weekday" in frame.value.columns)
    database = await asyncpg.connect(dashboard.database_url)
    counted = await database.fetch(
        """select to_char(planned_at at time zone 'Asia/Kolkata', 'Dy HH24:00') as hour, count(*) as calls, count(answered_at) as answered
           from calls where state = 'ended' group by 1"""
    )
    await database.close()
    told = {f"{day} {hour}": (calls, answered) for day, hour, calls, answered in hours.iloc[:, :4].itertuples(index=False)}
    assert told == {row["hour"]: (row["calls"], row["answered"]) for row in counted}
    page.date_input(key="analytics_until").set_value(DAY)
    await dashboard.draw(page)
    assert "Until is before From. Days are those of Asia/Kolkata." in shown(page)
    assert not page.metric


async def test_each_plot_has_its_numbers_and_each_table_its_file(dashboard: Dashboard, history: House) -> None:
    page = await dashboard.open("analytics")
    plots = [
        "answers by hour",
        "outcomes by try",
        "goals by day",
        "sentiment by day",
        "duration and voicemail by day",
        "first words by day",
    ]
    assert exports(page) == [f"Export {what} as CSV" for what in [*plots, "the figures by campaign"]]
    assert len(page.get("vega_lite_chart")) == 7
    assert len(page.dataframe) == 7


@pytest.mark.parametrize(("thing", "label"), [("agent", "Appointment reminder"), ("number", "+14155550100 · Front desk")])
async def test_the_figures_are_also_by_agent_and_by_number(dashboard: Dashboard, house: House, thing: str, label: str) -> None:
    page = await dashboard.open("analytics", figures=f"By {thing}")
    (line,) = page.dataframe[-1].value.itertuples(index=False)
    assert tuple(line) == (label, 24, 75.0, 15, 60.0, 19.4, 16.7, 3)
    assert exports(page)[-1] == f"Export the figures by {thing} as CSV"


@pytest.mark.usefixtures("as_viewer")
async def test_a_viewer_sees_the_analytics(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("analytics")
    assert metrics(page)["Calls"] == "24"


def test_a_percentile_is_the_time_within_which_that_share_of_calls_lies() -> None:
    words = [FirstWords(DAY, 100, 5), FirstWords(DAY, 200, 4), FirstWords(DAY, 900, 1)]
    assert [percentile(words, share) for share in (0.5, 0.51, 0.9, 0.95, 1.0)] == [100, 200, 200, 900, 900]
    assert percentile([], 0.5) is None


def test_figures_add_up_and_without_a_timed_call_there_is_no_mean() -> None:
    assert total([Figures(calls=2, timed=1, duration_ms=900), Figures(calls=3, timed=2, duration_ms=600)]).mean_duration_ms == 500
    assert Figures(calls=3).mean_duration_ms is None


def test_the_best_hour_is_chosen_among_those_with_enough_calls() -> None:
    hours = [Hour(1, 9, 100, 50), Hour(2, 18, 40, 30), Hour(3, 10, 19, 19), Hour(5, 12, 25, 5)]
    said = best_and_worst(hours)
    assert "Most are answered on Tuesday at 18:00 (75% of 40 calls), fewest on Friday at 12:00 (20% of 25 calls)." in said
    assert "Only Monday at 09:00 (50% of 100 calls) has enough calls to tell." in best_and_worst(hours[:1])
    assert "No hour of the week has 20 calls yet" in best_and_worst(hours[2:3])


def test_every_outcome_is_in_one_group_and_the_shares_of_a_try_make_one() -> None:
    tries = [Try(1, outcome, 3) for _, outcomes in charts.OUTCOME_GROUPS.values() for outcome in outcomes]
    tries += [Try(2, None, 1), Try(2, "person", 3)]
    rows = charts.outcome_shares(tries)
    assert [row["calls"] for row in rows] == [6, 6, 3, 3, 3, 9, 3, 1]
    assert [row["to"] for row in rows if row["outcome"] == "Failed"] == pytest.approx([1.0, 1.0])
    assert reached_by_try(tries) == "Talked to a person in Try 1: 20% of 30 calls; Try 2: 75% of 4 calls."


def test_a_file_has_the_table_and_nothing_that_a_spreadsheet_would_run() -> None:
    table = Table("by-campaign", ("Campaign", "Calls", "Answered %"), [("=cmd()", 5, 20.0), ("Ä", 0, None)])
    assert as_csv(table).decode("utf-8-sig").splitlines() == ["Campaign,Calls,Answered %", "'=cmd(),5,20.0", "Ä,0,"]
