"""Many on one machine: ports taken by others, two at once, one folder for one machine, and a parent that dies without a word."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from db.embedded import EmbeddedPostgres
from mediaserver.ports import DASHBOARD_PORT
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


@dataclass(frozen=True, slots=True)
class Side:
    """One of two machines that run side by side. `port`: where both were told to listen."""

    machine: Command
    web: str
    dashboard: str
    port: int


@pytest.fixture(scope="module")
async def sides(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Side]]:
    """Two, in folders of their own, started at the same time with the same port for both, while others have the dashboard's."""
    machines = [Command(tmp_path_factory.mktemp(name) / "data", "up") for name in ("one", "other")]
    try:
        with taken(0) as port:
            pass  # the next two will both find it free
        with taken(DASHBOARD_PORT):
            for each in machines:
                each.set(PORT=str(port))
            await asyncio.gather(*(each.start() for each in machines))
            await asyncio.gather(*(each.says("Ctrl-C stops everything") for each in machines))
        yield [Side(each, await each.says("API +(http://[^/]+)"), await each.says("Dashboard +(http.+)"), port) for each in machines]
    finally:
        for each in machines:
            await each.end()
            await EmbeddedPostgres(each.folder).destroy()


async def test_each_takes_ports_that_nobody_has_and_says_which(sides: list[Side]) -> None:
    addresses = [address for side in sides for address in (side.web, side.dashboard)]
    assert len(set(addresses)) == 4
    assert [address.endswith(f":{sides[0].port}") for address in addresses].count(True) == 1
    assert not any(address.endswith(f":{DASHBOARD_PORT}") for address in addresses)


async def test_a_third_machine_on_a_folder_that_is_in_use_is_refused(sides: list[Side]) -> None:
    first = sides[1].machine
    third = await asyncio.to_thread(run, first.folder, "up", PORT="0")
    assert third.code == 1
    assert "is run by another process already" in third.errors
    assert "CALLWRIGHT_DATA_DIR" in third.errors
    assert "Traceback" not in third.errors
    listed = await asyncio.to_thread(run, first.folder, "campaign", "list")
    assert (listed.code, listed.errors) == (0, "")


async def test_the_end_of_one_does_not_disturb_the_other(sides: list[Side]) -> None:
    one, other = sides
    one.machine.ctrl_c()
    assert await one.machine.ended() == 0
    assert one.machine.family() == []
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{other.web}/health/ready") as answer:
            assert await answer.json() == {"ready": True}
        async with http.get(f"{other.dashboard}/_stcore/health") as answer:
            assert answer.status == 200


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
