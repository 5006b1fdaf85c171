"""The log of who did what to which."""

from collections.abc import Mapping, Sequence
from typing import Any

from db.database import Connection, Database
from db.queries import load
from db.rows import AuditRow

_queries = load("audit")


async def audit(connection: Connection, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> int:
    """A line in the log, in the transaction of what was done; its id. `actor`: as `Person.actor`, or the program's name."""
    line: int = await _queries.audit(connection, actor=actor, action=action, subject=subject, detail=dict(detail))
    return line


async def amend(connection: Connection, line: int, detail: Mapping[str, Any]) -> None:
    """Something done in several transactions has come further: the line tells of all of it."""
    await _queries.amend(connection, id=line, detail=dict(detail))


async def audit_log(database: Database, before: int | None, at_most: int) -> Sequence[AuditRow]:
    """Lines before that id, newest first."""
    return [row async for row in _queries.list_audit(database.pool, before=before, at_most=at_most)]
