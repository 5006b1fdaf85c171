"""A message as it is sent. Its content was written when it happened: each attempt tells the same, however long after."""

from datetime import UTC, datetime
from typing import Any

import msgspec

VERSION = 1


def body_of(message_id: str, event: str, happened_at: datetime, data: dict[str, Any], public_url: str) -> bytes:
    """The JSON of a message. `url` in its data is where the API has more, for who has a token; `public_url`: how that is reached."""
    told = dict(data)
    path = told.pop("path", None)
    if path is not None:
        told["url"] = public_url + path
    at = happened_at.astimezone(UTC).isoformat()
    return msgspec.json.encode({"id": message_id, "type": event, "version": VERSION, "timestamp": at, "data": told})
