"""/contacts: who is called, added by hand, and why somebody was (not) called."""

from datetime import datetime
from typing import Self

from pydantic import AliasChoices, Field, RootModel, field_validator, model_validator

from dialer import campaigns, contact_verbs, contacts
from dialer.lifecycle import CampaignStatus, ContactStatus
from mediaserver.api import imports
from mediaserver.api.models import ID, Answer, Body, Id, Page, PageQuery, PhoneNumber, Variables, page_of
from mediaserver.api.problems import Problem
from mediaserver.api.routes import MIB, Asked, Route
from mediaserver.identity import Role


class ContactAnswer(Answer):
    """`not_before`: of its next try; `blocked_by`, `blocked_reason`, `look_again_at`: the gate that said "not now" last.
    `person_deleted_at`: since when name and variables are gone; `erased`: on the person's demand."""

    id: Id
    campaign_id: Id
    number: PhoneNumber
    name: str
    variables: Variables
    status: ContactStatus
    status_reason: str
    tries: int
    not_before: datetime | None
    callback: bool
    last_outcome: str | None
    blocked_by: str | None
    blocked_reason: str | None
    look_again_at: datetime | None
    created_at: datetime
    updated_at: datetime
    person_deleted_at: datetime | None
    erased: bool


class ContactsQuery(PageQuery):
    status: ContactStatus | None = None
    search: str = Field(default="", max_length=200, description="a part of the number or of the name")


class NewContact(Body):
    """`number` with country code; both may also be called as the columns of a CSV are, `phone_number` and `contact_name`."""

    number: str = Field(validation_alias=AliasChoices("number", "phone_number"))
    name: str = Field(default="", max_length=200, validation_alias=AliasChoices("name", "contact_name"))
    variables: dict[str, str] = Field(default_factory=dict)


class NewContacts(RootModel[NewContact | list[NewContact]]):
    """One contact, or a list of at most 5,000; more go through the CSV import."""

    @field_validator("root")
    @classmethod
    def _not_too_many(cls, given: NewContact | list[NewContact]) -> NewContact | list[NewContact]:
        if isinstance(given, list) and len(given) > 5000:
            raise ValueError("more than 5,000 contacts at once: send them as a CSV to contacts/import")
        return given


class NotAddedAnswer(Answer):
    """`position`: in the list that was sent, from 0."""

    position: int
    problem: str
    what_to_do: str


class AddedAnswer(Answer):
    added: int
    refused: list[NotAddedAnswer]


class ChosenContacts(Body):
    """`ids` of the campaign's contacts; or, without them, all that its list shows for `status` and `search`: {} is everybody."""

    ids: list[Id] | None = Field(default=None, min_length=1, max_length=5000)
    status: ContactStatus | None = None
    search: str = Field(default="", max_length=200, description="a part of the number or of the name")

    @field_validator("ids")
    @classmethod
    def _are_ids(cls, given: list[str] | None) -> list[str] | None:
        wrong = next((each for each in given or () if not ID.fullmatch(each)), None)
        if wrong is not None:
            raise ValueError(f"{wrong[:40]!r} is no id: send those that the list of contacts answers")
        return given

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.ids is not None and (self.status or self.search):
            raise ValueError("send ids, or status and search, not both")
        return self


class LeftAloneAnswer(Answer):
    reason: str
    contacts: int


class ManyChangedAnswer(Answer):
    """`left_alone`: those chosen that do not allow it, by reason. `stopped`: why it ended before all of them were seen, because somebody
    changed the campaign meanwhile; empty where it has seen all."""

    changed: int
    left_alone: list[LeftAloneAnswer]
    stopped: str


class VerdictAnswer(Answer):
    """A change of a gate's verdict: call, wait or skip, and the value that it saw."""

    at: datetime
    gate: str
    verdict: str
    value: str
    look_again_at: datetime | None


class ContactCallAnswer(Answer):
    id: Id
    state: str
    outcome: str | None
    end_reason: str | None
    carrier_code: str | None
    planned_at: datetime
    requested_at: datetime | None
    ended_at: datetime | None


class GateAnswer(Answer):
    """A gate as it stands now: call, wait, skip or fail, the value that it sees, and when to look again (null: when something changes)."""

    gate: str
    verdict: str
    value: str
    look_again_at: datetime | None


class CampaignChangeAnswer(Answer):
    """What the campaign's status became, and why."""

    at: datetime
    status: CampaignStatus
    reason: str


class WhyAnswer(Answer):
    """`now`: the reason in words; `gates`: each one between a pending contact and its call, those of the campaign and of the line among
    them; `verdicts`: the ledger of its own gates; `campaign`: that of the campaign; `calls`. Newest first."""

    contact: ContactAnswer
    now: str
    gates: list[GateAnswer]
    verdicts: list[VerdictAnswer]
    campaign: list[CampaignChangeAnswer]
    calls: list[ContactCallAnswer]


