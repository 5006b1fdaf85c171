"""How long things are kept, and deleting what is due: in bites of a few hundred rows, each a transaction of its own, so that nobody waits.

A call that has lost its recording, its words or its callee's name is a call as before for every count and every rule: only what was said
and who it was is gone. Numbers stay: the do-not-call list, the caps and "never twice" know people by them.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from db.audit import audit
from db.database import Connection, Database
from db.queries import load
from dialer import retention_rows
from dialer.retention_rows import Bite, DeletedOnDay, Due, Folder, Kept, Limits, PeopleBite

__all__ = ["Kept", "Limits"]

LONGEST_DAYS = 3650
MOST_COUNTED = 10_000  # a preview counts no further
CALLS_A_BITE, LINES_A_BITE, CAMPAIGNS_A_PASS = 200, 1000, 100
DAYS_SHOWN = 30

queries = load("retention", retention_rows)

Rest = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many of each were deleted. `contacts`: names and variables, of contacts and of test calls; `timelines`: of calls."""

    recordings: int = 0
    transcripts: int = 0
    contacts: int = 0
    timelines: int = 0
    audit_lines: int = 0

    def __add__(self, other: "Deleted") -> "Deleted":
        return Deleted(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Deleted)))

    def __bool__(self) -> bool:
        return any(asdict(self).values())


async def kept(db: Database) -> Kept:
    """The limits as they are."""
    found: Kept = await queries.kept(db.pool)
    return found


async def change(db: Database, changes: Mapping[str, int | None], *, actor: str) -> Kept:
    """Other limits, from now on; those that are not named stay. `changes`: fields of `Limits`."""
    async with db.transaction() as connection:
        before: Kept = await queries.lock_kept(connection)
        after = {**_limits(before), **changes}
        detail = {name: f"{_in_words(days)}, now {_in_words(after[name])}" for name, days in _limits(before).items() if days != after[name]}
        if detail:
            await queries.change(connection, **after, actor=actor)
            await audit(connection, actor, "retention.change", "retention", detail)
        found: Kept = await queries.kept(connection)
    return found


async def preview(db: Database, changes: Mapping[str, int | None]) -> tuple[Deleted, frozenset[str]]:
    """What would be deleted at once were the limits changed so; and of which of these there are at least so many, for counting stops at
    `MOST_COUNTED` calls or lines."""
    due: Due = await queries.due(db.pool, **{**_limits(await kept(db)), **changes}, most=MOST_COUNTED)
    looked_at = {
        "recordings": due.recordings_looked_at,
        "transcripts": due.transcripts_looked_at,
        "timelines": due.timelines,
        "audit_lines": due.audit_lines,
    }
    counted = Deleted(due.recordings, due.transcripts, due.contacts, min(due.timelines, MOST_COUNTED), min(due.audit_lines, MOST_COUNTED))
    return counted, frozenset(name for name, count in looked_at.items() if count > MOST_COUNTED)


async def last_days(db: Database) -> list[DeletedOnDay]:
    """What was deleted lately, newest day first."""
    return [each async for each in queries.days(db.pool, most=DAYS_SHOWN)]


async def folders(db: Database) -> list[Folder]:
    """Where recordings lie, and what could not be deleted there."""
    return [each async for each in queries.folders(db.pool)]


async def delete_due(db: Database, rest: Rest) -> Deleted:
    """One pass: all that is due now, for all limits. `rest` is awaited between bites. Any number of processes at once: none waits for
    another, and what somebody else holds is left for the next pass. Files of recordings are deleted by whoever has them, after this."""
    await queries.looked(db.pool)
    await queries.audit_days(db.pool)
    deleted = Deleted()
    for bite in (_mark_recordings, _forget_transcripts, _delete_timelines, _delete_verdicts, _delete_audit_lines, _forget_test_callees):
        deleted += await _all(db, bite, rest)
    return deleted + await _forget_people(db, rest)


