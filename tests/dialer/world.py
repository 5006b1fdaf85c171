"""A small world to dial in: a database whose clock the test sets, a carrier that does as it is told, and campaigns with contacts."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from db.database import Database
from dialer import campaigns, contacts, streams
from dialer.campaign_settings import CampaignSettings
from dialer.carrier import CarrierCall, CarrierReport, Order
from dialer.conversations import ConversationResult, finish_conversation
from dialer.lifecycle import CallState
from dialer.loop import DialerLoop, Process
from dialer.rows import Campaign, Contact
from dialer.settling import Reported, SettleCalls, record_report

NOON = datetime(2030, 5, 15, 12, 0, tzinfo=UTC)  # a Wednesday
DEFINITION = {"first_message": "Hello {{contact_name|there}}"}
TALKED = ConversationResult(ended_by="agent", reason="goodbye", who="human", goal="met")

Answer = str | BaseException | Callable[[Order], Any]


class ScriptedCarrier:
    """A carrier that answers each request as scripted, or takes it; what it took can be looked up and hung up."""

    post_limit_s = 10.0

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.orders: list[Order] = []
        self.script: list[Answer] = []
        self.calls: dict[str, CarrierCall] = {}
        self.hung_up: list[str] = []
        self.look_up_fails: BaseException | None = None
        self.asked = asyncio.Event()
        self._ids = itertools.count(1)

    async def place(self, order: Order) -> str:
        self.orders.append(order)
        self.asked.set()
        answer = self.script.pop(0) if self.script else self.take(order)
        if callable(answer):
            answer = await answer(order)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def take(self, order: Order, **what: Any) -> str:
        """The call exists at the carrier from now on."""
        carrier_call_id = f"CA{next(self._ids)}"
        self.calls[carrier_call_id] = CarrierCall(
            carrier_call_id, order.to, order.caller, what.pop("state", CallState.RINGING), self._now(), **what
        )
        return carrier_call_id

    def becomes(self, carrier_call_id: str, state: CallState, outcome: str | None = None) -> None:
        self.calls[carrier_call_id] = replace(self.calls[carrier_call_id], state=state, outcome=outcome, queued=False)

    async def hang_up(self, carrier_call_id: str) -> None:
        self.hung_up.append(carrier_call_id)
        if carrier_call_id in self.calls:
            answered = self.calls[carrier_call_id].state is CallState.ANSWERED
            self.becomes(carrier_call_id, CallState.ENDED, "answered" if answered else "canceled")

    async def look_up(self, to: str, caller: str, created_after: datetime) -> list[CarrierCall]:
        if self.look_up_fails is not None:
            raise self.look_up_fails
        found = [c for c in self.calls.values() if (c.to, c.caller) == (to, caller) and c.created_at >= created_after]
        return sorted(found, key=lambda each: each.created_at, reverse=True)

    async def look_up_call(self, carrier_call_id: str) -> CarrierCall | None:
        if self.look_up_fails is not None:
            raise self.look_up_fails
        return self.calls.get(carrier_call_id)


class StandingClock:
    """A process's clock that stands still: whoever waits on it waits until `goes_on`, and `waited` says that somebody does."""

    def __init__(self) -> None:
        self.waited, self.goes_on = asyncio.Event(), asyncio.Event()

    def seconds(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.waited.set()
        await self.goes_on.wait()


class Urls:
    def answer(self, call_id: int) -> str:
        return f"https://calls.example.com/answer/{call_id}"

    def status(self, call_id: int) -> str:
        return f"https://calls.example.com/status/{call_id}"


@dataclass
class World:
    """Everything is set up but the campaigns. `now` is the database's time."""

    db: Database
    account_id: int
    phone_number_id: int
    agent_id: int
    now: datetime = NOON
    carrier: ScriptedCarrier = field(init=False)
    loops: list[DialerLoop] = field(default_factory=list)
    _keys: "itertools.count[int]" = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.carrier = ScriptedCarrier(lambda: self.now)

    @classmethod
    async def build(cls, db: Database) -> "World":
        await db.pool.execute("create table test_clock (at timestamptz not null)")
        await db.pool.execute("insert into test_clock values ($1)", NOON)
        await db.pool.execute(
            "create or replace function callwright_now() returns timestamptz language sql volatile as 'select at from test_clock'"
        )
        account = await db.pool.fetchval(
            "insert into carrier_accounts (name, carrier, calls_per_second) values ('scripted', 'scripted', 1000) returning id"
        )
        number = await db.pool.fetchval(
            "insert into phone_numbers (e164, carrier_account_id) values ('+493012345', $1) returning id", account
        )
        agent = await db.pool.fetchval("insert into agents (name) values ('Ada') returning id")
        await db.pool.execute("insert into agent_versions (agent_id, version, definition) values ($1, 1, $2)", agent, DEFINITION)
        return cls(db, account, number, agent)

    async def at(self, moment: datetime) -> None:
        self.now = moment
        await self.db.pool.execute("update test_clock set at = $1", moment)

    async def later(self, **by: float) -> None:
        await self.at(self.now + timedelta(**by))

    async def campaign(self, people: int = 1, *, start: bool = True, first: int = 0, **settings: Any) -> Campaign:
        """A campaign with so many contacts, numbered from `first`; local hours off and concurrency 10 unless said otherwise."""
        given = {"name": "Reminders", "agent_id": self.agent_id, "phone_number_id": self.phone_number_id}
        merged = given | {"concurrency": 10, "local_hours": False} | settings
        created = await campaigns.create(self.db, CampaignSettings(**merged), actor="test")
        await contacts.add(self.db, created.id, [contacts.NewContact(number=number(first + i)) for i in range(people)], actor="test")
        if start:
            return await campaigns.start(self.db, created.id, actor="test")
        return await campaigns.get(self.db, created.id)

    async def loop(self, name: str = "one", **options: Any) -> DialerLoop:
        made = DialerLoop(self.db, {"scripted": self.carrier}, Process(name, "host", "wss://host/stream", 100), Urls(), **options)
        await made.start_process()
        self.loops.append(made)
        return made

    async def tick(self, loop: DialerLoop) -> int:
        """One tick, and everything that it placed has come back; how many calls it began."""
        ticked = await loop.run_once()
        await loop.placed()
        return ticked.started

    async def settle(self, name: str = "one", **options: Any) -> None:
        await SettleCalls(self.db, {"scripted": self.carrier}, name).run_once(**options)

    async def report(self, call_id: int, state: CallState, outcome: str | None = None, **what: Any) -> Reported:
        """A report of the carrier on the call's own carrier id, new each time unless it brings a key."""
        carrier_call_id = what.pop("carrier_call_id", None) or await self.value("select carrier_call_id from calls where id = $1", call_id)
        key = what.pop("key", f"key{next(self._keys)}")
        return await record_report(self.db, call_id, CarrierReport(carrier_call_id, state, key, outcome=outcome, **what))

    async def ring_out(self, call_id: int, outcome: str = "no_answer") -> None:
        await self.report(call_id, CallState.RINGING)
        await self.report(call_id, CallState.ENDED, outcome)

    async def talk(self, call_id: int, result: ConversationResult = TALKED, process: str = "one") -> None:
        """The callee answers, a stream is bound, the conversation is had, and the call ends."""
        await self.report(call_id, CallState.ANSWERED)
        token = await streams.issue_stream_token(self.db, call_id)
        brief = await streams.bind_stream(self.db, token, f"MZ{call_id}", process)
        await finish_conversation(self.db, call_id, brief.fence, result, hung_up=True)
        await self.report(call_id, CallState.ENDED, "answered")

    async def value(self, statement: str, *args: Any) -> Any:
        return await self.db.pool.fetchval(statement, *args)

    async def calls(self) -> list[Any]:
        return list(await self.db.pool.fetch("select * from calls order by id"))

    async def call(self, call_id: int) -> Any:
        return await self.db.pool.fetchrow("select * from calls where id = $1", call_id)

    async def contacts(self, campaign: Campaign) -> list[Contact]:
        return await contacts.page(self.db, campaign.id)

    async def status(self, campaign: Campaign) -> str:
        return (await campaigns.get(self.db, campaign.id)).status


def number(index: int) -> str:
    return f"+4930555{index:05d}"
