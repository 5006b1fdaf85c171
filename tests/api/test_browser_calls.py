"""Talking to an agent in the browser: who may begin a call, who may join it, and when."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from db.database import Database
from dialer.loop import DialerLoop, Process
from dialer.streams import StreamRefused, bind_stream
from mediaserver.api import setup_api
from mediaserver.api.access import SESSION_COOKIE
from mediaserver.api.routes import BrowserCalls
from mediaserver.carriers.browser.carrier import BrowserCarrier, ensure_line
from mediaserver.identity import Role, session_hash
from mediaserver.settings import Settings
from tests.api.conftest import VARIABLES, Api, Client
from tests.dialer.world import Urls

PUBLIC = "http://127.0.0.1:8080"
ADA = {"contact_name": "Ada", "variables": VARIABLES}


@dataclass
class Person:
    """Somebody who is signed in."""

    client: Client
    session: str

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        headers = {"X-Callwright": "1", "Cookie": f"{SESSION_COOKIE}={self.session}"}
        async with self.client.request(method, f"/api/v1{path}", headers=headers, **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def begins(self, agent: str, **body: Any) -> int:
        status, said = await self.ask("POST", f"/agents/{agent}/browser-call", json=body or ADA)
        assert status == 201, said
        return int(said["id"])

    async def joins(self, call: int) -> tuple[int, Any]:
        return await self.ask("POST", f"/calls/{call}/browser-stream")


@pytest.fixture
async def loop(database: Database) -> AsyncIterator[DialerLoop]:
    made = DialerLoop(database, {"browser": BrowserCarrier(database)}, Process("one", "host", "wss://host/stream", 100), Urls())
    await made.start_process()
    yield made
    await made.placed()


@pytest.fixture
async def client(database: Database, tmp_path: Path, loop: DialerLoop) -> AsyncIterator[Client]:
    app = web.Application()
    browser = BrowserCalls(await ensure_line(database), loop.place_test_call)
    setup_api(app, database=database, settings=Settings(data_dir=tmp_path, public_url=PUBLIC), browser=browser)
    async with TestClient(TestServer(app)) as made:
        yield made


async def signed_in(client: Client, database: Database, name: str, role: Role = Role.OPERATOR) -> Person:
    """A session of a new account, which has no password that would have to be checked."""
    await database.pool.execute(
        """with person as (insert into users (name, password_hash, role) values ($1, '', $2) returning id)
           insert into sessions (token_hash, user_id, expires_at) select $3, id, callwright_now() + interval '1 hour' from person""",
        name,
        role.value,
        session_hash(name),
    )
    return Person(client, name)


@pytest.fixture
async def olive(client: Client, database: Database) -> Person:
    return await signed_in(client, database, "Olive")


@pytest.fixture
async def paul(client: Client, database: Database) -> Person:
    """Another operator."""
    return await signed_in(client, database, "Paul")


@pytest.fixture
async def agent(settings: dict[str, Any]) -> str:
    made: str = settings["agent_id"]
    return made


async def test_a_call_is_begun_with_the_sample_and_its_page_gets_a_stream(
    olive: Person, agent: str, loop: DialerLoop, database: Database
) -> None:
    status, said = await olive.ask("POST", f"/agents/{agent}/browser-call", json=ADA)
    assert (status, said["page"]) == (201, f"{PUBLIC}/talk/{said['id']}")
    await loop.placed()
    call = int(said["id"])
    status, stream = await olive.joins(call)
    assert (status, stream["url"]) == (201, "/carriers/browser/stream")
    brief = await bind_stream(database, stream["token"], "browser-1", "one")
    assert (brief.call_id, brief.contact_name, brief.agent_id, brief.carrier_call_id) == (call, "Ada", int(agent), f"browser-{call}")
    assert brief.variables.items() >= VARIABLES.items()
    audited = await database.pool.fetchrow("select actor, subject, detail from audit_log where action = 'agent.browser_call'")
    assert (audited["actor"], audited["subject"], audited["detail"]) == ("Olive", f"agent {agent}", {"call": call})


async def test_a_call_that_is_not_placed_yet_is_asked_for_again(olive: Person, agent: str, loop: DialerLoop, database: Database) -> None:
    call = await olive.begins(agent)
    await loop.placed()
    await database.pool.execute("update calls set carrier_call_id = null where id = $1", call)
    status, said = await olive.joins(call)
    assert (status, "ask again" in said["detail"]) == (409, True)
    await database.pool.execute("update calls set carrier_call_id = $2 where id = $1", call, f"browser-{call}")
    assert (await olive.joins(call))[0] == 201


async def test_a_stream_is_for_whoever_began_the_call(olive: Person, paul: Person, agent: str, loop: DialerLoop, api: Api) -> None:
    call = await olive.begins(agent)
    await loop.placed()
    assert (await paul.joins(call))[0] == 403
    assert "sign in" in (await api.refused(403, "POST", f"/calls/{call}/browser-stream", Role.ADMIN))["detail"]
    assert (await olive.joins(call))[0] == 201
    assert (await olive.joins(999999))[0] == 404


async def test_nobody_joins_a_phone_call(olive: Person, agent: str, loop: DialerLoop, database: Database) -> None:
    call = await olive.begins(agent)
    await loop.placed()
    await database.pool.execute("update calls set number = '+12025550155' where id = $1", call)
    assert (await olive.joins(call))[0] == 403


async def test_one_call_of_a_person_at_a_time_and_the_second_is_told_where_the_first_is(
    olive: Person, paul: Person, agent: str, loop: DialerLoop, database: Database
) -> None:
    call = await olive.begins(agent)
    await loop.placed()
    status, said = await olive.ask("POST", f"/agents/{agent}/browser-call", json=ADA)
    assert status == 409
    assert f"talk on it at {PUBLIC}/talk/{call}, or hang up there" in said["detail"]
    await paul.begins(agent)
    assert await database.pool.fetchval("select count(*) from calls") == 2


async def test_a_page_that_comes_back_gets_another_stream_once_the_call_is_let_go(
    olive: Person, agent: str, loop: DialerLoop, database: Database
) -> None:
    call = await olive.begins(agent)
    await loop.placed()
    first = (await olive.joins(call))[1]["token"]
    second = (await olive.joins(call))[1]["token"]
    with pytest.raises(StreamRefused):
        await bind_stream(database, first, "browser-1", "one")
    await bind_stream(database, second, "browser-2", "one")
    status, said = await olive.joins(call)
    assert (status, "another window" in said["detail"]) == (409, True)
    await database.pool.execute("update processes set heartbeat_at = heartbeat_at - interval '1 minute'")  # it died
    again = (await olive.joins(call))[1]["token"]
    assert (await bind_stream(database, again, "browser-3", "two")).call_id == call


async def test_a_call_that_is_over_is_joined_by_nobody(olive: Person, agent: str, loop: DialerLoop, database: Database) -> None:
    call = await olive.begins(agent)
    await loop.placed()
    await database.pool.execute("update calls set state = 'ended', ended_at = callwright_now(), outcome = 'no_answer' where id = $1", call)
    status, said = await olive.joins(call)
    assert (status, "is over" in said["detail"]) == (409, True)


async def test_a_call_that_can_not_be_is_refused(olive: Person, agent: str, api: Api, database: Database) -> None:
    path = f"/agents/{agent}/browser-call"
    status, said = await olive.ask("POST", path, json={"contact_name": "Ada"})
    assert (status, list(said["problems"])) == (422, ["variables"])
    assert (await olive.ask("POST", "/agents/999999/browser-call", json=ADA))[0] == 404
    assert "sign in" in (await api.refused(403, "POST", path, Role.OPERATOR, json=ADA))["detail"]
    await api.refused(403, "POST", path, Role.VIEWER, json=ADA)
    assert await database.pool.fetchval("select count(*) from calls") == 0


async def test_a_viewer_begins_no_call(client: Client, database: Database, agent: str) -> None:
    viewer = await signed_in(client, database, "Vera", Role.VIEWER)
    status, said = await viewer.ask("POST", f"/agents/{agent}/browser-call", json=ADA)
    assert (status, "needs the role operator" in said["detail"]) == (403, True)


async def test_the_line_is_no_number_of_ours(olive: Person, agent: str, api: Api, database: Database) -> None:
    """No list has it, no campaign and no test call can be made on it, and its account takes no numbers."""
    line = await database.pool.fetchval("select id from phone_numbers where e164 = 'browser'")
    assert [number["number"] for number in (await api.done("GET", "/phone-numbers"))["items"]] == ["+12025550100"]
    await api.refused(404, "GET", f"/phone-numbers/{line}")
    campaign = {"name": "June", "agent_id": agent, "phone_number_id": str(line)}
    assert list((await api.refused(422, "POST", "/campaigns", json=campaign))["problems"]) == ["phone_number_id"]
    trial = {"number": "+12025550155", "phone_number_id": str(line), **ADA}
    assert list((await api.refused(422, "POST", f"/agents/{agent}/test-call", json=trial))["problems"]) == ["phone_number_id"]
    number = {"number": "+12025550101", "carrier_account": "browser"}
    assert list((await api.refused(422, "POST", "/phone-numbers", json=number))["problems"]) == ["carrier_account"]


async def test_a_call_in_the_browser_reads_the_same_to_a_viewer(olive: Person, agent: str, loop: DialerLoop, api: Api) -> None:
    call = await olive.begins(agent)
    await loop.placed()
    seen = [(await api.done("GET", f"/calls/{call}", role))["number"] for role in (Role.VIEWER, Role.OPERATOR)]
    assert seen[0] == seen[1]
    assert seen[0].startswith("browser:")


async def test_a_process_that_does_not_dial_says_so(api: Api, database: Database, olive: Person, agent: str, loop: DialerLoop) -> None:
    loop.stop_dialing()
    status, said = await olive.ask("POST", f"/agents/{agent}/browser-call", json=ADA)
    assert (status, "is stopping" in said["detail"]) == (409, True)
