"""A whole Callwright as its users run it: a simulated phone network, `callwright up` with it as the carrier, and a way to ask it."""

import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import psutil

from db.embedded import EmbeddedPostgres, attached_url
from mediaserver.administration import make_token
from mediaserver.api_client import Api
from mediaserver.carriers.simulated.journal import CallJournal
from mediaserver.rehearsal import agent_and_number, start_campaign
from tests.system.processes import Command, until

VOICE = "joe"  # the one whose shortest words every detector of voices notices, wherever they lie
SERVICES = {"stt": "null", "llm": "null", "tts": "null"}  # for people who beep


@dataclass(frozen=True, slots=True)
class Callee:
    """A contact and who is at its number. `kind`: of `mediaserver.carriers.simulated.people`."""

    number: str
    name: str
    kind: str


@dataclass
class House:
    """What runs, and its operator. `account`: its credentials at the network."""

    command: Command
    phones: Command
    phones_url: str
    api: Api
    calls_with: Mapping[str, str]
    account: Mapping[str, str] = field(repr=False)

    @property
    def folder(self) -> Path:
        return self.command.folder

    def part(self, *words: str) -> psutil.Process:
        """The process of ours whose command line has all of `words`: the oldest of them."""
        found = [process for process in self.command.family() if all(word in _words(process) for word in words)]
        return min(found, key=psutil.Process.create_time)

    async def start_campaign(self, callees: Sequence[Callee], *, concurrency: int = 4) -> str:
        """A campaign that calls them, started: its id."""
        rows = [f'{each.number},{each.name},"Monday, March the third",noon,the Riverside Dental Clinic' for each in callees]
        csv = "\n".join(["phone_number,contact_name,appointment_date,appointment_time,company_name", *rows])
        return await start_campaign(self.api, "Reminders", csv.encode(), concurrency=concurrency, calls_with=self.calls_with)

    async def completed(self, campaign: str) -> None:
        """Return once it is. While the media server or its database is away, it is waited for."""

        async def is_completed() -> bool:
            return bool((await self.api.get(f"/campaigns/{campaign}"))["status"] == "completed")

        await until(is_completed, f"the end of campaign {campaign}")

    async def calls(self, campaign: str) -> list[dict[str, Any]]:
        """All its calls, whole, in the order of their start."""
        ids = [int(call["id"]) async for call in self.api.pages(f"/campaigns/{campaign}/calls")]
        return [await self.api.get(f"/calls/{each}") for each in sorted(ids)]

    async def at_the_network(self) -> list[CallJournal]:
        """What the network itself knows of all calls."""
        credentials = aiohttp.encode_basic_auth(self.account["TWILIO_ACCOUNT_SID"], self.account["TWILIO_AUTH_TOKEN"])
        async with (
            aiohttp.ClientSession(headers={"Authorization": credentials}) as http,
            http.get(f"{self.phones_url}/simulated/calls.json") as answer,
        ):
            return msgspec.convert((await answer.json())["calls"], list[CallJournal])

    async def on_the_line(self, *callees: Callee, heard: bool = True) -> None:
        """Return once all of them have picked up and not hung up, and (`heard`) the agent speaks to each."""
        wanted = {each.number for each in callees}

        async def are_there() -> bool:
            there = [call for call in await self.at_the_network() if call.answered_at and not call.ended_at]
            return wanted <= {call.to for call in there if not heard or call.first_audio_ms is not None}

        await until(are_there, f"{len(wanted)} on the line")

    def logs(self) -> dict[str, str]:
        """All that was written for people to read, by where."""
        files = [*self.folder.glob("logs/*.log"), self.folder / "postgres.log"]
        return {str(path): path.read_text() for path in files} | {"up": self.command.output, "phones": self.phones.output}


@asynccontextmanager
async def house(folder: Path, callees: Sequence[Callee], *, tones: bool = False, **variables: str) -> AsyncIterator[House]:
    """Everything, with `callees` on the network; ended with all that belongs to it. `variables`: of the environment of `callwright up`.

    `tones`: people beep, and the agent does without engines too: cheap, and a call goes on until somebody ends it.
    """
    people = folder / "people.toml"
    people.write_text("\n".join(f'[[people]]\nnumber = "{each.number}"\npersona = "{each.kind}"\nvoice = "{VOICE}"' for each in callees))
    account = {"TWILIO_ACCOUNT_SID": "AC" + secrets.token_hex(16), "TWILIO_AUTH_TOKEN": secrets.token_hex(16)}
    options = ("--port", "0", "--people", str(people), "--calls-per-second", "20", "--ring-ms", "300", *(["--tones"] if tones else []))
    network = Command(folder / "phones", "phones", *options, **account)
    up = Command(folder / "data", "up", **account, **variables)
    try:
        await network.start()
        url = json.loads(await network.says('"ready"'))["url"]
        up.set(TWILIO_API_URL=url, CALLWRIGHT_REHEARSAL="1", CALLWRIGHT_CALLS_PER_SECOND="10")
        await up.start()
        await up.says("Ctrl-C stops everything")
        web = await up.says("API +(http://[^/]+)")
        async with Api(web, await make_token(attached_url(up.folder), "test", "operator")) as api:
            yield House(up, network, url, api, await agent_and_number(api, **(SERVICES if tones else {})), account)
    finally:
        await up.end()
        await network.end()
        await EmbeddedPostgres(up.folder).destroy()


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.NoSuchProcess:
        return []
