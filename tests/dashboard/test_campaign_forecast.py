"""When a campaign will be done, as operators read it: before Start, for settings that are not saved, and while it runs."""

from datetime import UTC
from typing import Any

from dashboard.parts.forecast import finish, per_hour, sentence
from dashboard.times import zone
from tests.dashboard.conftest import Dashboard, kept, shown
from tests.dashboard.seed import House

AHEAD: dict[str, Any] = {
    "finishes_at": "2026-03-02T16:10:00Z", "earliest_at": "2026-03-02T16:00:00Z", "latest_at": "2026-03-02T17:00:00Z", "held": "",
}  # fmt: skip


def test_the_finish_is_told_with_its_zone_and_how_sure_it_is() -> None:
    told = finish(AHEAD, zone("Europe/Berlin")).replace("\\", "")
    assert told == "Done by **Mon 2 Mar 2026, 17:10 CET**, likely between Mon 2 Mar 2026, 17:00 CET and Mon 2 Mar 2026, 18:00 CET."
    held = AHEAD | {"finishes_at": None, "held": "the campaign is Paused"}
    assert finish(held, UTC) == "**It does not finish by itself**: the campaign is Paused."


def test_the_pace_is_that_of_each_span_on_the_campaign_s_clock() -> None:
    half = {"start": "2026-03-02T16:00:00Z", "end": "2026-03-02T16:30:00Z", "calls": 20.0}
    assert per_hour([half], zone("Europe/Berlin")) == [{"start": "2026-03-02T17:00:00", "end": "2026-03-02T17:30:00", "calls": 40.0}]


def test_words_become_a_sentence() -> None:
    assert sentence("as expected") == "As expected."


async def test_a_campaign_says_when_it_will_be_done_and_who_will_be_skipped(dashboard: Dashboard, house: House) -> None:
    pending = house.campaigns["pending"]
    definition = '{"name": "a", "first_message": "Hello {{contact_name}}, about {{invoice_number}}"}'
    first = "(select min(id) from contacts where campaign_id = $1)"
    with_invoice = f"update contacts set variables = variables || jsonb_build_object('invoice_number', '1') where id = {first} returning id"
    await kept(dashboard, with_invoice, pending)
    await kept(dashboard, "update agent_versions set definition = $1 returning version", definition)
    page = await dashboard.open("campaign", id=str(pending))
    words = shown(page)
    assert "Done by **" in words
    assert "**11 contacts**: the agent's texts need invoice_number, which this contact does not have" in words
    assert {metric.label: metric.value for metric in page.metric}["Will be called"] == "1"
    assert page.get("vega_lite_chart")[0].proto.alt.startswith("Calls per hour in 1 span of time")


async def test_settings_that_are_not_saved_are_foreseen_and_stay_unsaved(dashboard: Dashboard, house: House) -> None:
    paused = house.campaigns["paused"]
    page = await dashboard.open("campaign", id=str(paused), tab="Settings")
    key = f"edit_{paused}_1"
    page.number_input(key=f"{key}_concurrency").set_value(4)
    page.button(key=f"forecast_{key}").click()
    await dashboard.draw(page)
    assert "What takes most of the time" in shown(page)
    assert dashboard.api.received == [("POST", "/campaigns/forecast")]
    assert await kept(dashboard, "select concurrency from campaigns where id = $1", paused) == 1


async def test_a_forecast_that_was_made_at_start_is_held_against_what_happened(dashboard: Dashboard, house: House) -> None:
    running = house.campaigns["in_progress"]
    now = await kept(dashboard, "select extract(epoch from callwright_now())::float8")
    buckets = f"[[{now - 3600}, {now - 60}, 40, 20]]"
    keep = (
        "insert into campaign_forecasts values ($1, to_timestamp($2 - 3600), to_timestamp($2 - 60), null, null, 40, 40, 20, $3) returning 1"
    )
    await kept(dashboard, keep, running, now, buckets)
    page = await dashboard.open("campaign", id=str(running))
    words = shown(page)
    assert "Against the forecast at Start" in words
    assert "of calling behind what was expected. It was to be done by" in words
    assert "40 were expected by now" in words
    assert {metric.label: metric.value for metric in page.metric}["Calls"] == "25"


async def test_a_campaign_that_is_over_for_good_foresees_nothing(dashboard: Dashboard, house: House) -> None:
    assert "Forecast" not in shown(await dashboard.open("campaign", id=str(house.campaigns["cancelled"])))
