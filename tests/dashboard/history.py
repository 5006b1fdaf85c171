"""A month of calls for the pages that look back: people answer more often in the evening, and later tries bring less."""

from typing import Any

import asyncpg

from tests.dashboard.seed import House

CALLS = 6000


async def add_history(database: "asyncpg.Connection[Any]", house: House, calls: int = CALLS) -> None:
    """Ended rehearsal calls of three campaigns, on the working hours of 28 days until yesterday, Berlin time."""
    await database.execute(
        """insert into calls (campaign_id, number, phone_number_id, carrier_account_id, agent_id, agent_version, rehearsal, try, state,
                              process_id, lease_until, planned_at, requested_at, answered_at, ended_at, outcome, who, goal, sentiment_word,
                              opted_out, duration_ms, first_word_ms)
           select ($1::bigint[])[1 + g % 3], '+1999' || lpad(g::text, 7, '0'), $2, p.carrier_account_id, $3, 1, true,
                  case when g % 10 < 6 then 1 when g % 10 < 9 then 2 else 3 end, 'ended', 'seed', t.at, t.at, t.at,
                  case when f.who is not null then t.at end, t.at, f.outcome, f.who,
                  case when f.who = 'human' then (array['met', 'met', 'met', 'not_met', 'unclear'])[1 + r.second % 5] end,
                  case when f.who = 'human' then (array['positive', 'neutral', 'neutral', 'negative'])[1 + r.second % 4] end,
                  coalesce(f.who = 'human' and r.second % 50 = 0, false), case when f.who is not null then 8000 + r.second * 90 end,
                  case when f.who is not null then 160 + r.second end
           from generate_series(0, $4::int - 1) g
           cross join lateral (select abs(hashint8extended(g, 1)) % 1000 as first, abs(hashint8extended(g, 2)) % 400 as second) r
           cross join lateral (select 9 + g * 7 % 10 as hour) h
           cross join lateral (
               select (date_trunc('day', callwright_now() at time zone 'Europe/Berlin') - make_interval(days => 1 + g % 28)
                       + make_interval(hours => h.hour, mins => r.second::int % 60)) at time zone 'Europe/Berlin' as at
           ) t
           cross join lateral (
               select case when r.first < 200 + h.hour * 18 - (g % 10) * 20 then 'person' when r.first < 600 then 'no_answer'
                           when r.first < 800 then 'voicemail_message' when r.first < 950 then 'busy' else 'carrier_failure' end as outcome
           ) o
           cross join lateral (
               select o.outcome, case o.outcome when 'person' then 'human' when 'voicemail_message' then 'voicemail' end as who
           ) f
           join phone_numbers p on p.id = $2""",
        [house.campaigns[status] for status in ("completed", "cancelled", "paused")],
        house.number,
        house.agent,
        calls,
    )
