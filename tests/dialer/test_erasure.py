"""A person who asks for it is erased: what was said, recorded and noted goes, over all campaigns, and none of them calls any more."""

import asyncio
from datetime import timedelta

import pytest

from dialer import campaigns, contacts, erasure, retention, suppressions
from dialer.contact_import import imports, problems_csv
from dialer.erasure import Erased
from dialer.errors import NotAllowed, NotFound
from tests.dialer.past import NAME, NEEDLE, imported, opt_out_on, past_call, where_it_says
from tests.dialer.world import World, number

HOUR = timedelta(hours=1)


async def named(world: World) -> None:
    """Every contact has a name and variables."""
    await world.db.pool.execute("update contacts set name = $1, variables = $2", NAME, {"customer_name": NAME})


async def test_all_of_a_person_goes_over_all_campaigns_and_nothing_of_anybody_else(world: World) -> None:
    first, second = await world.campaign(2), await world.campaign(2, start=False)
    await named(world)
    theirs = [await past_call(world, number(0), HOUR, campaign=first), await past_call(world, number(0), HOUR)]
    others = await past_call(world, number(1), HOUR, campaign=first)
    await opt_out_on(world, theirs[0], number(0))
    would = await erasure.erase(world.db, number(0), actor="Anna", dry_run=True)
    assert NEEDLE in str(dict(await world.call(theirs[0].id)))
    erased = await erasure.erase(world.db, number(0), actor="Anna")
    assert erased == would == Erased(calls=2, recordings=2, transcripts=2, contacts=2, skipped=2)
    assert await where_it_says(world, NEEDLE, [call.id for call in theirs]) == {"audit_log"}  # the whisper on the other's call
    assert await where_it_says(world, NEEDLE, [others.id]) == {"calls", "transcript_turns", "call_words", "call_events", "audit_log"}
    assert await world.value("select count(*) from contacts where number = $1 and (name <> '' or variables <> '{}')", number(0)) == 0
    assert await world.value("select count(*) from contacts where number = $1 and name = $2", number(1), NAME) == 2
    entry = await suppressions.look_up(world.db, number(0))
    assert entry is not None
    assert await erasure.erase(world.db, number(0), actor="Anna") == Erased(2, 0, 0, 0, 0)
    assert (first.id, second.id) == tuple(each.campaign_id for each in [(await world.contacts(c))[0] for c in (first, second)])


async def test_an_erasure_is_in_the_audit_log_without_the_number(world: World) -> None:
    await past_call(world, number(7), HOUR)
    await erasure.erase(world.db, number(7), actor="Anna")
    line = await world.db.pool.fetchrow("select actor, subject, detail from audit_log where action = 'erasure.person'")
    assert (line["actor"], line["detail"]) == ("Anna", {"calls": 1, "recordings": 1, "transcripts": 1, "contacts": 0})
    assert line["subject"].endswith("*07")
    assert await world.value("select count(*) from audit_log where audit_log::text like $1", f"%{number(7)[1:]}%") == 0


async def test_what_other_systems_were_told_of_a_person_is_not_kept_and_what_waits_is_not_sent(world: World) -> None:
    await world.db.pool.execute("insert into webhooks (url, events, secret) values ('https://crm.example', '{call.ended}', 'whsec_')")
    await world.campaign(2)
    loop = await world.loop()
    for _ in range(2):
        await world.tick(loop)
        await world.settle()
        await world.ring_out((await world.calls())[-1]["id"])
        await world.later(seconds=5)
    assert await world.value("select count(*) from webhook_deliveries") == 2
    await erasure.erase(world.db, number(0), actor="Anna")
    assert await world.value("select array_agg(data ->> 'number') from webhook_deliveries") == [number(1)]


@pytest.mark.parametrize("typed", ["+49 30 555-00000", "(030) 555 00000", "0049-30/55500000"])
async def test_a_report_whose_headers_are_the_person_s_row_quotes_them_no_more_however_the_number_was_typed(
    world: World, typed: str
) -> None:
    campaign = await world.campaign(1, start=False, first=100)
    columns = {typed: "phone_number", "Ada": "contact_name"}
    await imported(world, campaign, f"{typed},Ada\n{number(1)},Grace\n12,Bob\n", "spring.csv", columns)
    await imported(world, campaign, f"phone_number\n{number(2)}\n12\n", "autumn.csv")
    before = {each.file_name: each for each in await imports(world.db, campaign.id)}
    await erasure.erase(world.db, number(3), actor="Anna")
    assert {each.file_name: each for each in await imports(world.db, campaign.id)} == before
    await erasure.erase(world.db, number(0), actor="Anna")
    autumn, spring = await imports(world.db, campaign.id)
    assert (autumn, spring.file_name, spring.report["imported"]) == (before["autumn.csv"], "", 1)
    assert await where_it_says(world, typed) == set()
    with pytest.raises(NotFound):
        await problems_csv(world.db, spring.id)
    assert b"".join(await problems_csv(world.db, autumn.id)).count(b"\n") == 2


