"""The port to a phone carrier: place, hang up, look up; and the refusals, told apart by whose fault they are and what
may follow.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dialer.lifecycle import CallState


class CarrierRefused(Exception):
    """The carrier will not place this call, for good. `fault`: "callee" (invalid or forbidden number) or "ours"
    (credentials, caller number, limits).
    """

    def __init__(self, fault: str, code: str, message: str) -> None:
        super().__init__(f"{message} (carrier code {code})")
        self.fault, self.code = fault, code


class CarrierThrottled(Exception):
    """Too many requests at once (429): nothing was placed; safe to ask again after a back-off. `retry_after_s` where
    the carrier named it.
    """

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NothingSent(Exception):
    """The request never left: name not found, connection refused, TLS failed. Nothing was placed."""


class DialOutcomeUnknown(Exception):
    """The request may have been acted on (timeout, connection lost after sending, 5xx): settle it by looking up,
    never ask again.
    """


@dataclass(frozen=True, slots=True)
class Order:
    """One call to place. Numbers in E.164; URLs absolute, each naming the attempt."""

    call_id: int
    to: str
    caller: str
    answer_url: str
    status_url: str
    ring_timeout_s: int


@dataclass(frozen=True, slots=True)
class CarrierCall:
    """A call as the carrier tells of it. `state` as ours; `outcome`: answered, no_answer, busy, failed, canceled, once it ended.
    `code`: the carrier's own error or SIP code, where there is one."""

    carrier_call_id: str
    to: str
    caller: str
    state: CallState
    created_at: datetime
    queued: bool = False
    outcome: str | None = None
    code: str | None = None
    duration_s: int | None = None


@dataclass(frozen=True, slots=True)
class CarrierReport:
    """One status callback, understood: what happened to the call, when by the carrier's clock, and `key`, by which a
    doubled one is told.

    `outcome` and `code` as in `CarrierCall`; `answered_by`: the carrier's own answering-machine verdict, as it names it.
    """

    carrier_call_id: str
    state: CallState
    key: str
    at: datetime | None = None
    outcome: str | None = None
    code: str | None = None
    duration_s: int | None = None
    answered_by: str | None = None


class Carrier(Protocol):
    """One carrier account. Each call has a time limit of its own; none is repeated inside."""

    post_limit_s: float

    async def place(self, order: Order) -> str:
        """Ask for the call, once. Returns the carrier's id of it.

        Raises:
            CarrierRefused, CarrierThrottled, NothingSent, DialOutcomeUnknown.
        """

    async def hang_up(self, carrier_call_id: str) -> None:
        """End the call, ringing, queued or answered. A call that has ended already is success. Raises
        CarrierThrottled, DialOutcomeUnknown, NothingSent.
        """

    async def look_up(self, to: str, caller: str, created_after: datetime) -> list[CarrierCall]:
        """Calls to that number from that number that the carrier created since, newest first. Raises
        CarrierThrottled, DialOutcomeUnknown, NothingSent.
        """

    async def look_up_call(self, carrier_call_id: str) -> CarrierCall | None:
        """One call by the carrier's id; None where the carrier knows no such call."""
