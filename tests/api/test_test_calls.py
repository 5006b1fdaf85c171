"""Test calls: an agent is tried out on one number, under the same do-not-call and rate gates as any campaign."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from db.database import Database
from dialer.carrier import CarrierThrottled
from dialer.loop import DialerLoop
from mediaserver.api import setup_api
from mediaserver.identity import Role
from mediaserver.settings import Settings
from tests.api.conftest import VARIABLES, Api
from tests.dialer.world import ScriptedCarrier


@pytest.fixture
async def wanted(settings: dict[str, Any]) -> dict[str, Any]:
    return {"number": "+1 202 555 0155", "phone_number_id": settings["phone_number_id"], "contact_name": "Ada", "variables": VARIABLES}


@pytest.fixture
async def path(settings: dict[str, Any]) -> str:
    return f"/agents/{settings['agent_id']}/test-call"


async def test_a_test_call_is_placed_by_the_process_that_was_asked(
    api: Api, path: str, wanted: dict[str, Any], loop: DialerLoop, carrier: ScriptedCarrier, database: Database
) -> None:
    placed = await api.done("POST", path, json=wanted)
    assert (placed["number"], placed["state"]) == ("+12025550155", "planned")
    await loop.placed()
    assert [(order.to, order.caller) for order in carrier.orders] == [("+12025550155", "+12025550100")]
    call = await api.done("GET", f"/calls/{placed['id']}")
    assert (call["state"], call["campaign_id"], call["contact_name"], call["variables"]) == ("requested", None, "Ada", VARIABLES)
    audited = await database.pool.fetchrow("select actor, subject, detail from audit_log where action = 'agent.test_call'")
    assert (audited["subject"], audited["detail"]) == (f"agent {placed['agent_id']}", {"call": int(placed["id"])})


async def test_a_test_call_that_is_sent_again_with_its_key_is_made_once(
    api: Api, path: str, wanted: dict[str, Any], loop: DialerLoop, carrier: ScriptedCarrier
) -> None:
    key = {"Idempotency-Key": "try Ada"}
    first = await api.done("POST", path, json=wanted, headers=key)
    assert await api.done("POST", path, json=wanted, headers=key) == first
    await loop.placed()
    assert len(carrier.orders) == 1


async def test_a_closed_gate_refuses_a_test_call_with_its_reason(
    api: Api, path: str, wanted: dict[str, Any], loop: DialerLoop, carrier: ScriptedCarrier, database: Database
) -> None:
    async def closed() -> str:
        said: str = (await api.refused(409, "POST", path, json=wanted))["detail"]
        return said

    await database.pool.execute("update carrier_accounts set calls_per_second = 1000000")
    await api.done("POST", path, json=wanted | {"number": "+12025550166"})
    await loop.placed()
    await database.pool.execute("update phone_numbers set concurrency = 1")
    assert "1 of 1 calls at the same time" in await closed()
    await database.pool.execute("update phone_numbers set concurrency = null")
    await database.pool.execute("update processes set concurrency = 1")
    assert "1 of 1 calls at the same time" in await closed()
    await database.pool.execute("update processes set concurrency = 100")
    await api.done("POST", "/suppressions", json={"number": wanted["number"], "reason": "asked"})
    assert "do-not-call list" in await closed()
    wanted["number"] = "+12025550177"
    carrier.script = [CarrierThrottled("429", retry_after_s=3600)]
    await api.done("POST", path, json=wanted)
    await loop.placed()
    assert "the carrier asked us to wait; try again at" in await closed()
    assert [order.to for order in carrier.orders] == ["+12025550166", "+12025550177"]
    assert await database.pool.fetchval("select count(*) from audit_log where action = 'agent.test_call'") == 2


async def test_the_calls_per_second_of_the_account_hold_for_test_calls_too(
    api: Api, path: str, wanted: dict[str, Any], database: Database
) -> None:
    await database.pool.execute("update carrier_accounts set calls_per_second = 0.001")
    await api.done("POST", path, json=wanted)
    said = await api.refused(409, "POST", path, json=wanted | {"number": "+12025550166"})
    assert "0.001 calls per second of the account; try again at" in said["detail"]


async def test_a_number_that_is_in_a_call_is_not_called_by_a_test(api: Api, path: str, wanted: dict[str, Any], loop: DialerLoop) -> None:
    await api.done("POST", path, json=wanted)
    await loop.placed()
    assert "another call" in (await api.refused(409, "POST", path, json=wanted))["detail"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": "12"}, "number"),
        ({"number": ""}, "number"),
        ({"phone_number_id": "999999"}, "phone_number_id"),
        ({"phone_number_id": "main"}, "phone_number_id"),
        ({"phone_number_id": "9" * 30}, "phone_number_id"),
        ({"variables": {}}, "variables"),
        ({"ring_timeout_s": -1}, "ring_timeout_s"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_test_call_that_can_not_be_is_refused_by_field(
    api: Api, path: str, wanted: dict[str, Any], carrier: ScriptedCarrier, changes: dict[str, Any], field: str
) -> None:
    assert list((await api.refused(422, "POST", path, json=wanted | changes))["problems"]) == [field]
    assert carrier.orders == []


async def test_a_process_that_stops_or_does_not_dial_from_the_number_plans_nothing(
    api: Api, path: str, wanted: dict[str, Any], loop: DialerLoop, database: Database
) -> None:
    elsewhere = await database.pool.fetchval(
        """with account as (insert into carrier_accounts (name, carrier) values ('other', 'other') returning id)
           insert into phone_numbers (e164, carrier_account_id) select '+12025550109', id from account returning id"""
    )
    said = await api.refused(409, "POST", path, json=wanted | {"phone_number_id": str(elsewhere)})
    assert "does not dial on the carrier account other" in said["detail"]
    loop.stop_dialing()
    assert "is stopping" in (await api.refused(409, "POST", path, json=wanted))["detail"]
    assert await database.pool.fetchval("select count(*) from calls") == 0


async def test_an_agent_that_is_not_there_and_a_viewer_call_nobody(api: Api, path: str, wanted: dict[str, Any], database: Database) -> None:
    await api.refused(404, "POST", "/agents/999999/test-call", json=wanted)
    await api.refused(403, "POST", path, Role.VIEWER, json=wanted)
    assert await database.pool.fetchval("select count(*) from calls") == 0


async def test_a_process_without_a_carrier_says_so(api: Api, path: str, wanted: dict[str, Any], database: Database) -> None:
    app = web.Application()
    setup_api(app, database=database, settings=Settings())
    async with TestClient(TestServer(app)) as client:
        said = await Api(client, api.tokens).refused(409, "POST", path, json=wanted)
    assert "TWILIO_ACCOUNT_SID" in said["detail"]
