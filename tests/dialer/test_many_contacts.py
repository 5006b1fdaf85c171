"""Retry, Skip and Remove for many contacts at once: the rules are those for one, nobody else is held up, and what was cut short goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from db.database import LOST
from dialer import campaigns, contacts, queries
from dialer.contact_verbs import GONE, REMOVE, RETRY, SKIP, Changed, Chosen, Verb, many
from dialer.dialing import claim
from dialer.errors import NotAllowed, NotFound
from dialer.lifecycle import ALLOWED_IN, CampaignStatus, shown
from dialer.rows import Campaign, CampaignView
from tests.dialer.test_verbs import in_status
from tests.dialer.world import World

EVERYBODY = Chosen()
VERBS = (RETRY, SKIP, REMOVE)


async def do(world: World, campaign: Campaign, verb: Verb, chosen: Chosen = EVERYBODY, bite: int = 300) -> Changed:
    return await many(world.db, campaign.id, verb, chosen, actor="olive", bite=bite)


async def statuses(world: World, campaign: Campaign) -> dict[str, int]:
    rows = await world.db.pool.fetch("select status, count(*) from contacts where campaign_id = $1 group by 1 order by 1", campaign.id)
    return {row["status"]: row["count"] for row in rows}


async def all_failed(world: World, people: int, **settings: Any) -> Campaign:
    """A Completed campaign: everybody was tried once, and nobody answered."""
    campaign = await world.campaign(people, start=False, **settings)
    await world.db.pool.execute("update contacts set status = 'failed', tries = 1, status_reason = 'no answer', not_before = $1", world.now)
    for status in ("in_progress", "completed"):
        await world.db.pool.execute("update campaigns set status = $1, ended_at = $2 where id = $3", status, world.now, campaign.id)
    return await campaigns.get(world.db, campaign.id)


async def log(world: World) -> list[tuple[str, str, int]]:
    rows = await world.db.pool.fetch("select action, subject, detail from audit_log where actor = 'olive' order by id")
    return [(row["action"], row["subject"], row["detail"]["contacts"]) for row in rows]


@asynccontextmanager
async def holding(world: World, campaign: Campaign) -> AsyncIterator[None]:
    """As a claim does, somebody else holds the campaign's lock."""
    async with world.db.transaction() as connection:
        await campaigns.lock(connection, campaign.id)
        yield


async def waiting(world: World, backends: int = 1) -> int:
    """Until so many backends wait for the campaign; one of them."""
    asked = "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    while len(found := await world.db.pool.fetch(asked)) < backends:
        pass
    return int(found[0]["pid"])


@pytest.mark.parametrize("status", CampaignStatus)
async def test_each_status_of_a_campaign_allows_what_it_allows_for_one_contact(world: World, status: CampaignStatus) -> None:
    for turn, verb in enumerate(VERBS):
        await world.later(seconds=1)
        campaign = await in_status(world, status, first=turn * 10)
        before = await statuses(world, campaign)
        if status in ALLOWED_IN[verb.action]:
            done = await do(world, campaign, verb)
            assert done.changed == before.get(verb.takes, 0)
            assert sum(done.left_alone.values()) == sum(before.values()) - done.changed
            assert done.stopped == ""
        else:
            with pytest.raises(NotAllowed, match=f"^the campaign is {shown(status)}: "):
                await do(world, campaign, verb)
            assert await statuses(world, campaign) == before
        await world.db.pool.execute("update campaigns set status = 'cancelled' where status not in ('cancelled', 'completed')")


async def test_contacts_that_do_not_allow_it_are_left_alone_and_counted_by_reason(world: World) -> None:
    campaign = await world.campaign(5, start=False)
    ids = [contact.id for contact in await world.contacts(campaign)]
    for contact_id, status in zip(ids, ("pending", "in_progress", "completed", "failed", "failed"), strict=True):
        for step in {"pending": (), "completed": ("in_progress", "completed")}.get(status, (status,)):
            await world.db.pool.execute("update contacts set status = $1 where id = $2", step, contact_id)
    await world.db.pool.execute("update contacts set erased = true where id = $1", ids[4])
    done = await do(world, campaign, RETRY, Chosen(ids=[*ids, ids[0], 999_999]))
    assert (done.changed, done.left_alone) == (
        1,
        {
            "the contact is Pending: only a Failed one can be retried": 1,
            "the contact is In Progress: only a Failed one can be retried": 1,
            "the contact is Completed: only a Failed one can be retried": 1,
            RETRY.erased: 1,
            GONE: 1,
        },
    )
    await world.db.pool.execute("update contacts set status = 'completed' where id = $1", ids[1])  # no call of it exists


async def test_contacts_of_another_campaign_are_left_alone(world: World) -> None:
    mine, other = await world.campaign(1, start=False), await world.campaign(1, start=False, first=1)
    (theirs,) = await world.contacts(other)
    assert (await do(world, mine, SKIP, Chosen(ids=[theirs.id]))).left_alone == {GONE: 1}
    assert await statuses(world, other) == {"pending": 1}
    with pytest.raises(NotFound, match="no campaign 99"):
        await many(world.db, 99, SKIP, EVERYBODY, actor="olive")


