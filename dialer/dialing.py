"""From a contact to a placed call: claim it, flip it, ask the carrier once.

A claim writes the intent (`planned`), in one transaction under the locks of the carrier account, the number, the campaign and the
callee, with every gate checked there. A flip is the last look before the carrier is asked, in a commit of its own. The
carrier is asked once; what it answers, and what is not known, is written down.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from db.database import Connection, Database, Pool
from dialer import ending, queries
from dialer.carrier import Carrier, CarrierRefused, CarrierThrottled, DialOutcomeUnknown, NothingSent, Order
from dialer.gates import (
    Seen,
    Verdict,
    callee_hours,
    campaign_gates,
    campaign_window,
    contact_gates,
    deciding,
    live_attempt,
    open_until,
    suppression,
)
from dialer.lifecycle import CallState, ContactStatus
from dialer.pacing import after_start, back_off, line_gates, pace
from dialer.phone_numbers import masked
from dialer.retries import Outcome, Withdrawn
from dialer.rows import CampaignView, ClaimView, ContactFacts, FlipView, LineView, Requested

log = logging.getLogger(__name__)

LEASE_S = 30.0
NEVER_ASKED_FOR = frozenset({Withdrawn.GATE_CLOSED, Withdrawn.NEVER_DIALED})
CANDIDATES = 20  # contacts that are looked at together, once a campaign's next one was held back


class CallUrls(Protocol):
    """Where the carrier finds us for a call: absolute URLs, each naming the call."""

    def answer(self, call_id: int) -> str: ...
    def status(self, call_id: int) -> str: ...


@dataclass(frozen=True, slots=True)
class Claimed:
    """A call that was planned for us: `fence` proves that it still is. `version`: of the campaign whose gates were open; `open_until`:
    how long those of time are sure to be. A test call has neither."""

    call_id: int
    fence: int = 0
    version: int | None = None
    open_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What came of one look at a campaign: a call, or what held it back. `again`: contacts were held back, and others may be next."""

    claimed: Claimed | None = None
    held_by: Seen | None = None
    again: bool = False


async def claim(db: Database, campaign: CampaignView, process_id: str, *, put_aside: bool = False) -> Claim:
    """Plan one call of the campaign, if every gate lets one pass now. `campaign`: as it was seen, read again under its lock.

    `put_aside`: the next contact was held back, so look at more of them, and put those aside whose gates are closed. That may end the
    campaign, so it is held alone then; without it, claims and flips of a campaign do not wait for each other.
    """
    async with db.transaction() as connection:
        seen = await _claim_view(connection, campaign, process_id, put_aside)
        if seen is None or seen.campaign.phone_number_id != campaign.phone_number_id:
            return Claim()  # edited meanwhile: the next pass sees it as it is
        if seen.line is None:
            return Claim(held_by=Seen("node_concurrency", Verdict.WAIT, f"process {process_id} has not said that it is there"))
        now = seen.line.now
        held = deciding([*campaign_gates(seen.campaign, now), *pace(seen.campaign, seen.line, now)])
        if held is not None:
            return Claim(held_by=held)
        passes, held_back = _first_open(seen.campaign, seen.contacts, now)
        claimed = await _plan(connection, seen.campaign, seen.line, passes, process_id) if passes is not None else None
        if put_aside:
            await _put_aside(connection, campaign.id, held_back)
        return Claim(claimed, again=bool(held_back))


def _first_open(
    campaign: CampaignView, contacts: Sequence[ContactFacts], now: datetime
) -> tuple[ContactFacts | None, list[tuple[ContactFacts, Seen]]]:
    """The first contact whose gates are all open, and those before it, each with the gate that is closed."""
    held_back: list[tuple[ContactFacts, Seen]] = []
    for contact in contacts:
        against = deciding(contact_gates(campaign, contact, now))
        if against is None:
            return contact, held_back
        held_back.append((contact, against))
    return None, held_back


async def _claim_view(connection: Connection, campaign: CampaignView, process_id: str, put_aside: bool) -> ClaimView | None:
    """Lock account, number, campaign and the next contacts' callees, in this order; all that the gates look at, as it is then."""
    told: str | None = await queries.dialing.claim_view(
        connection,
        account_id=campaign.carrier_account_id,
        phone_number_id=campaign.phone_number_id,
        campaign_id=campaign.id,
        process_id=process_id,
        most=CANDIDATES if put_aside else 1,
        alone=put_aside,
    )
    return msgspec.json.decode(told, type=ClaimView) if told is not None else None


