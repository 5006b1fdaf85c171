"""What becomes of calls: the carrier's reports, and the look-up of those that nobody reported on.

A report is kept once and moves a call by rank, never back. A call that was answered ends with its conversation: the carrier's "it is
over" is written down, and the process that holds the conversation ends the call with the result; if that process is gone, its lease runs
out and `SettleCalls` ends it with what is known.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from db.database import Connection, Database
from dialer import ending, queries
from dialer.carrier import Carrier, CarrierCall, CarrierReport, CarrierThrottled, DialOutcomeUnknown, NothingSent
from dialer.dialing import LEASE_S, hang_up, withdraw
from dialer.lifecycle import CallState
from dialer.phone_numbers import masked
from dialer.retries import Outcome, Withdrawn
from dialer.rows import CallRow

log = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0
LOOKS_APART = timedelta(seconds=60)  # a call is lost after two looks that are at least so far apart found nothing
STREAM_COMES_WITHIN = timedelta(seconds=30)  # after the answer
CLOCKS_APART = timedelta(seconds=30)  # how far the carrier's clock may be behind ours


@dataclass(frozen=True, slots=True)
class Reported:
    """What a report did. `news`: it had not been told before. `hang_up`: the carrier's id of a call that must not go on: hang it up,
    also where the report is an old one."""

    news: bool
    hang_up: str | None = None


async def record_report(db: Database, call_id: int, report: CarrierReport) -> Reported:
    """Keep one report of the carrier and advance its call. Doubled, late and reordered reports change nothing that they should not.

    Raises:
        UnknownCall: the carrier tells of a call that was never ours. What a lost connection raises: to be done again, which is harmless.
    """
    async with ending.locked(db, call_id) as (connection, call):
        kept = await queries.settling.keep_event(
            connection, call_id=call_id, source="carrier", kind=report.state.value, key=report.key, detail=_detail(report)
        )
        news = kept is not None
        if call.carrier_call_id not in (None, report.carrier_call_id):
            return _about_a_second_call(call, report, news)
        if report.state is CallState.ENDED:
            if news:
                await _carrier_ended(connection, call, report.outcome, report.code, report.carrier_call_id, report)
            return Reported(news)
        if news:
            await queries.settling.progress(
                connection, call_id=call_id, state=report.state.value, at=report.at, carrier_call_id=report.carrier_call_id
            )
        return Reported(news, hang_up=report.carrier_call_id if _given_up(call) else None)


def _given_up(call: CallRow) -> bool:
    """We ended it without the carrier's word, so what goes on there must not."""
    return call.cancel_wanted or (call.state == CallState.ENDED and call.outcome in (Outcome.LOST, Outcome.WITHDRAWN))


def _about_a_second_call(call: CallRow, report: CarrierReport, news: bool) -> Reported:
    """The carrier made two calls of one request: the one that is not ours is hung up."""
    log.warning("call %d has a second call at the carrier: it is hung up", call.id)
    return Reported(news, hang_up=None if report.state is CallState.ENDED else report.carrier_call_id)


def _detail(report: CarrierReport) -> dict[str, Any]:
    return {
        "carrier_call_id": report.carrier_call_id,
        "at": report.at and report.at.isoformat(),
        "outcome": report.outcome,
        "code": report.code,
        "duration_s": report.duration_s,
        "answered_by": report.answered_by,
    }


async def _carrier_ended(
    connection: Connection, call: CallRow, outcome: str | None, code: str | None, carrier_call_id: str, told: CarrierReport | None
) -> None:
    """The carrier says that the call is over. It ends now, unless a conversation that is still held will end it with its result."""
    if outcome == "answered" and call.answered_at is None and call.state != CallState.ENDED:
        await queries.settling.progress(
            connection, call_id=call.id, state=CallState.ANSWERED.value, at=told and told.at, carrier_call_id=carrier_call_id
        )
    await queries.settling.carrier_ended(
        connection, call_id=call.id, carrier_call_id=carrier_call_id, outcome=outcome, code=code, at=told and told.at
    )
    now_seen = await ending.read(connection, call.id)
    if now_seen.state == CallState.ENDED:
        await _correct(connection, now_seen)
    elif not conversation_is_held(now_seen):
        await ending.end(connection, now_seen, ending.outcome_of(now_seen), ended_by="carrier")


def conversation_is_held(call: CallRow) -> bool:
    """Whether a process that is alive talks on this call and will bring its result."""
    return call.stream_bound_at is not None and call.conversation_ended_at is None and call.lease_until > call.now


async def _correct(connection: Connection, call: CallRow) -> None:
    """Evidence of a call that had been given up as lost: the record says what it was, and it counts as a try."""
    if call.outcome != Outcome.LOST:
        return
    outcome = ending.outcome_of(call)
    contact_id = await queries.settling.correct_lost(connection, call_id=call.id, outcome=outcome.value)
    if contact_id is not None:
        await queries.settling.correct_contact(connection, contact_id=contact_id)
    log.info("call %d was found after it had been given up: %s", call.id, outcome)


@dataclass(frozen=True, slots=True)
class Settled:
    """What one pass did: calls looked at, and how many of them ended."""

    looked_at: int
    ended: int


