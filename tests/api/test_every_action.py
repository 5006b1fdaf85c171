"""Every action in every status, through the API: allowed with its effect, or refused with the reason in words, and then nothing changed."""

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from db.database import Database
from dialer.lifecycle import ALLOWED_IN, Action, CampaignStatus, shown
from tests.api.conftest import VARIABLES, Api

Make = Callable[..., Awaitable[dict[str, Any]]]

ADD, IMPORT = "add_contact", "import"
MANY = {f"many_{verb}": Action(f"{verb}_contact") for verb in ("retry", "skip", "remove")}
RULED_BY = {ADD: Action.EDIT, IMPORT: Action.EDIT} | MANY
EVERYTHING = [*Action, *RULED_BY]
LATER = {"scheduled_start": "2999-01-01T00:00:00Z"}
STATUS_AFTER = {Action.PAUSE: "paused", Action.CANCEL: "cancelled", Action.START: "in_progress", Action.RESUME: "in_progress"}


async def in_status(api: Api, make: Make, database: Database, status: CampaignStatus) -> tuple[str, str, str]:
    """Ids of a campaign in that status, of a failed contact, and of one that is pending, as far as the status has one."""
    campaign = await make(3, **(LATER if status is CampaignStatus.PENDING else {}))
    path = f"/campaigns/{campaign['id']}"
    first, second, third = [each["id"] for each in (await api.done("GET", f"{path}/contacts"))["items"]]
    if status is not CampaignStatus.DRAFT:
        await api.done("POST", f"{path}/start")
    await database.pool.execute("update contacts set status = 'failed', tries = 1 where id = $1", int(first))
    if status is CampaignStatus.PAUSED:
        await api.done("POST", f"{path}/pause")
    if status is CampaignStatus.CANCELLED:
        await api.done("POST", f"{path}/cancel")
    if status is CampaignStatus.COMPLETED:
        for contact in (second, third):
            await api.done("POST", f"/contacts/{contact}/skip")
    assert (await api.done("GET", path))["status"] == status
    return campaign["id"], first, second


def request(action: str, campaign: str, failed: str, pending: str) -> tuple[str, str, dict[str, Any]]:
    """How the API is asked for it."""
    path = f"/campaigns/{campaign}"
    match action:
        case Action.EDIT:
            return "PATCH", path, {"json": {"name": "Another"}}
        case Action.RETRY_CONTACT:
            return "POST", f"/contacts/{failed}/retry", {}
        case Action.SKIP_CONTACT:
            return "POST", f"/contacts/{pending}/skip", {}
        case Action.REMOVE_CONTACT:
            return "DELETE", f"/contacts/{pending}", {}
        case "many_retry" | "many_skip" | "many_remove":
            return "POST", f"{path}/contacts/{action.removeprefix('many_')}", {"json": {}}
        case "add_contact":
            return "POST", f"{path}/contacts", {"json": {"number": "+12025550999", "variables": VARIABLES}}
        case "import":
            form = aiohttp.FormData()
            form.add_field("file", b"phone_number\n+12025550998\n", filename="more.csv", content_type="text/csv")
            return "POST", f"{path}/contacts/import", {"data": form}
    return "POST", f"{path}/{action}", {}


async def seen(api: Api, campaign: str) -> Any:
    return await api.done("GET", f"/campaigns/{campaign}"), await api.done("GET", f"/campaigns/{campaign}/contacts")


@pytest.mark.parametrize("status", CampaignStatus)
async def test_every_action_in_this_status(api: Api, make_campaign: Make, database: Database, status: CampaignStatus) -> None:
    for action in EVERYTHING:
        campaign, failed, pending = await in_status(api, make_campaign, database, status)
        before = await seen(api, campaign)
        method, path, options = request(action, campaign, failed, pending)
        allowed = status in ALLOWED_IN[RULED_BY.get(action) or Action(action)]
        assert (action in before[0]["allowed_actions"]) == allowed or action in RULED_BY
        if not allowed:
            said = (await api.refused(409, method, path, **options))["detail"]
            assert said.startswith(f"the campaign is {shown(status)}: "), said
            assert await seen(api, campaign) == before, f"{action} in {status}"
            continue
        await api.done(method, path, **options)
        after = await seen(api, campaign)
        assert after != before or action is Action.DUPLICATE, f"{action} in {status}"
        if action in STATUS_AFTER:
            assert after[0]["status"] == STATUS_AFTER[action], f"{action} in {status}"


