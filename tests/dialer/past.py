"""A past for tests of what is kept and what is deleted: calls that ended some days ago, with all that quotes what was said on them."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from dialer import suppressions
from dialer.contact_import import ImportOptions, Report, import_contacts
from dialer.conversations import KeptTurn, keep_event, keep_turn
from dialer.rows import Campaign
from tests.dialer.world import World

NEEDLE = "wheelchair"  # said, whispered, noted and quoted on each of these calls, and nowhere else
NAME = "Lovelace"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class PastCall:
    """`ended`: before the world's now. `answered`: somebody spoke, and a recording is named."""

    id: int
    ended: timedelta
    answered: bool


async def past_call(world: World, number: str, ended: timedelta, *, answered: bool = True, campaign: Campaign | None = None) -> PastCall:
    """A call that ended so long ago, of the campaign's contact of that number, or of no campaign."""
    at = world.now - ended
    call_id: int = await world.value(
        """insert into calls (campaign_id, contact_id, number, contact_name, variables, phone_number_id, carrier_account_id, agent_id,
                              agent_version, state, process_id, lease_until, planned_at, requested_at, answered_at, ended_at, outcome, who,
                              goal, summary, evidence, fields, recording)
           values ($1::bigint, (select id from contacts where campaign_id = $1 and number = $2), $2, $3, $4, $5, $6, $7, 1, 'answered',
                   'one', $8, $8, $8, case when $9 then $8::timestamptz end, null, case when $9 then 'person' else 'no_answer' end,
                   case when $9 then 'human' end, case when $9 then 'met' end, case when $9 then $10 else '' end, $11, $12, null)
           returning id""",
        *(campaign and campaign.id, number, NAME, {"customer_name": NAME}, world.phone_number_id, world.account_id, world.agent_id),
        *(at, answered, f"asked for a {NEEDLE}", {"who": {"says": NEEDLE}} if answered else {}, {"needs": NEEDLE} if answered else {}),
    )
    if answered:
        await world.db.pool.execute("update calls set recording = $2 where id = $1", call_id, f"recordings/{call_id}.wav")
        await _say(world, call_id)
    await keep_event(world.db, call_id, "carrier", "ended", {"outcome": "answered", "duration_s": 19}, key="told")
    await world.db.pool.execute("update calls set state = 'ended', ended_at = $2 where id = $1", call_id, at)
    await world.db.pool.execute("update audit_log set at = $2 where subject = 'call ' || $1::bigint", call_id, at)
    return PastCall(call_id, ended, answered)


async def _say(world: World, call_id: int) -> None:
    for position, speaker in enumerate(("agent", "callee")):
        turn = KeptTurn(position=position, speaker=speaker, text=f"I need a {NEEDLE}", start_ms=0, end_ms=1)
        await keep_turn(world.db, call_id, turn)
    await keep_event(world.db, call_id, "agent", "answered_by", {"who": "human", "evidence": f"said {NEEDLE}", "at_ms": 7})
    await keep_event(world.db, call_id, "operator", "whisper", {"by": "Sue", "text": NEEDLE, "answer": f"will ask for a {NEEDLE}"})
    await world.db.pool.execute(
        "insert into audit_log (actor, action, subject, detail) values ('Sue', 'live.whisper', 'call ' || $1::bigint, $2)",
        *(call_id, {"text": NEEDLE}),
    )


async def opt_out_on(world: World, call: PastCall, number: str) -> None:
    """The callee's wish, in the callee's words."""
    await suppressions.add(world.db, number, reason=f"never again, {NEEDLE}", source="call", actor="agent", call_id=call.id)


async def where_it_says(world: World, word: str, calls: list[int] | None = None) -> set[str]:
    """The tables in which some row holds the word; of those that belong to calls, only rows of these."""
    tables = await world.db.pool.fetch(
        """select c.table_name as name, bool_or(c.column_name = 'call_id') as of_call from information_schema.columns c
           join information_schema.tables t using (table_schema, table_name)
           where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.table_name <> 'test_clock' group by 1"""
    )
    found = set()
    for table in tables:
        column = "call_id" if table["of_call"] else "id" if table["name"] == "calls" else None
        where = f"and ($2::bigint[] is null or {column} = any ($2))" if column else "and ($2::bigint[] is null or true)"
        if await world.value(f'select exists (select from "{table["name"]}" r where r::text ilike $1 {where})', f"%{word}%", calls):
            found.add(table["name"])
    return found


async def imported(world: World, campaign: Campaign, text: str, file_name: str, columns: Mapping[str, str] | None = None) -> Report:
    """An import of this text into a campaign in Draft or Paused."""
    options = ImportOptions(file_name=file_name, columns=columns or {})
    return await import_contacts(world.db, campaign.id, io.BytesIO(text.encode()), actor="test", options=options)
