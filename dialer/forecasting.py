"""Forecasts of campaigns as they are saved, and of settings that are not: reads what they are made from, keeps the one of the Start."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from db.database import Connection
from db.queries import load
from dialer import forecast_rows, queries
from dialer.calling_hours import UnknownZone, window
from dialer.campaign_settings import CampaignSettings
from dialer.forecast import ANSWERED, CallsSoFar, Forecast, ForecastView, LineLimits, forecast
from dialer.forecast_comparison import Comparison, compare
from dialer.forecast_contacts import Sorted, sort_contacts, unknown_contacts
from dialer.forecast_rows import ForecastContact, ForecastLine, ForecastOutcome, KeptForecast
from dialer.lifecycle import CampaignStatus
from dialer.retries import Outcome
from dialer.rows import Campaign, CampaignStats

_queries = load("forecast", forecast_rows)

CONTACTS_LOOKED_AT = 1000  # of more, a sample stands for all: a share of 5 % is then true to 1.4 points, 19 times of 20
CALLS_LOOKED_AT = 1000  # the last ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a forecast is asked for. `campaign`: whose contacts and calls count, None: of `contacts` that are not known yet;
    `status`: to be looked at as; `answer_rate`: assumed, as a share of the calls."""

    settings: CampaignSettings
    agent_version: int
    status: CampaignStatus
    campaign: Campaign | None = None
    contacts: int = 0
    answer_rate: float | None = None


@dataclass(frozen=True, slots=True)
class CampaignForecast:
    """What is expected from now on, and how what happened compares with what was expected at Start (None before)."""

    forecast: Forecast
    compared: Comparison | None = None


async def foresee(connection: Connection, question: Question) -> Forecast:
    """The forecast that answers the question."""
    line: ForecastLine = await _queries.line(
        connection,
        phone_number_id=question.settings.phone_number_id,
        campaign_id=question.campaign.id if question.campaign else None,
    )
    pending = question.campaign.pending if question.campaign else question.contacts
    contacts = await _pending(connection, question, line) if question.campaign else None
    so_far = await _so_far(connection, question.campaign.id) if question.campaign else CallsSoFar()
    pilot_left = await _pilot_left(connection, question)
    # In a thread: a hundred thousand steps of arithmetic would hold up the voices of calls in progress.
    return await asyncio.to_thread(_foreseen, question, line, contacts, so_far, pending, pilot_left)


async def answer(connection: Connection, question: Question, campaign: Campaign) -> CampaignForecast:
    """The forecast of a campaign, beside what was expected when it started."""
    made = await foresee(connection, question)
    kept: KeptForecast | None = await _queries.kept(connection, campaign_id=campaign.id)
    if kept is None:
        return CampaignForecast(made)
    stats: CampaignStats = await queries.campaigns.stats(connection, campaign_id=campaign.id)
    completed_at = campaign.ended_at if campaign.status == CampaignStatus.COMPLETED else None
    until = campaign.ended_at or made.made_at
    compared = compare(kept, until, calls=stats.ended + stats.live, reached=stats.people, completed_at=completed_at)
    return CampaignForecast(made, compared)


async def keep(connection: Connection, question: Question, campaign: Campaign) -> None:
    """Keep what is expected of a campaign that starts."""
    made = await foresee(connection, question)
    await _queries.keep(
        connection,
        campaign_id=campaign.id,
        made_at=made.made_at,
        finishes_at=made.finishes_at,
        earliest_at=made.earliest_at,
        latest_at=made.latest_at,
        contacts=made.contacts,
        calls=made.calls,
        reached=made.reached,
        buckets=[[each.start.timestamp(), each.end.timestamp(), each.calls, each.reached] for each in made.buckets],
    )


def _foreseen(
    question: Question,
    line: ForecastLine,
    contacts: list[ForecastContact] | None,
    so_far: CallsSoFar,
    pending: int,
    pilot_left: int | None,
) -> Forecast:
    known = _sorted(question, contacts, line.now, pending)
    view = ForecastView(
        settings=question.settings,
        status=question.status,
        line=_limits(line),
        cohorts=known.cohorts,
        pending=pending,
        live=question.campaign.in_progress if question.campaign else 0,
        skipped=known.skipped,
        so_far=so_far,
        pilot_left=pilot_left,
        answer_rate=question.answer_rate,
        sampled=len(contacts) if contacts is not None and len(contacts) < pending else None,
        numbers_known=contacts is not None,
    )
    return forecast(view, line.now)


def _sorted(question: Question, contacts: list[ForecastContact] | None, now: datetime, pending: int) -> Sorted:
    settings = question.settings
    if contacts is None:
        return Sorted(unknown_contacts(pending, settings), ())
    try:
        hours = window(settings.start_time, settings.end_time, settings.timezone, settings.weekdays)
    except UnknownZone:  # the forecast says that nothing is called
        hours = None
    return sort_contacts(contacts, settings, hours, now, each_counts=max(1.0, pending / len(contacts)) if contacts else 1.0)


def _limits(line: ForecastLine) -> LineLimits:
    return LineLimits(
        account_calls_per_second=line.account_calls_per_second,
        number_calls_per_second=line.number_calls_per_second,
        number_concurrency=line.number_concurrency,
        process_concurrency=line.process_concurrency,
        on_account=line.on_account,
        on_number=line.on_number,
        on_processes=line.on_processes,
        backed_off_until=line.backed_off_until,
    )


async def _pending(connection: Connection, question: Question, line: ForecastLine) -> list[ForecastContact]:
    """The contacts that are looked at."""
    if question.campaign is None or not question.campaign.pending:
        return []
    found = _queries.pending(
        connection,
        campaign_id=question.campaign.id,
        agent_id=question.settings.agent_id,
        agent_version=question.agent_version,
        rehearsal=line.rehearsal,
        now=line.now,
        most=CONTACTS_LOOKED_AT,
        sampled=question.campaign.pending > CONTACTS_LOOKED_AT,
    )
    return [each async for each in found]


async def _so_far(connection: Connection, campaign_id: int) -> CallsSoFar:
    last = _queries.calls_so_far(connection, campaign_id=campaign_id, most=CALLS_LOOKED_AT)
    found: list[ForecastOutcome] = [each async for each in last]
    return CallsSoFar(
        outcomes={Outcome(each.outcome): each.calls for each in found},
        answered_s=_mean([each for each in found if each.outcome in ANSWERED]),
        unanswered_s=_mean([each for each in found if each.outcome not in ANSWERED]),
    )


def _mean(found: list[ForecastOutcome]) -> float | None:
    calls = sum(each.calls for each in found)
    return sum(each.mean_s * each.calls for each in found) / calls if calls else None


async def _pilot_left(connection: Connection, question: Question) -> int | None:
    """How many contacts a pilot may still begin, with the settings that are asked for; None where none goes on."""
    size = question.settings.pilot_size
    if question.campaign is None or size is None:
        return size
    left: int | None = await _queries.pilot_left(connection, campaign_id=question.campaign.id, size=size)
    return left
