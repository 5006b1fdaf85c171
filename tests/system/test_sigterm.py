"""SIGTERM to a media server: it dials nobody any more, its calls end in order, and another process goes on where it stopped."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import psutil
import pytest

from db.embedded import attached_url
from mediaserver.administration import make_token
from mediaserver.api_client import Api
from tests.system.house import Callee, House, house
from tests.system.processes import all_ended, until

pytestmark = pytest.mark.timeout(300)

LEAVES_SOON, LEAVES_TOO = Callee("+12125550231", "Ada Early", "hangs_up"), Callee("+12125550232", "Bea Brief", "hangs_up")
STAYS, LETS_IT_RING = Callee("+12125550233", "Stan Staley", "agrees"), Callee("+12125550234", "Nora Nobody", "no_answer")
WAITS = Callee("+12125550235", "Walter Waite", "busy")


async def test_calls_in_progress_hear_their_callees_to_the_end_and_those_who_wait_are_called_by_the_next_process(tmp_path: Path) -> None:
    talking = (LEAVES_SOON, LEAVES_TOO)
    async with house(tmp_path, [*talking, WAITS], tones=True, CALLWRIGHT_DRAIN_S="120") as running:
        campaign = await running.start_campaign([*talking, WAITS], concurrency=2)
        await running.on_the_line(*talking)
        old = await _terminated(running)
        calls = await _calls(running)
        assert {call["number"] for call in calls if _is_of(call, old)} == {each.number for each in talking}
        assert {(call["state"], call["ended_by"]) for call in calls if _is_of(call, old)} == {("ended", "agent")}
        assert {call["who_says"] for call in calls if _is_of(call, old)} == {"a beep was heard"}  # people beep here
        await running.completed(campaign)
        assert [call.ended_by for call in await running.at_the_network() if call.to != WAITS.number] == ["api"] * 2
        [later] = [call for call in await _calls(running) if call["number"] == WAITS.number]
        assert later["outcome"] == "busy"
        assert not _is_of(later, old)


async def test_a_supervisor_can_end_a_call_that_a_process_lets_finish(tmp_path: Path) -> None:
    async with house(tmp_path, [STAYS], tones=True, CALLWRIGHT_DRAIN_S="200") as running:
        campaign = await running.start_campaign([STAYS])
        await running.on_the_line(STAYS)
        [call] = await running.calls(campaign)
        web = running.part("mediaserver.cli", "serve")
        web.terminate()
        url = await running.command.says("API +(http://[^/]+)")
        await until(lambda: _is_stopping(url), "the media server to say that it stops")
        async with Api(url, await make_token(attached_url(running.folder), "supervisor", "supervisor")) as api:
            await api.post(f"/live/{call['id']}/hangup")
        await all_ended([web])
        [ended] = await _calls(running)
        assert (ended["end_reason"], ended["ended_by"]) == ("supervisor", "operator")


async def test_after_the_limit_calls_are_hung_up_and_what_still_rings_is_handed_over(tmp_path: Path) -> None:
    async with house(tmp_path, [STAYS, LETS_IT_RING, WAITS], tones=True, CALLWRIGHT_DRAIN_S="0") as running:
        await running.start_campaign([STAYS, LETS_IT_RING, WAITS], concurrency=2)
        await running.on_the_line(STAYS)
        await until(lambda: _status_of(running, LETS_IT_RING, "ringing"), "the other's phone to ring")
        old = await _terminated(running)
        by_number = {call["number"]: call for call in await _calls(running)}
        stayed = by_number[STAYS.number]
        assert (stayed["state"], stayed["outcome"], stayed["ended_by"]) == ("ended", "dropped", "fault")
        assert await _status_of(running, STAYS, "completed")
        async with _database(running) as connection:
            assert await connection.fetchval("select stopped_at is not null from processes where id = $1", stayed["process_id"])
            held = "select count(*) from calls where process_id = $1 and state <> 'ended' and lease_until > callwright_now()"
            assert await connection.fetchval(held, stayed["process_id"]) == 0

        async def others_go_on() -> bool:
            now = {call["number"]: call for call in await _calls(running)}
            waited = now.get(WAITS.number)
            rang = now[LETS_IT_RING.number]
            handed_over = rang["outcome"] == "no_answer" or not _is_of(rang, old)
            return waited is not None and waited["outcome"] == "busy" and handed_over

        await until(others_go_on, "the next process to take over the call that rings, and to call whoever waits")


async def _terminated(running: House) -> psutil.Process:
    """The media server, ended by SIGTERM, with exit code 0."""
    web = running.part("mediaserver.cli", "serve")
    web.terminate()
    await all_ended([web])
    await running.command.says(r"web ended \(exit 0\)")
    return web


async def _is_stopping(url: str) -> bool:
    """Whether the media server takes nothing new any more, and says so to a load balancer."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/health/ready") as answer:
        return answer.status == 503


def _is_of(call: dict[str, Any], process: psutil.Process) -> bool:
    """Whether `process` has the call: it dialed it, or took it over."""
    return f"-{process.pid}-" in call["process_id"]


async def _status_of(running: House, callee: Callee, status: str) -> bool:
    """Whether the network says so of the callee's call."""
    return any(call.to == callee.number and call.status == status for call in await running.at_the_network())


async def _calls(running: House) -> list[dict[str, Any]]:
    """The record's calls, also while no media server runs."""
    async with _database(running) as connection:
        rows = await connection.fetch("select *, evidence #>> '{who,says}' as who_says from calls order by id")
        return [dict(row) for row in rows]


@asynccontextmanager
async def _database(running: House) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(attached_url(running.folder))
    try:
        yield connection
    finally:
        await connection.close()
