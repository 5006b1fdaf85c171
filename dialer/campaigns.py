"""The operator's verbs on campaigns. Each is one transaction under the campaign's lock, and leaves a line in the audit log.

`actor` is who does it, for that log. All raise `NotFound` where there is no such campaign, agent or number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from db.audit import audit
from db.database import Connection, Database
from dialer import ending, forecasting, queries
from dialer.calling_hours import UnknownZone, window
from dialer.campaign_settings import CampaignSettings, InvalidCampaign, check, no_such
from dialer.campaign_warnings import warnings as warned_of
from dialer.clock import Clock
from dialer.errors import NotAllowed, NotFound, Outdated
from dialer.forecast import Forecast
from dialer.forecasting import CampaignForecast, Question
from dialer.gates import deciding, time_gates
from dialer.lifecycle import ALLOWED_IN, Action, CampaignStatus, shown
from dialer.rows import Campaign, CampaignStats, CampaignView, Capacity, MissingVariable, Waiting
from dialer.stopping import posts_are_back

__all__ = ["CampaignSettings", "InvalidCampaign", "NotAllowed", "NotFound", "Outdated"]

WAITING_COUNTED = 2000

_WORDS: Mapping[Action, str] = {
    Action.START: "started",
    Action.PAUSE: "paused",
    Action.RESUME: "resumed",
    Action.CANCEL: "cancelled",
    Action.EDIT: "edited",
}


async def get(db: Database, campaign_id: int) -> Campaign:
    """The campaign with the counts of its contacts."""
    async with db.pool.acquire() as connection:
        return await _read(connection, campaign_id)


async def create(db: Database, settings: CampaignSettings, *, actor: str) -> Campaign:
    """A new campaign in Draft, with the agent's newest version.

    Raises:
        InvalidCampaign: naming every setting that can't be used.
    """
    async with db.transaction() as connection:
        version = await _check(connection, settings)
        campaign_id: int = await queries.campaigns.create(connection, **_values(settings), agent_version=version, actor=actor)
        await audit(connection, actor, "campaign.create", f"campaign {campaign_id}", {"name": settings.name})
        return await _read(connection, campaign_id)


async def edit(db: Database, campaign_id: int, changes: Mapping[str, Any], *, version: int | None, actor: str) -> Campaign:
    """Change settings, in Draft and Paused; it takes the agent's newest version. Calls in progress keep what they began with.

    `changes`: fields of `CampaignSettings`, as in its `from_dict`. `version`: of the campaign as it was read; None: whatever it is.

    Raises:
        NotAllowed: its status does not allow it. Outdated: it was changed since. InvalidCampaign.
    """
    async with db.transaction() as connection:
        campaign = await lock(connection, campaign_id, Action.EDIT)
        if version is not None and version != campaign.version:
            raise Outdated(f"the campaign was changed meanwhile (version {campaign.version}, not {version}): read it again")
        before = settings_of(campaign)
        settings = before.changed(changes)
        agent_version = await _check(connection, settings, before=before)
        if "phone_number_id" in _changed(before, settings) and campaign.in_progress:
            raise NotAllowed("calls are in progress on the old phone number: wait until they have ended")
        await queries.campaigns.edit(connection, campaign_id=campaign_id, **_values(settings), agent_version=agent_version)
        await queries.campaigns.look_again(connection, campaign_id=campaign_id)
        await audit(connection, actor, "campaign.edit", f"campaign {campaign_id}", {"fields": sorted(_changed(before, settings))})
        return await _read(connection, campaign_id)


async def start(db: Database, campaign_id: int, *, actor: str) -> Campaign:
    """Draft -> Pending or In Progress.

    Raises:
        NotAllowed: its status, or that it has no contacts. InvalidCampaign: its scheduled start has passed.
    """
    async with db.transaction() as connection:
        campaign = await lock(connection, campaign_id, Action.START)
        if not campaign.pending:
            raise NotAllowed("the campaign has no contacts to call: import a CSV or add some first")
        settings = settings_of(campaign)
        await _check(connection, settings)
        question = Question(settings=settings, agent_version=campaign.agent_version, status=CampaignStatus.IN_PROGRESS, campaign=campaign)
        await forecasting.keep(connection, question, campaign)
        return await _run(connection, campaign_id, actor, "campaign.start")


async def resume(db: Database, campaign_id: int, *, actor: str) -> Campaign:
    """Paused -> Pending or In Progress; Completed where nobody is left to call."""
    async with db.transaction() as connection:
        await lock(connection, campaign_id, Action.RESUME)
        return await _run(connection, campaign_id, actor, "campaign.resume")


async def pause(db: Database, campaign_id: int, *, actor: str, clock: Clock | None = None) -> Campaign:
    """In Progress or Pending -> Paused. After its answer no call of the campaign starts; calls in progress finish."""
    async with db.transaction() as connection:
        await lock(connection, campaign_id, Action.PAUSE)
        await queries.campaigns.set_status(
            connection, campaign_id=campaign_id, status=CampaignStatus.PAUSED.value, reason=f"paused by {actor}"
        )
        stopped = await _stop_posts(connection, campaign_id)
        await audit(connection, actor, "campaign.pause", f"campaign {campaign_id}", {})
    await posts_are_back(db, stopped, clock)
    return await get(db, campaign_id)


async def cancel(db: Database, campaign_id: int, *, actor: str, clock: Clock | None = None) -> Campaign:
    """Stopped for good. After its answer no call of the campaign starts; calls in progress finish."""
    async with db.transaction() as connection:
        await lock(connection, campaign_id, Action.CANCEL)
        await queries.campaigns.end(connection, campaign_id=campaign_id, status=CampaignStatus.CANCELLED.value)
        stopped = await _stop_posts(connection, campaign_id)
        await audit(connection, actor, "campaign.cancel", f"campaign {campaign_id}", {})
    await posts_are_back(db, stopped, clock)
    return await get(db, campaign_id)


async def duplicate(db: Database, campaign_id: int, *, actor: str, name: str | None = None) -> Campaign:
    """A new Draft with the same settings and contacts, all of them Pending. A scheduled start that has passed is left out."""
    async with db.transaction() as connection:
        campaign = await _read(connection, campaign_id)
        settings = settings_of(campaign).changed({"name": name or f"{campaign.name} (copy)"})
        if campaign.scheduled_start is not None and campaign.scheduled_start <= await _now(connection):
            settings = settings.changed({"scheduled_start": None})
        version = await _check(connection, settings)
        copy_id: int = await queries.campaigns.create(connection, **_values(settings), agent_version=version, actor=actor)
        await queries.campaigns.copy_contacts(connection, from_id=campaign_id, to_id=copy_id)
        await audit(connection, actor, "campaign.duplicate", f"campaign {copy_id}", {"of": campaign_id})
        return await _read(connection, copy_id)


async def delete(db: Database, campaign_id: int, *, actor: str) -> None:
    """Delete a Draft with its contacts; whatever was started stays, for its calls' sake."""
    async with db.transaction() as connection:
        campaign = await lock(connection, campaign_id)
        if campaign.status != CampaignStatus.DRAFT:
            raise NotAllowed(f"the campaign is {shown(campaign.status)}: only a Draft can be deleted; cancel it instead")
        await queries.campaigns.delete(connection, campaign_id=campaign_id)
        await audit(connection, actor, "campaign.delete", f"campaign {campaign_id}", {"name": campaign.name})


