"""Faults to plant in the dialer, each of which breaks a promise: the checker must tell, or it proves nothing.

A fault that finds nothing to break any more, because the product has changed, is an error of its own.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from unittest import mock

from db.database import Database
from dialer import campaigns, dialing, ending, retries, settling, suppressions
from dialer.gates import Seen, Verdict
from dialer.retries import Next, Outcome, Tries, Withdrawn
from dialer.rows import CallRow, FlipView, Requested
from tests.simulation.connections import SimulatedConnection
from tests.simulation.postgres import Postgres

Planted = Callable[[Postgres], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Fault:
    """`planted`: breaks the dialer while the context lasts. `shown_by`: a seed that showed it once, which is the first to be tried."""

    what: str
    planted: Planted
    shown_by: int = 0

    def seeds(self, most: int) -> Iterator[int]:
        """Seeds to catch it with."""
        yield self.shown_by
        yield from (seed for seed in range(most - 1) if seed != self.shown_by)


@contextmanager
def _statement(old: str, new: str) -> Iterator[None]:
    """Every statement of the dialer that says `old` says `new`."""
    hits = 0

    def spelled_by(method: Callable[..., Any]) -> Callable[..., Any]:
        async def sent(connection: SimulatedConnection, statement: str, *args: Any) -> Any:
            nonlocal hits
            hits += old in statement
            return await method(connection, statement.replace(old, new), *args)

        return sent

    with ExitStack() as stack:
        for name in ("fetch", "fetchrow", "fetchval", "execute"):
            stack.enter_context(mock.patch.object(SimulatedConnection, name, spelled_by(getattr(SimulatedConnection, name))))
        yield
    assert hits, f"no statement of the dialer says {old!r}: the fault is out of date"


@contextmanager
def _function(postgres: Postgres, name: str, old: str, new: str) -> Iterator[None]:
    """The database's function `name` says `new` where it said `old`."""
    (row,) = postgres.observe("select pg_get_functiondef(oid) as text from pg_proc where proname = $1", name)
    assert old in row["text"], f"the function {name} does not say {old!r}: the fault is out of date"
    postgres.observe(row["text"].replace(old, new))
    try:
        yield
    finally:
        postgres.observe(row["text"])


@contextmanager
def _without(postgres: Postgres, remove: str, restore: str) -> Iterator[None]:
    """A guard of the database is taken away; rows that it would refuse go before it comes back."""
    postgres.observe(remove)
    try:
        yield
    finally:
        postgres.empty()
        postgres.observe(restore)


@contextmanager
def _all(*several: AbstractContextManager[Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for each in several:
            stack.enter_context(each)
        yield


async def _asked_again(db: Database, call: Requested, _why: str) -> None:
    await dialing.withdraw(db, call.id, Withdrawn.NOTHING_SENT)


async def _given_up_at_once(_settle: settling.SettleCalls, call: CallRow) -> bool:
    async with ending.locked(_settle._db, call.id) as (connection, now_seen):
        return await ending.end(connection, now_seen, Outcome.LOST)


async def _back_to_the_queue(_settle: settling.SettleCalls, call_id: int) -> bool:
    async with ending.locked(_settle._db, call_id) as (connection, call):
        return await ending.end(connection, call, Outcome.WITHDRAWN, reason=Withdrawn.NEVER_DIALED)


async def _do_not_wait(*_: Any) -> bool:
    return True


def _suppression_unseen(view: FlipView) -> Seen | None:
    return _closed(replace(view, suppressed=False))


_closed, _after = dialing.closed_since_claim, retries.after


def _uncounted(outcome: Outcome, rules: retries.RetryRules, tries: Tries, **what: Any) -> Next:
    return replace(_after(outcome, rules, tries, **what), tries=tries)


def _any_hour(*_: Any) -> Seen:
    return Seen("local_hours", Verdict.CALL, "any hour")


def _patched(where: Any, name: str, by: Any) -> Planted:
    return lambda _postgres: mock.patch.object(where, name, by)


FAULTS: Mapping[str, Fault] = {
    "redial_on_5xx": Fault("a request whose fate is not known counts as not sent", _patched(dialing, "_unknown", _asked_again)),
    "lost_at_the_first_look": Fault(
        "a call that one look does not find is given up", _patched(settling.SettleCalls, "_missed", _given_up_at_once)
    ),
    "requested_back_to_the_queue": Fault(
        "what a dead process has requested is called again, without asking the carrier",
        _patched(settling.SettleCalls, "_settle", _back_to_the_queue),
    ),
    "suppression_unseen_at_flip": Fault(
        "a suppression between claim and request is not looked at",
        lambda postgres: _all(
            mock.patch.object(dialing, "closed_since_claim", _suppression_unseen),
            _function(postgres, "flip", "s.rehearsal = k.rehearsal", "false"),
        ),
    ),
    "stops_do_not_wait": Fault(
        "Pause, Cancel and suppressions answer while requests are on their way",
        lambda _: _all(
            mock.patch.object(campaigns, "posts_are_back", _do_not_wait), mock.patch.object(suppressions, "posts_are_back", _do_not_wait)
        ),
    ),
    "lease_ignored": Fault(
        "calls of processes that live are taken over",
        lambda _: _statement("c.lease_until < t.now", "c.lease_until is not null"),
        shown_by=49,
    ),
    "fence_ignored": Fault(
        "a result is kept from whoever brings it",
        lambda _: _statement("conversation_ended_at is null and fence = ", "0 <> "),
        shown_by=46,
    ),
    "webhooks_by_arrival": Fault(
        "a report moves a call back as well",
        lambda postgres: _all(
            _statement("call_rank($1::text) > call_rank(state)", "true"),
            _without(postgres, "alter table calls disable trigger call_transition", "alter table calls enable trigger call_transition"),
        ),
    ),
    "retry_without_delay": Fault("a retry is due at once", _patched(retries, "_delay", lambda _rules: timedelta(0))),
    "try_not_counted": Fault("a try is not counted", _patched(ending, "after", _uncounted)),
    "caps_by_campaign": Fault(
        "frequency caps look at one campaign only",
        lambda postgres: _function(
            postgres, "claim_view", "k.planned_at > seen.now", "k.campaign_id = ct.campaign_id and k.planned_at > seen.now"
        ),
        shown_by=16,
    ),
    "two_live_calls": Fault(
        "nothing forbids a second live call to a number",
        lambda postgres: _all(
            _without(
                postgres,
                "drop index calls_one_live_per_number",
                "create unique index calls_one_live_per_number on calls (number, rehearsal) where live",
            ),
            _function(postgres, "claim_view", "k.rehearsal = seen.rehearsal and k.live", "false"),
        ),
        shown_by=8,
    ),
    "completed_too_early": Fault(
        "a campaign is Completed while calls are in progress", lambda _: _statement("n.pending = 0 and n.in_progress = 0", "n.pending = 0")
    ),
    "any_hour": Fault(
        "the callee's local hours are not looked at",
        lambda _: _all(mock.patch("dialer.gates.callee_hours", _any_hour), mock.patch.object(dialing, "callee_hours", _any_hour)),
        shown_by=7,
    ),
}
