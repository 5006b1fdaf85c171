"""The figures `demo.*`: 40 answered calls of the demo's people at concurrency 4, real engines on both sides, timed by the network."""

import asyncio
import csv
import io
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mediaserver import rehearsal
from mediaserver.administration import make_token
from mediaserver.api_client import Api
from mediaserver.carriers.simulated import journal
from mediaserver.figure import Figure
from mediaserver.rehearsal import CONTACTS, PEOPLE, bound_outcomes, outcomes_of, start_campaign
from mediaserver.settings import Settings
from mediaserver.up import Machine

COPIES = 4  # of each person: 40 of them pick up
CONCURRENCY = 4
LOOK_EVERY_S = 1.0


def figures(_runs: int) -> Iterable[Figure]:
    """One run: its 40 calls are the sample."""
    with tempfile.TemporaryDirectory(prefix="callwright-bench-") as folder:
        yield from asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[Figure]:
    people, contacts = _copies()
    people_file, journal_file = folder / "people.toml", folder / "journal.jsonl"
    await asyncio.to_thread(people_file.write_text, people)
    settings = Settings(data_dir=folder / "data", port=0, drain_s=1.0, calls_per_second=2)
    phones = ("--people", str(people_file), "--journal", str(journal_file), "--calls-per-second", "2")
    machine = Machine(settings, phones=phones, dashboard=False)
    try:
        addresses = await machine.start()
        async with Api(addresses.web, await make_token(addresses.database, "benchmark", "operator")) as api:
            campaign = await start_campaign(api, "Benchmark", contacts, concurrency=CONCURRENCY)
            while True:
                if (await api.get(f"/campaigns/{campaign}"))["status"] not in ("pending", "in_progress"):
                    break
                await asyncio.sleep(LOOK_EVERY_S)
            outcomes = await outcomes_of(api, campaign)
    finally:
        await machine.stop()
    calls = await asyncio.to_thread(journal.read, journal_file)
    return rehearsal.figures(outcomes, calls, await asyncio.to_thread(bound_outcomes, people_file))


def _copies() -> tuple[str, bytes]:
    """The demo's people and contacts, `COPIES` times, each with a number of its own: a TOML file and a CSV."""
    people: list[Mapping[str, Any]] = tomllib.loads(PEOPLE.read_text(encoding="utf-8"))["people"]
    rows = list(csv.DictReader(CONTACTS.read_text(encoding="utf-8").splitlines()))
    out = io.StringIO()
    table = csv.DictWriter(out, rows[0].keys())
    table.writeheader()
    entries = []
    for copy in range(COPIES):
        for row, person in zip(rows, people, strict=True):
            number = f"{person['number'][:-4]}0{copy}{person['number'][-2:]}"
            table.writerow(row | {"phone_number": number})
            leads_to = ", ".join(f'{name} = "{value}"' for name, value in person["leads_to"].items())
            voice = f'voice = "{person["voice"]}"\n' if "voice" in person else ""
            entries.append(f'[[people]]\nnumber = "{number}"\npersona = "{person["persona"]}"\n{voice}leads_to = {{ {leads_to} }}\n')
    return "\n".join(entries), out.getvalue().encode()
