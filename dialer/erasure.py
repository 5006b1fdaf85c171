"""Everything that was said, recorded and noted of one person goes, over all campaigns, when the person asks for it.

The number itself stays where rules need it: an entry on the do-not-call list keeps it from being called, and calls count in the caps.
"""

from dataclasses import dataclass

from db.audit import audit
from db.database import Connection, Database
from dialer import ending
from dialer.errors import NotAllowed
from dialer.phone_numbers import masked
from dialer.retention import queries
from dialer.retention_rows import KeptOfPerson

SKIPPED_BECAUSE = "everything kept of this person was erased"
ON_THE_LIST_BECAUSE = "the reason was erased with everything kept of this person"


@dataclass(frozen=True, slots=True)
class Erased:
    """What went (or would go): calls that lost names, variables and words, their recordings and transcripts, contacts, and how many of
    these were still to be called and are skipped now."""

    calls: int
    recordings: int
    transcripts: int
    contacts: int
    skipped: int


async def erase(db: Database, number: str, *, actor: str, dry_run: bool = False) -> Erased:
    """Erase whoever has this number (E.164), of real calls and of rehearsals. Files of recordings are deleted by whoever has them, after
    this. Contacts that are still to be called are skipped: nobody is called of whom nothing may be known.

    Raises:
        NotAllowed: a call to the number is in progress.
    """

    async def work(connection: Connection) -> Erased:
        campaigns = [row["id"] async for row in queries.lock_campaigns_of(connection, number=number)]
        found: KeptOfPerson = await queries.kept_of(connection, number=number)
        if found.live:
            raise NotAllowed("a call to this number is in progress: wait until it has ended, or hang it up on its live page")
        erased = Erased(found.calls, found.recordings, found.transcripts, found.contacts, found.pending)
        if not dry_run:
            await _erase(connection, number, campaigns)
            detail = {"calls": found.calls, "recordings": found.recordings, "transcripts": found.transcripts, "contacts": found.contacts}
            await audit(connection, actor, "erasure.person", f"number {masked(number)}", detail)
        return erased

    return await db.retrying(work)


async def _erase(connection: Connection, number: str, campaigns: list[int]) -> None:
    """Callers hold the locks of these campaigns, all that have the number among their contacts."""
    calls = await queries.hold_calls_of(connection, number=number)
    await queries.forget_quotes_of_files(connection, number=number)  # it looks for the names that go next
    await queries.erase_calls(connection, ids=calls)
    await queries.forget_words(connection, ids=calls, kept_days=None)
    await queries.forget_reasons(connection, number=number, reason=ON_THE_LIST_BECAUSE)
    await queries.forget_messages_about(connection, number=number)
    await queries.forget_answers_about(connection, number=number)
    changed = {row["campaign_id"] async for row in queries.erase_contacts(connection, number=number, reason=SKIPPED_BECAUSE)}
    for campaign_id in campaigns:
        if campaign_id in changed:
            await ending.settle_campaign(connection, campaign_id)
    await queries.erased(connection)
