"""Retry, Skip and Remove: what each asks of a contact and of its campaign, and how it is done, to one contact or to very many.

Many are done in bites. Each bite is one transaction under the campaign's lock, as for one contact, so that claims and ends of calls come in
between; whoever was interrupted asks again, and it goes on with those that are left.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from db.audit import amend, audit
from db.database import Connection, Database, Pool
from dialer import campaigns, ending, queries
from dialer.errors import NotAllowed, NotFound
from dialer.lifecycle import Action, CampaignStatus, ContactStatus, shown
from dialer.rows import Campaign, Contact

BITE = 300  # contacts in one transaction: some tens of milliseconds
GONE = "there is no such contact in the campaign"


@dataclass(frozen=True, slots=True)
class Verb:
    """`takes`: the only status that it takes; `done`: its participle; `audited`, `audited_many`: in the log, for one and for many;
    `change`: does it to these ids, in the name of an actor; `erased`: why none who was erased is taken, empty where they are."""

    action: Action
    takes: ContactStatus
    done: str
    audited: str
    audited_many: str
    change: Callable[[Connection, Sequence[int], str], Awaitable[None]]
    erased: str = ""

    def refusal(self, contact: Contact) -> str:
        """Why it can't be done to this contact; empty where it can."""
        if contact.status != self.takes:
            return f"the contact is {shown(contact.status)}: only a {shown(self.takes)} one can be {self.done}"
        return self.erased if contact.erased else ""


async def _retry(connection: Connection, ids: Sequence[int], _actor: str) -> None:
    await queries.contacts.retry(connection, ids=ids)


async def _skip(connection: Connection, ids: Sequence[int], actor: str) -> None:
    await queries.contacts.skip(connection, ids=ids, reason=f"skipped by {actor}")


async def _remove(connection: Connection, ids: Sequence[int], _actor: str) -> None:
    await queries.contacts.remove(connection, ids=ids)


