"""What operators see of their campaigns, and that the pages command only what is allowed."""

import asyncio

import asyncpg
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.parts import actions
from tests.dashboard.conftest import Dashboard, kept, labels, lines_of, shown
from tests.dashboard.seed import House, add_ground


async def test_an_empty_house_says_what_to_do_next(dashboard: Dashboard) -> None:
    page = await dashboard.open("campaigns")
    assert "No campaigns yet" in shown(page)
    assert "Create campaign" in labels(page)
    assert "upload your contacts as a CSV file" in shown(page)


@pytest.mark.usefixtures("as_viewer")
async def test_a_viewer_is_not_offered_what_a_viewer_may_not(dashboard: Dashboard, house: House) -> None:
    assert "Create campaign" not in labels(await dashboard.open("campaigns"))
    page = await dashboard.open("campaign", id=str(house.campaigns["in_progress"]))
    assert labels(page) == []
    contacts = await dashboard.open("campaign", id=str(house.campaigns["in_progress"]), tab="Contacts")
    assert "+1415555" not in shown(contacts)


async def test_the_list_tells_each_campaign_s_status_and_progress(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("campaigns")
    words = shown(page)
    for status in ("Draft", "Pending", "In Progress", "Paused", "Completed", "Cancelled"):
        assert status in words
    assert "calls answered" in words
    assert "Waits for its calling hours" in words
    assert "Now: 1 call in progress" in words


async def test_a_search_that_fits_nothing_says_so(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("campaigns", q="no such campaign")
    assert "No campaign fits" in shown(page)


async def test_a_search_in_the_address_keeps_nobody_from_creating_a_campaign(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("campaigns", q="November")
    next(button for button in page.main.button if button.label == "Create campaign").click()
    await dashboard.draw(page)
    assert page.title[0].value == "New campaign"


OFFERED = {
    "draft": ["Start", "Cancel", "Duplicate", "Delete"],
    "pending": ["Pause", "Cancel", "Duplicate"],
    "in_progress": ["Pause", "Cancel", "Duplicate"],
    "paused": ["Resume", "Cancel", "Duplicate"],
    "completed": ["Duplicate"],
    "cancelled": ["Duplicate"],
}


async def test_a_campaign_offers_only_what_its_status_allows(dashboard: Dashboard, house: House) -> None:
    found = {status: labels(await dashboard.open("campaign", id=str(campaign))) for status, campaign in house.campaigns.items()}
    assert found == OFFERED


async def test_the_overview_counts_what_the_database_holds(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("campaign", id=str(house.campaigns["in_progress"]))
    metrics = {metric.label: metric.value for metric in page.metric[:10]}  # what follows is foreseen, not counted
    assert metrics == {
        "Contacts": "40", "Completed": "15", "Pending": "20", "In progress": "1", "Failed": "3", "Skipped": "1",
        "Answer rate": "75%", "Goal rate": "60%", "Average duration": "19 s", "First word": "191 ms",
    }  # fmt: skip
    words = shown(page)
    assert "Calls now (1 of 4)" in words
    assert "24 calls" in next(line for line in words.splitlines() if "Europe/Berlin" in line and "calls" in line)
    assert page.get("vega_lite_chart")[0].proto.alt.startswith("Calls by half hour and how they ended. 24 calls")
    assert "Outside the callee's own hours" in words
    assert "Times are in Europe/Berlin" in words


async def test_the_list_and_the_overview_tell_the_same_share(dashboard: Dashboard, house: House) -> None:
    running = str(house.campaigns["in_progress"])
    await kept(dashboard, "update calls set outcome = 'busy', answered_at = null where id = $1 returning id", house.calls[0])
    (answered,) = [metric.value for metric in (await dashboard.open("campaign", id=running)).metric if metric.label == "Answer rate"]
    assert answered == "71%", "17 of 24 are 70.8%"
    assert f"**{answered}** of 24 calls answered" in shown(await dashboard.open("campaigns"))


async def test_nothing_is_said_of_calls_now_where_none_can_be_made(dashboard: Dashboard, house: House) -> None:
    words = shown(await dashboard.open("campaign", id=str(house.campaigns["completed"])))
    assert "Calls now" not in words
    assert "Calls over time" not in words


async def test_a_campaign_leads_to_its_agent_and_number_and_a_draft_to_a_test_call(dashboard: Dashboard, house: House) -> None:
    agent, number = f"id={house.agent}", f"id={house.number}"
    for status, more in (("draft", [f"{agent}&tab=Test+call"]), ("in_progress", [])):
        page = await dashboard.open("campaign", id=str(house.campaigns[status]))
        assert [link.proto.query_string for link in page.get("page_link")][1:3] == [agent, number]
        assert [link.proto.query_string for link in page.get("page_link") if link.proto.label == "Make a test call"] == more


async def test_without_agents_and_numbers_the_first_step_leads_to_where_they_are_made(dashboard: Dashboard) -> None:
    page = await dashboard.open("new_campaign")
    assert "There is no agent yet" in shown(page)
    assert "There is no phone number yet" in shown(page)
    assert [link.proto.page for link in page.get("page_link")][1:] == ["agents", "phone_numbers"]


async def test_start_is_sent_once_and_a_refusal_is_told(dashboard: Dashboard, house: House) -> None:
    draft = house.campaigns["draft"]
    page = await dashboard.open("campaign", id=str(draft))
    page.button(key="do_start").click()
    await dashboard.draw(page)
    assert "the campaign has no contacts to call" in shown(page)
    assert dashboard.api.received == [("POST", f"/campaigns/{draft}/start")]


async def test_a_double_click_on_start_does_not_pause_what_it_started(
    dashboard: Dashboard, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "REST_S", 60.0)
    paused = house.campaigns["paused"]
    page = await dashboard.open("campaign", id=str(paused))
    page.button(key="do_resume").click()
    await dashboard.draw(page)
    assert page.button(key="do_pause").disabled
    page.session_state["actions_rest_until"] = 0.0  # the rest is over
    await dashboard.draw(page)
    assert not page.button(key="do_pause").disabled
    assert dashboard.api.received == [("POST", f"/campaigns/{paused}/resume")]


async def test_cancelling_asks_first_and_names_what_is_lost(dashboard: Dashboard, house: House) -> None:
    running = house.campaigns["in_progress"]
    page = await dashboard.open("campaign", id=str(running))
    page.button(key="do_cancel").click()
    await dashboard.draw(page)
    assert "**November reminders** stops for good. 20 contacts will not be called." in shown(page)
    assert [button.label for button in page.button if str(button.key).startswith("confirm_")] == ["Cancel the campaign", "Go back"]
    assert dashboard.api.received == []


async def test_settings_of_a_running_campaign_are_shown_with_the_reason_and_those_of_a_draft_can_be_saved(
    dashboard: Dashboard, house: House
) -> None:
    page = await dashboard.open("campaign", id=str(house.campaigns["in_progress"]), tab="Settings")
    assert "can't be changed while the campaign is In Progress" in shown(page)
    assert not page.text_input
    draft = await dashboard.open("campaign", id=str(house.campaigns["draft"]), tab="Settings")
    draft.number_input(key=f"edit_{house.campaigns['draft']}_1_concurrency").set_value(7)
    await dashboard.draw(draft)
    next(button for button in draft.button if button.label == "Save settings").click()
    await dashboard.draw(draft)
    saved = "select row(name, concurrency, start_time, version)::text from campaigns where id = $1"
    assert await kept(dashboard, saved, house.campaigns["draft"]) == '("December reminders",7,09:00:00,2)'


async def test_contacts_are_searched_filtered_and_paged(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("campaign", id=str(house.campaigns["in_progress"]), tab="Contacts")
    assert len(lines_of(page, "Contacts")) == 25
    next(button for button in page.button if button.label == "Next").click()
    await dashboard.draw(page)
    assert "Contacts 26 to 40" in shown(page)
    page.text_input(key="contact_search").set_value("lovelace")
    await dashboard.draw(page)
    found = lines_of(page, "Contacts")
    assert found
    assert all("Lovelace" in line for line in found)


async def test_retry_is_sent_for_the_failed_contacts_that_are_ticked(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("campaign", id=str(house.campaigns["in_progress"]), tab="Contacts")
    failed, done = house.contacts[6], house.contacts[0]
    page.session_state["contact_lines_0"] = {"ticked": [failed, done]}
    await dashboard.draw(page)
    assert "2 contacts ticked" in shown(page)
    page.button(key="retry").click()
    await dashboard.draw(page)
    assert "Tick contacts to retry, skip or remove them" in shown(page)
    assert dashboard.api.received == [("POST", f"/contacts/{failed}/retry")]
    assert await kept(dashboard, "select status from contacts where id = $1", failed) == "pending"


async def test_the_call_log_is_filtered_and_says_when_nothing_fits(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("campaign", id=str(house.campaigns["in_progress"]), tab="Call Log")
    page.selectbox(key="log_outcome").set_value("busy")
    await dashboard.draw(page)
    calls = lines_of(page, "Calls")
    assert calls
    assert all("| Busy |" in line and "Goal" not in line for line in calls)
    page.selectbox(key="log_goal").set_value("met")
    await dashboard.draw(page)
    assert "No call fits" in shown(page)


async def test_a_line_of_the_call_log_tells_who_what_came_of_it_when_and_how_long_and_leads_to_the_call(
    dashboard: Dashboard, house: House
) -> None:
    page = await dashboard.open("campaign", id=str(house.campaigns["in_progress"]), tab="Call Log")
    lines = lines_of(page, "Calls")
    assert lines[0].startswith("Dennis ")
    assert "| Talking |" in lines[0]
    (talked,) = (line for line in lines if line.startswith("Ada Lovelace"))
    assert "| +14155550200 · try 1 | Talked to a person | Goal met | Positive | " in talked
    assert talked.endswith(" · 19 s")
    await dashboard.press(page, "call_lines_log", "opened", house.talked)
    assert page.title[0].value == "Ada Lovelace"


async def test_a_campaign_without_calls_says_when_there_will_be_some(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("campaign", id=str(house.campaigns["draft"]), tab="Call Log")
    assert "No calls yet" in shown(page)


async def test_a_campaign_that_is_not_there_is_told(dashboard: Dashboard) -> None:
    for asked in ("999999", "", "x"):
        assert "There is no such campaign" in shown(await dashboard.open("campaign", id=asked))


async def test_without_a_session_there_is_only_the_way_to_sign_in(
    dashboard: Dashboard, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.commands.session_cookie", lambda: "ended")
    page = await dashboard.open("campaign", id=str(house.campaigns["in_progress"]))
    assert "Sign in again" in shown(page)
    assert "November" not in shown(page)


async def test_an_api_that_is_down_and_a_database_that_is_down_are_told_apart(dashboard: Dashboard, database_url: str) -> None:
    name = database_url.rpartition("/")[2]
    server = await asyncpg.connect(database_url.rpartition("/")[0] + "/template1")
    try:
        await server.execute(f"alter database {name} with allow_connections false")
        page = await dashboard.open("campaigns")
        assert "The database does not answer" in shown(page)
        await server.execute(f"alter database {name} with allow_connections true")
    finally:
        await server.close()
    await asyncio.to_thread(dashboard.api.stop)
    dashboard.api.start()
    page = await dashboard.open("campaigns")
    assert "The media server can't be reached" in shown(page)


async def test_a_new_campaign_asks_for_what_is_missing_and_then_makes_a_draft(dashboard: Dashboard) -> None:
    database = await asyncpg.connect(dashboard.database_url)
    agent, number = await add_ground(database)
    await database.close()
    page = await dashboard.open("new_campaign")
    go_on = next(button for button in page.button if button.label == "Continue to call settings")
    go_on.click()
    await dashboard.draw(page)
    assert "Give the campaign a name" in shown(page)
    assert dashboard.api.received == []
    page.text_input(key="new_name").set_value("Reminders")
    next(button for button in page.button if button.label == "Continue to call settings").click()
    await dashboard.draw(page)
    assert dashboard.api.received == [("POST", "/campaigns")]
    made = "select row(name, status, agent_id, phone_number_id)::text from campaigns"
    assert await kept(dashboard, made) == f"(Reminders,draft,{agent},{number})"
    assert "Step 2 of 3" in str(page.get("progress")[0].text)


async def test_retries_without_a_delay_are_held_back_and_what_was_typed_stays(dashboard: Dashboard, house: House) -> None:
    draft = house.campaigns["draft"]
    page = await dashboard.open("new_campaign", id=str(draft), step="2")
    page.number_input(key=f"new_{draft}_retries").set_value(2)
    page.number_input(key=f"new_{draft}_concurrency").set_value(9)
    await dashboard.draw(page)
    next(button for button in page.button if button.label == "Continue to contacts").click()
    await dashboard.draw(page)
    assert "required once there are retries" in shown(page)
    assert dashboard.api.received == []
    assert page.number_input(key=f"new_{draft}_concurrency").value == 9


async def test_what_the_api_finds_wrong_is_told_beside_the_field(dashboard: Dashboard, house: House) -> None:
    draft = house.campaigns["draft"]
    page = await dashboard.open("new_campaign", id=str(draft), step="2")
    page.number_input(key=f"new_{draft}_day").set_value(9)
    await dashboard.draw(page)
    next(button for button in page.button if button.label == "Continue to contacts").click()
    await dashboard.draw(page)
    assert "Is below max_per_24h (9): raise it, or lower the other" in shown(page)
    assert page.number_input(key=f"new_{draft}_day").value == 9


async def changed_by_somebody_else(dashboard: Dashboard, draft: int) -> AppTest:
    """A page on which concurrency 5 was typed, and somebody else has saved two other settings since."""
    page = await dashboard.open("campaign", id=str(draft), tab="Settings")
    page.number_input(key=f"edit_{draft}_1_concurrency").set_value(5)
    await dashboard.draw(page)
    theirs = "update campaigns set ring_timeout_s = 20, end_time = '17:00', version = 2 where id = $1 returning id"
    await kept(dashboard, theirs, draft)
    return await dashboard.draw(page)


async def test_two_people_editing_at_once_the_second_is_told_what_changed_and_keeps_both(dashboard: Dashboard, house: House) -> None:
    draft = house.campaigns["draft"]
    page = await changed_by_somebody_else(dashboard, draft)
    words = shown(page)
    assert "Somebody else has changed this campaign since you opened it" in words
    assert "**Ring for**: 30 seconds became 20 seconds" in words
    assert "from 09:00 to 18:00 (Europe/Berlin). became Calls are made every day, from 09:00 to 17:00" in words
    assert page.number_input(key=f"edit_{draft}_1_concurrency").value == 5
    assert "Save settings" not in labels(page)
    next(button for button in page.button if button.label.startswith("Save what I changed")).click()
    await dashboard.draw(page)
    saved = "select row(concurrency, ring_timeout_s, end_time)::text from campaigns where id = $1"
    assert await kept(dashboard, saved, draft) == "(5,20,17:00:00)"
    assert "Somebody else" not in shown(page)


async def test_the_second_of_two_people_may_take_what_the_first_has_saved(dashboard: Dashboard, house: House) -> None:
    draft = house.campaigns["draft"]
    page = await changed_by_somebody_else(dashboard, draft)
    next(button for button in page.button if button.label == "Show theirs, and drop mine").click()
    await dashboard.draw(page)
    assert page.number_input(key=f"edit_{draft}_2_concurrency").value == 1
    assert page.number_input(key=f"edit_{draft}_2_ring").value == 20
    assert "Somebody else" not in shown(page)


async def test_variables_that_contacts_lack_are_named_before_start(dashboard: Dashboard, house: House) -> None:
    definition = '{"name": "a", "first_message": "Hello {{contact_name}}, about {{invoice_number}}"}'
    await kept(dashboard, "update agent_versions set definition = $1 returning version", definition)
    page = await dashboard.open("campaign", id=str(house.campaigns["paused"]))
    assert "**invoice_number**: missing for 12 contacts" in shown(page)
    assert "contact_name" not in shown(page)


async def test_why_a_contact_was_not_called_is_told_in_words_and_gate_by_gate(dashboard: Dashboard, house: House) -> None:
    contact, running = house.contacts[24], house.campaigns["in_progress"]
    saw = (
        "insert into gate_verdicts (contact_id, at, gate, verdict, value) values ($1, callwright_now(), $2, 'wait', '3 tries') returning id"
    )
    await kept(dashboard, saw, contact, "frequency_cap")
    page = await dashboard.open("campaign", id=str(running), tab="Contacts")
    await dashboard.press(page, "contact_lines_0", "asked", contact)
    words = shown(page)
    assert "the media server has no running process that could make calls" in words
    assert "- **Lines of the media server** :material/schedule: waits: no running process" in words
    assert "- **Do-not-call list** :material/check: open: not on the do-not-call list" in words
    assert "**Tries per number** :material/schedule: waits: 3 tries" in words
    assert ": **In Progress**" in words
    assert "Not called so far" in words


@pytest.mark.usefixtures("as_viewer")
async def test_a_viewer_reads_why_without_the_number(dashboard: Dashboard, house: House) -> None:
    await kept(dashboard, "update contacts set name = '' where id = $1 returning id", house.contacts[24])
    page = await dashboard.open("campaign", id=str(house.campaigns["in_progress"]), tab="Contacts")
    await dashboard.press(page, "contact_lines_0", "asked", house.contacts[24])
    assert "This contact" in shown(page)
    assert "+1415555" not in shown(page)
