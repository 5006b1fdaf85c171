"""`callwright seed`: a rehearsal campaign with as many contacts and calls as wanted, made by the database itself in a few minutes.

What it makes is marked: a paused campaign on a rehearsal account of its own, which no process serves, and numbers of an area code that
nobody has. Nothing of it is ever dialed, nor counted with real calls.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agent_runtime.templates import template
from db.database import Connection, Database
from db.queries import load
from mediaserver.administration import chosen_url
from mediaserver.settings import Settings
from mediaserver.stack import Refused

BATCH = 20_000  # rows of contacts or calls in one statement
MOST = 10_000_000  # contacts: as many numbers as the area code has
FREQUENT, RARE = "thursday", "wheelchair"  # words in three of ten calls, and in one of a thousand
WORDS_MEMORY = "512MB"  # while the index of words is made

_seeding = load("seeding")
_agents = load("agents")

Told = Callable[[int], None]  # rows that were written since the last time


@dataclass(frozen=True, slots=True)
class Plan:
    """What to make. The same `seed` gives the same calls. `days`: over which the calls are spread, until yesterday."""

    contacts: int = 1000
    calls: int = 1000
    days: int = 30
    seed: int = 1
    name: str = "Seeded rehearsal"

    def __post_init__(self) -> None:
        if not 1 <= self.contacts <= MOST or self.calls < 0 or self.days < 1:
            raise Refused(f"give 1 to {MOST:,} contacts, no less than 0 calls, and at least 1 day")


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was made."""

    campaign_id: int
    contacts: int
    calls: int


async def seed(settings: Settings, options: argparse.Namespace) -> int:
    """Makes a rehearsal campaign of the size that `options` name, and prints its id."""
    plan = Plan(options.contacts, options.calls, options.days, options.seed, options.name)
    database = await Database.connect(await chosen_url(settings), max_size=1)
    try:
        await database.check_schema()
        with _shown(plan.contacts + plan.calls) as told:
            made = await fill(database, plan, beside_real=options.beside_real, told=told)
    finally:
        await database.close()
    if options.json:
        print(json.dumps(asdict(made)))
    else:
        print(f"campaign {made.campaign_id}: {made.contacts:,} contacts, {made.calls:,} calls")
    return 0


async def fill(database: Database, plan: Plan, *, beside_real: bool = False, told: Told = lambda rows: None) -> Seeded:
    """Make the campaign, all of it or nothing. `beside_real`: also in a database with campaigns that call real people; slower, since
    their calls go on meanwhile.

    Raises:
        Refused: there are such campaigns.
    """
    async with database.pool.acquire() as connection:
        real = await _seeding.real_campaigns(connection)
        if real and not beside_real:
            raise Refused(f"the database has {real} campaigns that call real people: seed another one, or add --beside-real")
        async with connection.transaction():
            words_index = None if real else await _seeding.words_index(connection)
            if words_index is not None:
                await _seeding.drop_words_index(connection)
            campaign_id = await _campaign(connection, plan)
            await _contacts_and_calls(connection, plan, campaign_id, told)
            if words_index is not None:
                await connection.execute(f"set local maintenance_work_mem = '{WORDS_MEMORY}'")
                await connection.execute(words_index)
        await _seeding.tidy(connection)
    return Seeded(campaign_id, plan.contacts, plan.calls)


async def _campaign(connection: Connection, plan: Plan) -> int:
    definition = template("appointment_reminder").to_dict()
    agent_id: int | None = await _seeding.agent(connection, name=definition["name"])
    if agent_id is None:
        agent_id = (await _agents.add_agent(connection, name=definition["name"], definition=definition)).id
    phone_number_id: int = await _seeding.add_line(connection)
    campaign_id: int = await _seeding.add_campaign(
        connection, name=plan.name, agent_id=agent_id, phone_number_id=phone_number_id, days=plan.days
    )
    return campaign_id


async def _contacts_and_calls(connection: Connection, plan: Plan, campaign_id: int, told: Told) -> None:
    await _seeding.prepare(connection)
    campaign = {"campaign_id": campaign_id, "seed": plan.seed}
    sizes = campaign | {"contacts": plan.contacts, "calls": plan.calls}
    for first, last in _batches(plan.contacts):
        await _seeding.add_contacts(connection, **sizes, first=first, last=last)
        told(last - first + 1)
    for first, last in _batches(plan.calls):
        ids = await _seeding.add_calls(connection, **sizes, first=first, last=last, days=plan.days)
        between = {"first_id": ids["first_id"], "last_id": ids["last_id"]}
        await _seeding.add_turns(connection, **campaign, contacts=plan.contacts, **between)
        await _seeding.add_events(connection, campaign_id=campaign_id, **between)
        told(last - first + 1)


def _batches(rows: int) -> Iterator[tuple[int, int]]:
    """First and last place of each batch."""
    return ((first, min(first + BATCH, rows) - 1) for first in range(0, rows, BATCH))


@contextmanager
def _shown(rows: int) -> Iterator[Told]:
    """Shows on a terminal how far it is, as it is told."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.completed:,.0f} of {task.total:,.0f} rows"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=rows)
        yield lambda written: progress.advance(task, written)
