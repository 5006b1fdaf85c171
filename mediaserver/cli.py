"""The `callwright` command: each subcommand parses its words here and is carried out in the module that it names."""

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import uvloop

from db.errors import DatabaseUnavailable
from mediaserver.ports import DASHBOARD_PORT
from mediaserver.settings import InvalidSettings, Settings, read_settings
from mediaserver.stack import ChildFailed, PortTaken, Refused

Command = Callable[[Settings, argparse.Namespace], Coroutine[Any, Any, int]]

EXPECTED = (InvalidSettings, DatabaseUnavailable, ChildFailed, PortTaken, Refused)
ROLES = ("viewer", "operator", "supervisor", "admin")


def main(arguments: list[str] | None = None) -> int:
    """Runs one subcommand. Returns 0: done, 1: could not be done (the reason is on standard error), 2: wrong words."""
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["phones"]:  # another program with options of its own, which must not share our process
        os.execv(sys.executable, [sys.executable, "-m", "mediaserver.carriers.simulated", *words[1:]])
    options = _parser().parse_args(words)
    module, _, function = options.runs.partition(":")
    try:
        settings = read_settings()
        logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        # Loaded now, so that each command has only what it needs in memory: the media server's engines are large.
        command: Command = getattr(importlib.import_module(f"mediaserver.{module}"), function)
        return uvloop.run(command(settings, options))
    except EXPECTED as error:
        print(f"callwright {options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="callwright", description="Outbound phone campaigns with voice agents.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    def command(name: str, runs: str, about: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=about, description=about)
        sub.set_defaults(runs=runs)
        return sub

    command("up", "up:up", "run everything on this machine: database, media server, dashboard")
    command("demo", "demo:demo", "run a campaign against simulated people, from start to end")
    command("serve", "serving:serve", "run one media server with its dialer loop")
    serve_dashboard = command("dashboard", "administration:dashboard", "run the dashboard")
    serve_dashboard.add_argument("--port", type=int, default=DASHBOARD_PORT)
    commands.add_parser("phones", help="run the simulated phone network, to rehearse on (its own --help tells more)")
    command("migrate", "migrating:migrate_database", "bring the database to this version's schema")
    command("doctor", "doctor:doctor", "say what this machine lacks, and what to do").add_argument("--json", action="store_true")

    token = command("token", "administration:token", "make a token for the API; it is shown once")
    token.add_argument("action", choices=["create"])
    token.add_argument("--role", choices=ROLES, default="operator")
    token.add_argument("--name", default="command line", help="what the token is for, as the audit log tells it")
    user = command("user", "administration:user", "make an account for the dashboard; its password is shown once")
    user.add_argument("action", choices=["create", "reset-password"])
    user.add_argument("user_name")
    user.add_argument("--role", choices=ROLES, default="operator")

    contacts = command("import", "administration:import_contacts", "add the contacts of a CSV file to a campaign")
    contacts.add_argument("campaign", type=int, help="the campaign's id")
    contacts.add_argument("file", type=Path)
    contacts.add_argument("--dry-run", action="store_true", help="only report what would happen")
    contacts.add_argument("--all-or-nothing", action="store_true", help="import nothing where any row is bad")
    contacts.add_argument("--region", help="country of numbers without a country code, such as US")
    contacts.add_argument("--json", action="store_true")
    seed = command("seed", "seeding:seed", "fill a database with a rehearsal campaign of any size; nothing of it is ever dialed")
    seed.add_argument("--contacts", type=int, default=1000)
    seed.add_argument("--calls", type=int, default=1000, help="ended calls, with transcripts where somebody answered")
    seed.add_argument("--days", type=int, default=30, help="over which the calls are spread, until yesterday")
    seed.add_argument("--seed", type=int, default=1, help="the same number gives the same calls")
    seed.add_argument("--name", default="Seeded rehearsal", help="of the campaign")
    seed.add_argument("--beside-real", action="store_true", help="also in a database with campaigns that call real people")
    seed.add_argument("--json", action="store_true")
    campaign = command("campaign", "administration:campaign", "list campaigns, or start, pause, resume, cancel, forecast one")
    campaign.add_argument("action", choices=["list", "start", "pause", "resume", "cancel", "forecast"])
    campaign.add_argument("campaign", type=int, nargs="?", help="the campaign's id")
    campaign.add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
