"""The end of a call: its outcome, its contact's next state and its campaign's, in one transaction, once.

Whoever calls these holds the campaign's lock and then the call's (`lock`).
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from db.database import Connection, Database
from dialer import queries
from dialer.gates import Seen, Verdict
from dialer.lifecycle import ContactStatus
from dialer.pacing import BREAKER_LOOKS_AT, breaker_trips
from dialer.phone_numbers import masked
from dialer.retries import Outcome, RetryRules, Tries, Withdrawn, after, outcome_of_carrier, outcome_of_conversation
from dialer.rows import CallRow, ContactRules

log = logging.getLogger(__name__)


class UnknownCall(LookupError):
    """There is no call of this id."""


@asynccontextmanager
async def locked(db: Database, call_id: int) -> AsyncIterator[tuple[Connection, CallRow]]:
    """A transaction that holds the call's campaign (if it has one) and the call, in this order.

    Raises:
        UnknownCall
    """
    async with db.transaction() as connection:
        yield connection, await hold(connection, call_id)


async def hold(connection: Connection, call_id: int) -> CallRow:
    """Lock the call's campaign (if it has one) and the call, in this order, until the transaction ends; the call as it is then.

    Raises:
        UnknownCall
    """
    found = await queries.settling.campaign_of(connection, call_id=call_id)
    if found is None:
        raise UnknownCall(f"there is no call {call_id}")
    if found["campaign_id"] is not None:
        await queries.dialing.lock_campaign(connection, campaign_id=found["campaign_id"])
    await queries.settling.lock_call(connection, call_id=call_id)
    return await read(connection, call_id)


async def read(connection: Connection, call_id: int) -> CallRow:
    """The call as it is now.

    Raises:
        UnknownCall
    """
    call: CallRow | None = await queries.settling.call(connection, call_id=call_id)
    if call is None:
        raise UnknownCall(f"there is no call {call_id}")
    return call


def outcome_of(call: CallRow) -> Outcome:
    """What came of a call that is over: what the conversation says, else what the carrier says."""
    if call.conversation_ended_at is not None:
        return outcome_of_conversation(call.end_reason or "", call.who or "unknown", message_delivered=call.message_delivered)
    if call.answered_at is None and call.cancel_wanted and call.carrier_outcome in (None, "canceled"):
        return Outcome.WITHDRAWN  # one that was busy before we took it back has been tried
    return outcome_of_carrier(call.carrier_outcome, answered=call.answered_at is not None)


async def end(
    connection: Connection,
    call: CallRow,
    outcome: Outcome,
    *,
    reason: Withdrawn | None = None,
    ended_by: str | None = None,
    code: str | None = None,
    wait: Seen | None = None,
) -> bool:
    """End the call with its outcome and settle its contact and campaign; False where it had ended before.

    `reason`: why it was withdrawn. `wait`: the gate that holds the contact back now, and until when.
    """
    if outcome is Outcome.WITHDRAWN and reason is None:
        reason = Withdrawn.STOPPED
    ended = await queries.settling.end_call(
        connection, call_id=call.id, outcome=outcome.value, end_reason=reason and reason.value, ended_by=ended_by, carrier_code=code
    )
    if ended is None:
        return False
    if call.contact_id is not None:
        await _settle_contact(connection, call, outcome, code or call.carrier_code or "", wait)
    if call.campaign_id is not None:
        await settle_campaign(connection, call.campaign_id)
    log.info("call %d ended: %s%s", call.id, outcome, f" ({reason})" if reason else "")
    return True


async def _settle_contact(connection: Connection, call: CallRow, outcome: Outcome, code: str, wait: Seen | None) -> None:
    contact: ContactRules = await queries.settling.contact(connection, contact_id=call.contact_id)
    rules = RetryRules(contact.max_retries, contact.retry_delay_min, contact.retry_on_voicemail, contact.retry_on_dropped)
    tries = Tries(contact.tries, contact.extra_tries, contact.lost_tries)
    then = after(outcome, rules, tries, now=call.now, callback_at=call.callback_at, callback=contact.callback, code=code)
    status, reason, look_again_at = then.status, then.reason, None
    if wait is not None and then.status is ContactStatus.PENDING:
        look_again_at = wait.look_again_at
        if wait.verdict is Verdict.SKIP:
            status, reason = ContactStatus.SKIPPED, wait.value
    await queries.settling.move_contact(
        connection,
        contact_id=contact.id,
        status=status.value,
        reason=reason,
        tries=then.tries.made,
        lost_tries=then.tries.lost,
        not_before=then.not_before,
        callback=then.callback,
        outcome=outcome.value,
        gate=wait and wait.gate,
        gate_reason=wait and wait.value,
        look_again_at=look_again_at,
    )
    if outcome is Outcome.WITHDRAWN:
        await queries.settling.not_begun(connection, contact_id=contact.id)


async def settle_campaign(connection: Connection, campaign_id: int) -> None:
    """After a change of a contact, under the campaign's lock: completed if nobody is left, paused if its pilot is done or too many
    of its requests fail."""
    if await queries.settling.complete_campaign(connection, campaign_id=campaign_id) is not None:
        log.info("campaign %d completed", campaign_id)
        return
    if await queries.settling.end_pilot(connection, campaign_id=campaign_id) is not None:
        log.info("campaign %d paused: its pilot is done", campaign_id)
        return
    recent = await queries.settling.recent_requests(connection, campaign_id=campaign_id, most=BREAKER_LOOKS_AT)
    reason = breaker_trips(recent["failed"], recent["requests"])
    if reason is not None:
        await pause_with_reason(connection, campaign_id, reason)


async def pause_with_reason(connection: Connection, campaign_id: int, reason: str) -> None:
    """Pause a running campaign by ourselves, with a reason that people can act on."""
    if await queries.settling.pause_campaign(connection, campaign_id=campaign_id, reason=reason) is not None:
        log.warning("campaign %d paused: %s", campaign_id, masked(reason))
