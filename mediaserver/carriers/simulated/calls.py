"""A call as the network's REST API shows it. Source: https://www.twilio.com/docs/voice/api/call-resource"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum

from mediaserver.carriers.simulated.directory import Resident

API_VERSION = "2010-04-01"


class Status(StrEnum):
    QUEUED = "queued"
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    CANCELED = "canceled"


ENDED = frozenset({Status.COMPLETED, Status.BUSY, Status.NO_ANSWER, Status.FAILED, Status.CANCELED})


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for. `url`, `twiml`: one of them. `events`: the callbacks wanted."""

    to: str
    caller: str
    url: str = ""
    method: str = "POST"
    twiml: str = ""
    status_url: str = ""
    status_method: str = "POST"
    events: frozenset[str] = frozenset({"completed"})
    ring_timeout_s: int = 60


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended. `by`: callee, api, document or network."""

    status: Status
    by: str
    sip_code: str = "200"


def now() -> datetime:
    return datetime.now(UTC)


def rfc2822(at: datetime | None) -> str | None:
    """As the API writes times: "Tue, 31 Aug 2010 20:36:28 +0000"."""
    return format_datetime(at) if at is not None else None


def new_sid(prefix: str) -> str:
    """A fresh identifier: CA for a call, MZ for a stream."""
    return prefix + uuid.uuid4().hex


@dataclass(eq=False, slots=True)
class Call:
    """One call's state. `sequence`: of its next callback."""

    account_sid: str
    order: Order
    resident: Resident
    nth: int  # call to this number, from 0: chance depends on it
    sid: str = field(default_factory=lambda: new_sid("CA"))
    status: Status = Status.QUEUED
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    sequence: int = 0

    def move(self, status: Status) -> None:
        """The call is now `status`, and the times that go with it are set."""
        self.status, self.updated_at = status, now()
        if status is Status.INITIATED:
            self.started_at = self.updated_at
        elif status is Status.IN_PROGRESS:
            self.answered_at = self.updated_at
        elif status in ENDED:
            self.ended_at = self.updated_at

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def duration_s(self) -> int:
        """Whole seconds from answer to end; 0 where it was not answered."""
        if self.answered_at is None or self.ended_at is None:
            return 0
        return max(1, round((self.ended_at - self.answered_at).total_seconds()))

    def fields(self) -> dict[str, str]:
        """The form fields that each of the network's requests about this call carries."""
        to, caller = self.order.to, self.order.caller
        return {
            "CallSid": self.sid,
            "AccountSid": self.account_sid,
            "From": caller,
            "To": to,
            "Caller": caller,
            "Called": to,
            "CallStatus": self.status,
            "ApiVersion": API_VERSION,
            "Direction": "outbound-api",
        }

    def resource(self) -> Mapping[str, object]:
        """The JSON of the API."""
        base = f"/{API_VERSION}/Accounts/{self.account_sid}/Calls"
        to, caller = self.order.to, self.order.caller
        # A placed call that does not ring yet is "queued" to the API; "initiated" is a word of callbacks alone.
        status = Status.QUEUED if self.status is Status.INITIATED else self.status
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "annotation": None,
            "answered_by": None,
            "caller_name": None,
            "date_created": rfc2822(self.created_at),
            "date_updated": rfc2822(self.updated_at),
            "direction": "outbound-api",
            "duration": str(self.duration_s) if self.ended else None,
            "end_time": rfc2822(self.ended_at),
            "forwarded_from": None,
            "from": caller,
            "from_formatted": caller,
            "group_sid": None,
            "parent_call_sid": None,
            "phone_number_sid": None,
            "price": None,
            "price_unit": "USD",
            "queue_time": "0",
            "start_time": rfc2822(self.started_at),
            "status": status,
            "subresource_uris": {},
            "to": to,
            "to_formatted": to,
            "trunk_sid": None,
            "uri": f"{base}/{self.sid}.json",
        }
