"""`callwright migrate`, by itself: the migration library is large, and no other command of the terminal needs it."""

import argparse

from db.migrate import migrate
from mediaserver.administration import chosen_url
from mediaserver.settings import Settings


async def migrate_database(settings: Settings, _options: argparse.Namespace) -> int:
    """Brings the database to this version's schema."""
    applied = await migrate(await chosen_url(settings))
    print("applied: " + ", ".join(applied) if applied else "the schema is up to date")
    return 0
