"""The dialer's loop: read the view, decide, act. Any number of processes run one side by side on the same database.

A tick moves campaigns between Pending and In Progress by their hours, and claims calls, one campaign after the other in turn, until no gate
lets one more pass; each claimed call is flipped and placed in a task of its own. Nothing is kept in memory that a restart would miss.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from db.database import LOST, Connection, Database, DatabaseUnavailable
from dialer import queries
from dialer.carrier import Carrier
from dialer.clock import Clock, RealClock
from dialer.dialing import LEASE_S, CallUrls, Claimed, TrialCall, claim, claim_test_call, flip, place
from dialer.errors import NotAllowed
from dialer.gates import Seen, deciding, time_gates
from dialer.hints import Hints
from dialer.lifecycle import CampaignStatus
from dialer.rows import CampaignView
from dialer.settling import SettleCalls

log = logging.getLogger(__name__)

BEAT_EVERY_S, SETTLE_EVERY_S = 5.0, 2.0
ROUNDS_AT_MOST = 100
STEADY_BEATS = 3  # so many in a row, before another process's silence is taken for its end and not for ours


@dataclass(frozen=True, slots=True)
class Process:
    """This process, as others know it. `id`: new at every start. `stream_url`: where carriers reach its media streams; `concurrency`: calls
    at once. `address`: where the other processes of this installation reach it, http."""

    id: str
    host: str
    stream_url: str
    concurrency: int
    address: str = ""


@dataclass(frozen=True, slots=True)
class Ticked:
    """What a tick did: calls begun, and when the next may begin as far as is known."""

    started: int
    look_again_at: datetime | None = None


class DialerLoop:
    """Dials for every running campaign whose carrier account it has.

    `carriers`: by the name of their carrier account. `on_requested`: called with the call's id once it is asked for (the greeting is
    prepared while it rings); its failure is logged and hinders nothing.
    """

    def __init__(
        self,
        db: Database,
        carriers: Mapping[str, Carrier],
        process: Process,
        urls: CallUrls,
        *,
        on_requested: Callable[[int], Awaitable[None]] | None = None,
        interval_s: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        self._db, self._carriers, self._process, self._urls = db, dict(carriers), process, urls
        self._on_requested, self._interval_s, self._clock = on_requested, interval_s, clock or RealClock()
        self._settle = SettleCalls(db, carriers, process.id)
        self._hints = Hints(db, self.nudge)
        self._placing: set[asyncio.Task[None]] = set()
        self._draining = False
        self._stopping = asyncio.Event()
        self._nudged = asyncio.Event()
        self._steady_beats = 0
        self._next_beat = self._next_settling = 0.0
        self.passed = asyncio.Event()  # set after each pass: tests wait for it instead of sleeping

    async def run(self) -> None:
        """Dial until stopped. A database that is gone is waited for; nothing is lost by it."""
        gone = False
        while not self._stopping.is_set():
            wait_s = self._interval_s
            self._nudged.clear()
            try:
                wait_s = await self._pass()
                if gone:
                    log.info("the database is back: dialing goes on")
                gone = False
            except (*LOST, DatabaseUnavailable) as error:
                self._steady_beats = 0
                if not gone:
                    log.warning("the database does not answer (%s): dialing waits for it", type(error).__name__)
                gone = True
            except Exception:  # the loop's boundary: the next pass starts afresh, and the log has the cause
                log.exception("a pass of the dialer failed; the next one is in %.1f s", self._interval_s)
            self.passed.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._nudged.wait(), wait_s)
        await self._leave()

    def nudge(self) -> None:
        """Something changed (a call ended, a campaign was started): look now. A hint only."""
        self._nudged.set()

    def stop_dialing(self) -> None:
        """Begin no call any more; those in progress keep their leases. May be called twice."""
        self._draining = True

    def stop(self) -> None:
        """Begin no call any more and hand back the leases; `run` returns once what is on its way has come back. May be called twice."""
        self._draining = True
        self._stopping.set()
        self._nudged.set()

    async def start_process(self) -> None:
        """Say that this process is there: before anything is claimed for it."""
        await queries.dialing.process_starts(
            self._db.pool,
            id=self._process.id,
            host=self._process.host,
            stream_url=self._process.stream_url,
            concurrency=self._process.concurrency,
            address=self._process.address,
        )

    async def run_once(self) -> Ticked:
        """One tick: hours, then claims in turn until nothing more may start. Returns when all that was claimed is on its way."""
        campaigns = [each async for each in queries.dialing.campaigns(self._db.pool, accounts=list(self._carriers))]
        ready: list[CampaignView] = []
        later: list[datetime] = []
        for campaign in campaigns:
            waits = deciding(time_gates(campaign, campaign.now))
            await self._follow_hours(campaign, waits)
            if waits is not None:
                _note(later, waits.look_again_at)
            elif campaign.next_due_at is None or campaign.next_due_at > campaign.now:
                _note(later, campaign.next_due_at)
            elif campaign.live < campaign.concurrency:  # else the end of one of its calls nudges us
                ready.append(campaign)
        started = await self._claim_in_turn(ready, later)
        return Ticked(started, min(later, default=None))

    async def placed(self) -> None:
        """Wait until every request on its way has come back."""
        while self._placing:
            await asyncio.gather(*self._placing, return_exceptions=True)

    async def place_test_call(self, wanted: TrialCall) -> int:
        """Start a test call: its id. It is on its way to the carrier when this returns.

        Raises:
            TrialCallRefused: a gate is closed. NotAllowed: this process does not dial, or not from this number.
            LookupError: no such number or agent.
        """
        account: str | None = await queries.dialing.account_name(self._db.pool, phone_number_id=wanted.phone_number_id)
        if self._draining:
            raise NotAllowed("this media server is stopping and begins no call any more: ask again in a moment")
        if account is not None and account not in self._carriers:
            raise NotAllowed(f"this media server does not dial on the carrier account {account} of that number: choose another number")
        claimed = await claim_test_call(self._db, wanted, self._process.id)
        assert account is not None  # a number that does not exist was refused
        self._begin(claimed, account)
        return claimed.call_id

    async def _pass(self) -> float:
        """Heartbeat and settling when they are due, then a tick; how long until the next pass, s."""
        await self._hints.listen()
        now = self._clock.seconds()
        if now >= self._next_beat:
            await self._beat()
            self._next_beat = now + BEAT_EVERY_S
        if now >= self._next_settling:
            await self._settle.run_once(take_over=self._steady_beats >= STEADY_BEATS)
            self._next_settling = now + SETTLE_EVERY_S
        ticked = await self.run_once()
        if ticked.look_again_at is None:
            return self._interval_s
        database_now: datetime = await queries.campaigns.now(self._db.pool)
        return min(self._interval_s, max(0.0, (ticked.look_again_at - database_now).total_seconds()))

    async def _beat(self) -> None:
        if self._steady_beats == 0:
            await self.start_process()
        await queries.dialing.heartbeat(self._db.pool, process_id=self._process.id, lease_s=LEASE_S)
        self._steady_beats += 1

    async def _follow_hours(self, campaign: CampaignView, waits: Seen | None) -> None:
        """In Progress <-> Pending, as the hours say."""
        wanted = CampaignStatus.IN_PROGRESS if waits is None else CampaignStatus.PENDING
        if campaign.status == wanted:
            return

        async def work(connection: Connection) -> None:
            status = await queries.dialing.lock_campaign(connection, campaign_id=campaign.id)
            if status == campaign.status:
                await queries.campaigns.set_status(
                    connection, campaign_id=campaign.id, status=wanted.value, reason=waits.value if waits else ""
                )

        await self._db.retrying(work)

    async def _claim_in_turn(self, ready: list[CampaignView], later: list[datetime]) -> int:
        """One claim for each campaign, again and again, until none may start more."""
        started = 0
        held_back: set[int] = set()  # campaigns whose next contact was held back
        for _ in range(ROUNDS_AT_MOST):
            still_ready = []
            if self._draining:
                return started
            for campaign in ready:
                result = await claim(self._db, campaign, self._process.id, put_aside=campaign.id in held_back)
                if result.claimed is not None:
                    self._begin(result.claimed, campaign.account)
                    started += 1
                (held_back.add if result.again else held_back.discard)(campaign.id)
                if result.claimed is not None or result.again:
                    still_ready.append(campaign)
                elif result.held_by is not None:
                    _note(later, result.held_by.look_again_at)
            ready = still_ready
        for campaign in ready:
            _note(later, campaign.now)  # heartbeats come first, then there is more
        return started

    def _begin(self, claimed: Claimed, account: str) -> None:
        task = asyncio.create_task(self._dial(claimed, self._carriers[account]), name=f"dial {claimed.call_id}")
        self._placing.add(task)
        task.add_done_callback(self._placing.discard)

    async def _dial(self, claimed: Claimed, carrier: Carrier) -> None:
        try:
            began = self._clock.seconds()
            call = await flip(self._db, claimed, self._process.id, carrier.post_limit_s)
            if call is None:
                return
            if self._clock.seconds() - began > LEASE_S:  # another process may have given it up by now
                log.error("call %d is not dialed: this process stood still for longer than its lease; it will be settled", call.id)
                return
            async with asyncio.TaskGroup() as both:
                both.create_task(self._prepare(call.id))
                both.create_task(place(self._db, carrier, call, self._urls))
        except Exception:  # the task's end: the call's lease and settling see to what it left
            log.exception("dialing call %d failed: it will be settled", claimed.call_id)
        finally:
            self.nudge()

    async def _prepare(self, call_id: int) -> None:
        if self._on_requested is None:
            return
        try:
            await self._on_requested(call_id)
        except Exception:  # a greeting that was not prepared is made when the callee answers
            log.exception("preparing for call %d failed", call_id)

    async def _leave(self) -> None:
        """Hand back what is left: leases run out now, for others to take over."""
        await self.placed()
        try:
            await self._hints.close()
            await queries.dialing.process_stops(self._db.pool, process_id=self._process.id)
        except (*LOST, DatabaseUnavailable) as error:
            log.warning("the database did not take our leases back (%s): they run out by themselves", type(error).__name__)


def _note(times: list[datetime], at: datetime | None) -> None:
    if at is not None:
        times.append(at)