async def test_a_thousand_failed_ones_get_one_more_try_and_the_campaign_goes_on(world: World) -> None:
    campaign = await all_failed(world, 1000)
    assert (await do(world, campaign, RETRY, Chosen(status="failed"))).changed == 1000
    assert await statuses(world, campaign) == {"pending": 1000}
    assert await world.status(campaign) == "in_progress"
    assert await log(world) == [("contact.retry_many", f"campaign {campaign.id}", 1000)]
    loop = await world.loop()
    assert await world.tick(loop) > 0
    call = (await world.calls())[0]
    await world.ring_out(call["id"])
    assert await world.value("select (status, tries)::text from contacts where id = $1", call["contact_id"]) == "(failed,2)"


async def test_the_filter_chooses_as_the_list_does(world: World) -> None:
    campaign = await world.campaign(0, start=False)
    people = [contacts.NewContact(number=f"+4930555{n:05}", name=name) for n, name in enumerate(("Ada", "Adam", "Grace"))]
    await contacts.add(world.db, campaign.id, people, actor="test")
    assert (await do(world, campaign, SKIP, Chosen(status="pending", search="ada"), bite=1)).changed == 2
    told = [(contact.status, contact.status_reason) for contact in await world.contacts(campaign)]
    assert told == [("skipped", "skipped by olive")] * 2 + [("pending", "")]


@pytest.mark.parametrize("verb", [SKIP, REMOVE])
async def test_a_campaign_is_completed_with_the_last_one(world: World, verb: Verb) -> None:
    campaign = await world.campaign(5)
    done = await do(world, campaign, verb, bite=2)
    assert (done.changed, done.stopped) == (5, "")
    assert await world.status(campaign) == "completed"
    assert await statuses(world, campaign) == ({"skipped": 5} if verb is SKIP else {})


async def test_one_that_is_claimed_meanwhile_is_left_alone_and_the_campaign_waits_for_it(world: World) -> None:
    campaign = await world.campaign(3)
    await world.loop("one")
    view: CampaignView = await queries.dialing.campaign(world.db.pool, campaign_id=campaign.id)
    async with holding(world, campaign):
        claimed = asyncio.create_task(claim(world.db, view, "one"))
        await waiting(world)
        task = asyncio.create_task(do(world, campaign, SKIP))
        await waiting(world, 2)  # it has seen three that are pending, and comes after the claim
    assert (await claimed).claimed is not None
    done = await task
    assert (done.changed, done.left_alone) == (2, {"the contact is In Progress: only a Pending one can be skipped": 1})
    assert await world.status(campaign) == "in_progress"


async def test_beside_the_dialer_nobody_is_both_called_and_skipped(world: World) -> None:
    campaign = await world.campaign(60, concurrency=60)
    loop = await world.loop()
    done, *_ = await asyncio.gather(do(world, campaign, SKIP, bite=4), *(world.tick(loop) for _ in range(3)))
    called = {call["contact_id"] for call in await world.calls()}
    skipped = {contact.id for contact in await world.contacts(campaign) if contact.status == "skipped"}
    assert not called & skipped
    assert len(called) + len(skipped) == 60
    assert (done.changed, sum(done.left_alone.values())) == (len(skipped), len(called))


async def test_others_come_in_between_and_what_was_killed_there_goes_on_when_it_is_asked_again(world: World) -> None:
    campaign = await world.campaign(30)
    taken, release = asyncio.Event(), asyncio.Event()

    async def next_in_line() -> None:
        async with holding(world, campaign):
            taken.set()
            await release.wait()

    async with holding(world, campaign):
        task = asyncio.create_task(do(world, campaign, SKIP, bite=10))
        await waiting(world)
        other = asyncio.create_task(next_in_line())
        await waiting(world, 2)
    await taken.wait()  # after one bite
    await world.value("select pg_terminate_backend($1)", await waiting(world))
    with pytest.raises(LOST):
        await task
    release.set()
    await other
    assert await statuses(world, campaign) == {"pending": 20, "skipped": 10}
    assert await log(world) == [("contact.skip_many", f"campaign {campaign.id}", 10)]
    again = await do(world, campaign, SKIP, Chosen(status="pending"), bite=10)
    assert again.changed == 20
    assert await world.status(campaign) == "completed"
    assert [count for _, _, count in await log(world)] == [10, 20]


async def test_a_campaign_that_is_cancelled_meanwhile_ends_it_with_what_was_done(world: World) -> None:
    campaign = await world.campaign(4)
    async with holding(world, campaign):
        task = asyncio.create_task(do(world, campaign, SKIP, bite=2))
        await waiting(world)
        cancel = asyncio.create_task(campaigns.cancel(world.db, campaign.id, actor="test"))
        await waiting(world, 2)
    done = await task
    await cancel
    assert done.changed == 2
    assert done.stopped.startswith("the campaign is Cancelled: ")
    assert await statuses(world, campaign) == {"pending": 2, "skipped": 2}
