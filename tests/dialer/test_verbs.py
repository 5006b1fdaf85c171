"""The operator's verbs: each in every status, allowed or refused with the reason; what an edit, a copy and a retry mean."""

import asyncio
import io
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from dialer import campaigns, contacts
from dialer.campaign_settings import CampaignSettings, InvalidCampaign
from dialer.contact_import import import_contacts
from dialer.errors import NotAllowed, NotFound, Outdated
from dialer.lifecycle import ALLOWED_IN, Action, CampaignStatus
from dialer.rows import Campaign
from tests.dialer.world import NOON, World, number


async def in_status(world: World, status: CampaignStatus, first: int = 0) -> Campaign:
    """A campaign of three contacts in that status; where it was started, the first has failed."""
    if status is CampaignStatus.DRAFT:
        return await world.campaign(3, start=False, first=first)
    campaign = await world.campaign(3 if status is not CampaignStatus.COMPLETED else 1, first=first, concurrency=1)
    await world.tick(await world.loop())
    await world.ring_out(await world.value("select id from calls where campaign_id = $1", campaign.id))
    if status is CampaignStatus.PENDING:
        start = NOON + timedelta(days=1)
        await world.db.pool.execute("update campaigns set status = 'pending', scheduled_start = $1 where id = $2", start, campaign.id)
    if status is CampaignStatus.PAUSED:
        await campaigns.pause(world.db, campaign.id, actor="test")
    if status is CampaignStatus.CANCELLED:
        await campaigns.cancel(world.db, campaign.id, actor="test")
    now = await campaigns.get(world.db, campaign.id)
    assert now.status == status
    return now


async def act(world: World, action: Action, campaign: Campaign) -> Any:
    there = await world.contacts(campaign)
    pending = next((each.id for each in there if each.status == "pending"), there[0].id)
    verbs = {
        Action.START: lambda: campaigns.start(world.db, campaign.id, actor="test"),
        Action.PAUSE: lambda: campaigns.pause(world.db, campaign.id, actor="test"),
        Action.RESUME: lambda: campaigns.resume(world.db, campaign.id, actor="test"),
        Action.CANCEL: lambda: campaigns.cancel(world.db, campaign.id, actor="test"),
        Action.DUPLICATE: lambda: campaigns.duplicate(world.db, campaign.id, actor="test"),
        Action.EDIT: lambda: campaigns.edit(world.db, campaign.id, {"concurrency": 7}, version=None, actor="test"),
        Action.RETRY_CONTACT: lambda: contacts.retry(world.db, there[0].id, actor="test"),
        Action.SKIP_CONTACT: lambda: contacts.skip(world.db, pending, actor="test"),
        Action.REMOVE_CONTACT: lambda: contacts.remove(world.db, pending, actor="test"),
    }
    return await verbs[action]()


async def add_one(world: World, campaign: Campaign) -> Any:
    return await contacts.add(world.db, campaign.id, [contacts.NewContact(number=number(99_999))], actor="test")


async def import_one(world: World, campaign: Campaign) -> Any:
    return await import_contacts(world.db, campaign.id, io.BytesIO(f"phone_number\n{number(99_998)}\n".encode()), actor="test")


@pytest.mark.parametrize("status", CampaignStatus)
async def test_contacts_are_added_and_imported_in_draft_and_paused_only(world: World, status: CampaignStatus) -> None:
    campaign = await in_status(world, status)
    for verb in (add_one, import_one):
        if status in (CampaignStatus.DRAFT, CampaignStatus.PAUSED):
            assert await verb(world, campaign)
        else:
            with pytest.raises(NotAllowed, match="only in Draft or Paused"):
                await verb(world, campaign)
    more = 2 if status in (CampaignStatus.DRAFT, CampaignStatus.PAUSED) else 0
    assert (await campaigns.get(world.db, campaign.id)).contacts == campaign.contacts + more


@pytest.mark.parametrize("status", CampaignStatus)
async def test_each_action_is_allowed_in_this_status_or_refused_with_the_reason(world: World, status: CampaignStatus) -> None:
    for turn, action in enumerate(Action):
        await world.later(seconds=1)
        campaign = await in_status(world, status, first=turn * 10)
        nobody_failed = action is Action.RETRY_CONTACT and status is CampaignStatus.DRAFT
        if status in ALLOWED_IN[action] and not nobody_failed:
            await act(world, action, campaign)
        else:
            with pytest.raises(NotAllowed) as caught:
                await act(world, action, campaign)
            assert caught.value.reason
            assert await campaigns.get(world.db, campaign.id) == campaign
        await world.db.pool.execute("update campaigns set status = 'cancelled' where status not in ('cancelled', 'completed')")


