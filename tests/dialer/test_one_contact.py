"""One contact's way through: imported, dialed, talked to, settled, and the campaign completed."""

from dialer.lifecycle import CallState
from tests.dialer.world import World


async def test_a_contact_is_called_once_and_the_campaign_completes_with_it(world: World) -> None:
    campaign = await world.campaign(1)
    assert campaign.status == "in_progress"
    loop = await world.loop()
    assert await world.tick(loop) == 1
    (call,) = await world.calls()
    assert (call["state"], call["carrier_call_id"]) == ("requested", "CA1")
    await world.report(call["id"], CallState.RINGING)
    await world.talk(call["id"])
    ended = await world.call(call["id"])
    assert (ended["state"], ended["outcome"], ended["goal"]) == ("ended", "person", "met")
    (contact,) = await world.contacts(campaign)
    assert (contact.status, contact.tries) == ("completed", 1)
    assert await world.status(campaign) == "completed"
    assert await world.tick(loop) == 0
