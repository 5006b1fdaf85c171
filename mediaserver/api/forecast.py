"""/campaigns/{id}/forecast, and the forecast of settings that are not saved."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, PlainSerializer

from dialer import campaigns
from dialer.campaign_settings import CampaignSettings, InvalidCampaign
from mediaserver.api.campaigns import NewCampaign
from mediaserver.api.models import Answer, Body, Id
from mediaserver.api.routes import Asked, Route
from mediaserver.identity import Role

Amount = Annotated[float, PlainSerializer(lambda value: round(value, 2)), Field(description="expected, so not always whole")]


class AnswerRate(Body):
    """`answer_rate`: share of calls that are answered, 0 to 1, assumed until calls tell; without it, what docs/forecast.md says."""

    answer_rate: float | None = Field(default=None, ge=0, le=1)


class UnsavedCampaign(AnswerRate):
    """`settings`: as for a new campaign. Either `campaign_id`, whose contacts and calls so far count, or the number of `contacts`."""

    settings: NewCampaign
    contacts: int | None = Field(default=None, ge=0, le=100_000_000)
    campaign_id: Id | None = Field(default=None, pattern=r"^\d{1,18}$")


class BucketAnswer(Answer):
    """An hour, or a day from the third week on, as far as something is called in it."""

    start: datetime
    end: datetime
    calls: Amount
    answered: Amount
    reached: Amount


class SkippedAnswer(Answer):
    """Contacts that would not be called, by the gate that holds them back for good, and its reason."""

    gate: str
    reason: str
    contacts: int


class LimitAnswer(Answer):
    """What most of the time is spent on, and what to change; `calls_per_hour`: where it is a limit of the pace."""

    name: str
    words: str
    calls_per_hour: Amount | None


class AssumptionAnswer(Answer):
    """`basis`: assumed, mixed, observed, or set (by the question)."""

    name: str
    value: float
    basis: str
    words: str


class ForecastAnswer(Answer):
    """`finishes_at`: expected, likely between `earliest_at` and `latest_at`; null where it does not finish by itself, and `held` says why.
    `contacts` to be called; `calls_per_hour`: while it calls; `timezone`: of the hours and days in `buckets`."""

    made_at: datetime
    finishes_at: datetime | None
    earliest_at: datetime | None
    latest_at: datetime | None
    held: str
    timezone: str
    contacts: Amount
    calls: Amount
    answered: Amount
    reached: Amount
    calls_per_hour: Amount
    buckets: list[BucketAnswer]
    skipped: list[SkippedAnswer]
    limit: LimitAnswer
    assumptions: list[AssumptionAnswer]


class ComparisonAnswer(Answer):
    """Expected when the campaign started, against what happened until now or until its end. `behind_h`: hours of calling, below 0 is ahead;
    of a completed campaign hours between its end and the expected one."""

    made_at: datetime
    finishes_at: datetime | None
    earliest_at: datetime | None
    latest_at: datetime | None
    expected_calls: Amount
    calls: int
    expected_reached: Amount
    reached: int
    behind_h: Amount | None
    words: str


class CampaignForecastAnswer(Answer):
    """`compared`: null before Start."""

    forecast: ForecastAnswer
    compared: ComparisonAnswer | None


async def campaign_forecast(asked: Asked[AnswerRate, None]) -> CampaignForecastAnswer:
    """When the campaign will be done, calls per hour, who is skipped, what limits it; and how that compares with the Start's forecast."""
    found = await campaigns.forecast(asked.database, asked.id("campaign_id"), answer_rate=asked.query.answer_rate)
    return CampaignForecastAnswer.of(found)


async def forecast_unsaved(asked: Asked[None, UnsavedCampaign]) -> ForecastAnswer:
    """The same for settings that are not saved: nothing is kept. Settings that could not be saved are refused."""
    body = asked.body
    if (body.contacts is None) == (body.campaign_id is None):
        raise InvalidCampaign({"contacts": "say how many contacts there are, or whose (campaign_id), and not both"})
    settings = CampaignSettings.from_dict(body.settings.model_dump(exclude_unset=True))
    campaign_id = int(body.campaign_id) if body.campaign_id is not None else None
    return ForecastAnswer.of(
        await campaigns.forecast_unsaved(
            asked.database, settings, contacts=body.contacts or 0, campaign_id=campaign_id, answer_rate=body.answer_rate
        )
    )


ROUTES = (
    Route("GET", "/campaigns/{campaign_id}/forecast", campaign_forecast, Role.VIEWER),
    Route("POST", "/campaigns/forecast", forecast_unsaved, Role.VIEWER),
)