@pytest.mark.parametrize("status", CampaignStatus)
async def test_a_copy_is_a_draft_with_all_contacts_pending_and_the_original_stays(
    api: Api, make_campaign: Make, database: Database, status: CampaignStatus
) -> None:
    campaign, _, _ = await in_status(api, make_campaign, database, status)
    before = await seen(api, campaign)
    copy = await api.done("POST", f"/campaigns/{campaign}/duplicate")
    assert (copy["status"], copy["pending"], copy["contacts"]) == ("draft", 3, 3)
    assert copy["name"] == "June (copy)"
    assert await seen(api, campaign) == before


async def test_only_retry_reopens_a_completed_campaign(api: Api, make_campaign: Make, database: Database) -> None:
    campaign, failed, _ = await in_status(api, make_campaign, database, CampaignStatus.COMPLETED)
    contact = await api.done("POST", f"/contacts/{failed}/retry")
    assert contact["status"] == "pending"
    assert (await api.done("GET", f"/campaigns/{campaign}"))["status"] == "in_progress"
    assert (await api.done("GET", f"/campaigns/{campaign}"))["ended_at"] is None


async def test_a_contact_that_has_not_failed_or_is_not_pending_is_left_alone_with_the_reason(
    api: Api, make_campaign: Make, database: Database
) -> None:
    _, failed, pending = await in_status(api, make_campaign, database, CampaignStatus.IN_PROGRESS)
    for method, path, reason in [
        ("POST", f"/contacts/{pending}/retry", "the contact is Pending: only a Failed one can be retried"),
        ("POST", f"/contacts/{failed}/skip", "the contact is Failed: only a Pending one can be skipped"),
        ("DELETE", f"/contacts/{failed}", "the contact is Failed: only a Pending one can be removed"),
    ]:
        assert (await api.refused(409, method, path))["detail"] == reason


async def test_many_are_changed_by_filter_or_by_ids_and_the_others_are_told_of(api: Api, make_campaign: Make, database: Database) -> None:
    campaign, failed, pending = await in_status(api, make_campaign, database, CampaignStatus.IN_PROGRESS)
    path = f"/campaigns/{campaign}/contacts"
    done = await api.done("POST", f"{path}/skip", json={"ids": [pending, failed]})
    reason = "the contact is Failed: only a Pending one can be skipped"
    assert done == {"changed": 1, "left_alone": [{"reason": reason, "contacts": 1}], "stopped": ""}
    done = await api.done("POST", f"{path}/retry", json={"status": "failed", "search": "contact"})
    assert done == {"changed": 1, "left_alone": [], "stopped": ""}
    assert [each["status"] for each in (await api.done("GET", path))["items"]] == ["pending", "skipped", "pending"]


async def test_many_are_changed_once_for_one_key(api: Api, make_campaign: Make) -> None:
    campaign = await make_campaign(3)
    path, once = f"/campaigns/{campaign['id']}/contacts/remove", {"Idempotency-Key": "k1"}
    first = await api.done("POST", path, json={"search": "contact 20"}, headers=once)
    assert first["changed"] == 3
    assert await api.done("POST", path, json={"search": "contact 20"}, headers=once) == first


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"ids": ["1"], "search": "Ada"}, "not both"),
        ({"ids": ["one"]}, "'one' is no id"),
        ({"ids": []}, "at least 1"),
        ({"status": "lost"}, "status"),
        ({"statu": "failed"}, "statu"),
    ],
)
async def test_who_is_meant_is_said_in_one_way(api: Api, make_campaign: Make, body: dict[str, Any], said: str) -> None:
    campaign = await make_campaign(1)
    refused = await api.refused(422, "POST", f"/campaigns/{campaign['id']}/contacts/remove", json=body)
    assert said in str(refused)
    assert (await api.done("GET", f"/campaigns/{campaign['id']}"))["pending"] == 1


async def test_why_names_each_gate_and_the_campaigns_history(api: Api, make_campaign: Make, database: Database) -> None:
    campaign, failed, pending = await in_status(api, make_campaign, database, CampaignStatus.PAUSED)
    why = await api.done("GET", f"/contacts/{pending}/why")
    assert why["now"].startswith("the campaign is Paused: paused by ")
    assert {gate["gate"]: gate["verdict"] for gate in why["gates"]}["campaign_status"] == "wait"
    assert [change["status"] for change in why["campaign"]] == ["paused", "in_progress", "draft"]
    assert (await api.done("GET", f"/contacts/{failed}/why"))["gates"] == []
    await api.done("POST", f"/campaigns/{campaign}/cancel")
    assert (await api.done("GET", f"/contacts/{pending}/why"))["now"] == "the campaign is Cancelled"