async def test_a_campaign_without_contacts_does_not_start(world: World) -> None:
    campaign = await world.campaign(0, start=False)
    with pytest.raises(NotAllowed, match="no contacts"):
        await campaigns.start(world.db, campaign.id, actor="test")


async def test_a_campaign_whose_start_has_passed_does_not_start_in_silence(world: World) -> None:
    campaign = await world.campaign(1, start=False, scheduled_start=NOON + timedelta(hours=1))
    await world.later(hours=2)
    with pytest.raises(InvalidCampaign, match="past"):
        await campaigns.start(world.db, campaign.id, actor="test")


async def test_an_edit_of_something_that_was_changed_meanwhile_is_refused(world: World) -> None:
    campaign = await world.campaign(1, start=False)
    edited = await campaigns.edit(world.db, campaign.id, {"concurrency": 3}, version=campaign.version, actor="test")
    assert (edited.concurrency, edited.version) == (3, campaign.version + 1)
    with pytest.raises(Outdated):
        await campaigns.edit(world.db, campaign.id, {"concurrency": 4}, version=campaign.version, actor="test")


async def test_an_edit_that_makes_no_sense_changes_nothing(world: World) -> None:
    campaign = await world.campaign(1, start=False)
    with pytest.raises(InvalidCampaign) as caught:
        await campaigns.edit(world.db, campaign.id, {"max_retries": 2, "agent_id": 99}, version=None, actor="test")
    assert set(caught.value.problems) == {"retry_delay_min", "agent_id"}
    assert await campaigns.get(world.db, campaign.id) == campaign


async def test_an_edit_lets_blocked_contacts_be_looked_at_anew(world: World) -> None:
    await world.at(NOON.replace(hour=3))
    campaign = await world.campaign(1, local_hours=True)
    loop = await world.loop()
    await world.tick(loop)
    await campaigns.pause(world.db, campaign.id, actor="test")
    await campaigns.edit(world.db, campaign.id, {"local_hours": False}, version=None, actor="test")
    await campaigns.resume(world.db, campaign.id, actor="test")
    assert await world.tick(loop) == 1


async def _edit(world: World, campaign: Campaign, **changes: Any) -> None:
    """An edit of a running campaign."""
    await campaigns.pause(world.db, campaign.id, actor="test")
    await campaigns.edit(world.db, campaign.id, changes, version=None, actor="test")
    await campaigns.resume(world.db, campaign.id, actor="test")


async def test_fewer_retries_than_tries_made_fail_a_contact_when_its_turn_comes(world: World) -> None:
    campaign = await world.campaign(1, max_retries=3, retry_delay_min=10)
    loop = await world.loop()
    await world.tick(loop)
    await world.ring_out((await world.calls())[0]["id"])
    await _edit(world, campaign, max_retries=0)
    assert [each.status for each in await world.contacts(campaign)] == ["pending"]
    await world.later(minutes=10)
    assert await world.tick(loop) == 0
    (contact,) = await world.contacts(campaign)
    assert (contact.status, contact.status_reason) == ("failed", "1 tries made: none left")
    assert [(each.gate, each.verdict) for each in (await contacts.why(world.db, contact.id)).verdicts] == [("max_tries", "fail")]
    assert await world.status(campaign) == "completed"


async def test_more_retries_are_for_contacts_under_way_and_do_not_bring_back_those_that_failed(world: World) -> None:
    campaign = await world.campaign(2, concurrency=1)
    loop = await world.loop()
    await world.tick(loop)
    await world.ring_out((await world.calls())[0]["id"])
    await world.later(seconds=1)
    await world.tick(loop)
    await _edit(world, campaign, max_retries=1, retry_delay_min=5)
    await world.ring_out((await world.calls())[1]["id"])
    failed, under_way = await world.contacts(campaign)
    assert (failed.status, under_way.status, under_way.not_before) == ("failed", "pending", world.now + timedelta(minutes=5))


async def test_a_call_in_progress_keeps_its_agent_and_the_next_one_has_the_new(world: World) -> None:
    campaign = await world.campaign(2, concurrency=1)
    loop = await world.loop()
    await world.tick(loop)
    other = await world.value("insert into agents (name) values ('Bo') returning id")
    await world.db.pool.execute("insert into agent_versions (agent_id, version, definition) values ($1, 1, '{}')", other)
    await _edit(world, campaign, agent_id=other)
    (first,) = await world.calls()
    await world.talk(first["id"])
    await world.later(seconds=1)
    await world.tick(loop)
    assert [call["agent_id"] for call in await world.calls()] == [world.agent_id, other]


