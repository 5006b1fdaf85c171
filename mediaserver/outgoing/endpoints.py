"""What admins do with endpoints of outgoing webhooks. Each verb is in the audit log."""

from collections.abc import Sequence
from datetime import timedelta

from db.audit import audit
from db.database import Connection, Database
from db.queries import load
from db.rows import DeliveryRow, WebhookRow
from db.webhook_events import Event
from dialer.errors import NotAllowed, NotFound
from mediaserver.outgoing.addresses import checked
from mediaserver.outgoing.signing import new_secret

MOST = 20
OVERLAP = timedelta(hours=24)  # of the old secret and the new

_queries = load("webhooks")


async def page(database: Database, after: int, at_most: int) -> Sequence[WebhookRow]:
    """Endpoints after that id, oldest first."""
    return [row async for row in _queries.endpoints(database.pool, after=after, at_most=at_most)]


async def get(database: Database, webhook_id: int) -> WebhookRow:
    """One endpoint. Raises NotFound."""
    async with database.pool.acquire() as connection:
        return await _get(connection, webhook_id)


async def create(
    database: Database, url: str, events: Sequence[Event], *, description: str, actor: str, private_allowed: bool
) -> tuple[WebhookRow, str]:
    """A new endpoint, active at once, and its secret.

    Raises:
        InvalidAddress; NotAllowed: there are too many.
    """
    secret, kept = new_secret(), checked(url, private_allowed=private_allowed)
    async with database.transaction() as connection:
        webhook_id: int | None = await _queries.add_endpoint(
            connection, url=kept, description=description, events=_names(events), secret=secret, created_by=actor, most=MOST
        )
        if webhook_id is None:
            raise NotAllowed(f"there are {MOST} webhooks already: delete one that is not needed any more")
        await audit(connection, actor, "webhook.create", _subject(webhook_id), {"name": kept, "events": _names(events)})
        return await _get(connection, webhook_id), secret


async def change(
    database: Database,
    webhook_id: int,
    *,
    url: str | None,
    events: Sequence[Event] | None,
    description: str | None,
    active: bool | None,
    actor: str,
    private_allowed: bool,
) -> WebhookRow:
    """Another address, other events, paused or active again; None leaves it as it is.

    Raises:
        InvalidAddress, NotFound
    """
    kept = checked(url, private_allowed=private_allowed) if url is not None else None
    names = _names(events) if events is not None else None
    async with database.transaction() as connection:
        changed: WebhookRow | None = await _queries.change_endpoint(
            connection, id=webhook_id, url=kept, description=description, events=names, active=active
        )
        if changed is None:
            raise _no_such(webhook_id)
        detail = {"name": changed.url, "url": kept, "events": names, "description": description, "active": active}
        await audit(connection, actor, "webhook.change", _subject(webhook_id), detail)
    return changed


async def rotate_secret(database: Database, webhook_id: int, *, actor: str) -> str:
    """A new secret; the one before signs too for a day. Raises NotFound."""
    secret = new_secret()
    async with database.transaction() as connection:
        url = await _queries.rotate_secret(connection, id=webhook_id, secret=secret, overlap=OVERLAP)
        if url is None:
            raise _no_such(webhook_id)
        await audit(connection, actor, "webhook.rotate_secret", _subject(webhook_id), {"name": url})
    return secret


async def delete(database: Database, webhook_id: int, *, actor: str) -> None:
    """The endpoint is gone with its deliveries, also those that wait. Raises NotFound."""

    async def work(connection: Connection) -> None:
        await _queries.delete_deliveries_of(connection, webhook_id=webhook_id)
        url = await _queries.delete_endpoint(connection, id=webhook_id)
        if url is None:
            raise _no_such(webhook_id)
        await audit(connection, actor, "webhook.delete", _subject(webhook_id), {"name": url})

    await database.retrying(work)


async def ping(database: Database, webhook_id: int, *, actor: str) -> DeliveryRow:
    """A test message, sent next.

    Raises:
        NotFound; NotAllowed: the endpoint is not active.
    """
    async with database.transaction() as connection:
        delivery_id = await _queries.add_ping(connection, webhook_id=webhook_id)
        return await _asked_for(connection, webhook_id, delivery_id, "webhook.test", actor)


async def redeliver(database: Database, webhook_id: int, delivery_id: int, *, actor: str) -> DeliveryRow:
    """A message is sent again, next, with the id that it had.

    Raises:
        NotFound; NotAllowed: the endpoint is not active.
    """
    async with database.transaction() as connection:
        await _delivery(connection, webhook_id, delivery_id)
        again = await _queries.deliver_again(connection, webhook_id=webhook_id, delivery_id=delivery_id)
        return await _asked_for(connection, webhook_id, again, "webhook.redeliver", actor)


async def deliveries(database: Database, webhook_id: int, *, undelivered: bool, before: int | None, at_most: int) -> Sequence[DeliveryRow]:
    """An endpoint's deliveries before that id, newest first; `undelivered`: only those that wait or were given up. Raises NotFound."""
    async with database.pool.acquire() as connection:
        await _get(connection, webhook_id)
        statement = _queries.undelivered if undelivered else _queries.deliveries
        return [row async for row in statement(connection, webhook_id=webhook_id, before=before, at_most=at_most)]


async def delivery(database: Database, webhook_id: int, delivery_id: int) -> DeliveryRow:
    """One delivery. Raises NotFound."""
    async with database.pool.acquire() as connection:
        return await _delivery(connection, webhook_id, delivery_id)


async def _asked_for(connection: Connection, webhook_id: int, delivery_id: int | None, action: str, actor: str) -> DeliveryRow:
    url = (await _get(connection, webhook_id)).url
    if delivery_id is None:
        raise NotAllowed("this webhook is paused, and nothing is sent there: activate it first")
    found = await _delivery(connection, webhook_id, delivery_id)
    await audit(connection, actor, action, _subject(webhook_id), {"name": url, "message": found.message_id})
    return found


async def _get(connection: Connection, webhook_id: int) -> WebhookRow:
    found: WebhookRow | None = await _queries.endpoint(connection, id=webhook_id)
    if found is None:
        raise _no_such(webhook_id)
    return found


async def _delivery(connection: Connection, webhook_id: int, delivery_id: int) -> DeliveryRow:
    found: DeliveryRow | None = await _queries.delivery(connection, webhook_id=webhook_id, delivery_id=delivery_id)
    if found is None:
        raise NotFound(f"there is no delivery {delivery_id} to webhook {webhook_id}: they are kept for 30 days")
    return found


def _no_such(webhook_id: int) -> NotFound:
    return NotFound(f"there is no webhook {webhook_id}")


def _names(events: Sequence[Event]) -> list[str]:
    """In the order of the table, each once."""
    return [event.value for event in Event if event in events]


def _subject(webhook_id: int) -> str:
    return f"webhook {webhook_id}"
