"""What takes long: hundreds of calls through database, dialer, network, media server and pipelines, watched for what they leave behind.

The people beep and the services are null, so that the house itself is what is looked at.
"""

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path

import psutil

from benchmarks.campaigns import Bench, bench
from mediaserver.figure import Figure
from mediaserver.rehearsal import agent_and_number, start_campaign

CALLS, CONCURRENCY = 500, 20
FIRST = 250  # calls before what is left behind is counted: caches and pools are filled by then
AGENT = {"stt": "null", "llm": "null", "tts": "null", "max_call_s": 4, "silence_s": 2}
IDLE_S = 20.0  # after the last call: what is collected when the process is idle, and connections that are kept for a while, are gone


def figures(_runs: int) -> Iterable[Figure]:
    """One run of two halves: what the process holds after the second is compared with what it held after the first."""
    with tempfile.TemporaryDirectory(prefix="callwright-soak-") as folder:
        yield from asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[Figure]:
    people = folder / "people.toml"
    numbers = [f"+1212555{number:04}" for number in range(CALLS)]
    entries = "\n".join(f'[[people]]\nnumber = "{number}"\npersona = "agrees"' for number in numbers)
    await asyncio.to_thread(people.write_text, entries)
    async with bench(folder, "--tones", "--people", str(people), "--ring-ms", "300", calls_per_second=20) as machine:
        calls_with = await agent_and_number(machine.api, **AGENT)
        before, ended_before = await _half(machine, calls_with, numbers[:FIRST])
        after, ended_after = await _half(machine, calls_with, numbers[FIRST:])
    unsettled = CALLS - ended_before - ended_after
    found = [Figure.measured("soak.unsettled_contacts", [unsettled], "contacts", "== 0", f"{CALLS} calls, {CONCURRENCY} at once")]
    for name, unit, goal in (("threads", "", "<= 0"), ("descriptors", "", "<= 0"), ("memory", "%", "<= 5")):
        more = after[name] - before[name]
        value = 100 * more / before[name] if unit == "%" else more
        found.append(Figure.measured(f"soak.more_{name}", [value], unit, goal, f"{before[name]} before, {after[name]} after"))
    return found


async def _half(machine: Bench, calls_with: dict[str, str], numbers: list[str]) -> tuple[dict[str, int], int]:
    """Calls `numbers`; what the media server's process holds afterwards, and how many contacts came to an end."""
    rows = "\n".join(["phone_number,appointment_date,appointment_time", *(f"{number},Monday,noon" for number in numbers)])
    campaign = await start_campaign(machine.api, "Soak", rows.encode(), concurrency=CONCURRENCY, calls_with=calls_with)
    await machine.until_over(campaign)
    state = await machine.api.get(f"/campaigns/{campaign}")
    await asyncio.sleep(IDLE_S)
    web = psutil.Process(machine.machine.children["web"].pid)
    held = {"threads": web.num_threads(), "descriptors": web.num_fds(), "memory": web.memory_info().rss}
    return held, state["completed"] + state["failed"] + state["skipped"]