async def test_the_name_of_a_file_with_the_person_s_name_goes_and_those_of_others_stay(world: World) -> None:
    campaign, other = await world.campaign(1, start=False, first=100), await world.campaign(1, start=False, first=100)
    for each, file_name in ((campaign, "ada_LOVELACE-2.csv"), (campaign, "spring.csv"), (other, "Ada Lovelace Clinic.csv")):
        there = number(5) if each is other else number(0 if file_name != "spring.csv" else 1)
        await imported(world, each, f"phone_number,contact_name\n{there},Ada Lovelace\n", file_name)
    await erasure.erase(world.db, number(0), actor="Anna")
    assert [each.file_name for each in await imports(world.db, campaign.id)] == ["spring.csv", ""]
    assert [each.file_name for each in await imports(world.db, other.id)] == ["Ada Lovelace Clinic.csv"]  # of a campaign without the number


async def test_why_a_number_is_on_the_do_not_call_list_is_erased_and_the_entry_stays(world: World) -> None:
    for place in range(2):
        await suppressions.add(world.db, number(place), reason=f"{NEEDLE} {place}", source="operator", actor="Olive")
    await erasure.erase(world.db, number(0), actor="Anna")
    assert await where_it_says(world, f"{NEEDLE} 0") == set()
    assert await where_it_says(world, f"{NEEDLE} 1") == {"suppressions", "audit_log"}
    entry = await suppressions.look_up(world.db, number(0))
    assert entry is not None
    assert (entry.reason, entry.added_by) == (erasure.ON_THE_LIST_BECAUSE, "Olive")


async def test_nobody_is_erased_while_a_call_to_them_is_in_progress(world: World) -> None:
    await world.campaign(1)
    await named(world)
    await world.tick(await world.loop())
    for dry_run in (True, False):
        with pytest.raises(NotAllowed, match="in progress: wait until it has ended"):
            await erasure.erase(world.db, number(0), actor="Anna", dry_run=dry_run)
    assert await world.value("select name from contacts") == NAME
    (call,) = await world.calls()
    await world.ring_out(call["id"])
    assert (await erasure.erase(world.db, number(0), actor="Anna")).calls == 1


async def test_who_was_erased_is_not_called_not_retried_and_not_duplicated(world: World) -> None:
    campaign = await world.campaign(2)
    loop = await world.loop()
    for _ in range(2):
        await world.tick(loop)
        await world.later(seconds=1)
    first, second = await world.calls()
    await world.ring_out(first["id"])
    await world.ring_out(second["id"])
    other = await world.campaign(2)
    await erasure.erase(world.db, number(0), actor="Anna")
    assert await world.tick(loop) == 1
    skipped = (await world.contacts(other))[0]
    assert (skipped.status, skipped.status_reason, skipped.erased) == ("skipped", erasure.SKIPPED_BECAUSE, True)
    failed = (await world.contacts(campaign))[0]
    with pytest.raises(NotAllowed, match="erased"):
        await contacts.retry(world.db, failed.id, actor="Olive")
    copy = await campaigns.duplicate(world.db, campaign.id, actor="Olive")
    assert [each.number for each in await world.contacts(copy)] == [number(1)]


async def test_a_campaign_whose_last_contact_is_erased_is_completed(world: World) -> None:
    campaign = await world.campaign(1)
    await erasure.erase(world.db, number(0), actor="Anna")
    assert await world.status(campaign) == "completed"


async def test_erasing_beside_a_claim_either_comes_first_or_is_refused(world: World) -> None:
    await world.campaign(1)
    await named(world)
    loop = await world.loop()
    began, erased = await asyncio.gather(world.tick(loop), erasure.erase(world.db, number(0), actor="Anna"), return_exceptions=True)
    live = await world.value("select count(*) from calls where live")
    assert live == began
    assert isinstance(erased, NotAllowed) == (began == 1)


async def test_limits_do_not_touch_the_reason_of_an_erasure(world: World) -> None:
    call = await past_call(world, number(0), timedelta(days=40))
    await erasure.erase(world.db, number(0), actor="Anna")
    await retention.change(world.db, {"recordings_days": 30, "transcripts_days": 30}, actor="Anna")

    async def no_rest() -> None: ...

    assert not await retention.delete_due(world.db, no_rest)
    row = await world.call(call.id)
    assert (row["recording_deleted_at"], row["recording_kept_days"], row["transcript_kept_days"]) == (world.now, None, None)
