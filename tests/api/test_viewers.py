"""What a viewer is told: no answer of any route holds a phone number that somebody else could be called at."""

import io
import re
from collections.abc import Mapping

import asyncpg
import pytest

from mediaserver.api import ROUTES
from mediaserver.api.routes import PREFIX, Route
from mediaserver.identity import Role
from tests.api.conftest import Api
from tests.dashboard.seed import say_a_number, seed

CALLEES = re.compile(r"\+?1415555[02]\d{3}(?<!0100)")
SEEN = [route for route in ROUTES if route.method == "GET" and route.role is Role.VIEWER]


@pytest.fixture
async def ids(database_url: str, api: Api) -> Mapping[str, int]:
    """By the name that routes give them, the ids of things that hold numbers."""
    connection = await asyncpg.connect(database_url)
    house = await seed(connection)
    await say_a_number(connection, house.talked, "+14155552008")
    await connection.close()
    entry = await api.done("POST", "/suppressions", json={"number": "+14155550199", "reason": "the callee said: not at 14155550198"})
    file = b"phone_number\n+14155552007\n1415555200712345678\n"
    draft = house.campaigns["draft"]
    imported = await api.done("POST", f"/campaigns/{draft}/contacts/import", data={"file": io.BytesIO(file)})
    return {
        "campaign_id": house.campaigns["in_progress"],
        "contact_id": house.contacts[0],
        "call_id": house.talked,
        "agent_id": house.agent,
        "phone_number_id": house.number,
        "suppression_id": int(entry["id"]),
        "import_id": int(imported["import_id"]),
    }


async def test_no_answer_to_a_viewer_holds_a_number(api: Api, ids: Mapping[str, int]) -> None:
    told: dict[str, list[str]] = {}
    for route in SEEN:
        said = await _said(api, route, ids, Role.VIEWER)
        assert CALLEES.findall(said) == [], route.path
        told[route.path] = CALLEES.findall(await _said(api, route, ids, Role.OPERATOR))
    assert told["/campaigns/{campaign_id}/contacts"]
    assert told["/suppressions"]
    assert len(told["/calls/{call_id}"]) >= len(("number", "summary", "fields", "evidence", "turn"))
    assert told["/calls/{call_id}/events"]


async def test_a_viewer_finds_no_number_by_its_hidden_digits(api: Api, ids: Mapping[str, int]) -> None:
    contacts = f"/campaigns/{ids['campaign_id']}/contacts?search="
    for listed in (contacts, "/suppressions?search="):
        assert (await api.done("GET", listed + "415555"))["items"] != []
        assert (await api.done("GET", listed + "415555", Role.VIEWER))["items"] == []


async def _said(api: Api, route: Route, ids: Mapping[str, int], role: Role) -> str:
    headers = {"Authorization": f"Bearer {api.tokens[role]}"}
    async with api.client.get(PREFIX + route.path.format_map(ids), headers=headers) as answer:
        assert answer.status < 500, f"{route.path}: {answer.status}"
        return (await answer.read()).decode(errors="replace")