async def test_a_new_window_decides_at_once_whether_it_runs_or_waits(world: World) -> None:
    campaign = await world.campaign(1)
    hours = {"start_time": "13:00", "end_time": "14:00", "timezone": "UTC"}
    await _edit(world, campaign, **hours)
    assert await world.status(campaign) == "pending"
    await _edit(world, campaign, start_time="11:00")
    assert await world.status(campaign) == "in_progress"


async def test_the_number_is_changed_when_no_call_is_in_progress_on_the_old_one(world: World) -> None:
    campaign = await world.campaign(2, concurrency=1)
    loop = await world.loop()
    await world.tick(loop)
    other = await world.value(
        "insert into phone_numbers (e164, carrier_account_id) values ('+493099999', $1) returning id", world.account_id
    )
    await campaigns.pause(world.db, campaign.id, actor="test")
    with pytest.raises(NotAllowed, match="calls are in progress on the old phone number"):
        await campaigns.edit(world.db, campaign.id, {"phone_number_id": other}, version=None, actor="test")
    await world.talk((await world.calls())[0]["id"])
    await campaigns.edit(world.db, campaign.id, {"phone_number_id": other}, version=None, actor="test")
    await campaigns.resume(world.db, campaign.id, actor="test")
    await world.later(seconds=1)
    await world.tick(loop)
    assert [order.caller for order in world.carrier.orders] == ["+493012345", "+493099999"]


async def test_a_pilot_that_was_begun_anew_by_an_edit_pauses_again(world: World) -> None:
    campaign = await world.campaign(4, pilot_size=1)
    loop = await world.loop()
    await world.tick(loop)
    await world.talk((await world.calls())[0]["id"])
    assert await world.status(campaign) == "paused"
    await campaigns.edit(world.db, campaign.id, {"pilot_size": 2}, version=None, actor="test")
    await campaigns.resume(world.db, campaign.id, actor="test")
    for _ in range(3):
        await world.later(seconds=1)
        await world.tick(loop)
    assert len(world.carrier.orders) == 2
    await world.talk((await world.calls())[1]["id"])
    assert await world.status(campaign) == "paused"


async def test_a_campaign_keeps_its_agents_version_until_it_is_edited(world: World) -> None:
    campaign = await world.campaign(1, start=False)
    await world.db.pool.execute("update agents set version = 2")
    await world.db.pool.execute("insert into agent_versions (agent_id, version, definition) values ($1, 2, '{}')", world.agent_id)
    assert (await campaigns.get(world.db, campaign.id)).agent_version == 1
    assert (await campaigns.edit(world.db, campaign.id, {"name": "New"}, version=None, actor="test")).agent_version == 2


async def test_a_copy_is_a_draft_with_the_same_settings_and_fresh_contacts(world: World) -> None:
    campaign = await in_status(world, CampaignStatus.CANCELLED)
    copy = await campaigns.duplicate(world.db, campaign.id, actor="test")
    assert (copy.status, copy.pending, copy.contacts) == ("draft", 3, 3)
    assert campaigns.settings_of(copy).renamed("x") == campaigns.settings_of(campaign).renamed("x")


async def test_pause_lets_calls_finish_and_resume_goes_on(world: World) -> None:
    campaign = await world.campaign(2, concurrency=1)
    loop = await world.loop()
    await world.tick(loop)
    (call,) = await world.calls()
    await campaigns.pause(world.db, campaign.id, actor="test")
    await world.talk(call["id"])
    assert [each.status for each in await world.contacts(campaign)] == ["completed", "pending"]
    assert world.carrier.hung_up == []
    await campaigns.resume(world.db, campaign.id, actor="test")
    await world.later(seconds=1)
    assert await world.tick(loop) == 1


async def test_a_paused_campaign_with_nobody_left_is_completed_when_it_is_resumed(world: World) -> None:
    campaign = await world.campaign(1)
    await world.tick(await world.loop())
    await campaigns.pause(world.db, campaign.id, actor="test")
    await world.talk((await world.calls())[0]["id"])
    assert await world.status(campaign) == "paused"
    assert (await campaigns.resume(world.db, campaign.id, actor="test")).status == "completed"


