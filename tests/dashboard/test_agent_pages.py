"""What operators see of their agents, and that a test call, a version and a deletion are what they asked for."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace
from streamlit.testing.v1 import AppTest

from agent_runtime import agent as runtime
from agent_runtime.templates import gallery, template
from agent_runtime.tools import tools
from dashboard.parts import agent_form, agent_texts
from dashboard.parts.agent_graph import dot, in_words
from tests.dashboard.conftest import Dashboard, kept, labels, shown
from tests.dashboard.seed import House

DEFINITION = """select definition::text from agent_versions v join agents a on a.id = v.agent_id and a.version = v.version
                where a.id = $1"""


@dataclass(frozen=True)
class Made:
    """An agent that was made from the reminder template."""

    id: int
    page: AppTest


@pytest.fixture
async def made(dashboard: Dashboard, house: House) -> Made:
    """Made as an operator does: from the gallery."""
    page = await dashboard.open("agents", show="Templates")
    page.button(key="template_0_use").click()
    await dashboard.draw(page)
    found: int = await kept(dashboard, "select max(id) from agents")
    return Made(found, await dashboard.open("agent", id=str(found)))


async def test_an_empty_house_leads_to_the_templates(dashboard: Dashboard) -> None:
    page = await dashboard.open("agents")
    assert "No agents yet" in shown(page)
    page.button(key="to_templates").click()
    await dashboard.draw(page)
    assert {heading.value.replace("\\", "") for heading in page.subheader} == {each.name for each in gallery()}
    assert "Each contact needs: appointment_date, appointment_time" in shown(page)


async def test_a_template_becomes_an_agent_with_a_free_name_and_the_list_tells_who_uses_which(dashboard: Dashboard, made: Made) -> None:
    assert made.page.title[0].value == "Appointment reminder 2"
    page = await dashboard.open("agents")
    assert _links(page) == ["Appointment reminder", "Appointment reminder 2"]
    words = shown(page).replace("*", "")
    assert "6 campaigns (4 not over): December reminders, November reminders, Evening notifications and 3 more" in words
    assert "No campaign uses it yet" in words
    assert _links(await dashboard.open("agents", q="REMINDER 2")) == ["Appointment reminder 2"]
    assert "No agent fits" in shown(await dashboard.open("agents", q="nobody"))


async def test_variables_and_preview_follow_what_is_typed(dashboard: Dashboard, made: Made) -> None:
    page = made.page
    typed = "Hello {{first_name}}, this is {{company_name|us}}. Your number is {{ticket|not known}}."
    page.text_area(key=f"agent_{made.id}_1_0_first_message").input(typed)
    await dashboard.draw(page)
    words = shown(page)
    assert "- `first_name`" in words
    assert "Not saved yet" in words
    assert "Hello Ada Lovelace, this is us. Your number is not known." in words
    page.text_input(key=f"sample_{made.id}_ticket").input("seven")
    page.text_input(key=f"sample_{made.id}_first_name").input("")
    page.text_input(key=f"agent_{made.id}_1_0_company").input("Riverside Dental")
    await dashboard.draw(page)
    assert "Hello [first_name?], this is Riverside Dental. Your number is seven." in shown(page)
    assert "Without a value: first_name" in shown(page)
    assert await kept(dashboard, "select version from agents where id = $1", made.id) == 1


async def test_saving_makes_a_version_and_an_old_one_can_be_looked_at_and_restored(dashboard: Dashboard, made: Made) -> None:
    page = made.page
    await kept(dashboard, "update campaigns set agent_id = $1 where status = 'draft'", made.id)
    page.text_area(key=f"agent_{made.id}_1_0_goodbye").input("Bye for now.")
    await dashboard.draw(page)
    page.button(key="save_agent").click()
    await dashboard.draw(page)
    words = shown(page)
    assert "Version 2 (newest)" in words.replace("*", "")
    assert "Version 1: Thank you, and goodbye.  \nNewest: Bye for now." in words
    assert "A campaign keeps the version that it has" in words
    assert "Used by 1 campaign that is not over: December reminders" in words
    page.button(key="restore_1").click()
    await dashboard.draw(page)
    newest = "select definition ->> 'goodbye' from agent_versions where agent_id = $1 and version = 3"
    assert await kept(dashboard, newest, made.id) == "Thank you, and goodbye."
    assert await kept(dashboard, "select agent_version from campaigns where status = 'draft'") == 1


async def test_the_second_of_two_editors_is_told_and_nothing_is_overwritten(dashboard: Dashboard, made: Made) -> None:
    page = made.page
    page.text_area(key=f"agent_{made.id}_1_0_goodbye").input("Mine.")
    await dashboard.draw(page)
    await _somebody_else_saves(dashboard, made.id)
    page.button(key="save_agent").click()
    await dashboard.draw(page)
    assert "Somebody else has saved version 2" in shown(page)
    assert "changed meanwhile" in shown(page)
    assert page.text_area(key=f"agent_{made.id}_1_0_goodbye").value == "Mine."
    page.button(key="take_theirs").click()
    await dashboard.draw(page)
    assert page.text_area(key=f"agent_{made.id}_2_0_goodbye").value == "Theirs."
    assert await kept(dashboard, "select version from agents where id = $1", made.id) == 2


async def test_what_can_not_be_used_is_refused_with_the_reason_and_stays_typed(dashboard: Dashboard, made: Made) -> None:
    page = made.page
    first = f"agent_{made.id}_1_0_first_message"
    page.text_area(key=first).input("Hello {{first name}}")
    page.button(key="save_agent").click()
    await dashboard.draw(page)
    assert "has braces that are no variable" in shown(page)
    assert page.text_area(key=first).value == "Hello {{first name}}"


async def test_a_step_is_added_led_to_and_removed(dashboard: Dashboard, made: Made) -> None:
    page = made.page
    script = f"agent_{made.id}_1_0_script"
    page.text_area(key=f"{script}_confirm_reprompt").input("Will you come?")
    page.text_input(key=f"{script}_new").input("parking")
    page.button(key=f"add_{script}").click()
    await dashboard.draw(page)
    script = f"agent_{made.id}_1_1_script"
    assert page.text_area(key=f"{script}_confirm_reprompt").value == "Will you come?"
    page.text_area(key=f"{script}_parking_say").input("There is parking behind the house.")
    page.text_input(key=f"{script}_confirm_choice_4").input("parking")
    page.text_area(key=f"{script}_confirm_choice_4_examples").input("Where can I park?\nIs there parking?")
    page.selectbox(key=f"{script}_confirm_choice_4_next").select("parking")
    page.button(key="save_agent").click()
    await dashboard.draw(page)
    choice = "select definition #> '{script,steps,confirm,intents,4}' from agent_versions where agent_id = $1 and version = 2"
    assert '"examples": ["Where can I park?", "Is there parking?"]' in await kept(dashboard, choice, made.id)
    assert "parking → parking" in shown(page).replace("*", "")
    page.button(key=f"remove_agent_{made.id}_2_0_script_parking").click()
    await dashboard.draw(page)
    page.button(key="save_agent").click()
    await dashboard.draw(page)
    assert "step confirm goes to parking, which does not exist" in shown(page)


async def test_a_step_is_renamed_and_what_led_to_it_leads_there_still(dashboard: Dashboard, made: Made) -> None:
    page = made.page
    script = f"agent_{made.id}_1_0_script"
    before = await kept(dashboard, DEFINITION, made.id)
    for taken, told in (("Confirm?", "Name the step in small letters"), ("declined", "There is a step declined already")):
        page.text_input(key=f"{script}_confirm_name").input(taken)
        page.button(key=f"rename_{script}_confirm").click()
        await dashboard.draw(page)
        assert told in shown(page)
    page.text_input(key=f"{script}_confirm_name").input("will_you_come")
    page.button(key=f"rename_{script}_confirm").click()
    await dashboard.draw(page)
    assert page.text_input(key=f"agent_{made.id}_1_1_script_will_you_come_name").value == "will_you_come"
    page.button(key="save_agent").click()
    await dashboard.draw(page)
    after = await kept(dashboard, DEFINITION, made.id)
    assert '"confirm"' in before
    assert json.loads(after) == json.loads(before.replace('"confirm"', '"will_you_come"'))


async def test_all_that_a_step_can_do_is_set_and_nothing_else_changes(dashboard: Dashboard, made: Made) -> None:
    page = made.page
    assert "Not saved yet" not in shown(page)
    step = f"agent_{made.id}_1_0_script_confirm"
    page.number_input(key=f"{step}_attempts").set_value(3)
    page.checkbox(key=f"{step}_heard_out").check()
    page.text_area(key=f"{step}_notes").input("asked = yes\nearlier =")
    page.text_input(key=f"{step}_slot").input("size")
    page.selectbox(key=f"{step}_slot_kind").select("choice")
    await dashboard.draw(page)
    page.text_area(key=f"{step}_slot_choices").input("small\nlarge")
    before = runtime.Agent.from_dict(json.loads(await kept(dashboard, DEFINITION, made.id)))
    page.button(key="save_agent").click()
    await dashboard.draw(page)
    after = runtime.Agent.from_dict(json.loads(await kept(dashboard, DEFINITION, made.id)))
    assert before.script is not None
    assert after.script is not None
    slot = runtime.Slot("size", "choice", ("small", "large"))
    confirm = replace(before.script.steps["confirm"], attempts=3, heard_out=True, notes={"asked": "yes", "earlier": ""}, slot=slot)
    assert after == replace(before, script=replace(before.script, steps={**before.script.steps, "confirm": confirm}))
    page.text_area(key=f"agent_{made.id}_2_0_script_confirm_notes").input("not a field")
    page.button(key="save_agent").click()
    await dashboard.draw(page)
    assert "step confirm notes 'not a field': a field has a snake_case name" in shown(page)


async def test_voice_model_and_tools_are_chosen(dashboard: Dashboard, made: Made) -> None:
    page = made.page
    key = f"agent_{made.id}_1_0"
    page.selectbox(key=f"{key}_voice").select("joe@1.15")
    page.selectbox(key=f"{key}_llm").select("openai/gpt-4.1-mini")
    page.text_input(key=f"{key}_llm_base_url").input("http://127.0.0.1:8000/v1")
    page.multiselect(key=f"{key}_tools").unselect("schedule_callback")
    page.button(key="save_agent").click()
    await dashboard.draw(page)
    after = runtime.Agent.from_dict(json.loads(await kept(dashboard, DEFINITION, made.id)))
    assert (after.voice, after.llm, after.llm_base_url) == ("joe@1.15", "openai/gpt-4.1-mini", "http://127.0.0.1:8000/v1")
    assert after.tools == ("end_call", "do_not_call", "note_field")


async def test_an_agent_that_a_campaign_uses_stays_and_deleting_another_asks_first(dashboard: Dashboard, house: House, made: Made) -> None:
    used = await dashboard.open("agent", id=str(house.agent))
    assert used.button(key="delete_agent").disabled
    assert "Used by 4 campaigns that are not over: December reminders, November reminders, Evening notifications and 1 more" in shown(used)
    page = made.page
    page.button(key="delete_agent").click()
    await dashboard.draw(page)
    assert "will be gone from the list" in shown(page)
    assert [button.label for button in page.button if str(button.key).startswith("confirm_")] == ["Delete the agent", "Go back"]
    assert ("DELETE", f"/agents/{made.id}") not in dashboard.api.received


async def test_a_process_without_voice_and_a_closed_gate_are_told_in_words(dashboard: Dashboard, made: Made) -> None:
    page = made.page
    page.button(key="hear_greeting").click()
    await dashboard.draw(page)
    assert "The greeting can't be heard: the voice can't speak now: this process has no voice." in shown(page)
    await _call(dashboard, page)
    assert "The call was not made: the number is on the do-not-call list." in shown(page)


async def test_a_test_call_is_placed_with_the_sample_and_followed(dashboard: Dashboard, house: House, made: Made) -> None:
    asked: list[Any] = []

    async def place(wanted: Any) -> int:
        asked.append(wanted)
        return house.running

    dashboard.api.place_test_call = place
    page = made.page
    page.text_input(key=f"sample_{made.id}_appointment_date").input("Friday")
    await _call(dashboard, page)
    assert (asked[0].number, asked[0].contact_name, asked[0].variables["appointment_date"]) == ("+14155550188", "Ada", "Friday")
    assert asked[0].agent_id == made.id
    assert "Open this call" in _links(page)


@pytest.mark.usefixtures("as_viewer")
async def test_a_viewer_reads_an_agent_and_is_offered_no_command(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("agent", id=str(house.agent))
    assert labels(page) == []
    assert "Hello Ada" in shown(page)
    assert "to_templates" not in [button.key for button in (await dashboard.open("agents")).button]


async def test_an_agent_that_is_not_there_is_told_kindly(dashboard: Dashboard) -> None:
    for asked in ("999", "x", ""):
        assert "There is no such agent" in shown(await dashboard.open("agent", id=asked))


@pytest.mark.parametrize("each", gallery(), ids=lambda each: each.key)
def test_the_pages_read_texts_as_the_agent_does(each: Any) -> None:
    agent, sample = template(each.key), dict.fromkeys(template(each.key).variables(), "this")
    assert agent_texts.variables(each.definition) == agent.variables()
    lines = agent_texts.spoken(each.definition)
    assert sorted(line.text for line in lines) == sorted(agent.spoken_texts())
    assert [agent_texts.filled(line.text, sample) for line in lines] == [runtime.fill(line.text, sample) for line in lines]
    assert len(in_words(each.definition)) == len(each.definition["script"]["steps"]) + 1
    assert dot(each.definition).count("[label=") >= len(each.definition["script"]["steps"]) + 1


def test_the_fields_offer_what_a_definition_may_hold() -> None:
    assert (agent_form.GOALS, agent_form.ENDS, agent_form.SLOT_KINDS) == (runtime.GOALS, runtime.END_REASONS, runtime.SLOT_KINDS)
    assert len(tools(tuple(agent_form.TOOLS), "UTC", lambda: datetime.now(UTC))) == len(runtime.Agent("", "").tools)
    assert agent_texts.VARIABLE.pattern == runtime.VARIABLE.pattern


def test_a_company_is_named_in_all_texts_or_asked_of_each_contact() -> None:
    definition = {"first_message": "Here is {{ company_name }}.", "script": {"steps": {"a": {"say": "{{company_name|us}}"}}}}
    named = agent_texts.spoken_for(definition, "R&D {Berlin}")
    assert [line.text for line in agent_texts.spoken(named)] == ["Here is {{company_name|R&D Berlin}}.", "{{company_name|R&D Berlin}}"]
    assert agent_texts.variables(agent_texts.spoken_for(named, " ")) == {"company_name": True}
    assert agent_texts.speaks_for({"first_message": "Hello"}) is None


def _links(page: AppTest) -> list[str]:
    """Links to other pages, without the way back."""
    found = [str(link.proto.label).replace("\\", "").strip("*") for link in page.main.get("page_link")]
    return [label for label in found if label != "All agents"]


async def _call(dashboard: Dashboard, page: AppTest) -> None:
    page.text_input(key="test_call_number").input("+1 415 555 0188")
    page.button(key="test_call_now").click()
    await dashboard.draw(page)


async def _somebody_else_saves(dashboard: Dashboard, agent_id: int) -> None:
    database = await asyncpg.connect(dashboard.database_url)
    try:
        await database.execute("update agents set version = 2 where id = $1", agent_id)
        await database.execute(
            """insert into agent_versions (agent_id, version, definition)
               select agent_id, 2, jsonb_set(definition, '{goodbye}', '"Theirs."') from agent_versions where agent_id = $1""",
            agent_id,
        )
    finally:
        await database.close()