RETRY = Verb(
    Action.RETRY_CONTACT,
    ContactStatus.FAILED,
    "retried",
    "contact.retry",
    "contact.retry_many",
    _retry,
    erased="everything kept of this person was erased: to call again, add the number to a new campaign",
)
SKIP = Verb(Action.SKIP_CONTACT, ContactStatus.PENDING, "skipped", "contact.skip", "contact.skip_many", _skip)
REMOVE = Verb(Action.REMOVE_CONTACT, ContactStatus.PENDING, "removed", "contact.remove", "contact.remove_many", _remove)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which contacts of a campaign: these `ids`; or, where None, those that a list shows, as `contacts.page` takes its filter."""

    ids: Sequence[int] | None = None
    status: str | None = None
    search: str = ""
    masked: bool = False


@dataclass(slots=True)
class Changed:
    """`left_alone`: reason -> how many. `stopped`: why it ended before it had seen all of them, empty where it has."""

    changed: int = 0
    left_alone: Counter[str] = field(default_factory=Counter)
    stopped: str = ""


async def one(db: Database, contact_id: int, verb: Verb, *, actor: str) -> Contact:
    """Do it to one contact, and see what that means for its campaign. The contact as it is then (or was, if removed).

    Raises:
        NotFound, NotAllowed
    """
    async with db.transaction() as connection:
        campaign = await campaigns.lock(connection, (await read(connection, contact_id)).campaign_id, verb.action)
        contact = await read(connection, contact_id)
        if refusal := verb.refusal(contact):
            raise NotAllowed(refusal)
        await _do(connection, campaign, verb, [contact_id], actor)
        await audit(connection, actor, verb.audited, f"contact {contact_id}", {})
        after: Contact | None = await queries.contacts.get(connection, contact_id=contact_id)
        return after or contact


async def many(db: Database, campaign_id: int, verb: Verb, chosen: Chosen, *, actor: str, bite: int = BITE) -> Changed:
    """Do it to all those chosen that allow it, and leave the others alone. One line in the audit log, with the count so far.

    Raises:
        NotFound: there is no such campaign. NotAllowed: its status does not allow it; nothing was changed.
    """
    work, position = _Work(db, campaign_id, verb, actor), 0
    while (seen := await _next(db, campaign_id, chosen, position, bite)) or not work.begun:
        try:
            await work.bite(seen)
        except NotAllowed as refused:
            if not work.begun:
                raise
            work.done.stopped = refused.reason  # somebody has closed the campaign since we began
            break
        position = max(seen, default=0) if chosen.ids is None else position + len(seen)
    return work.done


async def read(connection: Connection, contact_id: int) -> Contact:
    """The contact as it is now.

    Raises:
        NotFound
    """
    contact: Contact | None = await queries.contacts.get(connection, contact_id=contact_id)
    if contact is None:
        raise NotFound(f"there is no contact {contact_id}")
    return contact


async def _next(db: Database, campaign_id: int, chosen: Chosen, position: int, most: int) -> Mapping[int, Contact | None]:
    """The next ones by id, read without a lock; None for an id that the campaign does not have. `position`: in the list of ids; or the
    last id that was seen."""
    if chosen.ids is not None:
        ids = list(dict.fromkeys(chosen.ids))[position : position + most]
        return await _of_ids(db.pool, campaign_id, ids)
    found = queries.contacts.page(
        db.pool,
        campaign_id=campaign_id,
        status=chosen.status,
        search=chosen.search,
        masked=chosen.masked,
        after_id=position,
        page_size=most,
    )
    return {contact.id: contact async for contact in found}


@dataclass(slots=True)
class _Work:
    """One command about many contacts. `line`: its line in the audit log, once something was changed."""

    db: Database
    campaign_id: int
    verb: Verb
    actor: str
    done: Changed = field(default_factory=Changed)
    line: int | None = None
    begun: bool = False

    async def bite(self, seen: Mapping[int, Contact | None]) -> None:
        """One transaction. Whoever may be changed is looked at again under the lock, which is taken only where there is somebody, and
        the first time, to know whether the campaign allows it. Counted is what was committed."""
        may, left = _told_apart(self.verb, seen)
        if may or not self.begun:
            async with self.db.transaction() as connection:
                campaign = await campaigns.lock(connection, self.campaign_id, self.verb.action)
                may, left_since = _told_apart(self.verb, await _of_ids(connection, self.campaign_id, may))
                left += left_since
                if may:
                    await _do(connection, campaign, self.verb, may, self.actor)
                    self.line = await self._audited(connection, self.done.changed + len(may))
        self.done.changed += len(may)
        self.done.left_alone += left
        self.begun = True

    async def _audited(self, connection: Connection, changed: int) -> int:
        detail = {"contacts": changed}
        if self.line is None:
            return await audit(connection, self.actor, self.verb.audited_many, f"campaign {self.campaign_id}", detail)
        await amend(connection, self.line, detail)
        return self.line


def _told_apart(verb: Verb, seen: Mapping[int, Contact | None]) -> tuple[list[int], Counter[str]]:
    """Those that it can be done to, and the reasons of the others."""
    refusals = {contact_id: GONE if contact is None else verb.refusal(contact) for contact_id, contact in seen.items()}
    return [each for each, refusal in refusals.items() if not refusal], Counter(filter(None, refusals.values()))


async def _do(connection: Connection, campaign: Campaign, verb: Verb, ids: Sequence[int], actor: str) -> None:
    """Callers hold the campaign's lock. A Completed campaign goes on with those that are retried."""
    await verb.change(connection, ids, actor)
    if campaign.status == CampaignStatus.COMPLETED:
        await campaigns.run_again(connection, campaign.id)
    else:
        await ending.settle_campaign(connection, campaign.id)


async def _of_ids(connection: Connection | Pool, campaign_id: int, ids: Sequence[int]) -> dict[int, Contact | None]:
    found = {contact.id: contact async for contact in queries.contacts.some(connection, campaign_id=campaign_id, ids=ids)}
    return {contact_id: found.get(contact_id) for contact_id in ids}