async def _plan(connection: Connection, campaign: CampaignView, line: LineView, contact: ContactFacts, process_id: str) -> Claimed:
    spacing = after_start(line, campaign.throttle_delay_ms, line.now)
    call_id: int = await queries.dialing.plan(
        connection,
        contact_id=contact.id,
        process_id=process_id,
        lease_s=LEASE_S,
        now=line.now,
        account_next=spacing.account,
        number_next=spacing.number,
        campaign_next=spacing.campaign,
    )
    if contact.blocked_by is not None:
        await note_verdicts(connection, [(contact.id, Seen(contact.blocked_by, Verdict.CALL, "it passes now: called"))])
    return Claimed(call_id, version=campaign.version, open_until=open_until(campaign_window(campaign), line.now))


async def _space_line(connection: Connection, line: LineView) -> None:
    spacing = after_start(line, None, line.now)
    await queries.dialing.space_line(
        connection,
        account_id=line.carrier_account_id,
        account_next=spacing.account,
        phone_number_id=line.phone_number_id,
        number_next=spacing.number,
    )


async def lock_callee(connection: Connection, number: str, rehearsal: bool) -> None:
    """Hold a number, by the row that stands for it, against claims, flips and suppressions until the transaction ends."""
    await queries.dialing.lock_callee(connection, number=number, rehearsal=rehearsal)


_STATUS_AFTER: Mapping[Verdict, ContactStatus] = {
    Verdict.WAIT: ContactStatus.PENDING,
    Verdict.SKIP: ContactStatus.SKIPPED,
    Verdict.FAIL: ContactStatus.FAILED,
}


async def _put_aside(connection: Connection, campaign_id: int, aside: Sequence[tuple[ContactFacts, Seen]]) -> None:
    """Contacts that a gate held back: the reason and when to look again, and a line in the ledger where that is news."""
    if not aside:
        return
    await queries.dialing.block_contacts(
        connection,
        ids=[contact.id for contact, _ in aside],
        statuses=[_STATUS_AFTER[seen.verdict].value for _, seen in aside],
        gates=[seen.gate for _, seen in aside],
        reasons=[seen.value for _, seen in aside],
        look_again_at=[seen.look_again_at for _, seen in aside],
    )
    news = [(contact, seen) for contact, seen in aside if contact.blocked_by != seen.gate or seen.verdict is not Verdict.WAIT]
    await note_verdicts(connection, [(contact.id, seen) for contact, seen in news])
    if any(seen.verdict is not Verdict.WAIT for _, seen in aside):
        await ending.settle_campaign(connection, campaign_id)


async def note_verdicts(connection: Connection, news: Sequence[tuple[int, Seen]]) -> None:
    """Write changes of verdict on contacts into the ledger."""
    await queries.dialing.note_verdicts(
        connection,
        ids=[contact_id for contact_id, _ in news],
        gates=[seen.gate for _, seen in news],
        verdicts=[seen.verdict.value for _, seen in news],
        reasons=[seen.value for _, seen in news],
        look_again_at=[seen.look_again_at for _, seen in news],
    )


async def flip(db: Database, claimed: Claimed, process_id: str, post_limit_s: float) -> Requested | None:
    """Planned becomes requested, the last step before the carrier is asked; None where the call is not to be placed any more.

    The campaign's status and the callee are held meanwhile: what a Pause, a Cancel or a suppression has committed before is seen here,
    and what comes later finds a call that was asked for. Where anything has changed since the claim, all gates are looked at once more.

    Raises:
        UnknownCall
    """
    requested = await _flip(db.pool, claimed, process_id, post_limit_s, claimed.version, claimed.open_until)
    if requested is not None:
        return requested
    async with db.transaction() as connection:
        told: str | None = await queries.dialing.flip_view(connection, call_id=claimed.call_id)
        if told is None:
            raise ending.UnknownCall(f"there is no call {claimed.call_id}")
        view = msgspec.json.decode(told, type=FlipView)
        closed = closed_since_claim(view)
        if closed is None:
            requested = await _flip(connection, claimed, process_id, post_limit_s, view.campaign.version if view.campaign else None, None)
            if requested is not None:
                return requested
    await withdraw(db, claimed.call_id, Withdrawn.GATE_CLOSED if closed else Withdrawn.NEVER_DIALED, process_id=process_id, wait=closed)
    return None


