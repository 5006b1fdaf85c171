"""A supervisor comes in at one process, and the call is held by another: it is as if it were held there."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, make_mocked_request

from db.database import Database
from db.rows import CallHolder
from mediaserver.identity import Role, create_token
from mediaserver.serving import as_peers_see
from mediaserver.supervision import door, peers
from mediaserver.supervision.listener import page_socket
from mediaserver.supervision.peers import PASSED_ON, HolderAway, Peers
from mediaserver.supervision.protocol import HeldTold, NoteTold, OverTold, RefusedTold, Welcome
from mediaserver.switch.voice import SpeechModel
from tests.supervision.stations import Someone, Station, station
from tests.supervision.test_door import WORD, connected, heard, take_over

Both = tuple[Station, Station]


@pytest.fixture
async def both(database: Database, model: SpeechModel, tmp_path: Path) -> AsyncIterator[Both]:
    """A process at which supervisors come in, and one that holds the calls."""
    async with station(database, model, tmp_path, "front") as front, station(database, model, tmp_path, "holder") as holder:
        yield front, holder


async def coming_in(both: Both, name: str = "Ada") -> Someone:
    front, holder = both
    return (await holder.someone(name=name)).at(front.url)


async def test_a_supervisor_hears_and_whispers_on_a_call_of_another_process(both: Both) -> None:
    front, holder = both
    ada = await coming_in(both)
    async with holder.call() as (call_id, caller), ada.on(call_id) as page:
        assert front.desk.find(call_id) is None
        assert (await page.told(Welcome)).call.id == str(call_id)
        await caller.speak(5)
        assert len(await page.audio()) > 8
        assert await ada.ask("POST", f"/live/{call_id}/whisper", json={"text": "be brief"}) == (200, {"answer": "goes to: offer"})
        assert (await page.told(NoteTold)).text == "be brief"
        await caller.send(caller.frames.stop())
        await page.told(OverTold)
    assert holder.conversations[call_id].whispered == ["be brief"]
    assert [entry["actor"] for entry in await front.audited("live.whisper")] == ["Ada"]


async def test_a_microphone_is_heard_on_a_call_of_another_process(both: Both) -> None:
    _, holder = both
    ada = await coming_in(both)
    async with holder.call() as (call_id, caller), ada.on(call_id) as page:
        connection = await connected(page)
        assert await take_over(ada, call_id, connection) == 204
        assert await page.told(HeldTold) == HeldTold("Ada", connection)
        await page.socket.send_bytes(WORD)
        assert await heard(caller)
    assert holder.conversations[call_id].taken_by == ["Ada"]


async def test_the_holder_decides_who_comes_in(both: Both) -> None:
    front, holder = both
    ada, vera = await coming_in(both), (await holder.someone("viewer", "Vera")).at(front.url)
    async with holder.call() as (call_id, _):
        async with ada.page(call_id, "made-up") as page:
            assert await page.told(RefusedTold) == RefusedTold(door.REFUSED)
        assert (await vera.ask("POST", f"/live/{call_id}/whisper", json={"text": "no"}))[0] == 403
        status, said = await ada.ask("POST", f"/live/{call_id}/whisper", json={"text": "sing"})
        assert (status, said["detail"]) == (409, "the script has no step for that")
        assert (await ada.ask("POST", f"/live/{call_id}/marks", json={"note": ""}))[0] == 422
    assert holder.conversations[call_id].whispered == []
    assert [entry["detail"] for entry in await front.audited("live.refused")] == [{"why": "unknown"}]


async def test_a_programs_token_is_passed_on_too(both: Both) -> None:
    front, holder = both
    _, secret = await create_token(front.db, "program", Role.SUPERVISOR, actor="test")
    ada = await coming_in(both)
    async with holder.call() as (call_id, _):
        path, headers = f"/live/{call_id}/hangup", {"Authorization": f"Bearer {secret}"}
        assert (await ada.ask("POST", path, headers=headers))[0] == 204
    assert holder.conversations[call_id].hung_up_by == ["program"]


async def test_a_session_that_ends_ends_the_connection_through_both(both: Both) -> None:
    _, holder = both
    ada = await coming_in(both)
    async with holder.call() as (call_id, _), ada.on(call_id) as page:
        await page.told(Welcome)
        await holder.db.pool.execute("update sessions set ended_at = callwright_now()")
        assert await page.told(RefusedTold) == RefusedTold(door.NO_LONGER)


async def test_of_a_holder_that_is_gone_people_are_told_to_come_again(both: Both) -> None:
    _, holder = both
    ada = await coming_in(both)
    async with holder.call() as (call_id, _):
        grant = await ada.grant(call_id)
        await holder.db.pool.execute("update processes set address = 'http://127.0.0.1:1' where id = 'holder'")
        async with ada.page(call_id, grant) as page:
            assert await page.told(RefusedTold) == RefusedTold(peers.AWAY, again=True)
        status, said = await ada.ask("POST", f"/live/{call_id}/hangup")
        assert (status, said["detail"]) == (503, peers.AWAY)
    assert holder.conversations[call_id].hung_up_by == []


async def test_of_a_holder_that_takes_and_never_answers_people_are_told_to_come_again(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "ANSWERS_WITHIN_S", 0.2)
    _, holder = both
    ada = await coming_in(both)
    taken: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _reader, writer: taken.append(writer), "127.0.0.1", 0)
    async with silent, holder.call() as (call_id, _):
        grant = await ada.grant(call_id)
        address = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
        await holder.db.pool.execute("update processes set address = $1 where id = 'holder'", address)
        async with ada.page(call_id, grant) as page:
            assert await page.told(RefusedTold) == RefusedTold(peers.AWAY, again=True)
        assert (await ada.ask("POST", f"/live/{call_id}/hangup"))[0] == 503
        assert taken
        for writer in taken:
            writer.close()
            await writer.wait_closed()


HOLDER = """
import asyncio, json, sys
from aiohttp import web

