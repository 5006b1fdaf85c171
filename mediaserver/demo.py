"""`callwright demo`: a campaign from start to end on this machine alone, told in the terminal.

The people are those of `demo/people.toml`; each is bound to lead to one outcome. Local hours are off, so that it works at night.
"""

import argparse
import asyncio
import json
import os
import shutil
import tempfile
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from db.embedded import EmbeddedPostgres
from mediaserver.administration import make_token
from mediaserver.api_client import Api
from mediaserver.carriers.simulated import journal
from mediaserver.rehearsal import CONTACTS, PEOPLE, Outcome, as_bound, bound_outcomes, figures, outcomes_of, start_campaign
from mediaserver.settings import Settings
from mediaserver.stack import make_folder
from mediaserver.up import Machine, stop_signals, unless

CONCURRENCY = 4
CALLS_PER_SECOND = 2
LOOK_EVERY_S = 0.5
WIDTH, FIRST_WORDS = 140, 40  # characters


async def demo(settings: Settings, _options: argparse.Namespace) -> int:
    """Runs the demo. With DEMO_EXIT=1 it ends by itself, and returns 0 only where every contact came to what its person leads to."""
    folder = await _own_folder(settings.data_dir)
    journal_file = folder / "journal.jsonl"
    phones = (
        *("--people", str(PEOPLE), "--journal", str(journal_file), "--calls-per-second", str(CALLS_PER_SECOND)),
        *("--speech-cache", str(settings.data_dir.absolute() / "people")),
    )
    own = settings.model_copy(
        update={"data_dir": folder, "port": 0, "database_url": "", "public_url": "", "drain_s": 1.0, "calls_per_second": CALLS_PER_SECOND}
    )
    machine = Machine(own, phones=phones)
    with stop_signals() as stopped:
        try:
            return await _show(_console(), machine, journal_file, stopped)
        finally:
            await machine.stop()


def _console() -> Console:
    """The terminal; in a pipe or a log, lines are wide enough for the table."""
    console = Console()
    return console if console.is_terminal else Console(width=max(console.width, WIDTH))


async def _show(console: Console, machine: Machine, journal_file: Path, stopped: asyncio.Event) -> int:
    console.print("Starting a database, a simulated phone network, the media server and the dashboard ...")
    addresses = await unless(stopped, machine.start())
    if addresses is None:
        return 130
    console.print(f"Dashboard   {addresses.dashboard}", highlight=False)
    console.print(f"Sign in     admin / {addresses.password}", highlight=False)
    console.print("The people are simulated; they hear and speak. Their local hours are not looked at, so that this works at night.\n")
    async with Api(addresses.web, await make_token(addresses.database, "demo", "operator")) as api:
        campaign = await start_campaign(api, "Appointment reminders", await asyncio.to_thread(CONTACTS.read_bytes), concurrency=CONCURRENCY)
        if await unless(stopped, _watch(console, api, campaign)) is None:
            return 130
        outcomes = await outcomes_of(api, campaign)
    bound = bound_outcomes(PEOPLE)
    console.print(_final_table(outcomes, bound))
    found = figures(outcomes, await asyncio.to_thread(journal.read, journal_file), bound)
    for figure in found:
        console.print(figure.json(), highlight=False, soft_wrap=True)
    right = all(as_bound(outcome, bound[outcome.number]) for outcome in outcomes)
    if os.environ.get("DEMO_EXIT") == "1":
        return 0 if right and len(outcomes) == len(bound) else 1
    console.print(f"\nLook at the calls, hear and read them: {addresses.dashboard}   (Ctrl-C stops everything)", highlight=False)
    await stopped.wait()
    return 0


async def _watch(console: Console, api: Api, campaign: str) -> bool:
    """Shows the campaign until it is done."""
    with Live(console=console, refresh_per_second=4, transient=not console.is_terminal) as live:
        while True:
            state = await api.get(f"/campaigns/{campaign}")
            live.update(_progress(state))
            if state["status"] in ("completed", "cancelled", "paused"):
                console.print(f"The campaign is {state['status']}. {state['status_reason']}")
                return True
            await asyncio.sleep(LOOK_EVERY_S)


def _progress(campaign: Mapping[str, Any]) -> Group:
    counts = {name: int(campaign[name]) for name in ("pending", "in_progress", "completed", "failed", "skipped")}
    total = sum(counts.values())
    done = counts["completed"] + counts["failed"] + counts["skipped"]
    now = f"{counts['in_progress']} on the phone, {counts['pending']} waiting"
    words = f"{campaign['status'].replace('_', ' ')}: {done} of {total} contacts done, {now}"
    return Group(Text(words), ProgressBar(total=total, completed=done, width=60))


def _final_table(outcomes: Sequence[Outcome], bound: Mapping[str, Mapping[str, str]]) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("contact", "outcome", "who answered", "goal", "sentiment", "duration", "as bound"):
        table.add_column(heading, min_width=len(heading.split()[0]))
    table.add_column("the callee said first", ratio=1)
    for outcome in outcomes:
        seconds = f"{outcome.duration_s:.0f} s" if outcome.duration_s is not None else ""
        first = textwrap.shorten(outcome.callee_said[0], FIRST_WORDS, placeholder=" ...") if outcome.callee_said else ""
        right = "yes" if as_bound(outcome, bound.get(outcome.number, {})) else "[bold red]NO[/bold red]"
        words = (outcome.outcome.replace("_", " "), outcome.who.replace("_", " "), outcome.goal.replace("_", " "))
        table.add_row(outcome.contact, *words, outcome.sentiment, seconds, right, first)
    return table


async def _own_folder(data_dir: Path) -> Path:
    """A new folder for this run below `data_dir`/demo. What earlier runs left is deleted, but for the last one that has ended."""
    folder, old = await asyncio.to_thread(_make_folder, data_dir / "demo")
    for run in old:
        await EmbeddedPostgres(run).destroy()
        await asyncio.to_thread(shutil.rmtree, run, ignore_errors=True)
    return folder


def _make_folder(runs: Path) -> tuple[Path, list[Path]]:
    """A new folder in `runs`, and those there that may go."""
    runs = runs.absolute()
    make_folder(runs)
    ended = [run for run in sorted(runs.iterdir(), key=lambda run: run.stat().st_mtime) if not _is_running(run)]
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=runs))
    (folder / "run.json").write_text(json.dumps({"pid": os.getpid()}))
    return folder, ended[:-1]


def _is_running(run: Path) -> bool:
    try:
        return bool(psutil.pid_exists(int(json.loads((run / "run.json").read_text())["pid"])))
    except (OSError, ValueError, KeyError):
        return False