async def test_cancel_lets_calls_finish_and_calls_nobody_any_more(world: World) -> None:
    campaign = await world.campaign(2, concurrency=1, max_retries=1, retry_delay_min=1)
    loop = await world.loop()
    await world.tick(loop)
    await campaigns.cancel(world.db, campaign.id, actor="test")
    await world.ring_out((await world.calls())[0]["id"])
    await world.later(hours=1)
    assert await world.tick(loop) == 0
    assert await world.status(campaign) == "cancelled"


async def test_retry_grants_one_more_try_and_reopens_a_completed_campaign(world: World) -> None:
    campaign = await in_status(world, CampaignStatus.COMPLETED)
    (contact,) = await world.contacts(campaign)
    await contacts.retry(world.db, contact.id, actor="test")
    assert await world.status(campaign) == "in_progress"
    await world.later(seconds=1)
    assert await world.tick(world.loops[0]) == 1
    await world.ring_out((await world.calls())[-1]["id"])
    (contact,) = await world.contacts(campaign)
    assert (contact.status, contact.tries) == ("failed", 2)
    assert await world.status(campaign) == "completed"


async def test_skipping_or_removing_the_last_one_completes_the_campaign(world: World) -> None:
    for verb in (contacts.skip, contacts.remove):
        campaign = await world.campaign(1)
        (contact,) = await world.contacts(campaign)
        await verb(world.db, contact.id, actor="test")
        assert await world.status(campaign) == "completed"


async def test_contacts_are_added_by_hand_with_a_report_of_those_that_are_not(world: World) -> None:
    campaign = await world.campaign(1, start=False)
    added = await contacts.add(
        world.db,
        campaign.id,
        [contacts.NewContact(number=each) for each in (number(0), "rubbish", "+49 30 777777", "+4930777777")],
        actor="test",
    )
    assert added.added == 1
    assert [(each.position, each.problem) for each in added.refused] == [
        (0, "the campaign has this number already"),
        (1, "this is not a phone number"),
        (3, "the same number was given before"),
    ]


async def test_what_does_not_exist_is_not_found(world: World) -> None:
    for verb in (campaigns.start, campaigns.pause, campaigns.duplicate, campaigns.delete):
        with pytest.raises(NotFound, match="no campaign 99"):
            await verb(world.db, 99, actor="test")
    with pytest.raises(NotFound, match="no contact 99"):
        await contacts.retry(world.db, 99, actor="test")
    with pytest.raises(InvalidCampaign, match="no agent 99"):
        await campaigns.create(world.db, CampaignSettings(name="x", agent_id=99, phone_number_id=world.phone_number_id), actor="test")


async def test_only_a_draft_is_deleted(world: World) -> None:
    draft, running = await world.campaign(1, start=False), await world.campaign(1)
    await campaigns.delete(world.db, draft.id, actor="test")
    with pytest.raises(NotFound):
        await campaigns.get(world.db, draft.id)
    with pytest.raises(NotAllowed):
        await campaigns.delete(world.db, running.id, actor="test")


async def test_two_operators_who_start_at_once_start_it_once(world: World) -> None:
    campaign = await world.campaign(1, start=False)
    results = await asyncio.gather(*(campaigns.start(world.db, campaign.id, actor=who) for who in ("a", "b")), return_exceptions=True)
    assert [isinstance(each, NotAllowed) for each in results].count(True) == 1


async def test_numbers_from_the_calls_are_told_as_they_are(world: World) -> None:
    campaign = await world.campaign(2)
    loop = await world.loop()
    await world.tick(loop)
    await world.later(seconds=1)
    await world.tick(loop)
    talked, missed = [call["id"] for call in await world.calls()]
    await world.talk(talked)
    await world.ring_out(missed)
    stats = await campaigns.stats(world.db, campaign.id)
    assert (stats.ended, stats.answered, stats.people, stats.goals_met, stats.live) == (2, 1, 1, 1, 0)


async def test_every_verb_leaves_a_line_in_the_audit_log(world: World) -> None:
    campaign = await world.campaign(2, start=False)
    await campaigns.start(world.db, campaign.id, actor="ada")
    await contacts.skip(world.db, (await world.contacts(campaign))[0].id, actor="ada")
    await campaigns.pause(world.db, campaign.id, actor="ada")
    rows = await world.db.pool.fetch("select action from audit_log where actor = 'ada' order by id")
    assert [row["action"] for row in rows] == ["campaign.start", "contact.skip", "campaign.pause"]


async def test_the_database_refuses_settings_that_slipped_through(world: World) -> None:
    await world.campaign(1, start=False)
    with pytest.raises(asyncpg.CheckViolationError):
        await world.db.pool.execute("update campaigns set max_retries = 3")
