"""The commands of the terminal that work on the database: accounts, tokens, campaigns, contacts."""

import argparse
import asyncio
import codecs
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any, BinaryIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from db.database import Database
from db.embedded import attached_url
from db.queries import load
from dialer import campaigns, contact_import, rows
from dialer.contact_import import ImportOptions, NotACsv, ReadSoFar, Report
from dialer.errors import NotAllowed, NotFound
from dialer.rows import Campaign
from mediaserver import identity
from mediaserver.forecast_lines import lines
from mediaserver.identity import NameTaken, Role
from mediaserver.settings import Settings
from mediaserver.stack import Refused

ACTOR = "command line"
MOST_LISTED = 1000
_campaigns = load("campaign_list", rows)

VERBS: dict[str, Callable[..., Awaitable[Campaign]]] = {
    "start": campaigns.start,
    "pause": campaigns.pause,
    "resume": campaigns.resume,
    "cancel": campaigns.cancel,
}


async def make_token(database_url: str, name: str, role: str) -> str:
    """A new API token's secret."""
    async with _opened(database_url) as database:
        return (await identity.create_token(database, name, Role(role), actor=ACTOR))[1]


async def token(settings: Settings, options: argparse.Namespace) -> int:
    """Makes an API token and prints it, once."""
    print(await make_token(await chosen_url(settings), options.name, options.role))
    return 0


async def user(settings: Settings, options: argparse.Namespace) -> int:
    """Makes an account, or gives one a new password, and prints the password, once."""
    async with _opened(await chosen_url(settings)) as database:
        if options.action == "create":
            try:
                _, password = await identity.create_user(database, options.user_name, Role(options.role), actor=ACTOR)
            except NameTaken as error:
                raise Refused(str(error)) from error
        else:
            changed = await identity.set_password(database, options.user_name, actor=ACTOR)
            if changed is None:
                raise Refused(f"there is no account {options.user_name}")
            password = changed
    print(f"{options.user_name} / {password}")
    return 0


async def import_contacts(settings: Settings, options: argparse.Namespace) -> int:
    """Adds a CSV's contacts to a campaign; returns 1 where a row was refused. The report goes to standard output."""
    chosen = ImportOptions(
        default_region=options.region, all_or_nothing=options.all_or_nothing, dry_run=options.dry_run, file_name=options.file.name
    )
    try:
        file = await asyncio.to_thread(options.file.open, "rb")
    except OSError as error:
        raise Refused(f"can't read {options.file}: {error.strerror}") from error
    with file:
        async with _opened(await chosen_url(settings)) as database:
            try:
                with _shown_on_terminal(file) as told:
                    report = await contact_import.import_contacts(
                        database, options.campaign, file, options=chosen, actor=ACTOR, progress=told
                    )
            except (NotACsv, NotAllowed, NotFound) as error:
                raise Refused(str(error)) from error
            problems = await contact_import.problems_csv(database, report.import_id)
    if options.json:
        print(json.dumps(asdict(report), indent=2))
    else:
        print(_summary(report))
        if report.refused:
            sys.stdout.writelines(codecs.iterdecode(problems, "utf-8"))
    return 1 if report.refused else 0


async def campaign(settings: Settings, options: argparse.Namespace) -> int:
    """Lists campaigns, or has one started, paused, resumed or cancelled, or tells its forecast."""
    if options.action == "forecast":
        return await _forecast(settings, options)
    async with _opened(await chosen_url(settings)) as database:
        if options.action == "list":
            newest = _campaigns.list_campaigns(database.pool, status=None, search="", before=None, at_most=MOST_LISTED)
            found = [_shown(each) async for each in newest]
        else:
            try:
                found = [_shown(await VERBS[options.action](database, _named(options), actor=ACTOR))]
            except (NotAllowed, NotFound) as error:
                raise Refused(str(error)) from error
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        for each in found:
            print(f"{each['id']:>6}  {each['status']:<12} {each['name']}")
    return 0


async def _forecast(settings: Settings, options: argparse.Namespace) -> int:
    async with _opened(await chosen_url(settings)) as database:
        try:
            found = await campaigns.forecast(database, _named(options))
        except NotFound as error:
            raise Refused(str(error)) from error
    print(json.dumps(asdict(found), indent=2, default=datetime.isoformat) if options.json else "\n".join(lines(found)))
    return 0


def _named(options: argparse.Namespace) -> int:
    """The id of the campaign that the words name."""
    if options.campaign is None:
        raise Refused(f"which campaign? callwright campaign {options.action} ID; `callwright campaign list` names them")
    named: int = options.campaign
    return named


async def dashboard(settings: Settings, options: argparse.Namespace) -> int:
    """Becomes the dashboard: this process is replaced."""
    web = settings.public_url or f"http://{settings.host}:{settings.port}"
    environment = {
        "CALLWRIGHT_API_URL": web,
        "CALLWRIGHT_PUBLIC_URL": web,
        **os.environ,
        "DATABASE_URL": await chosen_url(settings),
    }
    os.execve(sys.executable, [sys.executable, "-m", "dashboard", "--port", str(options.port)], environment)


def _summary(report: Report) -> str:
    if report.kept:
        return f"{report.imported} of {report.rows} rows imported, {report.refused} refused"
    fate = "on a dry run nothing is imported" if report.dry_run else "nothing was imported, because not all rows are good"
    return f"{report.rows - report.refused} of {report.rows} rows are good, {report.refused} refused: {fate}"


@contextmanager
def _shown_on_terminal(file: BinaryIO) -> Iterator[Callable[[ReadSoFar], None]]:
    """Shows on a terminal how much of the file has been read, as it is told."""
    console = Console(stderr=True)
    size = os.fstat(file.fileno()).st_size or None  # a pipe's is not known
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rows]:,} rows"), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=size, rows=0)
        yield lambda read: progress.update(task, completed=read.offset, rows=read.rows)


def _shown(row: Campaign) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "status": row.status}


async def chosen_url(settings: Settings) -> str:
    """The address of the database that the settings name, or of the embedded one that runs on their data folder.

    Raises:
        DatabaseUnavailable: none runs there.
    """
    return settings.database_url or await asyncio.to_thread(attached_url, settings.data_dir)


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    database = await Database.connect(url)
    try:
        await database.check_schema()
        yield database
    finally:
        await database.close()