async def missing_variables(db: Database, campaign_id: int) -> list[MissingVariable]:
    """What to warn of before Start: the variables that pending contacts lack, and would be skipped for."""
    await get(db, campaign_id)
    return [each async for each in queries.campaigns.missing_variables(db.pool, campaign_id=campaign_id)]


async def warnings(db: Database, campaign: Campaign) -> dict[str, str]:
    """Field -> what will really happen, where a setting will not do what it seems to say, as things are now."""
    capacity: Capacity = await queries.campaigns.capacity(db.pool, phone_number_id=campaign.phone_number_id)
    return warned_of(settings_of(campaign), capacity)


def hours_in_words(campaign: Campaign) -> str:
    """When it calls, as its settings say; an overnight window is told to be one."""
    try:
        hours = window(campaign.start_time, campaign.end_time, campaign.timezone, campaign.weekdays)
    except UnknownZone as error:
        return f"never, for {error}"
    return hours.words() if hours is not None else "at any time"


async def stats(db: Database, campaign_id: int) -> CampaignStats:
    """What its calls came to so far."""
    await get(db, campaign_id)
    found: CampaignStats = await queries.campaigns.stats(db.pool, campaign_id=campaign_id)
    return found


async def waiting(db: Database, campaign_id: int) -> list[Waiting]:
    """Why its pending contacts wait, by gate; large groups are counted up to `WAITING_COUNTED`, unless it is the only large one."""
    await get(db, campaign_id)
    return [each async for each in queries.campaigns.waiting(db.pool, campaign_id=campaign_id, most=WAITING_COUNTED)]


async def forecast(db: Database, campaign_id: int, *, answer_rate: float | None = None) -> CampaignForecast:
    """When it will be done, and how that compares with what was expected at Start. `answer_rate`: assumed until calls tell."""
    async with db.pool.acquire() as connection:
        campaign = await _read(connection, campaign_id)
        question = Question(
            settings=settings_of(campaign),
            agent_version=campaign.agent_version,
            status=CampaignStatus(campaign.status),
            campaign=campaign,
            answer_rate=answer_rate,
        )
        return await forecasting.answer(connection, question, campaign)


