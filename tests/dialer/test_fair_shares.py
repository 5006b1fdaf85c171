"""Several running campaigns share a phone number and a carrier account fairly, whatever their sizes and however many processes dial."""

from collections import Counter

import pytest

from dialer.rows import Campaign
from tests.dialer.world import World


async def three(world: World) -> list[Campaign]:
    """A large campaign that began first, a middle one and a small one, of different people."""
    return [await world.campaign(people, first=1000 * turn) for turn, people in enumerate((60, 20, 6))]


async def made(world: World) -> Counter[int]:
    return Counter(call["campaign_id"] for call in await world.calls())


@pytest.mark.parametrize("processes", [1, 3])
async def test_campaigns_share_the_calls_per_second_of_an_account(world: World, processes: int) -> None:
    await world.db.pool.execute("update carrier_accounts set calls_per_second = 1")
    large, middle, small = await three(world)
    loops = [await world.loop(f"process {turn}") for turn in range(processes)]
    for _ in range(18):
        assert sum([await world.tick(loop) for loop in loops]) == 1
        for call in await world.calls():
            if call["state"] != "ended":
                await world.ring_out(call["id"], "busy")
        await world.later(seconds=1)
    assert await made(world) == {large.id: 6, middle.id: 6, small.id: 6}
    assert await world.status(small) == "completed"
    for _ in range(6):
        await world.tick(loops[0])
        await world.later(seconds=1)
    assert await made(world) == {large.id: 9, middle.id: 9, small.id: 6}


async def test_campaigns_share_the_concurrency_of_a_number(world: World) -> None:
    await world.db.pool.execute("update phone_numbers set concurrency = 3")
    large, middle, small = await three(world)
    loop = await world.loop()
    for _ in range(12):
        await world.tick(loop)
        await world.later(seconds=1)
        live = [call["id"] for call in await world.calls() if call["state"] != "ended"]
        assert len(live) <= 3
        await world.ring_out(live[0], "busy")
    counted = await made(world)
    assert max(counted.values()) - min(counted.values()) <= 2
    assert counted.keys() == {large.id, middle.id, small.id}
