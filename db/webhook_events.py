"""What endpoints are told of: the one table of events. Triggers of the database tell of them (db/migrations/0011_webhooks.sql)."""

from collections.abc import Mapping
from enum import StrEnum


class Event(StrEnum):
    """An event that an endpoint may ask for."""

    CALL_ENDED = "call.ended"
    CALL_CORRECTED = "call.corrected"
    CONTACT_FINISHED = "contact.finished"
    CAMPAIGN_STARTED = "campaign.started"
    CAMPAIGN_PAUSED = "campaign.paused"
    CAMPAIGN_RESUMED = "campaign.resumed"
    CAMPAIGN_COMPLETED = "campaign.completed"
    CAMPAIGN_CANCELLED = "campaign.cancelled"
    SUPPRESSION_ADDED = "suppression.added"


PING = "ping"  # a test, sent when an admin asks for it, whatever the endpoint asks for

MEANS: Mapping[Event, str] = {
    Event.CALL_ENDED: "a call that the carrier was asked for has ended, with its result",
    Event.CALL_CORRECTED: "a call that had been given up as lost was found after all: its result is another one",
    Event.CONTACT_FINISHED: "a contact is done: completed, failed or skipped; told again after one more try or a correction",
    Event.CAMPAIGN_STARTED: "a campaign was started",
    Event.CAMPAIGN_PAUSED: "a campaign was paused, by somebody or by itself: `reason` says why",
    Event.CAMPAIGN_RESUMED: "a paused campaign goes on, or one more try has reopened a completed one",
    Event.CAMPAIGN_COMPLETED: "every contact of a campaign is done",
    Event.CAMPAIGN_CANCELLED: "a campaign was stopped for good",
    Event.SUPPRESSION_ADDED: "a number was put on the do-not-call list, in a call or by somebody; imported lists are not told of",
}
