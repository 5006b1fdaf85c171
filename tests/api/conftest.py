"""An application with nothing but the API, a token for each role, and what a campaign needs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from agent_runtime.templates import template
from db.database import Database
from db.queries import load
from dialer.loop import DialerLoop, Process
from mediaserver.api import setup_api
from mediaserver.identity import Role, create_token
from mediaserver.settings import Settings
from tests.dialer.world import ScriptedCarrier, Urls

DASHBOARD = "http://127.0.0.1:8501"
Client = TestClient[web.Request, web.Application]


@dataclass
class Api:
    """Asks in the name of a role; answers are the status and the JSON."""

    client: Client
    tokens: Mapping[Role, str]

    async def ask(self, method: str, path: str, role: Role = Role.OPERATOR, **options: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} | options.pop("headers", {})
        async with self.client.request(method, f"/api/v1{path}", headers=headers, **options) as answer:
            said = await answer.json(content_type=None) if answer.status != 204 else None
            if answer.status >= 400:
                assert answer.content_type == "application/problem+json"
                assert said["status"] == answer.status
            return answer.status, said

    async def done(self, method: str, path: str, role: Role = Role.OPERATOR, **options: Any) -> Any:
        status, said = await self.ask(method, path, role, **options)
        assert status < 300, said
        return said

    async def refused(self, status: int, method: str, path: str, role: Role = Role.OPERATOR, **options: Any) -> Any:
        found, said = await self.ask(method, path, role, **options)
        assert found == status, said
        return said


@pytest.fixture
def nudges() -> list[str]:
    """What the dialer loop was told."""
    return []


@pytest.fixture
def carrier() -> ScriptedCarrier:
    return ScriptedCarrier(lambda: datetime.now(UTC))


@pytest.fixture
async def loop(database: Database, carrier: ScriptedCarrier) -> AsyncIterator[DialerLoop]:
    """The dialer loop of the process, which ticks when the test says so."""
    made = DialerLoop(database, {"twilio": carrier}, Process("one", "host", "wss://host/stream", 100), Urls())
    await made.start_process()
    yield made
    await made.placed()


@pytest.fixture
async def client(database: Database, tmp_path: Path, nudges: list[str], loop: DialerLoop) -> AsyncIterator[Client]:
    app = web.Application()
    settings = Settings(data_dir=tmp_path, dashboard_url=DASHBOARD, public_url="http://127.0.0.1:8080")
    setup_api(app, database=database, settings=settings, nudge=lambda: nudges.append("nudge"), place_test_call=loop.place_test_call)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def api(client: Client, database: Database) -> Api:
    tokens = {role: (await create_token(database, role.value, role, actor="test"))[1] for role in Role}
    return Api(client, tokens)


@pytest.fixture
async def settings(api: Api, database: Database) -> dict[str, Any]:
    """What a campaign needs: an agent and a number."""
    await load("phone_numbers").ensure_carrier_account(
        database.pool, name="twilio", carrier="twilio", rehearsal=False, calls_per_second=1.0
    )
    definition = template("appointment_reminder").to_dict()
    agent = await api.done("POST", "/agents", json={"name": "Reminder", "definition": definition})
    number = await api.done("POST", "/phone-numbers", json={"number": "+1 202 555 0100", "label": "Main"})
    return {"name": "June", "agent_id": agent["id"], "phone_number_id": number["id"]}


@pytest.fixture
async def make_campaign(api: Api, settings: dict[str, Any]) -> Callable[..., Awaitable[dict[str, Any]]]:
    """A Draft with `numbers` contacts."""

    async def make(numbers: int = 0, **changes: Any) -> dict[str, Any]:
        campaign: dict[str, Any] = await api.done("POST", "/campaigns", json=settings | changes)
        if numbers:
            contacts = [{"number": f"+1202555{n:04}", "name": f"Contact {n}", "variables": VARIABLES} for n in range(200, 200 + numbers)]
            await api.done("POST", f"/campaigns/{campaign['id']}/contacts", json=contacts)
        return campaign

    return make


VARIABLES = {"customer_name": "Ada", "appointment_date": "Monday", "appointment_time": "9:00"}