async def _all(db: Database, bite: Callable[[Connection], Awaitable[tuple[bool, Deleted]]], rest: Rest) -> Deleted:
    """Bite after bite until one says that there is no more."""
    deleted, more = Deleted(), True
    while more:
        async with db.transaction() as connection:
            more, gone = await bite(connection)
            await _note(connection, gone)
        deleted += gone
        if more:
            await rest()
    return deleted


async def _mark_recordings(connection: Connection) -> tuple[bool, Deleted]:
    done: Bite = await queries.mark_recordings(connection, most=CALLS_A_BITE)
    return done.looked_at == CALLS_A_BITE, Deleted(recordings=done.removed)


async def _forget_transcripts(connection: Connection) -> tuple[bool, Deleted]:
    held = await queries.hold_transcripts(connection, most=CALLS_A_BITE)
    if not held["ids"]:
        return False, Deleted()
    had: int = await queries.forget_words(connection, ids=held["ids"], kept_days=held["kept_days"])
    return len(held["ids"]) == CALLS_A_BITE, Deleted(transcripts=had)


async def _delete_timelines(connection: Connection) -> tuple[bool, Deleted]:
    done: Bite = await queries.delete_timelines(connection, most=CALLS_A_BITE)
    return done.looked_at == CALLS_A_BITE, Deleted(timelines=done.removed)


async def _delete_verdicts(connection: Connection) -> tuple[bool, Deleted]:
    gone: int = await queries.delete_verdicts(connection, most=LINES_A_BITE)
    return gone == LINES_A_BITE, Deleted()


async def _delete_audit_lines(connection: Connection) -> tuple[bool, Deleted]:
    gone: int = await queries.delete_audit_lines(connection, most=LINES_A_BITE)
    return gone == LINES_A_BITE, Deleted(audit_lines=gone)


async def _forget_test_callees(connection: Connection) -> tuple[bool, Deleted]:
    gone: int = await queries.forget_test_callees(connection, most=CALLS_A_BITE)
    return gone == CALLS_A_BITE, Deleted(contacts=gone)


async def _forget_people(db: Database, rest: Rest) -> Deleted:
    """Names and variables of campaigns that ended long ago, one campaign after the other. A campaign is done once nothing of it was left
    alone; one in which a pass was killed is gone through again from its beginning, and what is forgotten already costs a look."""
    deleted = Deleted()
    for campaign in [row["id"] async for row in queries.campaigns_due(db.pool, most=CAMPAIGNS_A_PASS)]:
        of_contacts, contacts_left = await _pages(db, campaign, queries.forget_contacts, "", rest, counts=True)
        _, calls_left = await _pages(db, campaign, queries.forget_callees, 0, rest, counts=False)
        deleted += of_contacts
        if not contacts_left + calls_left:
            await queries.people_forgotten(db.pool, campaign_id=campaign)
    return deleted


async def _pages(db: Database, campaign_id: int, page: Any, after: str | int, rest: Rest, *, counts: bool) -> tuple[Deleted, int]:
    """All pages of one kind of a campaign: what was deleted, as far as it counts (a call's copy of a contact does not), and how many rows
    were left alone."""
    deleted, left_alone = Deleted(), 0
    while True:
        async with db.transaction() as connection:
            done: PeopleBite = await page(connection, campaign_id=campaign_id, after=after, most=CALLS_A_BITE)
            gone = Deleted(contacts=done.removed if counts else 0)
            await _note(connection, gone)
        deleted, left_alone = deleted + gone, left_alone + done.left_alone
        if done.looked_at < CALLS_A_BITE or done.last is None:
            return deleted, left_alone
        after = done.last
        if done.removed:
            await rest()


async def _note(connection: Connection, gone: Deleted) -> None:
    if gone:
        await queries.note_deleted(connection, **asdict(gone))


def _limits(given: Limits) -> dict[str, int | None]:
    return {each.name: getattr(given, each.name) for each in fields(Limits)}


def _in_words(days: int | None) -> str:
    return "for ever" if days is None else f"{days} days"
