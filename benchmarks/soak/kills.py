"""Chaos for real: two media servers and PostgreSQL are killed (SIGKILL) again and again while 200 contacts are called.

Afterwards the phone network's own journal, which no kill touches, is held against the record.
"""

import asyncio
import logging
import random
import signal
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec
import psutil

from benchmarks.campaigns import Bench, bench
from mediaserver.carriers.simulated.journal import CallJournal
from mediaserver.figure import Figure
from mediaserver.rehearsal import agent_and_number
from mediaserver.stack import Child

log = logging.getLogger(__name__)

CONTACTS, CONCURRENCY, MOST_RETRIES = 200, 20, 1
PEOPLE = {"agrees": 80, "hangs_up": 20, "busy": 30, "no_answer": 30, "mailbox": 20, "invalid": 10, "unreachable": 10}
AGENT = {"stt": "null", "llm": "null", "tts": "null", "max_call_s": 4, "silence_s": 2}
MOMENTS = {"web": 8, "postmaster": 6, "backend": 2, "web and postmaster": 2}
KILLS = sum(times * len(what.split(" and ")) for what, times in MOMENTS.items())
WEBS = ("web", "web2")
FIRST_KILL = 8  # calls begun
LOOK_EVERY_S, STATUS_EVERY_S = 0.1, 1.0
PATIENCE_S = 900.0  # with the whole campaign: a call that nobody finds is looked for twice, a minute apart
NOT_COUNTED = ("withdrawn", "lost")
OVER = ("completed", "busy", "failed", "no-answer", "canceled")


def figures(_runs: int) -> Iterable[Figure]:
    """One campaign, killed at moments that chance chooses; its seed is in the first figure."""
    seed = random.SystemRandom().randrange(10_000)
    with tempfile.TemporaryDirectory(prefix="callwright-kills-") as folder:
        yield from asyncio.run(_measure(Path(folder), seed))


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as the record has it at the end, with its calls."""

    number: str
    status: str
    tries: int
    calls: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong, as numbers of those whom it happened to."""

    called_twice: tuple[str, ...]
    stuck: tuple[str, ...]
    miscounted: tuple[str, ...]
    left_on_the_line: tuple[str, ...]


def compare(contacts: Sequence[Contact], journal: Sequence[CallJournal], most_retries: int) -> Findings:
    """Hold the record against the network's journal. Pure.

    Called twice: at the network there is a call that is none of the record's, or more calls than may be counted, or two at once. Stuck: the
    contact or a call of it has not come to its end. Miscounted: tries are not the calls that count, or one of these was never made.
    """
    at_network: dict[str, list[CallJournal]] = defaultdict(list)
    for call in journal:
        at_network[call.to].append(call)
    twice, stuck, miscounted = [], [], []
    for contact in contacts:
        made = at_network[contact.number]
        known = Counter(call["carrier_call_id"] for call in contact.calls)
        counted = [call for call in contact.calls if call["outcome"] not in NOT_COUNTED]
        allowed = 1 + most_retries + len(contact.calls) - len(counted)
        if any(known[call.call_sid] != 1 for call in made) or len(made) > allowed or _overlap(made):
            twice.append(contact.number)
        if contact.status not in ("completed", "failed") or any(call["state"] != "ended" for call in contact.calls):
            stuck.append(contact.number)
        sids = {call.call_sid for call in made}
        unmade = [call for call in counted if call["outcome"] != "refused" and call["carrier_call_id"] not in sids]
        if contact.tries != len(counted) or contact.tries > 1 + most_retries or unmade:
            miscounted.append(contact.number)
    return Findings(tuple(twice), tuple(stuck), tuple(miscounted), tuple(call.to for call in journal if call.status not in OVER))


def _overlap(calls: Sequence[CallJournal]) -> bool:
    """Whether two calls were there at the same time."""
    spans = sorted((datetime.fromisoformat(call.placed_at), call.ended_at) for call in calls)
    return any(ended is None or datetime.fromisoformat(ended) > begun for (_, ended), (begun, _) in pairwise(spans))


async def _measure(folder: Path, seed: int) -> list[Figure]:
    people = folder / "people.toml"
    kinds = [kind for kind, share in PEOPLE.items() for _ in range(share)]
    chance = random.Random(seed)
    chance.shuffle(kinds)
    numbers = [f"+1212555{number:04}" for number in range(CONTACTS)]
    entries = (f'[[people]]\nnumber = "{number}"\npersona = "{kind}"' for number, kind in zip(numbers, kinds, strict=True))
    await asyncio.to_thread(people.write_text, "\n".join(entries))
    async with bench(folder, "--tones", "--people", str(people), "--ring-ms", "1000", calls_per_second=10) as machine:
        await _second_web(machine)
        campaign = await _start(machine, numbers)
        chaos = asyncio.create_task(_kill_all(machine, chance), name="chaos")
        status = await _status_at_the_end(machine.database, campaign)
        killed = await _harvest(chaos)
        found = compare(await _contacts(machine.database, campaign), await _journal(machine), MOST_RETRIES)
    return list(_told(seed, killed, found, status))


def _told(seed: int, killed: Counter[str], found: Findings, status: str) -> Iterator[Figure]:
    note = f"seed {seed}; {', '.join(f'{what}: {times}' for what, times in sorted(killed.items()))}"
    yield Figure.measured("soak.kills", [killed.total()], "", f"== {KILLS}", note)
    for name, numbers in (
        ("contacts_called_twice", found.called_twice),
        ("contacts_stuck", found.stuck),
        ("kills_contacts_miscounted", found.miscounted),
        ("kills_left_on_the_line", found.left_on_the_line),
    ):
        yield Figure.measured(f"soak.{name}", [len(numbers)], "contacts", "== 0", f"{CONTACTS} contacts {' '.join(numbers[:5])}".strip())
    yield Figure.measured("soak.kills_campaign_completed", [int(status == "completed")], "", "== 1", f"it is {status}")


