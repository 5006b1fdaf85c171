"""Many on one machine: ports taken by others, two at once, one folder for one machine, and a parent that dies without a word."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from db.embedded import EmbeddedPostgres
from mediaserver.stack import DASHBOARD_PORT
from tests.system.house import Callee, house
from tests.system.processes import Command, all_ended, run

BEEPING = Callee("+12025550203", "Beatrice Beeper", "agrees")


@contextmanager
def taken(port: int) -> Iterator[int]:
    """Another program listens on `port` (0: a free one) of the loopback interface."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", port))
            other.listen()
        except OSError:  # somebody does already
            yield port
        else:
            yield other.getsockname()[1]


@pytest.fixture
async def machines(tmp_path: Path) -> AsyncIterator[list[Command]]:
    """Two, not started, in folders of their own."""
    both = [Command(tmp_path / name, "up") for name in ("one", "other")]
    yield both
    for each in both:
        await each.end()
        await EmbeddedPostgres(each.folder).destroy()


async def test_ports_that_others_have_are_left_to_them_and_two_machines_run_side_by_side(machines: list[Command]) -> None:
    with taken(0) as port, taken(DASHBOARD_PORT):
        for each in machines:
            each.set(PORT=str(port))
        await asyncio.gather(*(each.start() for each in machines))
        await asyncio.gather(*(each.says("Ctrl-C stops everything") for each in machines))
        addresses = [await each.says(part) for each in machines for part in ("API +(http://[^/]+)", "Dashboard +(http.+)")]
        assert len(set(addresses)) == 4
        assert not any(address.endswith((f":{port}", f":{DASHBOARD_PORT}")) for address in addresses)
        machines[0].ctrl_c()
        assert await machines[0].ended() == 0
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{addresses[2]}/health/ready") as answer:
                assert await answer.json() == {"ready": True}
            async with http.get(f"{addresses[3]}/_stcore/health") as answer:
                assert answer.status == 200


async def test_a_second_machine_on_the_same_folder_is_refused_and_the_first_one_runs_on(machines: list[Command]) -> None:
    first = await machines[0].start()
    await first.says("Ctrl-C stops everything")
    second = await asyncio.to_thread(run, first.folder, "up", PORT="0")
    assert second.code == 1
    assert "is run by another process already" in second.errors
    assert "CALLWRIGHT_DATA_DIR" in second.errors
    assert "Traceback" not in second.errors
    listed = await asyncio.to_thread(run, first.folder, "campaign", "list")
    assert (listed.code, listed.errors) == (0, "")


async def test_the_children_of_a_parent_that_is_killed_in_mid_campaign_end_and_the_next_one_starts(tmp_path: Path) -> None:
    async with house(tmp_path, [BEEPING], tones=True, CALLWRIGHT_DRAIN_S="0") as killed:
        await killed.start_campaign([BEEPING])
        await killed.on_the_line(BEEPING)
        family = killed.command.family()
        assert len(family) > 5
        killed.command.process.kill()
        await all_ended(family)
        after = Command(killed.folder, "up")
        try:
            await after.start()
            await after.says("Ctrl-C stops everything")
            assert not any("Sign in" in line for line in after.said)  # the account of the first start is still there
            listed = await asyncio.to_thread(run, killed.folder, "campaign", "list")
            assert "in_progress" in listed.output
        finally:
            await after.end()


async def test_a_server_whose_port_is_taken_says_what_to_do(tmp_path: Path) -> None:
    with taken(0) as port:
        refused = await asyncio.to_thread(run, tmp_path, "serve", PORT=str(port))
    assert refused.code == 1
    assert str(port) in refused.errors
    assert "set PORT to another" in refused.errors
    assert "Traceback" not in refused.errors
