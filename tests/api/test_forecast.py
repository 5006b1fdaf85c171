"""Forecasts through the API: of campaigns, and of settings that are not saved."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from db.database import Database
from mediaserver.identity import Role
from tests.api.conftest import Api

Make = Callable[..., Awaitable[dict[str, Any]]]


async def test_a_draft_is_foreseen_and_its_start_is_held_against_it(api: Api, make_campaign: Make) -> None:
    made = await make_campaign(3, local_hours=False)
    path = f"/campaigns/{made['id']}"
    before = await api.done("GET", f"{path}/forecast", Role.VIEWER)
    foreseen = before["forecast"]
    assert before["compared"] is None
    assert (foreseen["contacts"], foreseen["calls"], foreseen["held"], foreseen["skipped"]) == (3, 3, "", [])
    ends = [datetime.fromisoformat(foreseen[name]) for name in ("made_at", "earliest_at", "finishes_at", "latest_at")]
    assert ends == sorted(ends)
    assert round(sum(each["calls"] for each in foreseen["buckets"]), 1) == 3
    assert foreseen["limit"]["name"] == "concurrency"
    assert {each["name"]: each["basis"] for each in foreseen["assumptions"]}["answer_rate"] == "assumed"
    await api.done("POST", f"{path}/start")
    compared = (await api.done("GET", f"{path}/forecast"))["compared"]
    assert (compared["calls"], compared["reached"]) == (0, 0)
    assert compared["finishes_at"] is not None


async def test_an_answer_rate_may_be_assumed(api: Api, make_campaign: Make) -> None:
    path = f"/campaigns/{(await make_campaign(3, local_hours=False))['id']}/forecast"
    found = (await api.done("GET", f"{path}?answer_rate=0.2"))["forecast"]
    assert found["answered"] == 0.6
    assert "answer_rate" in (await api.refused(422, "GET", f"{path}?answer_rate=2"))["problems"]
    await api.refused(404, "GET", "/campaigns/999999/forecast")


async def test_who_would_be_skipped_is_counted_by_reason(api: Api, make_campaign: Make) -> None:
    made = await make_campaign(2, local_hours=False)
    await api.done("POST", f"/campaigns/{made['id']}/contacts", json={"number": "+12025550190"})
    (skipped,) = (await api.done("GET", f"/campaigns/{made['id']}/forecast"))["forecast"]["skipped"]
    assert (skipped["gate"], skipped["contacts"], "appointment_date" in skipped["reason"]) == ("variables", 1, True)


async def test_settings_that_are_not_saved_are_foreseen(api: Api, settings: dict[str, Any], database: Database) -> None:
    asked = {"settings": settings | {"concurrency": 2, "local_hours": False}, "contacts": 1_000_000}
    found = await api.done("POST", "/campaigns/forecast", Role.VIEWER, json=asked)
    assert (found["contacts"], found["calls_per_hour"] > 0) == (1_000_000, True)
    assert any(each["name"] == "numbers" for each in found["assumptions"])
    hours = {"start_time": "09:00", "end_time": "17:00", "timezone": "Europe/Berlin", "weekdays": [1, 2, 3, 4, 5]}
    inside = await api.done("POST", "/campaigns/forecast", json={"settings": settings | hours, "contacts": 100})
    assert inside["timezone"] == "Europe/Berlin"
    assert await database.pool.fetchval("select count(*) from campaigns") == 0


async def test_other_settings_for_a_campaign_are_tried_on_its_contacts(api: Api, settings: dict[str, Any], make_campaign: Make) -> None:
    made = await make_campaign(3, local_hours=False)
    asked = {"settings": settings | {"local_hours": False, "throttle_delay_ms": 3_600_000}, "campaign_id": made["id"]}
    found = await api.done("POST", "/campaigns/forecast", json=asked)
    assert (found["contacts"], found["limit"]["name"]) == (3, "throttle")
    assert (await api.done("GET", f"/campaigns/{made['id']}"))["throttle_delay_ms"] is None


async def test_settings_that_could_not_be_saved_are_refused_with_the_same_words(api: Api, settings: dict[str, Any]) -> None:
    wrong = settings | {"concurrency": 0, "max_retries": 1, "timezone": "Mars/Base", "weekdays": []}
    saved = await api.refused(422, "POST", "/campaigns", json=wrong)
    foreseen = await api.refused(422, "POST", "/campaigns/forecast", json={"settings": wrong, "contacts": 5})
    assert foreseen["problems"] == saved["problems"]
    said = await api.refused(422, "POST", "/campaigns/forecast", json={"settings": settings})
    assert "how many contacts" in said["detail"]
    await api.refused(422, "POST", "/campaigns/forecast", json={"settings": settings, "contacts": 5, "campaign_id": "1"})
    await api.refused(404, "POST", "/campaigns/forecast", json={"settings": settings, "campaign_id": "999999"})
    await api.refused(422, "POST", "/campaigns/forecast", json={"settings": settings, "campaign_id": "one"})