async def _second_web(machine: Bench) -> None:
    """Another media server on the same database, at a port of its own: watched and stopped with the first."""
    first = machine.machine.children["web"].program
    environment = {**first.environment, "PORT": "0"}
    second = replace(first, name=WEBS[1], environment=environment, log_path=first.log_path.replace("web.log", "web2.log"))
    machine.machine.children[WEBS[1]] = child = Child(second)
    await child.start()


async def _start(machine: Bench, numbers: Sequence[str]) -> int:
    settings = {
        "concurrency": CONCURRENCY,
        "max_retries": MOST_RETRIES,
        "retry_delay_min": 1,
        "ring_timeout_s": 5,
        "max_per_24h": 20,
        "max_per_7d": 20,
        "local_hours": False,
    }
    campaign = await machine.api.post("/campaigns", {"name": "Kills", **await agent_and_number(machine.api, **AGENT), **settings})
    rows = "\n".join(["phone_number,appointment_date,appointment_time", *(f"{number},Monday,noon" for number in numbers)])
    await machine.api.upload(f"/campaigns/{campaign['id']}/contacts/import", "contacts.csv", rows.encode())
    await machine.api.post(f"/campaigns/{campaign['id']}/start")
    return int(campaign["id"])


async def _kill_all(machine: Bench, chance: random.Random) -> Counter[str]:
    """One kill after the other, each once so many calls were begun; how often each was killed."""
    whats = [what for what, times in MOMENTS.items() for _ in range(times)]
    chance.shuffle(whats)
    moments = sorted(chance.sample(range(FIRST_KILL, CONTACTS - FIRST_KILL), len(whats)))
    killed: Counter[str] = Counter()
    try:
        for begun, what in zip(moments, whats, strict=True):
            await _begun(machine, begun)
            victims = [await _victim(machine, each, WEBS[killed["web"] % len(WEBS)], chance) for each in what.split(" and ")]
            for victim, each in zip(victims, what.split(" and "), strict=True):
                victim.send_signal(signal.SIGKILL)
                killed[each] += 1
    except asyncio.CancelledError:  # the campaign was over before: what was killed by then counts
        log.warning("the campaign ended before all was killed")
    return killed


async def _begun(machine: Bench, calls: int) -> None:
    """Return once so many calls have begun."""
    while True:
        if len(await _journal(machine)) >= calls:
            return
        await asyncio.sleep(LOOK_EVERY_S)


async def _harvest(chaos: "asyncio.Task[Counter[str]]") -> Counter[str]:
    """What was killed, now that the campaign is over."""
    chaos.cancel()
    return await chaos


async def _victim(machine: Bench, what: str, web: str, chance: random.Random) -> psutil.Process:
    """Whom to kill, once it is there: what was killed before may still be starting again."""
    while True:
        with suppress(psutil.NoSuchProcess):
            if what == "web" and await _serves(machine.machine.children[web]):
                return psutil.Process(machine.machine.children[web].pid)
            for postmaster in (each for each in psutil.Process().children() if each.name().startswith("postgres")):
                backends = postmaster.children()
                if what == "postmaster" and postmaster.status() != psutil.STATUS_ZOMBIE:
                    return postmaster
                if what == "backend" and backends:
                    return chance.choice(backends)
        await asyncio.sleep(LOOK_EVERY_S)


async def _serves(web: Child) -> bool:
    with suppress(aiohttp.ClientError):
        async with aiohttp.ClientSession() as http, http.get(f"{web.announced['url']}/health/live") as answer:
            return answer.status == 200
    return False


async def _status_at_the_end(database: str, campaign: int) -> str:
    """The campaign's status once it calls nobody any more, or when patience has ended. The database may be away again and again."""
    status = "unknown"
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while status in ("unknown", "pending", "in_progress"):
                await asyncio.sleep(STATUS_EVERY_S)
                with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    connection = await asyncpg.connect(database)
                    try:
                        status = str(await connection.fetchval("select status from campaigns where id = $1", campaign))
                    finally:
                        await connection.close()
    return status


async def _journal(machine: Bench) -> list[CallJournal]:
    """What the network itself knows of all calls."""
    account = machine.machine.children["web"].program.environment
    credentials = aiohttp.encode_basic_auth(account["TWILIO_ACCOUNT_SID"], account["TWILIO_AUTH_TOKEN"])
    async with (
        aiohttp.ClientSession(headers={"Authorization": credentials}) as http,
        http.get(f"{machine.machine.phones_url}/simulated/calls.json") as answer,
    ):
        return msgspec.convert((await answer.json())["calls"], list[CallJournal])


async def _contacts(database: str, campaign: int) -> list[Contact]:
    """The record, from the tables themselves: the API does not tell the carrier's ids."""
    connection = await asyncpg.connect(database)
    try:
        contacts = await connection.fetch("select id, number, status, tries from contacts where campaign_id = $1 order by id", campaign)
        calls = await connection.fetch("select contact_id, state, outcome, carrier_call_id from calls where campaign_id = $1", campaign)
    finally:
        await connection.close()
    of: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for call in calls:
        of[call["contact_id"]].append(dict(call))
    return [Contact(each["number"], each["status"], each["tries"], tuple(of[each["id"]])) for each in contacts]
