"""Outgoing webhooks through the API: made, changed, tried out, looked at, deleted. Who may is tested with every other route."""

from typing import Any

import pytest

from db.database import Database
from mediaserver.identity import Role
from tests.api.conftest import Api

URL = "https://example.com/webhooks"


@pytest.fixture
async def made(api: Api) -> dict[str, Any]:
    """An endpoint that is told of calls."""
    webhook: dict[str, Any] = await api.done(
        "POST", "/webhooks", Role.ADMIN, json={"url": URL, "events": ["call.ended"], "description": "CRM"}
    )
    return webhook


async def test_a_secret_is_shown_once_and_again_when_it_is_changed(api: Api, made: dict[str, Any]) -> None:
    assert made["secret"].startswith("whsec_")
    listed = (await api.done("GET", "/webhooks", Role.ADMIN))["items"]
    assert listed == [{name: value for name, value in made.items() if name != "secret"}]
    path = f"/webhooks/{made['id']}"
    assert "secret" not in await api.done("GET", path, Role.ADMIN)
    rotated = await api.done("POST", f"{path}/rotate-secret", Role.ADMIN)
    assert rotated.keys() == {"secret"}
    assert rotated["secret"] != made["secret"]


async def test_an_endpoint_is_changed_paused_and_activated(api: Api, made: dict[str, Any]) -> None:
    path = f"/webhooks/{made['id']}"
    events = ["suppression.added", "call.ended", "suppression.added"]
    changed = await api.done("PATCH", path, Role.ADMIN, json={"events": events, "active": False})
    assert (changed["events"], changed["active"], changed["url"]) == (["call.ended", "suppression.added"], False, URL)
    assert "activate it first" in (await api.refused(409, "POST", f"{path}/test", Role.ADMIN))["detail"]
    assert (await api.done("PATCH", path, Role.ADMIN, json={"active": True}))["active"] is True


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://example.com", "events": ["call.ended"]}, "url"),
        ({"url": "https://127.0.0.1/hook", "events": ["call.ended"]}, "url"),
        ({"url": URL, "events": []}, "events"),
        ({"url": URL, "events": ["call.started"]}, "events.0"),
        ({"url": URL, "events": ["ping"]}, "events.0"),
        ({"url": URL}, "events"),
        ({"url": URL, "events": ["call.ended"], "secret": "mine"}, "secret"),
    ],
)
async def test_what_can_not_be_is_refused_by_field(api: Api, made: dict[str, Any], body: dict[str, Any], field: str) -> None:
    assert field in (await api.refused(422, "POST", "/webhooks", Role.ADMIN, json=body))["problems"]
    if "url" in body and "events" in body:
        await api.refused(422, "PATCH", f"/webhooks/{made['id']}", Role.ADMIN, json=body)


async def test_a_test_is_a_delivery_that_is_looked_at_and_sent_again(api: Api, made: dict[str, Any], database: Database) -> None:
    path = f"/webhooks/{made['id']}"
    for _ in range(3):
        sent = await api.done("POST", f"{path}/test", Role.ADMIN)
        assert (sent["event"], sent["state"], sent["attempts"]) == ("ping", "waiting", 0)
    first = await api.done("GET", f"{path}/deliveries?limit=2", Role.ADMIN)
    rest = await api.done("GET", f"{path}/deliveries?limit=2&cursor={first['next_cursor']}", Role.ADMIN)
    ids = [each["id"] for each in first["items"] + rest["items"]]
    assert ids == sorted(ids, key=int, reverse=True)
    assert (ids[0], len(ids), rest["next_cursor"]) == (sent["id"], 3, None)
    await database.pool.execute("update webhook_deliveries set state = 'delivered', delivered_at = callwright_now(), attempts = 1")
    assert (await api.done("GET", f"{path}/deliveries?undelivered=true", Role.ADMIN))["items"] == []
    whole = await api.done("GET", f"{path}/deliveries/{sent['id']}", Role.ADMIN)
    assert whole["message_id"] in whole["body"]
    assert (whole["state"], whole["next_attempt_at"]) == ("delivered", None)
    again = await api.done("POST", f"{path}/deliveries/{sent['id']}/redeliver", Role.ADMIN)
    assert (again["message_id"], again["state"]) == (sent["message_id"], "waiting")
    await api.done("PATCH", path, Role.ADMIN, json={"active": False})
    assert "activate it" in (await api.refused(409, "POST", f"{path}/deliveries/{sent['id']}/redeliver", Role.ADMIN))["detail"]


async def test_a_deleted_endpoint_is_gone_with_its_deliveries(api: Api, made: dict[str, Any], database: Database) -> None:
    path = f"/webhooks/{made['id']}"
    sent = await api.done("POST", f"{path}/test", Role.ADMIN)
    other = await api.done("POST", "/webhooks", Role.ADMIN, json={"url": URL, "events": ["call.ended"]})
    await api.refused(404, "GET", f"/webhooks/{other['id']}/deliveries/{sent['id']}", Role.ADMIN)
    await api.done("DELETE", path, Role.ADMIN)
    assert await database.pool.fetchval("select count(*) from webhook_deliveries") == 0
    for method, gone in (("GET", path), ("DELETE", path), ("GET", f"{path}/deliveries"), ("POST", f"{path}/test")):
        assert "there is no webhook" in (await api.refused(404, method, gone, Role.ADMIN))["detail"]


async def test_there_are_twenty_at_most(api: Api, made: dict[str, Any]) -> None:
    body = {"url": URL, "events": ["call.ended"]}
    for _ in range(19):
        await api.done("POST", "/webhooks", Role.ADMIN, json=body)
    assert "delete one" in (await api.refused(409, "POST", "/webhooks", Role.ADMIN, json=body))["detail"]
    await api.done("DELETE", f"/webhooks/{made['id']}", Role.ADMIN)
    await api.done("POST", "/webhooks", Role.ADMIN, json=body)


async def test_what_admins_do_is_in_the_audit_log_without_a_secret(api: Api, made: dict[str, Any]) -> None:
    path = f"/webhooks/{made['id']}"
    sent = await api.done("POST", f"{path}/test", Role.ADMIN)
    await api.done("POST", f"{path}/deliveries/{sent['id']}/redeliver", Role.ADMIN)
    await api.done("POST", f"{path}/rotate-secret", Role.ADMIN)
    await api.done("PATCH", path, Role.ADMIN, json={"description": "ERP"})
    await api.done("DELETE", path, Role.ADMIN)
    lines = [line for line in (await api.done("GET", "/audit-log", Role.ADMIN))["items"] if line["action"].startswith("webhook.")]
    assert [line["action"].partition(".")[2] for line in reversed(lines)] == [
        "create",
        "test",
        "redeliver",
        "rotate_secret",
        "change",
        "delete",
    ]
    assert {(line["subject"], line["detail"]["name"]) for line in lines} == {(f"webhook {made['id']}", URL)}
    assert "whsec_" not in str(lines)
