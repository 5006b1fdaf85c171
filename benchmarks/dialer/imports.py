"""The figures `dialer.import_1m_*`: a CSV of 1,000,000 rows into one campaign, by a process that does nothing else."""

import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import phonenumbers
import psutil

from db.database import Database
from db.embedded import EmbeddedPostgres
from db.migrate import migrate
from dialer import campaigns
from dialer.campaign_settings import CampaignSettings
from dialer.contact_import import import_contacts
from mediaserver.figure import Figure

ROWS = 1_000_000
SECONDS_GOAL, MEMORY_GOAL = "<= 90", "<= 300"
BAD_SHARE, DUPLICATE_SHARE, WRITTEN_OUT_SHARE = 0.005, 0.005, 0.2
LAG_EVERY_S = 0.01
MIB = 1024 * 1024
# Where six more digits make a valid number, by region and how often the region is called.
_PREFIXES = {
    "US": (30, "+12124", "+13125", "+14153", "+17136", "+13054"),
    "GB": (15, "+447400", "+447512", "+447848"),
    "DE": (15, "+4915112", "+491601", "+491701"),
    "FR": (10, "+33612", "+33698", "+33755"),
    "ES": (6, "+34612", "+34655"),
    "IT": (6, "+39340", "+39347"),
    "IN": (8, "+919876", "+918123"),
    "BR": (5, "+5511987", "+5521996"),
    "NL": (3, "+31612", "+31655"),
    "AU": (2, "+61412", "+61434"),
}
_BAD = ("", "n/a", "4.4E+11", "+1", "12125550123", "+49 30 1234567 or later", "+999123456789")


@dataclass(frozen=True, slots=True)
class Imported:
    """One run. `peak_mb`: of the process and its children together; `lag_*_ms`: how late its event loop woke."""

    seconds: float
    imported: int
    lag_p99_ms: float
    lag_max_ms: float
    peak_mb: float = 0.0


def figures(runs: int) -> Iterable[Figure]:
    with tempfile.TemporaryDirectory(prefix="callwright-bench-") as name:
        folder = Path(name)
        file = folder / "contacts.csv"
        good = write_contacts(file, ROWS)
        measured = asyncio.run(_measure(folder, file, runs))
        if any(run.imported != good for run in measured):
            raise RuntimeError(f"of {good} good rows {[run.imported for run in measured]} went in")
        lag = f"its event loop woke at most {max(run.lag_max_ms for run in measured):.0f} ms late, p99 {measured[0].lag_p99_ms:.1f} ms"
        size = f"{file.stat().st_size // MIB} MB, 3 variables"
    yield Figure.measured("dialer.import_1m_s", [run.seconds for run in measured], "s", SECONDS_GOAL, f"{size}; {lag}")
    how = "resident memory of the importing process and its child, looked at every 50 ms"
    yield Figure.measured("dialer.import_1m_mb", [run.peak_mb for run in measured], "MB", MEMORY_GOAL, how)


def write_contacts(file: Path, rows: int, seed: int = 1) -> int:
    """A CSV as a company of the world has it, some of its rows bad or doubled; returns how many should go in."""
    chance = random.Random(seed)
    numbers = _numbers(chance)
    good, last = 0, "+12124000000"
    with file.open("w", encoding="utf-8") as out:
        out.write("phone_number,contact_name,Appointment Date,City,Amount Due\n")
        for row in range(rows):
            draw = chance.random()
            if draw < BAD_SHARE:
                written = chance.choice(_BAD)
            elif draw < BAD_SHARE + DUPLICATE_SHARE and good:
                written = last
            else:
                good, last = good + 1, next(numbers)
                written = _written_out(last) if draw > 1 - WRITTEN_OUT_SHARE else last
            out.write(f'{written},Person {row},"Monday, {row % 28 + 1} May",Städtchen {row % 997},{row % 5000}.50\n')
    return good