async def forecast_unsaved(
    db: Database,
    settings: CampaignSettings,
    *,
    contacts: int = 0,
    campaign_id: int | None = None,
    answer_rate: float | None = None,
) -> Forecast:
    """What would come of settings that are not saved, were the campaign started now: with the contacts of a campaign, or with so many
    that are not known yet.

    Raises:
        InvalidCampaign: naming every setting that can't be used.
    """
    async with db.pool.acquire() as connection:
        campaign = await _read(connection, campaign_id) if campaign_id is not None else None
        version = await _check(connection, settings, before=settings_of(campaign) if campaign else None)
        question = Question(
            settings=settings,
            agent_version=version,
            status=CampaignStatus.DRAFT,
            campaign=campaign,
            contacts=contacts,
            answer_rate=answer_rate,
        )
        return await forecasting.foresee(connection, question)


def settings_of(campaign: Campaign) -> CampaignSettings:
    """The settings that an operator set."""
    values = {field.name: getattr(campaign, field.name) for field in fields(CampaignSettings)}
    return CampaignSettings(**values | {"weekdays": tuple(campaign.weekdays)})


async def lock(connection: Connection, campaign_id: int, action: Action | None = None) -> Campaign:
    """Lock the campaign until the transaction ends; `action` must be allowed in its status.

    Raises:
        NotFound, NotAllowed
    """
    await queries.dialing.lock_campaign(connection, campaign_id=campaign_id)
    campaign = await _read(connection, campaign_id)
    if action is not None and campaign.status not in ALLOWED_IN[action]:
        allowed = " or ".join(shown(status) for status in CampaignStatus if status in ALLOWED_IN[action])
        verb = _WORDS.get(action, action.value.replace("_", " "))
        raise NotAllowed(f"the campaign is {shown(campaign.status)}: it can be {verb} only in {allowed}")
    return campaign


async def run_again(connection: Connection, campaign_id: int) -> None:
    """Pending or In Progress, as its hours say; completed where nobody is left. Callers hold its lock."""
    view: CampaignView = await queries.dialing.campaign(connection, campaign_id=campaign_id)
    waits = deciding(time_gates(view, view.now))
    status = CampaignStatus.IN_PROGRESS if waits is None else CampaignStatus.PENDING
    await queries.campaigns.run(connection, campaign_id=campaign_id, status=status.value)
    await ending.settle_campaign(connection, campaign_id)


async def _run(connection: Connection, campaign_id: int, actor: str, action: str) -> Campaign:
    await run_again(connection, campaign_id)
    await audit(connection, actor, action, f"campaign {campaign_id}", {})
    return await _read(connection, campaign_id)


async def _read(connection: Connection, campaign_id: int) -> Campaign:
    campaign: Campaign | None = await queries.campaigns.get(connection, campaign_id=campaign_id)
    if campaign is None:
        raise NotFound(f"there is no campaign {campaign_id}")
    return campaign


async def _now(connection: Connection) -> Any:
    return await queries.campaigns.now(connection)


async def _check(connection: Connection, settings: CampaignSettings, before: CampaignSettings | None = None) -> int:
    """The version of the agent, once all settings are found to be usable."""
    keeps_start = before is not None and before.scheduled_start == settings.scheduled_start
    problems = check(settings, now=await _now(connection), keeps_start=keeps_start)
    agent = None
    if "agent_id" not in problems:
        agent = await queries.campaigns.agent(connection, agent_id=settings.agent_id)
        if agent is None:
            problems["agent_id"] = no_such("agent", settings.agent_id)
    number = settings.phone_number_id
    if "phone_number_id" not in problems and await queries.campaigns.number(connection, phone_number_id=number) is None:
        problems["phone_number_id"] = no_such("phone number", number)
    if problems:
        raise InvalidCampaign(problems)
    assert agent is not None
    version: int = agent["version"]
    return version


async def _stop_posts(connection: Connection, campaign_id: int) -> Sequence[int]:
    return [row["id"] async for row in queries.campaigns.stop_posts(connection, campaign_id=campaign_id)]


def _values(settings: CampaignSettings) -> dict[str, Any]:
    return asdict(settings) | {"weekdays": list(settings.weekdays), "name": settings.name.strip()}


def _changed(before: CampaignSettings, after: CampaignSettings) -> set[str]:
    return {field.name for field in fields(CampaignSettings) if getattr(before, field.name) != getattr(after, field.name)}
