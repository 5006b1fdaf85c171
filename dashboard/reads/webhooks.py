"""Outgoing webhooks, as the settings page reads them. For admins only: who asks is checked by the page."""

import sys
from dataclasses import dataclass
from datetime import datetime

from dashboard.data import PAGE_SIZE
from dashboard.source import source
from db.queries import load
from db.rows import DeliveryRow, WebhookRow


@dataclass(frozen=True, slots=True)
class Endpoint(WebhookRow):
    """Another system that is told of events. `old_secret_until`: for how long the secret before the present one signs too, where it still
    does; `waiting`: messages that are not delivered yet, 1,000 at most."""

    old_secret_until: datetime | None
    waiting: int


@dataclass(frozen=True, slots=True)
class Delivery(DeliveryRow):
    """A message for an endpoint, and what came of the last attempt. `under_way`: it is being sent in this moment."""

    under_way: bool | None


_queries = load("dashboard_webhooks", sys.modules[__name__])


def endpoints() -> list[Endpoint]:
    """All of them: there are few."""
    return source().many(_queries.webhooks)


def deliveries(webhook_id: int, undelivered: bool, after_id: int | None) -> list[Delivery]:
    """One page of an endpoint's deliveries that follows `after_id`, newest first; one more than PAGE_SIZE where there is a next page.
    `undelivered`: only those that wait or were given up."""
    return source().many(_queries.deliveries, webhook_id=webhook_id, undelivered=undelivered, after_id=after_id, page_size=PAGE_SIZE + 1)