async def _flip(
    where: Pool | Connection, claimed: Claimed, process_id: str, post_limit_s: float, version: int | None, open_until: datetime | None
) -> Requested | None:
    requested: Requested | None = await queries.dialing.flip(
        where,
        call_id=claimed.call_id,
        process_id=process_id,
        fence=claimed.fence,
        post_limit_s=post_limit_s,
        version=version,
        open_until=open_until,
    )
    return requested


def closed_since_claim(view: FlipView) -> Seen | None:
    """The gate that would not let this call start now: campaign, window, do-not-call list, the callee's own hours. Pure."""
    seen = [suppression(view.suppressed)]
    if view.campaign is not None:
        seen += campaign_gates(view.campaign, view.now)
        seen.append(callee_hours(view.campaign.local_hours, view.number, view.zone, view.now))
    return deciding(seen)


async def withdraw(
    db: Database,
    call_id: int,
    reason: Withdrawn,
    *,
    process_id: str | None = None,
    wait: Seen | None = None,
    code: str | None = None,
    pause: str | None = None,
) -> bool:
    """End a call that was never placed: no try, its contact is pending again. One that was never asked for ends so only while it is
    planned: a flip may be faster, and then it is being dialed. `process_id`: only while it is that process's. `pause`: the reason why the
    campaign pauses with it. False where it did not end so."""

    async def work(connection: Connection) -> bool:
        call = await ending.hold(connection, call_id)
        if process_id is not None and call.process_id != process_id:
            return False
        if call.state != (CallState.PLANNED if reason in NEVER_ASKED_FOR else CallState.REQUESTED):
            return False  # a flip or a webhook was faster, and knows better
        ended = await ending.end(connection, call, Outcome.WITHDRAWN, reason=reason, wait=wait, code=code)
        if wait is not None and call.contact_id is not None:
            await note_verdicts(connection, [(call.contact_id, wait)])
        if pause is not None and call.campaign_id is not None:
            await ending.pause_with_reason(connection, call.campaign_id, pause)
        return ended

    return await db.retrying(work)


async def place(db: Database, carrier: Carrier, call: Requested, urls: CallUrls) -> None:
    """Ask the carrier for a flipped call, once, and keep what it answered."""
    order = Order(call.id, call.number, call.caller, urls.answer(call.id), urls.status(call.id), call.ring_timeout_s)
    try:
        carrier_call_id = await carrier.place(order)
    except (CarrierThrottled, NothingSent) as error:
        await _leave_alone(db, call, error)
    except CarrierRefused as error:
        await _refused(db, call, error)
    except DialOutcomeUnknown as error:
        await _unknown(db, call, str(error))
    except Exception as error:  # whatever it was, the request may have left: settled like any call whose fate is not known
        log.exception("placing call %d failed in a way that no carrier should", call.id)
        await _unknown(db, call, type(error).__name__)
    else:
        await accepted(db, carrier, call, carrier_call_id)


async def accepted(db: Database, carrier: Carrier, call: Requested, carrier_call_id: str) -> None:
    """Keep the carrier's id. What was stopped while the request was on its way, or was known under another id already, is hung up."""

    async def work(connection: Connection) -> Any:
        await queries.dialing.account_well(connection, account_id=call.carrier_account_id)
        return await queries.dialing.accepted(connection, call_id=call.id, carrier_call_id=carrier_call_id)

    kept = await db.retrying(work)
    given_up = kept["state"] == CallState.ENDED and kept["outcome"] in (Outcome.LOST, Outcome.WITHDRAWN)
    second = kept["carrier_call_id"] != carrier_call_id
    if not (kept["cancel_wanted"] or given_up or second):
        return
    log.info("call %d is hung up at once: %s", call.id, "a second one for the same attempt" if second else "it was stopped")
    await hang_up(carrier, call.id, carrier_call_id)
    await queries.dialing.post_done(db.pool, call_id=call.id)


