"""Calls in progress for a wallboard to show: one of each kind, told of by a process that answers for as long as a test lasts."""

from dataclasses import dataclass
from typing import Any

import asyncpg

from tests.dashboard.seed import House


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A call that was answered `ago_s` seconds ago, and what its process tells of it; `quiet_s`: how long nobody has spoken."""

    contact: str
    ago_s: float
    state: str
    speaker: str | None = None
    text: str = ""
    final: bool = True
    quiet_s: float | None = None
    sentiment: float | None = None
    held_by: str | None = None
    listeners: int = 0
    stuck: str = ""


LIVE = (
    Told(contact="Grace Hopper", ago_s=40, state="speaking", speaker="agent", text="Can you come on", final=False),
    Told(contact="Alan Turing", ago_s=95, state="listening", speaker="callee", text="Monday is fine.", sentiment=0.5),
    Told(contact="Edsger Dijkstra", ago_s=30, state="listening", speaker="agent", text="Are you still there?", quiet_s=8),
    Told(contact="Barbara Liskov", ago_s=20, state="thinking", speaker="callee", text="This is the third call!", sentiment=-0.6),
    Told(contact="Radia Perlman", ago_s=300, state="away", speaker="supervisor", text="I am a person.", held_by="Anna", listeners=2),
    Told(contact="Ken Thompson", ago_s=25, state="thinking", stuck="The agent has been thinking for 12 s"),
)


async def add_live_calls(database_url: str, house: House) -> dict[str, int]:
    """The calls of LIVE, in progress in a paused campaign; their ids by contact. Two more ring."""
    database = await asyncpg.connect(database_url)
    try:
        made = {}
        for at, told in enumerate(LIVE):
            made[told.contact] = await add_call(database, house, f"+1415555000{at}", "answered", told.contact, told.ago_s)
            await _tell(database, made[told.contact], told)
        for at in range(2):
            await add_call(database, house, f"+1415555001{at}", "ringing")
        return made
    finally:
        await database.close()


async def add_call(database: "asyncpg.Connection[Any]", house: House, number: str, state: str, contact: str = "", ago_s: float = 0) -> int:
    """A call of the paused campaign that entered its state `ago_s` seconds ago, of which nothing is told; its id."""
    made: int = await database.fetchval(
        "insert into calls (campaign_id, number, contact_name, phone_number_id, carrier_account_id, agent_id, agent_version, rehearsal, "
        "state, process_id, lease_until, planned_at, requested_at, answered_at) "
        "select $1, $2, $3, p.id, p.carrier_account_id, $4, 1, true, $5, 'seed', t + interval '2 hours', t, t, "
        "case when $5 = 'answered' then t end "
        "from phone_numbers p, (select callwright_now() - make_interval(secs => $6) as t) as clock where p.id = $7 returning id",
        *(house.campaigns["paused"], number, contact, house.agent, state, ago_s, house.number),
    )
    return made


async def _tell(database: "asyncpg.Connection[Any]", call: int, told: Told) -> None:
    await database.execute(
        "insert into live_calls (call_id, process_id, told_at, agent_state, line_speaker, line_text, line_final, quiet_since, sentiment, "
        "held_by, listeners, stuck) values ($1, 'seed', callwright_now() + interval '1 hour', $2, $3, $4, $5, "
        "callwright_now() - make_interval(secs => $6), $7, $8, $9, $10)",
        *(call, told.state, told.speaker, told.text, told.final, told.quiet_s, told.sentiment, told.held_by, told.listeners, told.stuck),
    )