async def list_contacts(asked: Asked[ContactsQuery, None]) -> Page[ContactAnswer]:
    """A campaign's contacts in their order."""
    query = asked.query
    campaign = await campaigns.get(asked.database, asked.id("campaign_id"))
    found = await contacts.page(
        asked.database,
        campaign.id,
        status=query.status,
        search=query.search,
        masked=asked.masked,
        after_id=query.position,
        page_size=query.limit + 1,
    )
    return page_of(ContactAnswer, found, query.limit)


async def add_contacts(asked: Asked[None, NewContacts]) -> AddedAnswer:
    """Adds contacts, in Draft and Paused. Of a list, the good ones go in and the others are reported; a single bad one is refused."""
    given = asked.body.root
    every = given if isinstance(given, list) else [given]
    new = [contacts.NewContact(number=each.number, name=each.name, variables=each.variables) for each in every]
    added = await contacts.add(asked.database, asked.id("campaign_id"), new, actor=asked.actor)
    if not isinstance(given, list) and added.refused:
        said = f"{added.refused[0].problem}: {added.refused[0].what_to_do}"
        raise Problem(422, said, {"number": said})
    return AddedAnswer.of(added)


async def get_contact(asked: Asked[None, None]) -> ContactAnswer:
    """One contact."""
    return ContactAnswer.of(await contacts.get(asked.database, asked.id("contact_id")))


async def retry_contact(asked: Asked[None, None]) -> ContactAnswer:
    """One more try for a failed contact; a Completed campaign goes on with it."""
    return ContactAnswer.of(await contacts.retry(asked.database, asked.id("contact_id"), actor=asked.actor))


async def skip_contact(asked: Asked[None, None]) -> ContactAnswer:
    """Leaves a pending contact out."""
    return ContactAnswer.of(await contacts.skip(asked.database, asked.id("contact_id"), actor=asked.actor))


async def remove_contact(asked: Asked[None, None]) -> None:
    """Takes a pending contact out of its campaign."""
    await contacts.remove(asked.database, asked.id("contact_id"), actor=asked.actor)


async def retry_contacts(asked: Asked[None, ChosenContacts]) -> ManyChangedAnswer:
    """One more try for each failed contact among those chosen; a Completed campaign goes on with them."""
    return await _many(asked, contact_verbs.RETRY)


async def skip_contacts(asked: Asked[None, ChosenContacts]) -> ManyChangedAnswer:
    """Leaves the pending contacts among those chosen out."""
    return await _many(asked, contact_verbs.SKIP)


async def remove_contacts(asked: Asked[None, ChosenContacts]) -> ManyChangedAnswer:
    """Takes the pending contacts among those chosen out of their campaign."""
    return await _many(asked, contact_verbs.REMOVE)


async def _many(asked: Asked[None, ChosenContacts], verb: contact_verbs.Verb) -> ManyChangedAnswer:
    body = asked.body
    chosen = contact_verbs.Chosen(
        ids=None if body.ids is None else [int(each) for each in body.ids], status=body.status, search=body.search, masked=asked.masked
    )
    done = await contact_verbs.many(asked.database, asked.id("campaign_id"), verb, chosen, actor=asked.actor)
    left = [LeftAloneAnswer(reason=reason, contacts=count) for reason, count in done.left_alone.most_common()]
    return ManyChangedAnswer(changed=done.changed, left_alone=left, stopped=done.stopped)


async def contact_why(asked: Asked[None, None]) -> WhyAnswer:
    """Why this contact was, or was not, called."""
    return WhyAnswer.of(await contacts.why(asked.database, asked.id("contact_id")))


ROUTES = (
    Route("GET", "/campaigns/{campaign_id}/contacts", list_contacts, Role.VIEWER),
    Route("POST", "/campaigns/{campaign_id}/contacts", add_contacts, Role.OPERATOR, status=201, limit_bytes=16 * MIB, once=True),
    Route("POST", "/campaigns/{campaign_id}/contacts/retry", retry_contacts, Role.OPERATOR, once=True),
    Route("POST", "/campaigns/{campaign_id}/contacts/skip", skip_contacts, Role.OPERATOR, once=True),
    Route("POST", "/campaigns/{campaign_id}/contacts/remove", remove_contacts, Role.OPERATOR, once=True),
    *imports.ROUTES,
    Route("GET", "/contacts/{contact_id}", get_contact, Role.VIEWER),
    Route("DELETE", "/contacts/{contact_id}", remove_contact, Role.OPERATOR),
    Route("POST", "/contacts/{contact_id}/retry", retry_contact, Role.OPERATOR),
    Route("POST", "/contacts/{contact_id}/skip", skip_contact, Role.OPERATOR),
    Route("GET", "/contacts/{contact_id}/why", contact_why, Role.VIEWER),
)