async def hang_up(carrier: Carrier, call_id: int, carrier_call_id: str) -> bool:
    """Whether the carrier took the hang-up. What it did not take is tried again by settling."""
    try:
        await carrier.hang_up(carrier_call_id)
    except (CarrierThrottled, DialOutcomeUnknown, NothingSent) as error:
        log.warning("call %d could not be hung up yet: %s", call_id, masked(error))
        return False
    return True


async def _leave_alone(db: Database, call: Requested, error: CarrierThrottled | NothingSent) -> None:
    """Nothing was placed: withdrawn, and the account is left alone for a while."""

    async def work(connection: Connection) -> timedelta:
        await queries.dialing.lock_account(connection, account_id=call.carrier_account_id)
        before: int = await queries.dialing.account_back_offs(connection, account_id=call.carrier_account_id)
        span = back_off(before, error.retry_after_s if isinstance(error, CarrierThrottled) else None)
        await queries.dialing.back_off(connection, account_id=call.carrier_account_id, seconds=span.total_seconds())
        return span

    pause = await db.retrying(work)
    log.warning("call %d was not placed (%s): the carrier account is left alone for %.0f s", call.id, masked(error), pause.total_seconds())
    throttled = isinstance(error, CarrierThrottled)
    await withdraw(db, call.id, Withdrawn.THROTTLED if throttled else Withdrawn.NOTHING_SENT)


async def _refused(db: Database, call: Requested, error: CarrierRefused) -> None:
    if error.fault == "callee":

        async def work(connection: Connection) -> None:
            held = await ending.hold(connection, call.id)
            await ending.end(connection, held, Outcome.REFUSED, ended_by="carrier", code=error.code)

        await db.retrying(work)
        return
    log.error("the carrier refuses our calls: %s", masked(error))
    await withdraw(db, call.id, Withdrawn.OUR_FAULT, code=error.code, pause=f"the carrier refuses our calls: {error}")


async def _unknown(db: Database, call: Requested, why: str) -> None:
    log.warning("nobody knows yet whether call %d was placed (%s): it is looked up, and not asked for again", call.id, masked(why))
    await db.retrying(lambda connection: queries.dialing.unknown(connection, call_id=call.id))


class TrialCallRefused(Exception):
    """The gates do not let this test call start now; the message says which and why."""

    def __init__(self, seen: Seen) -> None:
        later = f"; try again at {seen.look_again_at:%H:%M:%S %Z}" if seen.look_again_at else ""
        super().__init__(f"{seen.value}{later}")
        self.seen = seen


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCall:
    """A call without a contact. `number`: E.164; `variables`: what the agent's texts are filled with."""

    agent_id: int
    phone_number_id: int
    number: str
    contact_name: str
    variables: Mapping[str, str]
    ring_timeout_s: int = 30


async def claim_test_call(db: Database, wanted: TrialCall, process_id: str) -> Claimed:
    """Plan a test call, under the same do-not-call and rate gates as any other.

    Raises:
        TrialCallRefused: a gate is closed.
        LookupError: no such number, agent or process.
    """
    async with db.transaction() as connection:
        account_id = await queries.dialing.account_of(connection, phone_number_id=wanted.phone_number_id)
        await queries.dialing.lock_line(connection, account_id=account_id, phone_number_id=wanted.phone_number_id)
        line: LineView | None = await queries.dialing.line(connection, phone_number_id=wanted.phone_number_id, process_id=process_id)
        if line is None:
            raise LookupError(f"there is no phone number {wanted.phone_number_id}, or process {process_id} is not running")
        await lock_callee(connection, wanted.number, line.rehearsal)
        callee = await queries.dialing.callee(connection, number=wanted.number, rehearsal=line.rehearsal, now=line.now)
        held = deciding([suppression(callee["suppressed"]), live_attempt(callee["live"], line.now), *line_gates(line, line.now)])
        if held is not None:
            raise TrialCallRefused(held)
        call_id: int | None = await queries.dialing.plan_test(
            connection,
            agent_id=wanted.agent_id,
            phone_number_id=wanted.phone_number_id,
            number=wanted.number,
            contact_name=wanted.contact_name,
            variables=dict(wanted.variables),
            ring_timeout_s=wanted.ring_timeout_s,
            process_id=process_id,
            lease_s=LEASE_S,
            now=line.now,
        )
        if call_id is None:
            raise LookupError(f"there is no agent {wanted.agent_id}")
        await _space_line(connection, line)
        return Claimed(call_id)
