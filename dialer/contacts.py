"""The operator's verbs on contacts, and why a contact was (not) called. All raise `NotFound` where there is no such campaign or contact."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from db.audit import audit
from db.database import Connection, Database
from dialer import campaigns, contact_verbs, queries
from dialer.gates import Seen
from dialer.lifecycle import Action
from dialer.phone_numbers import InvalidNumber, read_number
from dialer.rows import Campaign, CampaignView, Contact, ContactFacts, LineView
from dialer.why import BEFORE_AT_MOST, Why, gates_now, in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContact:
    """A contact to add. `number`: in any usual form, with country code unless a default region is given; `variables`: in snake_case."""

    number: str
    name: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotAdded:
    """A contact that did not go in: which of those given (from 0), what is wrong, and what to do."""

    position: int
    problem: str
    what_to_do: str


@dataclass(frozen=True, slots=True)
class Added:
    added: int
    refused: tuple[NotAdded, ...] = ()


async def add(db: Database, campaign_id: int, given: Sequence[NewContact], *, actor: str, default_region: str | None = None) -> Added:
    """Add contacts to a campaign in Draft or Paused: the good ones go in, the others are reported.

    Raises:
        NotAllowed: its status does not allow it.
    """
    good: dict[str, NewContact] = {}
    refused: list[NotAdded] = []
    position_of: dict[str, int] = {}
    for position, each in enumerate(given):
        try:
            number = read_number(each.number, default_region)
        except InvalidNumber as error:
            refused.append(NotAdded(position, error.problem, error.what_to_do))
            continue
        if number in good:
            refused.append(NotAdded(position, "the same number was given before", "leave it out"))
            continue
        good[number], position_of[number] = each, position
    async with db.transaction() as connection:
        await campaigns.lock(connection, campaign_id, Action.EDIT)
        inserted = {
            row["number"]
            async for row in queries.contacts.add(
                connection,
                campaign_id=campaign_id,
                numbers=list(good),
                names=[each.name for each in good.values()],
                variables=[dict(each.variables) for each in good.values()],
            )
        }
        await audit(connection, actor, "contact.add", f"campaign {campaign_id}", {"contacts": len(inserted)})
    refused += [
        NotAdded(position_of[number], "the campaign has this number already", "leave it out") for number in good if number not in inserted
    ]
    return Added(len(inserted), tuple(sorted(refused, key=lambda each: each.position)))


async def retry(db: Database, contact_id: int, *, actor: str) -> Contact:
    """One more try for a failed contact. A Completed campaign goes on with it.

    Raises:
        NotAllowed: the contact has not failed, was erased, or its campaign is cancelled.
    """
    return await contact_verbs.one(db, contact_id, contact_verbs.RETRY, actor=actor)


async def skip(db: Database, contact_id: int, *, actor: str) -> Contact:
    """A pending contact is not called.

    Raises:
        NotAllowed: it is not pending, or its campaign is closed.
    """
    return await contact_verbs.one(db, contact_id, contact_verbs.SKIP, actor=actor)


async def remove(db: Database, contact_id: int, *, actor: str) -> None:
    """A pending contact is taken out of its campaign.

    Raises:
        NotAllowed: it is not pending, or its campaign is closed.
    """
    await contact_verbs.one(db, contact_id, contact_verbs.REMOVE, actor=actor)


async def get(db: Database, contact_id: int) -> Contact:
    """One contact."""
    async with db.pool.acquire() as connection:
        return await contact_verbs.read(connection, contact_id)


async def page(
    db: Database,
    campaign_id: int,
    *,
    status: str | None = None,
    search: str = "",
    masked: bool = False,
    after_id: int | None = None,
    page_size: int = 100,
) -> list[Contact]:
    """A campaign's contacts in their order; `search`: a part of the number or of the name. `masked`: of numbers, only what a masked one
    shows is searched."""
    return [
        each
        async for each in queries.contacts.page(
            db.pool, campaign_id=campaign_id, status=status, search=search, masked=masked, after_id=after_id, page_size=page_size
        )
    ]


async def why(db: Database, contact_id: int) -> Why:
    """Why this contact was (not) called."""
    async with db.pool.acquire() as connection:
        contact = await contact_verbs.read(connection, contact_id)
        campaign: Campaign = await queries.campaigns.get(connection, campaign_id=contact.campaign_id)
        gates, before = await _gates(connection, contact), 0
        if gates:
            before = await queries.campaigns.before(connection, contact_id=contact_id, most=BEFORE_AT_MOST)
        verdicts = [each async for each in queries.contacts.verdicts(connection, contact_id=contact_id)]
        calls = [each async for each in queries.contacts.calls(connection, contact_id=contact_id)]
        changes = [each async for each in queries.campaigns.changes(connection, campaign_id=contact.campaign_id)]
    return Why(
        contact=contact,
        now=in_words(contact, campaign, gates, calls, before),
        gates=tuple(gates),
        verdicts=tuple(verdicts),
        campaign=tuple(changes),
        calls=tuple(calls),
    )


async def _gates(connection: Connection, contact: Contact) -> list[Seen]:
    """Each gate as it stands now; none where the contact is not pending."""
    view: CampaignView = await queries.dialing.campaign(connection, campaign_id=contact.campaign_id)
    facts: ContactFacts | None = await queries.dialing.contact(connection, contact_id=contact.id, rehearsal=view.rehearsal, now=view.now)
    if facts is None:
        return []
    process_id = await queries.campaigns.roomiest_process(connection)
    line: LineView | None = None
    if process_id is not None:
        line = await queries.dialing.line(connection, phone_number_id=view.phone_number_id, process_id=process_id)
    return gates_now(view, line, contact, facts)
