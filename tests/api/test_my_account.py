"""Somebody's own account: another password for whoever knows the old one, and the end of all sessions; what an admin resets."""

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient

from db.database import Database
from mediaserver.identity import TRIES_PER_ACCOUNT_AND_ADDRESS, Role, create_user
from tests.api.conftest import Api, Client

OLD, NEW = "correct horse battery", "staple and a half"
COMMAND = {"X-Callwright": "1"}


@pytest.fixture
async def elsewhere(client: Client) -> AsyncIterator[Client]:
    """Another browser."""
    async with TestClient(client.server) as other:
        yield other


@pytest.fixture
async def olive(client: Client, elsewhere: Client, database: Database) -> int:
    """An operator who has signed in at two places."""
    user, _ = await create_user(database, "Olive", Role.OPERATOR, actor="test", password=OLD)
    for browser in (client, elsewhere):
        assert await _enter(browser, OLD) == 200
    return user.id


async def _enter(browser: Client, password: str) -> int:
    async with browser.post("/sign-in", json={"name": "olive", "password": password}) as answer:
        return answer.status


async def _knows(browser: Client) -> bool:
    async with browser.get("/api/v1/me") as answer:
        return answer.status == 200


async def _change(browser: Client, old: str, new: str) -> tuple[int, dict[str, str]]:
    body = {"old_password": old, "password": new}
    async with browser.post("/api/v1/me/password", json=body, headers=COMMAND) as answer:
        return answer.status, {} if answer.status == 204 else (await answer.json(content_type=None)).get("problems", {})


async def test_a_new_password_keeps_this_session_and_ends_the_others(client: Client, elsewhere: Client, olive: int, api: Api) -> None:
    assert await _change(client, OLD, NEW) == (204, {})
    assert (await _knows(client), await _knows(elsewhere)) == (True, False)
    assert (await _enter(elsewhere, OLD), await _enter(elsewhere, NEW)) == (401, 200)
    log = (await api.done("GET", "/audit-log", Role.ADMIN))["items"]
    assert [(line["actor"], line["subject"]) for line in log if line["action"] == "user.password"] == [("Olive", f"user {olive}")]


async def test_a_password_is_not_changed_by_somebody_who_does_not_know_it(client: Client, olive: int) -> None:
    assert await _change(client, "wrong", NEW) == (422, {"old_password": "this is not your present password"})
    assert list((await _change(client, OLD, "short"))[1]) == ["password"]
    for _ in range(TRIES_PER_ACCOUNT_AND_ADDRESS - 1):
        assert (await _change(client, "wrong", NEW))[0] == 422
    assert (await _change(client, OLD, NEW))[0] == 429


async def test_signing_out_everywhere_ends_every_session(client: Client, elsewhere: Client, olive: int) -> None:
    async with client.post("/api/v1/me/sign-out-everywhere", headers=COMMAND) as answer:
        assert answer.status == 204
    assert (await _knows(client), await _knows(elsewhere)) == (False, False)


async def test_a_token_has_neither_password_nor_sessions(api: Api) -> None:
    await api.refused(409, "POST", "/me/password", json={"old_password": OLD, "password": NEW})
    await api.refused(409, "POST", "/me/sign-out-everywhere")


async def test_an_admin_gives_somebody_who_forgot_a_password_shown_once(api: Api, elsewhere: Client, olive: int) -> None:
    made = await api.done("POST", f"/users/{olive}/reset-password", Role.ADMIN)
    assert not await _knows(elsewhere)
    assert (await _enter(elsewhere, OLD), await _enter(elsewhere, made["password"])) == (401, 200)