class SettleCalls:
    """Asks the carriers about calls that nobody reported on: fates unknown, leases that ran out, silence where there should be news."""

    page = 50

    def __init__(self, db: Database, carriers: Mapping[str, Carrier], process_id: str) -> None:
        """`carriers`: by the name of their carrier account."""
        self._db, self._carriers, self._process_id = db, carriers, process_id

    async def run_once(self, *, take_over: bool = True) -> Settled:
        """One pass. `take_over`: also calls of other processes whose leases ran out; False while it may be us who was cut off."""
        due = [
            row["id"]
            async for row in queries.settling.take_due(
                self._db.pool,
                process_id=self._process_id,
                lease_s=LEASE_S,
                every_s=LOOK_EVERY_S,
                accounts=list(self._carriers),
                take_over=take_over,
                most=self.page,
            )
        ]
        ended = 0
        for call_id in due:
            ended += await self._settle(call_id)
        return Settled(len(due), ended)

    async def _settle(self, call_id: int) -> bool:
        """Look at one call, which is ours now; whether it ended."""
        async with self._db.pool.acquire() as connection:
            call = await ending.read(connection, call_id)
        if call.state == CallState.PLANNED:
            return await withdraw(self._db, call_id, Withdrawn.NEVER_DIALED)
        carrier = self._carriers[call.account]
        try:
            found = await self._find(carrier, call)
        except (CarrierThrottled, DialOutcomeUnknown, NothingSent) as error:
            log.warning("call %d could not be looked up (%s): again in %.0f s", call_id, masked(error), LOOK_EVERY_S)
            return False
        if found is None:
            return await self._missed(call)
        return await self._apply(carrier, call, found)

    async def _find(self, carrier: Carrier, call: CallRow) -> CarrierCall | None:
        """The call at the carrier: by its id, else by its numbers and time, calls that are known to be others left out."""
        if call.carrier_call_id is not None:
            return await carrier.look_up_call(call.carrier_call_id)
        assert call.requested_at is not None
        since = call.requested_at - CLOCKS_APART
        seen = [each for each in await carrier.look_up(call.number, call.caller, since) if each.created_at >= since]
        known = {
            row["carrier_call_id"]
            async for row in queries.settling.known_ids(
                self._db.pool, account_id=call.carrier_account_id, carrier_call_ids=[each.carrier_call_id for each in seen]
            )
        }
        ours = [each for each in seen if each.carrier_call_id not in known]
        return min(ours, key=lambda each: each.created_at, default=None)

    async def _missed(self, call: CallRow) -> bool:
        """The carrier knows of no such call: lost, once that can't change any more."""
        assert call.requested_at is not None
        carrier = self._carriers[call.account]
        could_still_come = call.requested_at + timedelta(seconds=LEASE_S + carrier.post_limit_s + call.ring_timeout_s)
        looked_long_enough = call.first_missed_at is not None and call.now >= call.first_missed_at + LOOKS_APART
        if call.now < could_still_come or not looked_long_enough:
            await queries.settling.missed(self._db.pool, call_id=call.id)
            return False
        async with ending.locked(self._db, call.id) as (connection, now_seen):
            if now_seen.state == CallState.ENDED or now_seen.carrier_call_id != call.carrier_call_id:
                return False  # somebody told of it while we looked
            answered = now_seen.answered_at is not None
            return await ending.end(connection, now_seen, ending.outcome_of(now_seen) if answered else Outcome.LOST)

    async def _apply(self, carrier: Carrier, call: CallRow, found: CarrierCall) -> bool:
        """Bring our record up to what the carrier says; hang up what must not go on."""
        async with ending.locked(self._db, call.id) as (connection, now_seen):
            if found.state is CallState.ENDED:
                await _carrier_ended(connection, now_seen, found.outcome, found.code, found.carrier_call_id, None)
            else:
                await queries.settling.progress(
                    connection, call_id=call.id, state=found.state.value, at=None, carrier_call_id=found.carrier_call_id
                )
            after = await ending.read(connection, call.id)
        if after.state == CallState.ENDED or found.state is CallState.ENDED:
            return after.state == CallState.ENDED
        return await self._end_unwanted(carrier, after, found)

    async def _end_unwanted(self, carrier: Carrier, call: CallRow, found: CarrierCall) -> bool:
        """A call that goes on at the carrier and should not: stopped, queued, or answered with nobody of ours on the line."""
        if call.state == CallState.ANSWERED:
            unwanted = call.conversation_ended_at is not None or _nobody_of_ours(call)
        else:
            unwanted = call.cancel_wanted or found.queued
        if not unwanted:
            return False
        if call.state != CallState.ANSWERED:
            await queries.settling.want_cancelled(self._db.pool, call_id=call.id)
        if not await hang_up(carrier, call.id, found.carrier_call_id) or call.state != CallState.ANSWERED:
            return False
        async with ending.locked(self._db, call.id) as (connection, now_seen):
            return await ending.end(connection, now_seen, ending.outcome_of(now_seen), ended_by="fault")


def _nobody_of_ours(call: CallRow) -> bool:
    assert call.answered_at is not None
    return call.stream_bound_at is None and call.now > call.answered_at + STREAM_COMES_WITHIN
