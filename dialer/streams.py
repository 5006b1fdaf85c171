"""Which media stream belongs to which call: tokens that are good once and for a short time, and the binding of a stream by one."""

import hashlib
import hmac
import secrets
from enum import StrEnum

from db.database import Database
from dialer import ending, queries
from dialer.dialing import LEASE_S
from dialer.lifecycle import CallState
from dialer.rows import CallBrief, CallRow

TOKEN_VALID_S = 120.0  # the answer document is fetched before the callee answers, at some carriers


class WhyNot(StrEnum):
    """Why a stream was refused: for our log only, the peer learns nothing of it."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    USED = "used"
    CALL_ENDED = "call_ended"


class StreamRefused(Exception):
    """The token binds no stream."""

    def __init__(self, why: WhyNot) -> None:
        super().__init__(f"the stream's token is refused: {why}")
        self.why = why


class CallIsOver(Exception):
    """The call has ended or is to be taken back: nobody is to be connected to it."""


async def issue_stream_token(db: Database, call_id: int) -> str:
    """A new token for the call's media stream; an older one is void. Asked for again after a stream broke, it lets the call go on
    elsewhere.

    Raises:
        CallIsOver: also where there is no such call.
    """
    token = f"{call_id}.{secrets.token_urlsafe(24)}"
    issued = await queries.settling.issue_token(db.pool, call_id=call_id, token_hash=_digest(token), valid_s=TOKEN_VALID_S)
    if issued is None:
        raise CallIsOver(f"call {call_id} does not go on: answer the carrier with a hang-up")
    return token


async def bind_stream(db: Database, token: str, stream_id: str, process_id: str) -> CallBrief:
    """Bind a media stream to its call, once: this process holds the call from now on.

    Raises:
        StreamRefused
    """
    number, _, secret = token.partition(".")
    if not (number.isascii() and number.isdigit() and len(number) < 19 and secret):
        raise StreamRefused(WhyNot.UNKNOWN)
    call_id = int(number)
    try:
        async with ending.locked(db, call_id) as (connection, call):
            against = _against(call, token)
            if against is not None:
                raise StreamRefused(against)
            await queries.settling.bind_stream(connection, call_id=call_id, stream_id=stream_id, process_id=process_id, lease_s=LEASE_S)
            brief: CallBrief = await queries.settling.brief(connection, call_id=call_id)
            return brief
    except ending.UnknownCall as error:
        raise StreamRefused(WhyNot.UNKNOWN) from error


def _against(call: CallRow, token: str) -> WhyNot | None:
    if call.stream_token_hash is None or not hmac.compare_digest(call.stream_token_hash, _digest(token)):
        return WhyNot.UNKNOWN
    if call.stream_token_used_at is not None:
        return WhyNot.USED
    if call.state == CallState.ENDED or call.carrier_ended_at is not None or call.conversation_ended_at is not None or call.cancel_wanted:
        return WhyNot.CALL_ENDED
    if call.stream_token_expires_at is None or call.stream_token_expires_at <= call.now:
        return WhyNot.EXPIRED
    return None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
