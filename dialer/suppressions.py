"""The do-not-call list: it outruns the queue. After `add` has answered, no call to the number starts."""

from db.audit import audit
from db.database import Connection, Database
from dialer import queries
from dialer.clock import Clock
from dialer.dialing import lock_callee
from dialer.errors import NotAllowed, NotFound
from dialer.rows import Suppression
from dialer.stopping import posts_are_back


async def add(
    db: Database,
    number: str,
    *,
    reason: str,
    source: str,
    actor: str,
    rehearsal: bool = False,
    call_id: int | None = None,
    clock: Clock | None = None,
) -> Suppression:
    """Put a number (E.164) on the list. Calls to it that nobody has answered yet are taken back; one that was answered goes on.

    `source`: call, operator or import. `rehearsal`: the list of calls that reach no real person. A number that stands there already
    keeps its entry.
    """

    async def work(connection: Connection) -> tuple[Suppression, list[int]]:
        await lock_callee(connection, number, rehearsal)
        added: Suppression | None = await queries.suppressions.add(
            connection, number=number, rehearsal=rehearsal, reason=reason, source=source, call_id=call_id, added_by=actor
        )
        stopped = [row["id"] async for row in queries.suppressions.stop_calls(connection, number=number, rehearsal=rehearsal)]
        if added is None:
            added = await queries.suppressions.standing(connection, number=number, rehearsal=rehearsal)
            assert added is not None
        else:
            await audit(connection, actor, "suppression.add", f"suppression {added.id}", {"source": source, "reason": reason})
        return added, stopped

    entry, stopped = await db.retrying(work)
    await posts_are_back(db, stopped, clock)
    return entry


async def remove(db: Database, suppression_id: int, *, actor: str) -> None:
    """The number may be called again by what is claimed from now on; contacts that were skipped for it stay skipped.

    Raises:
        NotFound; NotAllowed: it was removed before.
    """
    async with db.transaction() as connection:
        entry = await _get(connection, suppression_id)
        await lock_callee(connection, entry.number, entry.rehearsal)
        if await queries.suppressions.remove(connection, suppression_id=suppression_id) is None:
            raise NotAllowed("this entry was removed from the do-not-call list before")
        await audit(connection, actor, "suppression.remove", f"suppression {suppression_id}", {})


async def get(db: Database, suppression_id: int) -> Suppression:
    """One entry, standing or removed. Raises NotFound."""
    async with db.pool.acquire() as connection:
        return await _get(connection, suppression_id)


async def look_up(db: Database, number: str, *, rehearsal: bool = False) -> Suppression | None:
    """The entry that keeps the number (E.164) from being called, if there is one."""
    found: Suppression | None = await queries.suppressions.standing(db.pool, number=number, rehearsal=rehearsal)
    return found


async def page(
    db: Database, *, rehearsal: bool = False, search: str = "", masked: bool = False, after_id: int | None = None, page_size: int = 100
) -> list[Suppression]:
    """Standing entries, newest first; `search`: digits of the number. `masked`: only those that a masked number shows are searched."""
    return [
        each
        async for each in queries.suppressions.page(
            db.pool, rehearsal=rehearsal, search=search, masked=masked, after_id=after_id, page_size=page_size
        )
    ]


async def _get(connection: Connection, suppression_id: int) -> Suppression:
    entry: Suppression | None = await queries.suppressions.get(connection, suppression_id=suppression_id)
    if entry is None:
        raise NotFound(f"there is no entry {suppression_id} on the do-not-call list")
    return entry
