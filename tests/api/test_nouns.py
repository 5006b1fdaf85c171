"""Agents, phone numbers, calls, the do-not-call list, accounts and tokens, through the API."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from db.database import Database
from mediaserver.identity import Role
from mediaserver.switch.recording import wav_header
from tests.api.conftest import Api

Make = Callable[..., Awaitable[dict[str, Any]]]


async def test_an_agent_gets_a_version_with_each_change(api: Api, settings: dict[str, Any]) -> None:
    path = f"/agents/{settings['agent_id']}"
    agent = await api.done("GET", path)
    assert agent["variables"]["appointment_date"]
    definition = agent["definition"] | {"first_message": "Hello {{customer_name|there}}, this is {{company}}."}
    changed = await api.done("PATCH", path, json={"definition": definition, "version": 1})
    assert (changed["version"], changed["variables"]["company"]) == (2, True)
    assert "changed meanwhile" in (await api.refused(409, "PATCH", path, json={"name": "Other", "version": 1}))["detail"]
    assert [item["id"] for item in (await api.done("GET", "/agents"))["items"]] == [agent["id"]]


async def test_agents_that_can_not_be_are_refused(api: Api, settings: dict[str, Any]) -> None:
    definition = (await api.done("GET", f"/agents/{settings['agent_id']}"))["definition"]
    assert "name" in (await api.refused(409, "POST", "/agents", json={"name": "REMINDER", "definition": definition}))["problems"]
    said = await api.refused(422, "POST", "/agents", json={"name": "New", "definition": definition | {"first_message": " "}})
    assert "first_message" in said["problems"]["definition"]
    await api.refused(422, "POST", "/agents", json={"name": "New", "definition": {}})
    await api.refused(404, "GET", "/agents/999999")


async def test_what_a_campaign_uses_is_not_deleted(api: Api, settings: dict[str, Any], make_campaign: Make) -> None:
    campaign = await make_campaign()
    for path in (f"/agents/{settings['agent_id']}", f"/phone-numbers/{settings['phone_number_id']}"):
        assert "uses this" in (await api.refused(409, "DELETE", path))["detail"]
    await api.done("POST", f"/campaigns/{campaign['id']}/cancel")
    for path in (f"/agents/{settings['agent_id']}", f"/phone-numbers/{settings['phone_number_id']}"):
        await api.done("DELETE", path)
        await api.refused(404, "GET", path)


async def test_a_number_is_kept_once_in_one_form(api: Api, settings: dict[str, Any]) -> None:
    path = f"/phone-numbers/{settings['phone_number_id']}"
    assert (await api.done("GET", path))["number"] == "+12025550100"
    await api.refused(409, "POST", "/phone-numbers", json={"number": "+1 (202) 555-0100"})
    await api.refused(422, "POST", "/phone-numbers", json={"number": "555"})
    said = await api.refused(422, "POST", "/phone-numbers", json={"number": "+12025550101", "carrier_account": "other"})
    assert said["problems"] == {"carrier_account": "name one of: twilio"}
    changed = await api.done("PATCH", path, json={"concurrency": 4})
    assert (changed["label"], changed["concurrency"]) == ("Main", 4)
    assert (await api.done("PATCH", path, json={"concurrency": None}))["concurrency"] is None
    await api.done("DELETE", path)
    again = await api.done("POST", "/phone-numbers", json={"number": "+12025550100", "label": "Back"})
    assert (again["id"], again["label"]) == (settings["phone_number_id"], "Back")


async def test_a_number_needs_a_carrier_account(api: Api) -> None:
    assert "TWILIO_ACCOUNT_SID" in (await api.refused(409, "POST", "/phone-numbers", json={"number": "+12025550100"}))["detail"]


async def test_the_do_not_call_list(api: Api) -> None:
    entry = await api.done("POST", "/suppressions", json={"number": "+1 202 555 0155", "reason": "asked by letter"})
    assert (entry["number"], entry["source"]) == ("+12025550155", "operator")
    again = await api.done("POST", "/suppressions", json={"number": "+12025550155", "reason": "again"})
    assert again["id"] == entry["id"]
    assert [each["id"] for each in (await api.done("GET", "/suppressions?search=0155"))["items"]] == [entry["id"]]
    await api.done("DELETE", f"/suppressions/{entry['id']}")
    await api.refused(409, "DELETE", f"/suppressions/{entry['id']}")
    assert (await api.done("GET", "/suppressions"))["items"] == []


@pytest.fixture
async def call(api: Api, make_campaign: Make, database: Database, settings: dict[str, Any]) -> dict[str, Any]:
    """A call that has ended, with two turns, an event and a recording."""
    campaign = await make_campaign(1)
    (contact,) = (await api.done("GET", f"/campaigns/{campaign['id']}/contacts"))["items"]
    call_id = await database.pool.fetchval(
        """
        insert into calls (campaign_id, contact_id, number, contact_name, phone_number_id, carrier_account_id, agent_id, agent_version,
                           process_id, lease_until, state, answered_at, ended_at, outcome, who, goal, evidence, sentiment, sentiment_word,
                           duration_ms, recording)
        select $1, $2, $3, 'Contact', n.id, n.carrier_account_id, $4, 1, 'p', callwright_now(), 'ended', callwright_now(), callwright_now(),
               'person', 'human', 'met', '{"goal": {"says": "yes", "turn": 1}}', 0.5, 'positive', 4000, 'recordings/1.wav'
        from phone_numbers n where n.id = $5 returning id
        """,
        *(int(campaign["id"]), int(contact["id"]), contact["number"], int(settings["agent_id"]), int(settings["phone_number_id"])),
    )
    await database.pool.execute(
        "insert into transcript_turns values ($1, 0, 'agent', 'Hello', 0, 500), ($1, 1, 'callee', 'Yes', 600, 900)", call_id
    )
    await database.pool.execute("insert into call_events (call_id, source, kind) values ($1, 'carrier', 'ringing')", call_id)
    return {"id": str(call_id), "campaign_id": campaign["id"], "contact_id": contact["id"]}


async def test_a_call_has_its_result_and_its_transcript(api: Api, call: dict[str, Any]) -> None:
    whole = await api.done("GET", f"/calls/{call['id']}")
    assert (whole["outcome"], whole["who"], whole["goal"], whole["evidence"]["goal"]["turn"]) == ("person", "human", "met", 1)
    assert [(turn["speaker"], turn["text"], turn["end_ms"]) for turn in whole["turns"]] == [("agent", "Hello", 500), ("callee", "Yes", 900)]
    (listed,) = (await api.done("GET", f"/campaigns/{call['campaign_id']}/calls?outcome=person&who=human"))["items"]
    assert listed.items() <= whole.items()
    assert (await api.done("GET", f"/campaigns/{call['campaign_id']}/calls?outcome=no_answer"))["items"] == []
    (event,) = (await api.done("GET", f"/calls/{call['id']}/events"))["items"]
    assert (event["source"], event["kind"]) == ("carrier", "ringing")
    for nothing in ("/calls/999999", "/calls/999999/events", "/calls/999999/recording", "/campaigns/999999/calls"):
        await api.refused(404, "GET", nothing)


async def test_a_recording_is_sent_whole_or_in_part(api: Api, call: dict[str, Any], tmp_path: Path) -> None:
    path = f"/api/v1/calls/{call['id']}/recording"
    assert "not on this machine" in (await api.refused(404, "GET", f"/calls/{call['id']}/recording"))["detail"]
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "1.wav").write_bytes(bytes(range(256)))
    headers = {"Authorization": f"Bearer {api.tokens[Role.VIEWER]}"}
    async with api.client.get(path, headers=headers) as answer:
        assert (answer.content_type, await answer.read()) == ("audio/wav", bytes(range(256)))
    async with api.client.get(path, headers=headers | {"Range": "bytes=10-19"}) as answer:
        assert (answer.status, await answer.read()) == (206, bytes(range(10, 20)))


async def test_the_peaks_of_a_recording_are_told_and_a_damaged_one_is(api: Api, call: dict[str, Any], tmp_path: Path) -> None:
    path = f"/calls/{call['id']}/recording/peaks"
    assert "not on this machine" in (await api.refused(404, "GET", path))["detail"]
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "1.wav").write_bytes(wav_header(800) + b"\x00\x40\x00\x20" * 800)
    assert await api.done("GET", path, Role.VIEWER) == {"duration_ms": 100, "callee": [500] * 10, "agent": [250] * 10}
    (tmp_path / "recordings" / "1.wav").write_bytes(b"not audio")
    assert "damaged" in (await api.refused(404, "GET", path))["detail"]


async def test_a_recording_never_leads_out_of_the_data_directory(
    api: Api, call: dict[str, Any], tmp_path: Path, database: Database
) -> None:
    (tmp_path.parent / "secret").write_text("not for you")
    for recording in ("../secret", str(tmp_path.parent / "secret")):
        await database.pool.execute("update calls set recording = $1", recording)
        await api.refused(404, "GET", f"/calls/{call['id']}/recording")


async def test_an_account_is_made_changed_and_disabled(api: Api) -> None:
    made = await api.done("POST", "/users", Role.ADMIN, json={"name": "Olive", "role": "operator"})
    credentials = {"name": "olive", "password": made["password"]}
    async with api.client.post("/sign-in", json=credentials) as answer:
        assert answer.status == 200
    path = f"/users/{made['id']}"
    assert (await api.done("PATCH", path, Role.ADMIN, json={"role": "viewer"}))["role"] == "viewer"
    assert "password" in (await api.refused(422, "PATCH", path, Role.ADMIN, json={"password": "short"}))["problems"]
    await api.refused(409, "POST", "/users", Role.ADMIN, json={"name": "OLIVE", "role": "viewer"})
    await api.done("DELETE", path, Role.ADMIN)
    assert (await api.done("GET", path, Role.ADMIN))["disabled_at"] is not None
    async with api.client.post("/sign-in", json=credentials) as answer:
        assert answer.status == 401


async def test_a_token_is_shown_once_and_revoked(api: Api) -> None:
    made = await api.done("POST", "/tokens", Role.ADMIN, json={"name": "reports", "role": "viewer"})
    headers = {"Authorization": f"Bearer {made['secret']}"}
    assert await api.done("GET", "/me", headers=headers) == {"name": "reports", "role": "viewer", "user_id": None}
    listed = (await api.done("GET", "/tokens", Role.ADMIN))["items"]
    assert made["id"] in [token["id"] for token in listed]
    assert all("secret" not in token for token in listed)
    await api.done("DELETE", f"/tokens/{made['id']}", Role.ADMIN)
    await api.refused(401, "GET", "/me", headers=headers)
    await api.refused(404, "DELETE", f"/tokens/{made['id']}", Role.ADMIN)


async def test_the_audit_log_is_paged_newest_first(api: Api) -> None:
    first = await api.done("GET", "/audit-log?limit=3", Role.ADMIN)
    rest = await api.done("GET", f"/audit-log?cursor={first['next_cursor']}", Role.ADMIN)
    ids = [int(line["id"]) for line in first["items"] + rest["items"]]
    assert ids == sorted(ids, reverse=True)
    assert {line["action"] for line in first["items"]} == {"token.create"}


async def test_a_database_that_is_gone_is_said_so(api: Api, database: Database) -> None:
    await database.pool.close()
    async with api.client.get("/api/v1/me", headers={"Authorization": f"Bearer {api.tokens[Role.VIEWER]}"}) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        assert "database" in (await answer.json(content_type=None))["detail"]
