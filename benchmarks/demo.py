"""The figures `demo.*`: 40 answered calls of the demo's people at concurrency 4, real engines on both sides, timed by the network."""

import asyncio
import csv
import io
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.campaigns import bench
from mediaserver import rehearsal
from mediaserver.carriers.simulated import journal
from mediaserver.figure import Figure
from mediaserver.rehearsal import CONTACTS, PEOPLE, bound_outcomes, outcomes_of, start_campaign

COPIES = 4  # of each person: 40 of them pick up
CONCURRENCY = 4


def figures(_runs: int) -> Iterable[Figure]:
    """One run: its 40 calls are the sample."""
    with tempfile.TemporaryDirectory(prefix="callwright-bench-") as folder:
        yield from asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[Figure]:
    people, contacts = _copies()
    people_file, journal_file = folder / "people.toml", folder / "journal.jsonl"
    await asyncio.to_thread(people_file.write_text, people)
    phones = ("--people", str(people_file), "--journal", str(journal_file))
    async with bench(folder, *phones, calls_per_second=2) as machine:
        campaign = await start_campaign(machine.api, "Benchmark", contacts, concurrency=CONCURRENCY)
        await machine.until_over(campaign)
        outcomes = await outcomes_of(machine.api, campaign)
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
