"""Twilio's words for a call's progress, as ours: its statuses, its times, and its status callbacks.

Sources: https://www.twilio.com/docs/voice/api/call-resource#statuscallback, https://www.twilio.com/docs/voice/answering-machine-detection.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType

from dialer.carrier import CarrierReport
from dialer.lifecycle import CallState

# Status -> how far the call got, and the outcome once it ended. `initiated` and `answered` are names of events that some send as a status.
PROGRESS: Mapping[str, tuple[CallState, str | None]] = MappingProxyType(
    {
        "queued": (CallState.REQUESTED, None),
        "initiated": (CallState.REQUESTED, None),
        "ringing": (CallState.RINGING, None),
        "answered": (CallState.ANSWERED, None),
        "in-progress": (CallState.ANSWERED, None),
        "completed": (CallState.ENDED, "answered"),
        "busy": (CallState.ENDED, "busy"),
        "no-answer": (CallState.ENDED, "no_answer"),
        "failed": (CallState.ENDED, "failed"),
        "canceled": (CallState.ENDED, "canceled"),
    }
)


class NotUnderstood(ValueError):
    """A status callback that says nothing we know; the message names what was missing or strange."""


def read_time(text: str | None) -> datetime | None:
    """A carrier's RFC 2822 time (`Tue, 31 Aug 2010 20:36:28 +0000`) in UTC; None where there is none or it can't be read."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC) if text else None
    except ValueError:
        return None


def read_report(fields: Mapping[str, str]) -> CarrierReport:
    """What one status callback (or one answering-machine verdict, which has no status) says.

    Its key is made of CallSid, CallbackSource and SequenceNumber, by which the carrier itself tells doubled callbacks.

    Raises:
        NotUnderstood: no CallSid, or a CallStatus that is not in `PROGRESS`.
    """
    call = fields.get("CallSid", "")
    if not call:
        raise NotUnderstood("the callback has no CallSid")
    verdict = fields.get("AnsweredBy") or None
    status = fields.get("CallStatus", "")
    if not status and verdict:
        return CarrierReport(call, CallState.ANSWERED, key=f"{call}:amd", at=read_time(fields.get("Timestamp")), answered_by=verdict)
    if status not in PROGRESS:
        raise NotUnderstood(f"the callback has the CallStatus {status!r}")
    state, outcome = PROGRESS[status]
    duration = fields.get("CallDuration", "")
    return CarrierReport(
        carrier_call_id=call,
        state=state,
        key=f"{call}:{fields.get('CallbackSource', '')}:{fields.get('SequenceNumber') or status}",
        at=read_time(fields.get("Timestamp")),
        outcome=outcome,
        code=fields.get("ErrorCode") or fields.get("SipResponseCode") or None,
        duration_s=int(duration) if duration.isascii() and duration.isdigit() and len(duration) < 10 else None,
        answered_by=verdict,
    )
