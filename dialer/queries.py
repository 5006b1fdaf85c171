"""The dialer's statements, by name, with the rows that they return. They are written in `db/queries/`."""

from pathlib import Path
from typing import Any

import aiosql

import db
from dialer import rows

_FOLDER = Path(db.__file__).parent / "queries"
_ROWS = {kind.__name__: kind for kind in vars(rows).values() if isinstance(kind, type)}


def _load(name: str) -> Any:
    """aiosql makes its methods at run time, so their results are typed where they are used."""
    return aiosql.from_path(_FOLDER / f"{name}.sql", "asyncpg", record_classes=_ROWS)


dialing = _load("dialing")
settling = _load("settling")
campaigns = _load("campaigns")
contacts = _load("contacts")
suppressions = _load("suppressions")
