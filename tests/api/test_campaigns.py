"""Campaigns, contacts and the list of both, through the API."""

import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from db.database import Database
from mediaserver.identity import Role
from tests.api.conftest import VARIABLES, Api

Make = Callable[..., Awaitable[dict[str, Any]]]

CSV = "Phone Number;Name;Customer Name;Appointment Date;Appointment Time\n"


def _form(content: str | bytes, **fields: str) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, value in fields.items():
        form.add_field(name, value)
    form.add_field("file", content.encode() if isinstance(content, str) else content, filename="june.csv", content_type="text/csv")
    return form


async def test_a_campaign_is_made_with_defaults(api: Api, settings: dict[str, Any]) -> None:
    made = await api.done("POST", "/campaigns", json=settings)
    assert (made["status"], made["concurrency"], made["max_retries"], made["local_hours"]) == ("draft", 1, 0, True)
    assert made["allowed_actions"] == ["start", "cancel", "duplicate", "edit", "retry_contact", "skip_contact", "remove_contact"]
    assert made["contacts"] == 0
    assert made["agent_id"] == settings["agent_id"]
    assert made["created_by"].startswith("token ")
    assert await api.done("GET", f"/campaigns/{made['id']}") == made


async def test_all_settings_come_back_as_they_were_set(api: Api, settings: dict[str, Any]) -> None:
    wanted = {
        "concurrency": 5,
        "max_retries": 2,
        "retry_delay_min": 30,
        "throttle_delay_ms": 500,
        "pilot_size": 10,
        "start_time": "20:00:00",
        "end_time": "02:00:00",
        "timezone": "Europe/Berlin",
        "weekdays": [1, 3, 5],
        "scheduled_start": "2999-01-31T08:00:00Z",
        "retry_on_voicemail": True,
        "retry_on_dropped": False,
        "local_hours": False,
        "ring_timeout_s": 20,
        "max_per_24h": 2,
        "max_per_7d": 4,
    }
    made = await api.done("POST", "/campaigns", json=settings | wanted)
    assert {name: made[name] for name in wanted} == wanted


async def test_settings_that_can_not_be_are_named_one_by_one(api: Api, settings: dict[str, Any]) -> None:
    wrong = {"concurrency": 0, "max_retries": 1, "timezone": "Mars/Base", "weekdays": []}
    said = await api.refused(422, "POST", "/campaigns", json=settings | wrong)
    assert set(said["problems"]) == {"concurrency", "retry_delay_min", "timezone", "weekdays"}
    said = await api.refused(422, "POST", "/campaigns", json=settings | {"concurency": 3})
    assert "concurency" in said["problems"]
    said = await api.refused(422, "POST", "/campaigns", json=settings | {"agent_id": "999999"})
    assert set(said["problems"]) == {"agent_id"}
    said = await api.refused(422, "POST", "/campaigns", json={"name": "x"})
    assert set(said["problems"]) == {"agent_id", "phone_number_id"}


async def test_bodies_that_can_not_be_read_are_told_apart(api: Api, settings: dict[str, Any]) -> None:
    await api.refused(422, "POST", "/campaigns", data="{", headers={"Content-Type": "application/json"})
    await api.refused(415, "POST", "/campaigns", data="name=x", headers={"Content-Type": "application/x-www-form-urlencoded"})
    large = io.BytesIO(json.dumps(settings | {"name": "x" * 2_000_000}).encode())
    await api.refused(413, "POST", "/campaigns", data=large, headers={"Content-Type": "application/json"})


async def test_an_edit_changes_what_is_sent_and_nothing_else(api: Api, make_campaign: Make) -> None:
    made = await make_campaign(concurrency=3, pilot_size=7)
    edited = await api.done("PATCH", f"/campaigns/{made['id']}", json={"name": "July", "pilot_size": None, "version": made["version"]})
    assert (edited["name"], edited["concurrency"], edited["pilot_size"]) == ("July", 3, None)
    said = await api.refused(409, "PATCH", f"/campaigns/{made['id']}", json={"name": "August", "version": made["version"]})
    assert "changed meanwhile" in said["detail"]


