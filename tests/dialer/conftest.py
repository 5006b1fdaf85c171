from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

from db.database import Database
from tests.dialer.world import World

# What is kept, and the same counted anew from calls and contacts themselves: what stands on one side only.
_DRIFT = {
    "calls by result": (
        """select campaign_id, result, outcome, who, goal, sentiment_word, calls, answered, opted_out, timed, duration_ms
           from call_results where calls > 0 or answered <> 0 or opted_out <> 0 or timed <> 0 or duration_ms <> 0""",
        """select campaign_id, result, outcome, who, goal, sentiment_word, count(*), count(answered_at), count(*) filter (where opted_out),
                  count(duration_ms), coalesce(sum(duration_ms), 0)
           from calls where state = 'ended' and campaign_id is not null group by 1, 2, 3, 4, 5, 6""",
    ),
    "first words": (
        "select campaign_id, first_word_ms, calls from call_first_words where calls <> 0",
        """select campaign_id, first_word_ms, count(*) from calls
           where state = 'ended' and campaign_id is not null and first_word_ms is not null group by 1, 2""",
    ),
    "calls by half hour": (
        """select half_hour, campaign_id, agent_id, phone_number_id, rehearsal, try, result, outcome, who, goal, sentiment_word,
                  calls, answered, opted_out, timed, duration_ms
           from call_half_hours where calls <> 0 or answered <> 0 or opted_out <> 0 or timed <> 0 or duration_ms <> 0""",
        """select half_hour_of(planned_at), campaign_id, agent_id, phone_number_id, rehearsal, try, result, outcome, who, goal,
                  sentiment_word, count(*), count(answered_at), count(*) filter (where opted_out), count(duration_ms),
                  coalesce(sum(duration_ms), 0)
           from calls where state = 'ended' and campaign_id is not null and outcome is distinct from 'withdrawn'
           group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11""",
    ),
    "first words by half hour": (
        """select half_hour, campaign_id, agent_id, phone_number_id, rehearsal, first_word_ms, calls
           from call_half_hour_first_words where calls <> 0""",
        """select half_hour_of(planned_at), campaign_id, agent_id, phone_number_id, rehearsal,
                  (ceil(first_word_ms / 20.0) * 20)::int, count(*)
           from calls where state = 'ended' and campaign_id is not null and outcome is distinct from 'withdrawn'
             and first_word_ms is not null group by 1, 2, 3, 4, 5, 6""",
    ),
    "words of transcripts": (
        "select call_id, campaign_id, planned_at, words from call_words",
        """select k.id, k.campaign_id, k.planned_at, words_of(k) from calls k
           where k.state = 'ended' and k.campaign_id is not null and exists (select from transcript_turns t where t.call_id = k.id)""",
    ),
    "names and numbers of contacts": (
        """select campaign_id, block, (select array_agg(line order by line) from unnest(string_to_array(names || E'\\n', E'\\n')) line),
                  (select array_agg(line order by line) from unnest(string_to_array(numbers || E'\\n', E'\\n')) line),
                  (select array_agg(line order by line) from unnest(string_to_array(endings || E'\\n', E'\\n')) line)
           from contact_blocks where numbers <> ''""",
        """select campaign_id, block_of(id), array[''] || array_agg(folded(name) order by folded(name)),
                  array[''] || array_agg(number order by number), array[''] || array_agg(right(number, 2) order by right(number, 2))
           from contacts group by 1, 2""",
    ),
}


async def check_call_log(database: Database) -> None:
    """What the log keeps beside its calls says what the calls say."""
    for name, (kept, counted) in _DRIFT.items():
        drift = await database.pool.fetch(f"(({kept}) except ({counted})) union all (({counted}) except ({kept}))")
        assert [dict(row) for row in drift] == [], name


settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    """A world at noon, and the promise that its counts are true and its states legal when the test is done with it."""
    built = await World.build(database)
    yield built
    for loop in built.loops:
        await loop.placed()
    counted = await database.pool.fetch(
        """select campaign_id, count(*) filter (where status = 'pending') as pending,
                  count(*) filter (where status = 'in_progress') as in_progress,
                  count(*) filter (where status = 'completed') as completed, count(*) filter (where status = 'failed') as failed,
                  count(*) filter (where status = 'skipped') as skipped
           from contacts group by campaign_id order by campaign_id"""
    )
    kept = await database.pool.fetch("select * from campaign_counts order by campaign_id")
    assert [tuple(row) for row in counted] == [tuple(row) for row in kept if sum(tuple(row)[1:])]
    await check_call_log(database)
    lost_contacts = await database.pool.fetchval(
        """select count(*) from contacts ct where status = 'in_progress'
           and not exists (select from calls k where k.contact_id = ct.id and k.state <> 'ended')"""
    )
    assert lost_contacts == 0
