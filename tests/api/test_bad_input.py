"""Bad input at the API's doors: each answered with 422, by field, with what to do; nothing of it is kept, and nothing is our fault."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from db.database import Database
from dialer.loop import DialerLoop
from mediaserver.api.campaigns import CampaignChange
from mediaserver.identity import Role
from tests.api.conftest import Api

Make = Callable[..., Awaitable[dict[str, Any]]]

HUGE = 10**30
NOT_WHOLE: list[Any] = [-1, HUGE, 1.5, True, "5", "many", [], {}]
WINDOW = {"start_time": "09:00", "end_time": "17:00", "timezone": "UTC"}
ABSURD: dict[str, list[Any]] = {
    "name": ["", "  ", "x" * 201, "a\0b", 5, None],
    "agent_id": ["", "abc", "-1", "0", str(HUGE), None, 1.5, []],
    "phone_number_id": ["", "abc", "-1", "0", str(HUGE), None, 1.5, []],
    "concurrency": [*NOT_WHOLE, 0, 1001, None],
    "max_retries": [*NOT_WHOLE, 21, None],
    "retry_delay_min": [*NOT_WHOLE, 0, 43201],
    "throttle_delay_ms": [*NOT_WHOLE, 86_400_001],
    "start_time": ["9", "25:00", "24:00", "nine", "09:00+02:00", "09:00Z", 9, True],
    "end_time": ["9", "25:00", "nine", "17:00+02:00", 17],
    "timezone": ["", "Mars/Olympus", "Europe", "../../etc/passwd", "UTC\0", "localtime", 5],
    "weekdays": [[], [0], [8], [1, 1], [HUGE], ["Monday"], [True], [1.5], "1", None],
    "scheduled_start": ["now", "2001-01-01T00:00:00Z", "2999-01-01T00:00:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", 1],
    "retry_on_voicemail": ["yes", 2, None],
    "retry_on_dropped": ["no", 0, None],
    "local_hours": ["off", [], None],
    "ring_timeout_s": [*NOT_WHOLE, 4, 121, None],
    "max_per_24h": [*NOT_WHOLE, 0, 101, None],
    "max_per_7d": [*NOT_WHOLE, 0, 501, None],
    "pilot_size": [*NOT_WHOLE, 0, 1_000_001],
}


def test_every_setting_has_its_absurd_values() -> None:
    assert ABSURD.keys() == CampaignChange.model_fields.keys() - {"version"}


@pytest.mark.parametrize("field", ABSURD)
async def test_an_absurd_setting_is_refused_by_its_name(api: Api, settings: dict[str, Any], make_campaign: Make, field: str) -> None:
    there = await make_campaign()
    for value in ABSURD[field]:
        sent = settings | (WINDOW if field in WINDOW else {}) | {"timezone": "UTC", field: value}
        said = await api.refused(422, "POST", "/campaigns", json=sent)
        assert {name.partition(".")[0] for name in said["problems"]} <= {field, "retry_delay_min"}, value
        said = await api.refused(
            422, "PATCH", f"/campaigns/{there['id']}", json={name: sent[name] for name in {*WINDOW, field} & sent.keys()}
        )
        assert field in {name.partition(".")[0] for name in said["problems"]}, value
    assert await api.done("GET", f"/campaigns/{there['id']}") == there
    assert len((await api.done("GET", "/campaigns"))["items"]) == 1


async def test_all_problems_are_told_at_once(api: Api, settings: dict[str, Any]) -> None:
    wrong = {
        "name": " ",
        "agent_id": "999999",
        "phone_number_id": str(HUGE),
        "concurrency": -1,
        "max_retries": 1,
        "throttle_delay_ms": -1,
        "start_time": "09:00",
        "timezone": "Mars/Olympus",
        "weekdays": [9],
        "scheduled_start": "2001-01-01T00:00:00Z",
        "ring_timeout_s": 0,
        "max_per_24h": 0,
        "max_per_7d": 0,
        "pilot_size": 0,
    }
    said = await api.refused(422, "POST", "/campaigns", json=settings | wrong)
    assert said["problems"].keys() == (wrong.keys() - {"max_retries", "start_time"}) | {"retry_delay_min", "end_time"}
    wrong = {"concurrency": "many", "local_hours": "maybe", "start_time": 9, "colour": "red"}
    assert (await api.refused(422, "POST", "/campaigns", json=settings | wrong))["problems"].keys() == wrong.keys()


async def test_settings_that_do_not_fit_each_other_are_refused(api: Api, settings: dict[str, Any]) -> None:
    for wrong, field in [
        ({"max_retries": 1}, "retry_delay_min"),
        ({"start_time": "09:00", "timezone": "UTC"}, "end_time"),
        ({"end_time": "09:00", "timezone": "UTC"}, "start_time"),
        ({"start_time": "09:00", "end_time": "17:00"}, "timezone"),
        ({"weekdays": [1, 2]}, "timezone"),
        ({"max_per_24h": 5, "max_per_7d": 4}, "max_per_7d"),
    ]:
        assert list((await api.refused(422, "POST", "/campaigns", json=settings | wrong))["problems"]) == [field]


async def test_a_start_that_has_passed_since_it_was_set_is_refused_at_start(api: Api, make_campaign: Make, database: Database) -> None:
    campaign = await make_campaign(1, scheduled_start="2999-01-01T00:00:00Z")
    await database.pool.execute("update campaigns set scheduled_start = '2001-01-01T00:00:00Z'")
    said = await api.refused(422, "POST", f"/campaigns/{campaign['id']}/start")
    assert "lies in the past" in said["problems"]["scheduled_start"]


ZERO = "a\0b"


IMPOSSIBLE: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/campaigns?search=%00", None),
    ("GET", "/campaigns/{id}/contacts?search=%00", None),
    ("GET", "/suppressions?search=%00", None),
    ("POST", "/campaigns/{id}/duplicate?name=%00", None),
    ("POST", "/campaigns/{id}/contacts", {"number": "+12025550111", "name": ZERO}),
    ("POST", "/campaigns/{id}/contacts", {"number": "+12025550111", "variables": {"a": ZERO}}),
    ("POST", "/campaigns/{id}/contacts", {"number": "+12025550111", "variables": {ZERO: "a"}}),
    ("POST", "/suppressions", {"number": "+12025550111", "reason": ZERO}),
    ("POST", "/agents", {"name": ZERO, "definition": {}}),
    ("POST", "/agents", {"name": "x", "definition": {"first_message": ZERO}}),
    ("PATCH", "/agents/{agent}", {"version": HUGE, "name": "x"}),
    ("PATCH", "/campaigns/{id}", {"version": HUGE, "name": "x"}),
    ("PATCH", "/campaigns/{id}", {"version": 0, "name": "x"}),
]


async def test_what_the_database_can_not_hold_is_refused_before_it(api: Api, make_campaign: Make) -> None:
    campaign = await make_campaign()
    for method, path, sent in IMPOSSIBLE:
        address = path.format(id=campaign["id"], agent=campaign["agent_id"])
        options = {"json": sent} if sent is not None else {}
        assert (await api.refused(422, method, address, **options))["problems"]


async def test_a_body_that_is_no_campaign_is_refused(api: Api) -> None:
    for body in ("", "{", "null", "[]", '"x"', "1", '{"name": "\\ud800"}', "\x00", "{" * 1000, '{"name": NaN}'):
        await api.refused(422, "POST", "/campaigns", data=body, headers={"Content-Type": "application/json"})


async def test_more_calls_at_the_same_time_than_can_be_is_accepted_with_what_will_really_happen(
    api: Api, settings: dict[str, Any], database: Database, loop: DialerLoop
) -> None:
    await api.done("PATCH", f"/phone-numbers/{settings['phone_number_id']}", json={"concurrency": 5})
    made = await api.done("POST", "/campaigns", json=settings | {"concurrency": 200})
    assert made["warnings"] == {
        "concurrency": "at most 5 calls run at the same time, for the phone number carries no more, over all campaigns; "
        "at most 1 call starts per second (carrier account, number and throttle delay), so that 200 run at the same time only if "
        "they last 200 s on average"
    }
    assert (await api.done("GET", f"/campaigns/{made['id']}"))["warnings"] == made["warnings"]
    assert (await api.done("PATCH", f"/campaigns/{made['id']}", json={"concurrency": 5}))["warnings"] == {}
    await database.pool.execute("update processes set concurrency = 3")
    assert "3 calls run at the same time" in (await api.done("GET", f"/campaigns/{made['id']}"))["warnings"]["concurrency"]
    await database.pool.execute("update processes set stopped_at = callwright_now()")
    assert "no media server runs" in (await api.done("GET", f"/campaigns/{made['id']}"))["warnings"]["concurrency"]


async def test_an_overnight_window_is_said_to_be_one_when_it_is_saved(api: Api, settings: dict[str, Any]) -> None:
    night = {"start_time": "20:00", "end_time": "02:00", "timezone": "Europe/Berlin", "weekdays": [5]}
    made = await api.done("POST", "/campaigns", json=settings | night)
    assert made["hours"] == "20:00 to 02:00 of the next day (overnight: it belongs to the day on which it starts) on Friday, Europe/Berlin"
    (line,) = (await api.done("GET", "/campaigns"))["items"]
    assert line["hours"] == made["hours"]
    assert (await api.done("POST", "/campaigns", json=settings))["hours"] == "at any time"


async def test_viewers_find_nobody_by_digits_that_they_do_not_see(api: Api, make_campaign: Make) -> None:
    campaign = await make_campaign(3)  # +12025550200 and on
    path = f"/campaigns/{campaign['id']}/contacts?search="
    await api.done("POST", "/suppressions", json={"number": "+12025550201", "reason": "asked"})
    for role, digits, found in [
        (Role.OPERATOR, "5550201", 1),
        (Role.VIEWER, "5550201", 0),
        (Role.VIEWER, "%2B1202", 0),
        (Role.VIEWER, "Contact%20201", 1),
        (Role.VIEWER, "01", 1),
    ]:
        assert len((await api.done("GET", path + digits, role))["items"]) == found, (role, digits)
    for role, digits, found in [(Role.OPERATOR, "5550201", 1), (Role.VIEWER, "5550201", 0), (Role.VIEWER, "01", 1)]:
        assert len((await api.done("GET", f"/suppressions?search={digits}", role))["items"]) == found, (role, digits)


async def test_everything_sent_is_answered_as_json_whatever_it_holds(api: Api, settings: dict[str, Any]) -> None:
    for name in ("\u202e", "💥", "{{name}}", "'; drop table campaigns; --", "<script>"):
        made = await api.done(
            "POST", "/campaigns", data=json.dumps(settings | {"name": name}), headers={"Content-Type": "application/json"}
        )
        assert made["name"] == name