async def test_the_verbs_follow_the_status(api: Api, make_campaign: Make, nudges: list[str]) -> None:
    made = await make_campaign(2)
    path = f"/campaigns/{made['id']}"
    assert "Draft" in (await api.refused(409, "POST", f"{path}/pause"))["detail"]
    nudges.clear()
    assert (await api.done("POST", f"{path}/start"))["status"] == "in_progress"
    assert nudges, "the dialer loop is told at once"
    assert "Paused" in (await api.refused(409, "PATCH", path, json={"name": "x"}))["detail"]
    assert (await api.done("POST", f"{path}/pause"))["status"] == "paused"
    assert (await api.done("POST", f"{path}/resume"))["status"] == "in_progress"
    cancelled = await api.done("POST", f"{path}/cancel")
    assert (cancelled["status"], cancelled["allowed_actions"]) == ("cancelled", ["duplicate"])
    copy = await api.done("POST", f"{path}/duplicate?name=Again")
    assert (copy["name"], copy["status"], copy["pending"]) == ("Again", "draft", 2)
    await api.refused(409, "DELETE", path)
    await api.done("DELETE", f"/campaigns/{copy['id']}")
    await api.refused(404, "GET", f"/campaigns/{copy['id']}")


async def test_a_campaign_without_contacts_does_not_start(api: Api, make_campaign: Make) -> None:
    made = await make_campaign()
    assert "no contacts" in (await api.refused(409, "POST", f"/campaigns/{made['id']}/start"))["detail"]


async def test_commands_are_in_the_audit_log_with_who_gave_them(api: Api, make_campaign: Make, database: Database) -> None:
    made = await make_campaign(1)
    await api.done("POST", f"/campaigns/{made['id']}/start")
    rows = await database.pool.fetch("select actor, action from audit_log where subject = $1 order by id", f"campaign {made['id']}")
    assert [row["action"] for row in rows] == ["campaign.create", "contact.add", "campaign.start"]
    assert all("operator" in row["actor"] for row in rows)


