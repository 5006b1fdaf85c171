"""The network as a process of its own."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from mediaserver.carriers.simulated import journal
from tests.simulated.our_side import CALLER, TO_BUSY

ACCOUNT = "AC" + "a" * 32

Start = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def phones() -> AsyncIterator[Start]:
    """`await phones("--port", "0", ...)`: the process, killed at the end if it still runs."""
    started: list[asyncio.subprocess.Process] = []

    async def start(*arguments: str, **variables: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-m", "mediaserver.carriers.simulated", *arguments)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("CALLWRIGHT_", "TWILIO_"))}
        started.append(await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env={**environment, **variables}))
        return started[-1]

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_says_where_it_listens_and_ends_when_asked(phones: Start, tmp_path: Path, how: signal.Signals) -> None:
    kept = tmp_path / "calls.jsonl"
    process = await phones("--tones", "--port", "0", "--journal", str(kept), TWILIO_ACCOUNT_SID=ACCOUNT, TWILIO_AUTH_TOKEN="secret")
    assert process.stdout is not None
    ready = json.loads(await process.stdout.readline())
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, "secret")}
    async with aiohttp.ClientSession(headers=headers) as http:
        calls = f"{ready['url']}/2010-04-01/Accounts/{ready['account_sid']}/Calls.json"
        async with http.post(calls, data={"To": TO_BUSY, "From": CALLER, "Twiml": "<Response/>"}) as response:
            assert response.status == 201
        async with http.get(f"{ready['url']}/simulated/calls.json") as response:
            assert [call["to"] for call in (await response.json())["calls"]] == [TO_BUSY]
    process.send_signal(how)
    assert await process.wait() == 0
    assert process.stderr is not None
    log = (await process.stderr.read()).decode()
    assert "Traceback" not in log
    assert TO_BUSY not in log
    assert not kept.exists() or len(journal.read(kept)) == 1


async def test_a_port_that_is_taken_is_named(phones: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = await phones("--tones", "--port", port)
        _, said = await process.communicate()
    assert process.returncode == 1
    assert port in said.decode()
    assert "--port" in said.decode()
    assert "Traceback" not in said.decode()


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("--port", "99999"), 2, "--port"),
        (("--burst-share", "2"), 2, "--burst-share"),
        (("--people", "nowhere.toml", "--tones"), 1, "nowhere.toml"),
    ],
)
async def test_a_wrong_option_is_named(phones: Start, arguments: tuple[str, ...], status: int, says: str) -> None:
    process = await phones(*arguments)
    _, said = await process.communicate()
    assert process.returncode == status
    assert says in said.decode()
    assert "Traceback" not in said.decode()
