"""Every statement, named and described, one .sql file per noun. How to add one:

1. Write it in `db/queries/NOUN.sql` below two lines: `-- name: verb_noun(parameter, other)^` and a sentence that says what it is for.
   `^` one row or None, `$` one value, `!` a command's status, `<!` the row of an INSERT, nothing: an async iterator of rows.
   A `-- record_class: Name` line right after the name turns each row into the dataclass `db.rows.Name` (not with `<!`: use `^`).
2. Parameters are `:name` and always passed by name; cast those whose type PostgreSQL can't see (`:after::bigint`).
3. Load the file once, in the module that uses it, and call it with a connection or a pool:
   `queries = load("agents")`, `agent: Agent | None = await queries.get_agent(connection, id=1)`,
   `agents: list[Agent] = [row async for row in queries.list_agents(database.pool, after=0, at_most=50)]`.
4. The time is `callwright_now()`, never `now()`.
"""

from pathlib import Path
from types import ModuleType
from typing import Any

import aiosql

from db import rows

_FOLDER = Path(__file__).parent


def load(noun: str, records: ModuleType = rows) -> Any:
    """The statements of `db/queries/NOUN.sql` as async functions; `records`: the module of their record classes.

    Their types are known only to the database: annotate what you get.
    """
    classes = {name: value for name, value in vars(records).items() if isinstance(value, type)}
    return aiosql.from_path(_FOLDER / f"{noun}.sql", "asyncpg", record_classes=classes)
