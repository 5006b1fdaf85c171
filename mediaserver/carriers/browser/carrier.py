"""The carrier of calls in the browser: nothing rings anywhere, and whoever began the call comes by opening its page.

There is no exchange behind it. All that there is to know of such a call the database knows, so that each process tells the same of it:
it waits for as long as a phone would ring, and the stream that its page opens meanwhile answers it.
"""

from datetime import datetime, timedelta

from db import browser_line
from db.browser_line import ACCOUNT, LINE, BrowserCall
from db.database import LOST, Database, DatabaseUnavailable
from db.queries import load
from dialer.carrier import CarrierCall, DialOutcomeUnknown, Order
from dialer.lifecycle import CallState

CALLS_PER_SECOND = 1000.0  # what limits them is how many calls a process takes
LABEL = "In the browser"

_ID = "browser-"

_queries, _accounts = load("browser_calls", browser_line), load("phone_numbers")


async def ensure_line(db: Database) -> int:
    """The line that all calls in the browser are made on, and its account, made where they are not there: the line's id.

    They are rehearsals: the do-not-call list and the caps of real calls know nothing of them.
    """
    account_id: int = await _accounts.ensure_carrier_account(
        db.pool, name=ACCOUNT, carrier=ACCOUNT, rehearsal=True, calls_per_second=CALLS_PER_SECOND
    )
    line_id: int = await _queries.ensure_line(db.pool, number=LINE, label=LABEL, account_id=account_id)
    return line_id


class BrowserCarrier:
    """Implements `dialer.carrier.Carrier`."""

    post_limit_s = 1.0

    def __init__(self, db: Database) -> None:
        self._db = db

    async def place(self, order: Order) -> str:
        """The call waits for its page from now on."""
        return _ID + str(order.call_id)

    async def hang_up(self, carrier_call_id: str) -> None:
        """A call is over when its stream is closed, as whoever talks on it does; one without a stream, when our record says so."""

    async def look_up(self, to: str, caller: str, created_after: datetime) -> list[CarrierCall]:
        """The call that this person is in: there is one at a time."""
        try:
            call_id: int | None = await _queries.call_of(self._db.pool, number=to)
        except (*LOST, DatabaseUnavailable) as error:
            raise _away(error) from error
        found = await self.look_up_call(f"{_ID}{call_id}") if call_id is not None else None
        return [found] if found is not None and found.created_at >= created_after else []

    async def look_up_call(self, carrier_call_id: str) -> CarrierCall | None:
        """What became of a call."""
        try:
            call: BrowserCall | None = await _queries.placed_call(self._db.pool, call_id=int(carrier_call_id.removeprefix(_ID)))
        except (*LOST, DatabaseUnavailable) as error:
            raise _away(error) from error
        return told(call) if call is not None else None


def told(call: BrowserCall) -> CarrierCall:
    """What a carrier says of such a call: answered from its first stream until its conversation has ended, and over once nobody came
    within the time in which a phone rings. Pure."""
    state, outcome = CallState.REQUESTED, None
    if call.answered_at is not None:
        is_over = call.state == CallState.ENDED or call.conversation_ended_at is not None
        state, outcome = (CallState.ENDED, "answered") if is_over else (CallState.ANSWERED, None)
    elif call.cancel_wanted:
        state, outcome = CallState.ENDED, "canceled"
    elif call.state == CallState.ENDED or call.now >= call.requested_at + timedelta(seconds=call.ring_timeout_s):
        state, outcome = CallState.ENDED, "no_answer"
    return CarrierCall(_ID + str(call.id), call.number, call.caller, state, call.requested_at, outcome=outcome)


def _away(error: Exception) -> DialOutcomeUnknown:
    return DialOutcomeUnknown(f"the database does not say ({type(error).__name__})")
