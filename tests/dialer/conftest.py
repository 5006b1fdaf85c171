from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

from db.database import Database
from tests.dialer.world import World

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
    lost_contacts = await database.pool.fetchval(
        """select count(*) from contacts ct where status = 'in_progress'
           and not exists (select from calls k where k.contact_id = ct.id and k.state <> 'ended')"""
    )
    assert lost_contacts == 0
