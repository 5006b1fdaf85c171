"""/webhooks: who is told of what happens here, and what came of it. For admins."""

from datetime import datetime

from pydantic import Field

from db.rows import DeliveryRow
from db.webhook_events import Event
from mediaserver.api.models import Answer, Body, Id, Page, PageQuery, YesNo, page_of
from mediaserver.api.routes import Asked, Route
from mediaserver.identity import Role
from mediaserver.outgoing import endpoints
from mediaserver.outgoing.message import body_of

WAITING = "waiting"


class WebhookAnswer(Answer):
    """`disabled_reason`: why it is not active, where that was not an admin; `failing_since`: of the first failure since the last success,
    with `last_error`."""

    id: Id
    url: str
    description: str
    events: list[str]
    active: bool
    disabled_reason: str
    failing_since: datetime | None
    last_error: str
    last_delivered_at: datetime | None
    created_by: str
    created_at: datetime


class NewWebhookAnswer(WebhookAnswer):
    """`secret` is shown this once: what is received is verified with it."""

    secret: str


class SecretAnswer(Answer):
    """`secret` is shown this once; the one before signs too for 24 hours."""

    secret: str


class NewWebhook(Body):
    """`url`: https, without user and password. `events`: what to tell of."""

    url: str
    events: list[Event] = Field(min_length=1)
    description: str = Field(default="", max_length=200)


class WebhookChange(Body):
    """What is left out stays as it is. `active`: false pauses it; what happens meanwhile is not told later, what waits is."""

    url: str | None = None
    events: list[Event] | None = Field(default=None, min_length=1)
    description: str | None = Field(default=None, max_length=200)
    active: YesNo | None = None


class DeliveryAnswer(Answer):
    """`state`: waiting, delivered or given_up. `next_attempt_at`: null where there is none. `status_code`, `error`, `response` (its
    beginning) and `duration_ms`: of the last attempt."""

    id: Id
    message_id: str
    event: str
    created_at: datetime
    state: str
    attempts: int
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    status_code: int | None
    error: str
    response: str
    duration_ms: int | None


class WholeDeliveryAnswer(DeliveryAnswer):
    """`body`: what is sent, to the byte."""

    body: str


class DeliveriesQuery(PageQuery):
    undelivered: bool = Field(default=False, description="only those that wait or were given up")


async def list_webhooks(asked: Asked[PageQuery, None]) -> Page[WebhookAnswer]:
    """All endpoints, oldest first."""
    query = asked.query
    return page_of(WebhookAnswer, await endpoints.page(asked.database, query.position or 0, query.limit + 1), query.limit)


async def create_webhook(asked: Asked[None, NewWebhook]) -> NewWebhookAnswer:
    """Makes an endpoint, which is told of what happens from now on."""
    body = asked.body
    made, secret = await endpoints.create(
        asked.database,
        body.url,
        body.events,
        description=body.description,
        actor=asked.actor,
        private_allowed=asked.house.webhooks_private,
    )
    return NewWebhookAnswer(**WebhookAnswer.of(made).model_dump(), secret=secret)


async def get_webhook(asked: Asked[None, None]) -> WebhookAnswer:
    """One endpoint."""
    return WebhookAnswer.of(await endpoints.get(asked.database, asked.id("webhook_id")))


async def change_webhook(asked: Asked[None, WebhookChange]) -> WebhookAnswer:
    """Changes address, events or description, pauses an endpoint or activates it again."""
    body = asked.body
    changed = await endpoints.change(
        asked.database,
        asked.id("webhook_id"),
        url=body.url,
        events=body.events,
        description=body.description,
        active=body.active,
        actor=asked.actor,
        private_allowed=asked.house.webhooks_private,
    )
    return WebhookAnswer.of(changed)


async def delete_webhook(asked: Asked[None, None]) -> None:
    """Deletes an endpoint with its deliveries, also those that wait."""
    await endpoints.delete(asked.database, asked.id("webhook_id"), actor=asked.actor)


async def rotate_webhook_secret(asked: Asked[None, None]) -> SecretAnswer:
    """Makes a new secret; the one before signs too for 24 hours."""
    return SecretAnswer(secret=await endpoints.rotate_secret(asked.database, asked.id("webhook_id"), actor=asked.actor))


async def test_webhook(asked: Asked[None, None]) -> DeliveryAnswer:
    """Sends a `ping` next: look at its delivery for what came of it."""
    return _answer(await endpoints.ping(asked.database, asked.id("webhook_id"), actor=asked.actor))


async def list_webhook_deliveries(asked: Asked[DeliveriesQuery, None]) -> Page[DeliveryAnswer]:
    """What was sent or is to be sent in the last 30 days, newest first."""
    query = asked.query
    found = await endpoints.deliveries(
        asked.database, asked.id("webhook_id"), undelivered=query.undelivered, before=query.position, at_most=query.limit + 1
    )
    return page_of(DeliveryAnswer, [_answer(row) for row in found], query.limit)


async def get_webhook_delivery(asked: Asked[None, None]) -> WholeDeliveryAnswer:
    """One delivery with what is sent."""
    row = await endpoints.delivery(asked.database, asked.id("webhook_id"), asked.id("delivery_id"))
    body = body_of(row.message_id, row.event, row.created_at, row.data, asked.house.public_url)
    return WholeDeliveryAnswer(**_answer(row).model_dump(), body=body.decode())


async def redeliver_webhook(asked: Asked[None, None]) -> DeliveryAnswer:
    """Sends a message again, next, with the id that it had, whatever came of it before."""
    ids = asked.id("webhook_id"), asked.id("delivery_id")
    return _answer(await endpoints.redeliver(asked.database, *ids, actor=asked.actor))


def _answer(row: DeliveryRow) -> DeliveryAnswer:
    values = {name: getattr(row, name) for name in DeliveryRow.__dataclass_fields__}
    return DeliveryAnswer.of(values | {"next_attempt_at": row.due_at if row.state == WAITING else None})


ROUTES = (
    Route("GET", "/webhooks", list_webhooks, Role.ADMIN),
    Route("POST", "/webhooks", create_webhook, Role.ADMIN, status=201),
    Route("GET", "/webhooks/{webhook_id}", get_webhook, Role.ADMIN),
    Route("PATCH", "/webhooks/{webhook_id}", change_webhook, Role.ADMIN),
    Route("DELETE", "/webhooks/{webhook_id}", delete_webhook, Role.ADMIN),
    Route("POST", "/webhooks/{webhook_id}/rotate-secret", rotate_webhook_secret, Role.ADMIN),
    Route("POST", "/webhooks/{webhook_id}/test", test_webhook, Role.ADMIN, status=202),
    Route("GET", "/webhooks/{webhook_id}/deliveries", list_webhook_deliveries, Role.ADMIN),
    Route("GET", "/webhooks/{webhook_id}/deliveries/{delivery_id}", get_webhook_delivery, Role.ADMIN),
    Route("POST", "/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver", redeliver_webhook, Role.ADMIN, status=202),
)