async def test_campaigns_are_listed_newest_first_page_by_page(api: Api, make_campaign: Make) -> None:
    made = [(await make_campaign(name=f"Campaign {n}"))["id"] for n in range(5)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await api.done("GET", f"/campaigns?limit=2&cursor={cursor}")
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == made[::-1]
    assert [item["name"] for item in (await api.done("GET", "/campaigns?search=AIGN%203"))["items"]] == ["Campaign 3"]
    assert (await api.done("GET", "/campaigns?status=paused"))["items"] == []
    assert "status" in (await api.refused(422, "GET", "/campaigns?status=asleep"))["problems"]
    assert "limit" in (await api.refused(422, "GET", "/campaigns?limit=100000"))["problems"]


async def test_contacts_are_added_one_by_one_and_together(api: Api, make_campaign: Make) -> None:
    path = f"/campaigns/{(await make_campaign())['id']}/contacts"
    by_column_names = {"phone_number": "+1 (202) 555-0111", "contact_name": "Ada", "variables": VARIABLES}
    assert (await api.done("POST", path, json=by_column_names))["added"] == 1
    assert "has this number" in (await api.refused(422, "POST", path, json={"number": "+12025550111"}))["detail"]
    assert "problems" in await api.refused(422, "POST", path, json={"number": "12"})
    several = [{"number": "+12025550112"}, {"number": "nobody"}, {"number": "+12025550111"}]
    report = await api.done("POST", path, json=several)
    assert (report["added"], [each["position"] for each in report["refused"]]) == (1, [1, 2])
    found = (await api.done("GET", f"{path}?search=0111"))["items"]
    assert [(each["number"], each["name"], each["variables"]) for each in found] == [("+12025550111", "Ada", VARIABLES)]


async def test_a_contact_is_skipped_removed_and_explained(api: Api, make_campaign: Make) -> None:
    made = await make_campaign(3)
    first, second, third = (await api.done("GET", f"/campaigns/{made['id']}/contacts"))["items"]
    skipped = await api.done("POST", f"/contacts/{first['id']}/skip")
    assert (skipped["status"], "skipped by" in skipped["status_reason"]) == ("skipped", True)
    await api.refused(409, "POST", f"/contacts/{first['id']}/skip")
    await api.refused(409, "POST", f"/contacts/{second['id']}/retry")
    await api.done("DELETE", f"/contacts/{third['id']}")
    await api.refused(404, "GET", f"/contacts/{third['id']}")
    why = await api.done("GET", f"/contacts/{second['id']}/why")
    assert why["now"] == "the campaign is Draft"
    counts = await api.done("GET", f"/campaigns/{made['id']}/stats")
    assert (counts["contacts"], counts["pending"], counts["skipped"]) == (2, 1, 1)


async def test_a_csv_is_imported_with_a_report_per_row(api: Api, make_campaign: Make) -> None:
    path = f"/campaigns/{(await make_campaign())['id']}/contacts"
    rows = CSV + "+12025550111;Ada;Ada;Monday;9:00\n4.4E+11;Bob;Bob;Monday;9:30\n+12025550111;Eve;Eve;Monday;9:45\n"
    report = await api.done("POST", f"{path}/import", data=_form(rows))
    assert (report["rows"], report["imported"], report["refused"], report["kept"]) == (3, 1, 2, True)
    assert [problem["line"] for problem in report["problems"]] == [3, 4]
    (contact,) = (await api.done("GET", path))["items"]
    assert contact["variables"] == {"customer_name": "Ada", "appointment_date": "Monday", "appointment_time": "9:00"}


async def test_an_import_can_be_tried_first_and_can_be_all_or_nothing(api: Api, make_campaign: Make) -> None:
    path = f"/campaigns/{(await make_campaign())['id']}/contacts"
    rows = CSV + "202 555 0111;Ada;Ada;Monday;9:00\nnobody;Bob;Bob;Monday;9:30\n"
    for send in ({"path": f"{path}/import?dry_run=true&default_region=US", "fields": {}}, {"path": f"{path}/import", "fields": DRY}):
        report = await api.done("POST", str(send["path"]), data=_form(rows, **dict(send["fields"])))
        assert (report["imported"], report["kept"], report["dry_run"]) == (1, False, True)
    report = await api.done("POST", f"{path}/import?all_or_nothing=true&default_region=US", data=_form(rows))
    assert (report["imported"], report["kept"]) == (0, False)
    assert (await api.done("GET", path))["items"] == []


DRY = {"dry_run": "true", "default_region": "us"}


async def test_columns_can_be_mapped(api: Api, make_campaign: Make) -> None:
    path = f"/campaigns/{(await make_campaign())['id']}/contacts"
    mapping = '{"Wem": "contact_name", "Wohin": "phone_number", "Egal": ""}'
    await api.done("POST", f"{path}/import", data=_form("Wem,Wohin,Egal\nAda,+12025550111,x\n", mapping=mapping))
    (contact,) = (await api.done("GET", path))["items"]
    assert (contact["name"], contact["number"], contact["variables"]) == ("Ada", "+12025550111", {})
    for wrong in ("[]", "{", '{"a": 1}'):
        assert "mapping" in (await api.refused(422, "POST", f"{path}/import", data=_form("a\n", mapping=wrong)))["problems"]


async def test_uploads_that_are_none_say_how_to_send_one(api: Api, make_campaign: Make) -> None:
    path = f"/campaigns/{(await make_campaign())['id']}/contacts/import"
    assert "curl" in (await api.refused(415, "POST", path, data=b"a,b\n", headers={"Content-Type": "text/csv"}))["detail"]
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("other", "x")
    await api.refused(422, "POST", path, data=form)
    assert "file" in (await api.refused(422, "POST", path, data=_form("")))["problems"]
    assert "dry_runn" in (await api.refused(422, "POST", path, data=_form("a\n", dry_runn="true")))["problems"]


async def test_missing_variables_are_warned_of_by_name_and_count(api: Api, make_campaign: Make) -> None:
    made = await make_campaign(2)
    await api.done("POST", f"/campaigns/{made['id']}/contacts", json={"number": "+12025550190"})
    missing = (await api.done("GET", f"/campaigns/{made['id']}/missing-variables"))["items"]
    assert missing, "the reminder needs variables that the third contact lacks"
    assert {each["contacts"] for each in missing} == {1}
    assert (await api.done("GET", f"/campaigns/{made['id']}/waiting"))["items"][0]["contacts"] == 3


async def test_a_command_that_is_sent_again_with_its_key_is_done_once(api: Api, settings: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "june-2999"}
    first = await api.done("POST", "/campaigns", json=settings, headers=key)
    assert await api.done("POST", "/campaigns", json=settings, headers=key) == first
    assert [each["id"] for each in (await api.done("GET", "/campaigns"))["items"]] == [first["id"]]
    await api.refused(422, "POST", f"/campaigns/{first['id']}/duplicate", headers=key)
    other = await api.done("POST", "/campaigns", Role.ADMIN, json=settings, headers=key)
    assert other["id"] != first["id"], "a key belongs to whoever sent it"


async def test_a_command_that_was_refused_may_be_sent_again_with_its_key(api: Api, settings: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "once more"}
    await api.refused(422, "POST", "/campaigns", json=settings | {"concurrency": 0}, headers=key)
    await api.done("POST", "/campaigns", json=settings, headers=key)


async def test_a_key_whose_command_is_not_answered_yet_waits(api: Api, settings: dict[str, Any], database: Database) -> None:
    key = {"Idempotency-Key": "in the middle"}
    await api.done("POST", "/campaigns", json=settings, headers=key)
    await database.pool.execute("update idempotency_keys set status = null, answer = null")
    assert "not answered yet" in (await api.refused(409, "POST", "/campaigns", json=settings, headers=key))["detail"]
