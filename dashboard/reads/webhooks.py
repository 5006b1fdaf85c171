"""Outgoing webhooks, as the settings page reads them. For admins only: who asks is checked by the page."""

import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.data import PAGE_SIZE
from dashboard.source import source
from db.queries import load


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Another system that is told of events. `waiting`: messages that are not delivered yet, 1,000 at most. `old_secret_until`:
    for how long the secret before the present one signs too, where it still does."""

    id: int
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
    old_secret_until: datetime | None
    waiting: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message for an endpoint, and what came of the last attempt. `under_way`: it is being sent in this moment."""

    id: int
    message_id: str
    event: str
    data: dict[str, Any]
    created_at: datetime
    state: str
    due_at: datetime
    under_way: bool | None
    attempts: int
    delivered_at: datetime | None
    status_code: int | None
    error: str
    response: str
    duration_ms: int | None


_queries = load("dashboard_webhooks", sys.modules[__name__])


def endpoints() -> list[Endpoint]:
    """All of them: there are few."""
    return source().many(_queries.webhooks)


def deliveries(webhook_id: int, undelivered: bool, after_id: int | None) -> list[Delivery]:
    """One page of an endpoint's deliveries that follows `after_id`, newest first; one more than PAGE_SIZE where there is a next page.
    `undelivered`: only those that wait or were given up."""
    return source().many(_queries.deliveries, webhook_id=webhook_id, undelivered=undelivered, after_id=after_id, page_size=PAGE_SIZE + 1)
