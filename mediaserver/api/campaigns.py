"""/campaigns: settings, the operator's verbs, and the figures."""

from collections.abc import Awaitable, Callable
from datetime import datetime, time
from typing import Any

from pydantic import Field

from db.queries import load
from dialer import campaigns, rows
from dialer.campaign_settings import CampaignSettings
from dialer.lifecycle import Action, CampaignStatus, allowed_actions
from mediaserver.api.models import Answer, Body, Id, Moment, Page, PageQuery, Version, WallClock, Whole, YesNo, page_of
from mediaserver.api.routes import Asked, Route
from mediaserver.identity import Role

_queries = load("campaign_list", rows)


class CampaignLine(Answer):
    """A campaign in a list. `contacts` is the sum of the five counts; `allowed_actions`: what an operator may do now; `hours`: when it
    calls, in words; `version` rises with each edit."""

    id: Id
    name: str
    status: CampaignStatus
    status_reason: str
    allowed_actions: list[Action]
    agent_id: Id
    agent_version: int
    phone_number_id: Id
    concurrency: int
    max_retries: int
    retry_delay_min: int | None
    throttle_delay_ms: int | None
    start_time: time | None
    end_time: time | None
    timezone: str | None
    weekdays: list[int]
    hours: str
    scheduled_start: datetime | None
    retry_on_voicemail: bool
    retry_on_dropped: bool
    local_hours: bool
    ring_timeout_s: int
    max_per_24h: int
    max_per_7d: int
    pilot_size: int | None
    version: int
    created_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    contacts: int
    pending: int
    in_progress: int
    completed: int
    failed: int
    skipped: int


class CampaignAnswer(CampaignLine):
    """`warnings`: field -> what will really happen, where a setting will not do what it seems to say (more calls at the same time than
    the number carries); as things are now."""

    warnings: dict[str, str]


class CampaignChange(Body):
    """What is left out stays as it is; null takes an optional setting away. Times are the wall clock of `timezone`; Monday is weekday 1.
    `version`: as it was read; refused where somebody has changed the campaign since."""

    name: str = ""
    agent_id: Id = ""
    phone_number_id: Id = ""
    concurrency: Whole = 1
    max_retries: Whole = 0
    retry_delay_min: Whole | None = None
    throttle_delay_ms: Whole | None = None
    start_time: WallClock | None = None
    end_time: WallClock | None = None
    timezone: str | None = None
    weekdays: tuple[Whole, ...] = (1, 2, 3, 4, 5, 6, 7)
    scheduled_start: Moment | None = None
    retry_on_voicemail: YesNo = False
    retry_on_dropped: YesNo = True
    local_hours: YesNo = True
    ring_timeout_s: Whole = 30
    max_per_24h: Whole = 3
    max_per_7d: Whole = 7
    pilot_size: Whole | None = None
    version: Version | None = None


class NewCampaign(CampaignChange):
    """Only these three are required."""

    name: str
    agent_id: Id
    phone_number_id: Id
    version: None = Field(default=None, exclude=True)


class CopyName(Body):
    name: str | None = None


class CampaignsQuery(PageQuery):
    status: CampaignStatus | None = None
    search: str = Field(default="", max_length=200, description="a part of the name")


class StatsAnswer(Answer):
    """Contacts by status, and what the calls came to: `live` now; `answered` by anybody, `people` by a person."""

    contacts: int
    pending: int
    in_progress: int
    completed: int
    failed: int
    skipped: int
    live: int
    ended: int
    answered: int
    people: int
    goals_met: int
    voicemails: int
    opted_out: int
    mean_duration_ms: float | None
    now: datetime


class WaitingAnswer(Answer):
    """Pending contacts that the same gate holds back, and when the first of them is looked at again. `at_least`: there are more of
    them; large groups are not counted to their end."""

    gate: str
    contacts: int
    at_least: bool
    look_again_at: datetime | None


class WaitingList(Answer):
    items: list[WaitingAnswer]


class MissingVariableAnswer(Answer):
    """A variable without default that `contacts` pending contacts lack: they would be skipped."""

    name: str
    contacts: int


class MissingVariables(Answer):
    items: list[MissingVariableAnswer]


async def list_campaigns(asked: Asked[CampaignsQuery, None]) -> Page[CampaignLine]:
    """Campaigns, newest first."""
    query = asked.query
    found = _queries.list_campaigns(
        asked.database.pool, status=query.status, search=query.search, before=query.position, at_most=query.limit + 1
    )
    return page_of(CampaignLine, [CampaignLine.of(_values(row)) async for row in found], query.limit)


async def create_campaign(asked: Asked[None, NewCampaign]) -> CampaignAnswer:
    """Makes a Draft with the agent's newest version."""
    settings = CampaignSettings.from_dict(asked.body.model_dump(exclude_unset=True))
    return await _readable(asked, await campaigns.create(asked.database, settings, actor=asked.actor))


async def get_campaign(asked: Asked[None, None]) -> CampaignAnswer:
    """One campaign with the counts of its contacts."""
    return await _readable(asked, await campaigns.get(asked.database, asked.id("campaign_id")))