async def stream(request):
    page = web.WebSocketResponse()
    await page.prepare(request)
    await page.send_str(json.dumps({"type": "held", "by": "Ada", "connection": "c"}))
    await page.receive()
    await asyncio.Event().wait()

app = web.Application()
app.router.add_get("/live/{call}/stream", stream)
web.run_app(app, host="127.0.0.1", port=0, print=lambda said: print(said.split()[3], flush=True))
"""


async def test_a_page_whose_holder_is_killed_while_it_has_the_call_is_told_and_can_come_again(both: Both) -> None:
    _, holder = both
    ada = await coming_in(both)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLDER, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        address = (await process.stdout.readline()).decode().strip()
        async with holder.call() as (call_id, _):
            grant = await ada.grant(call_id)
            await holder.db.pool.execute("update processes set address = $1 where id = 'holder'", address)
            async with ada.page(call_id, grant) as page:
                assert await page.told(HeldTold) == HeldTold("Ada", "c")
                process.kill()
                async for _ in page.socket:
                    pass
                assert page.socket.close_code == 1000
            async with ada.page(call_id, await ada.grant(call_id)) as page:
                assert await page.told(RefusedTold) == RefusedTold(peers.AWAY, again=True)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_a_page_that_floods_is_let_go_on_its_way_to_the_holder(both: Both) -> None:
    _, holder = both
    ada = await coming_in(both)
    async with holder.call() as (call_id, caller), ada.on(call_id) as flood, ada.on(call_id) as page:
        await connected(flood), await connected(page)
        with contextlib.suppress(ConnectionError):
            for _ in range(4000):
                await flood.socket.send_bytes(b"")
        async for _ in flood.socket:
            pass
        await caller.speak(5)
        await page.audio()


async def test_who_came_in_at_a_process_that_stops_is_told_to_come_again(both: Both) -> None:
    front, holder = both
    ada = await coming_in(both)
    async with holder.call() as (call_id, caller):
        async with ada.on(call_id) as page:
            await page.told(Welcome)
            stopping = asyncio.create_task(front.media.app.shutdown())
            assert await page.told(RefusedTold) == RefusedTold(door.STOPPING, again=True)
            await stopping
        async with ada.at(holder.url).on(call_id) as page:
            await caller.speak(5)
            await page.audio()


def _holder(**changes: object) -> CallHolder:
    return CallHolder(**{"call_id": 7, "process_id": "there", "address": "http://there", "alive": True, "number": "+1"} | changes)  # type: ignore[arg-type]  # as the database gives them


@pytest.mark.parametrize(("holder", "elsewhere"), [(_holder(), True), (_holder(process_id="here"), False)])
async def test_what_another_one_holds_is_passed_on(holder: CallHolder, elsewhere: bool) -> None:
    async with aiohttp.ClientSession() as session:
        assert Peers(session, "here").elsewhere(make_mocked_request("GET", "/"), holder) is elsewhere


@pytest.mark.parametrize(
    ("holder", "headers"), [(_holder(alive=False), {}), (_holder(address=""), {}), (_holder(), {PASSED_ON: "another"})], ids=str
)
async def test_nothing_is_passed_on_in_circles_or_to_nobody(holder: CallHolder, headers: dict[str, str]) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(HolderAway):
            Peers(session, "here").elsewhere(make_mocked_request("GET", "/", headers=headers), holder)


def test_a_process_that_listens_everywhere_goes_by_the_name_of_its_machine() -> None:
    assert as_peers_see("10.0.0.5", 8080) == "http://10.0.0.5:8080"
    assert as_peers_see("0.0.0.0", 8080) == as_peers_see("::", 8080) == f"http://{socket.gethostname()}:8080"


FRAME, FRAMES = bytes(4096), 1024
MOST_ON_THE_WAY = 2 * 1024 * 1024  # bytes: what kernels and libraries hold, and far from all
SMALL = 64 * 1024  # bytes of a kernel's buffer


class Flood:
    """A holder that sends 4 MB as fast as it can. `sent`: bytes that have gone out; `paused`: put when no more do, or all have."""

    def __init__(self) -> None:
        self.sent = 0
        self.paused = asyncio.Event()

    async def pour(self, request: web.Request) -> web.WebSocketResponse:
        holder = page_socket()
        await holder.prepare(request)
        holder.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        with contextlib.suppress(ConnectionError):  # the page has seen enough
            for _ in range(FRAMES):
                watching = asyncio.get_running_loop().call_later(1.0, self.paused.set)
                await holder.send_bytes(FRAME)
                watching.cancel()
                self.sent += len(FRAME)
            self.paused.set()
        return holder


@asynccontextmanager
async def relayed(flood: Flood) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A page to which all is passed on that the flood sends."""
    far, near = web.Application(), web.Application()
    far.router.add_get("/stream", flood.pour)
    async with TestServer(far) as holder, aiohttp.ClientSession() as session:
        address = str(holder.make_url("")).rstrip("/")

        async def relay(request: web.Request) -> web.WebSocketResponse:
            page = page_socket()
            await page.prepare(request)
            await Peers(session, "here").relay(request, page, _holder(address=address))
            await page.close()
            return page

        near.router.add_get("/stream", relay)
        async with (
            TestServer(near) as front,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(socket_factory=_small)) as pages,
            pages.ws_connect(front.make_url("/stream")) as page,
        ):
            yield page


def _small(address: Any) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    return made


async def test_a_page_that_does_not_read_makes_the_holder_wait() -> None:
    flood = Flood()
    async with relayed(flood) as page:
        await flood.paused.wait()
        sent = flood.sent
        assert sent < MOST_ON_THE_WAY
        while flood.sent == sent:  # and once it reads, it goes on
            assert (await page.receive()).data == FRAME
