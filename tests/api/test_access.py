"""Who may ask what: nobody without a token, nobody above his role, and no command from another site."""

import pytest
from openapi_spec_validator import validate

from db.database import Database
from mediaserver.api import ROUTES
from mediaserver.api.openapi import document
from mediaserver.api.routes import Route
from mediaserver.identity import Role, create_token, create_user, revoke_token
from tests.api.conftest import Api, Client


def _address(route: Route) -> str:
    """The route's address, with ids that do not exist."""
    return "/api/v1" + "/".join("999999" if part.startswith("{") else part for part in route.path.split("/"))


def test_the_table_has_each_route_once() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


async def test_every_route_wants_a_token_and_its_role(client: Client, api: Api) -> None:
    for route in ROUTES:
        said = f"{route.method} {route.path}"
        async with client.request(route.method, _address(route)) as answer:
            assert answer.status == 401, said
            assert answer.headers["WWW-Authenticate"] == "Bearer", said
        for role in Role:
            headers = {"Authorization": f"Bearer {api.tokens[role]}"}
            async with client.request(route.method, _address(route), headers=headers) as answer:
                assert (answer.status == 403) == (not role.covers(route.role)), f"{said} as {role}: {answer.status}"
                assert answer.status not in (401, 500), f"{said} as {role}"


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Basic YTpi", "Bearer cw_ "])
async def test_a_token_that_is_none_is_refused(client: Client, header: str) -> None:
    async with client.get("/api/v1/me", headers={"Authorization": header}) as answer:
        assert answer.status == 401


async def test_a_revoked_token_is_refused_at_once(database: Database, api: Api) -> None:
    token, secret = await create_token(database, "old", Role.ADMIN, actor="test")
    headers = {"Authorization": f"Bearer {secret}"}
    assert (await api.ask("GET", "/me", headers=headers))[0] == 200
    assert await revoke_token(database, token.id, actor="test")
    assert (await api.ask("GET", "/me", headers=headers))[0] == 401


async def test_a_command_in_a_session_comes_from_our_own_pages(client: Client, database: Database) -> None:
    await create_user(database, "olive", Role.OPERATOR, actor="test", password="a long password")
    async with client.post("/sign-in", json={"name": "olive", "password": "a long password"}) as answer:
        assert answer.status == 200
    async with client.post("/api/v1/suppressions", json={"number": "+12025550199", "reason": "asked"}) as answer:
        assert answer.status == 403
        assert "X-Callwright" in (await answer.json(content_type=None))["detail"]
    said = {"number": "+12025550199", "reason": "asked"}
    async with client.post("/api/v1/suppressions", json=said, headers={"X-Callwright": "1"}) as answer:
        assert answer.status == 201


async def test_numbers_are_masked_for_viewers(api: Api) -> None:
    entry = await api.done("POST", "/suppressions", json={"number": "+12025550199", "reason": "asked"})
    assert entry["number"] == "+12025550199"
    assert (await api.done("GET", f"/suppressions/{entry['id']}", Role.VIEWER))["number"] == "**********99"


def test_the_openapi_document_is_valid_and_names_every_route() -> None:
    made = document(ROUTES)
    validate(made)
    named = {(method.upper(), path) for path, methods in made["paths"].items() for method in methods}
    assert named == {(route.method, f"/api/v1{route.path}") for route in ROUTES}


async def test_the_openapi_document_is_served_to_anybody(client: Client) -> None:
    async with client.get("/api/v1/openapi.json") as answer:
        assert (await answer.json())["openapi"] == "3.1.0"


async def test_an_unknown_address_says_where_the_known_ones_are(api: Api) -> None:
    assert "openapi.json" in (await api.refused(404, "GET", "/campains"))["detail"]
    await api.refused(404, "GET", "/campaigns/abc")
    await api.refused(404, "PUT", "/campaigns")