def _numbers(chance: random.Random) -> Iterator[str]:
    """Valid numbers, each once."""
    for _, *prefixes in _PREFIXES.values():
        for prefix in prefixes:
            samples = [phonenumbers.parse(f"{prefix}{chance.randrange(10**6):06}") for _ in range(50)]
            if not all(phonenumbers.is_valid_number(sample) for sample in samples):
                raise ValueError(f"{prefix} does not begin valid numbers")
    regions, weights = list(_PREFIXES), [share for share, *_ in _PREFIXES.values()]
    used: set[int] = set()
    while True:
        region = chance.choices(regions, weights)[0]
        number = f"{chance.choice(_PREFIXES[region][1:])}{chance.randrange(10**6):06}"
        if int(number) not in used:
            used.add(int(number))
            yield number


def _written_out(number: str) -> str:
    """As people write it: country code, area and subscriber apart."""
    code = 2 if number.startswith("+1") else 3
    return f"{number[:code]} ({number[code : code + 3]}) {number[code + 3 : code + 6]}-{number[code + 6 :]}"


async def _measure(folder: Path, file: Path, runs: int) -> list[Imported]:
    postgres = EmbeddedPostgres(folder / "data")
    url = await postgres.start()
    try:
        await migrate(url)
        return [await asyncio.to_thread(_run_child, url, campaign, file) for campaign in await _campaigns(url, runs)]
    finally:
        await postgres.destroy()


async def _campaigns(url: str, count: int) -> list[int]:
    database = await Database.connect(url)
    try:
        account = await database.pool.fetchval("insert into carrier_accounts (name, carrier) values ('bench', 'bench') returning id")
        number = await database.pool.fetchval(
            "insert into phone_numbers (e164, carrier_account_id) values ('+493012345', $1) returning id", account
        )
        agent = await database.pool.fetchval("insert into agents (name) values ('Ada') returning id")
        await database.pool.execute("insert into agent_versions (agent_id, version, definition) values ($1, 1, '{}')", agent)
        settings = CampaignSettings(name="Import", agent_id=agent, phone_number_id=number)
        return [(await campaigns.create(database, settings, actor="bench")).id for _ in range(count)]
    finally:
        await database.close()


def _run_child(url: str, campaign: int, file: Path) -> Imported:
    """One import by a process of its own, whose memory is watched."""
    program = "import sys; from benchmarks.dialer import imports; imports.run_import(*sys.argv[1:])"
    command = [sys.executable, "-c", program, url, str(campaign), str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        watched, peak = psutil.Process(child.pid), 0
        while child.poll() is None:
            peak = max(peak, _resident(watched))
            time.sleep(0.05)
        assert child.stdout is not None
        said = json.loads(child.stdout.read())
    return Imported(**said, peak_mb=peak / MIB)


def _resident(process: psutil.Process) -> int:
    total = 0
    try:
        for each in (process, *process.children(recursive=True)):
            total += each.memory_info().rss
    except psutil.NoSuchProcess:
        pass  # it has just ended: what was seen before counts
    return total


async def _import(url: str, campaign: int, file: Path) -> Imported:
    database = await Database.connect(url)
    lags: list[float] = []
    watch = asyncio.create_task(_watch_loop(lags))
    try:
        with file.open("rb") as opened:
            began = time.perf_counter()
            report = await import_contacts(database, campaign, opened, actor="bench")
            seconds = time.perf_counter() - began
    finally:
        watch.cancel()
        await database.close()
    return Imported(seconds, report.imported, statistics.quantiles(lags, n=100)[98], max(lags))


async def _watch_loop(lags: list[float]) -> None:
    """Wakes every 10 ms and notes how late, in ms: what an audio frame would have waited."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(LAG_EVERY_S)
        lags.append((time.perf_counter() - began - LAG_EVERY_S) * 1000)


def run_import(url: str, campaign: str, file: str) -> None:
    """What the process does that is measured: one import; prints a JSON line."""
    run = asyncio.run(_import(url, int(campaign), Path(file)))
    print(
        json.dumps(
            {"seconds": run.seconds, "imported": run.imported, "lag_p99_ms": run.lag_p99_ms, "lag_max_ms": run.lag_max_ms},
        )
    )