async def edit_campaign(asked: Asked[None, CampaignChange]) -> CampaignAnswer:
    """Changes settings, in Draft and Paused; the campaign takes the agent's newest version."""
    changes = asked.body.model_dump(exclude_unset=True, exclude={"version"})
    campaign_id = asked.id("campaign_id")
    edited = await campaigns.edit(asked.database, campaign_id, changes, version=asked.body.version, actor=asked.actor)
    return await _readable(asked, edited)


async def delete_campaign(asked: Asked[None, None]) -> None:
    """Deletes a Draft with its contacts."""
    await campaigns.delete(asked.database, asked.id("campaign_id"), actor=asked.actor)


async def start_campaign(asked: Asked[None, None]) -> CampaignAnswer:
    """Draft -> Pending or In Progress."""
    return await _act(asked, campaigns.start)


async def pause_campaign(asked: Asked[None, None]) -> CampaignAnswer:
    """No further call starts once this has answered; calls in progress finish."""
    return await _act(asked, campaigns.pause)


async def resume_campaign(asked: Asked[None, None]) -> CampaignAnswer:
    """Paused -> Pending or In Progress."""
    return await _act(asked, campaigns.resume)


async def cancel_campaign(asked: Asked[None, None]) -> CampaignAnswer:
    """Stops for good; calls in progress finish."""
    return await _act(asked, campaigns.cancel)


async def duplicate_campaign(asked: Asked[CopyName, None]) -> CampaignAnswer:
    """A new Draft with the same settings and contacts, all contacts Pending again."""
    copy = await campaigns.duplicate(asked.database, asked.id("campaign_id"), actor=asked.actor, name=asked.query.name)
    return await _readable(asked, copy)


async def campaign_stats(asked: Asked[None, None]) -> StatsAnswer:
    """How far the campaign is, and what its calls came to."""
    campaign = await campaigns.get(asked.database, asked.id("campaign_id"))
    stats = await campaigns.stats(asked.database, campaign.id)
    counts = ("contacts", "pending", "in_progress", "completed", "failed", "skipped")
    figures = ("live", "ended", "answered", "people", "goals_met", "voicemails", "opted_out", "mean_duration_ms", "now")
    return StatsAnswer.of({name: getattr(campaign, name) for name in counts} | {name: getattr(stats, name) for name in figures})


async def campaign_waiting(asked: Asked[None, None]) -> WaitingList:
    """Why pending contacts are not being called, most frequent reason first."""
    return WaitingList(items=[WaitingAnswer.of(each) for each in await campaigns.waiting(asked.database, asked.id("campaign_id"))])


async def missing_variables(asked: Asked[None, None]) -> MissingVariables:
    """What to mend before Start: variables that the agent's texts need and contacts lack."""
    found = await campaigns.missing_variables(asked.database, asked.id("campaign_id"))
    return MissingVariables(items=[MissingVariableAnswer.of(each) for each in found])


async def _act(asked: Asked[None, None], verb: Callable[..., Awaitable[rows.Campaign]]) -> CampaignAnswer:
    return await _readable(asked, await verb(asked.database, asked.id("campaign_id"), actor=asked.actor))


async def _readable(asked: Asked[Any, Any], campaign: rows.Campaign) -> CampaignAnswer:
    return CampaignAnswer.of(_values(campaign) | {"warnings": await campaigns.warnings(asked.database, campaign)})


def _values(campaign: rows.Campaign) -> dict[str, Any]:
    """A campaign as a line of the list."""
    values = {name: getattr(campaign, name) for name in CampaignLine.model_fields if name not in ("allowed_actions", "hours")}
    return values | {"allowed_actions": allowed_actions(CampaignStatus(campaign.status)), "hours": campaigns.hours_in_words(campaign)}


ROUTES = (
    Route("GET", "/campaigns", list_campaigns, Role.VIEWER),
    Route("POST", "/campaigns", create_campaign, Role.OPERATOR, status=201, once=True),
    Route("GET", "/campaigns/{campaign_id}", get_campaign, Role.VIEWER),
    Route("PATCH", "/campaigns/{campaign_id}", edit_campaign, Role.OPERATOR),
    Route("DELETE", "/campaigns/{campaign_id}", delete_campaign, Role.OPERATOR),
    Route("POST", "/campaigns/{campaign_id}/start", start_campaign, Role.OPERATOR),
    Route("POST", "/campaigns/{campaign_id}/pause", pause_campaign, Role.OPERATOR),
    Route("POST", "/campaigns/{campaign_id}/resume", resume_campaign, Role.OPERATOR),
    Route("POST", "/campaigns/{campaign_id}/cancel", cancel_campaign, Role.OPERATOR),
    Route("POST", "/campaigns/{campaign_id}/duplicate", duplicate_campaign, Role.OPERATOR, status=201, once=True),
    Route("GET", "/campaigns/{campaign_id}/stats", campaign_stats, Role.VIEWER),
    Route("GET", "/campaigns/{campaign_id}/waiting", campaign_waiting, Role.VIEWER),
    Route("GET", "/campaigns/{campaign_id}/missing-variables", missing_variables, Role.VIEWER),
)
