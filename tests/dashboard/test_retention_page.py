"""Retention on the settings page: limits, what a change deletes, what was deleted, erasing a person; and what a call's page says."""

from pathlib import Path

import asyncpg
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import CallFilter, data
from dashboard.parts.export import call_log
from dashboard.parts.retention import stricter, what_goes
from dashboard.times import zone
from db.database import Database
from mediaserver.retaining import Retaining
from tests.dashboard.conftest import Dashboard, kept, shown
from tests.dashboard.recording import write_tone
from tests.dashboard.seed import House
from tests.dashboard.test_settings_page import press, tabs

AGED = "update calls set ended_at = ended_at - interval '40 days' where id = $1 returning number"


async def deleted(dashboard: Dashboard, tmp_path: Path) -> None:
    """A pass of the duty."""
    database = await Database.connect(dashboard.database_url)
    await Retaining(database, tmp_path).run_once()
    await database.close()


async def keep_for(dashboard: Dashboard, page: AppTest, field: str, days: int) -> AppTest:
    """Keep something for so many days instead of for ever."""
    page.checkbox(key=f"{field}_forever_0").uncheck()
    await dashboard.draw(page)
    page.number_input(key=f"{field}_0").set_value(days)
    return await dashboard.draw(page)


async def test_retention_is_for_admins(dashboard: Dashboard) -> None:
    assert "Retention" not in tabs(await dashboard.open("settings", part="Retention"))


@pytest.mark.usefixtures("as_admin")
async def test_everything_is_kept_for_ever_until_a_limit_is_set(dashboard: Dashboard) -> None:
    page = await dashboard.open("settings", part="Retention")
    assert [box.value for box in page.checkbox] == [True] * 5
    assert "Nothing is changed" in shown(page)
    assert "Nothing was deleted so far" in shown(page)


@pytest.mark.usefixtures("as_admin")
async def test_a_limit_tells_what_goes_asks_and_is_saved(dashboard: Dashboard, house: House) -> None:
    await kept(dashboard, AGED, house.talked)
    page = await keep_for(dashboard, await dashboard.open("settings", part="Retention"), "recordings_days", 30)
    assert "Within a minute of saving this deletes 1 recording. It can't be undone." in shown(page)
    await press(dashboard, page, "retention_save")
    assert "Recordings: deleted after 30 days. Deleted at once: 1 recording" in shown(page).replace("*", "")
    assert await kept(dashboard, "select recordings_days from retention") is None
    await press(dashboard, page, "retention_save", "confirm_yes")
    assert await kept(dashboard, "select recordings_days from retention") == 30
    assert [toast.value for toast in page.toast] == ["Saved"]


@pytest.mark.usefixtures("as_admin")
async def test_keeping_for_longer_deletes_nothing_and_does_not_ask(dashboard: Dashboard) -> None:
    await kept(dashboard, "update retention set recordings_days = 30 returning recordings_days")
    page = await dashboard.open("settings", part="Retention")
    page.checkbox(key="recordings_days_forever_0").check()
    await dashboard.draw(page)
    assert "Saving deletes nothing at once" in shown(page)
    await press(dashboard, page, "retention_save")
    assert await kept(dashboard, "select recordings_days from retention") is None


@pytest.mark.usefixtures("as_admin")
async def test_what_was_deleted_and_what_could_not_be_is_told(dashboard: Dashboard, house: House, tmp_path: Path) -> None:
    (tmp_path / "recordings" / "1.wav" / "inside").mkdir(parents=True)
    await kept(dashboard, AGED, house.talked)
    await kept(dashboard, "update retention set recordings_days = 30, transcripts_days = 7 returning recordings_days")
    await deleted(dashboard, tmp_path)
    page = await dashboard.open("settings", part="Retention")
    assert "1 file of deleted recordings could not be removed on" in shown(page)
    assert "Last looked for what is due:" in shown(page)
    (table,) = page.dataframe
    assert table.value.iloc[0][["Recordings", "Transcripts"]].tolist() == ["1", "1"]


async def test_a_call_tells_that_its_recording_and_words_were_deleted(dashboard: Dashboard, house: House, tmp_path: Path) -> None:
    write_tone(tmp_path / "recordings" / "1.wav")
    await kept(dashboard, AGED, house.talked)
    await kept(dashboard, "update retention set recordings_days = 30, transcripts_days = 7, timelines_days = 9 returning recordings_days")
    await deleted(dashboard, tmp_path)
    page = await dashboard.open("call", id=str(house.talked))
    words = shown(page)
    assert ": recordings are kept for 30 days." in words
    assert "What was said on this call was deleted on" in words
    assert ": transcripts are kept for 7 days." in words
    assert "What was told about this call was deleted on" in words
    assert "Ada Lovelace" in words
    assert "Monday is fine" not in words
    assert len(page.get("bidi_component")) == 0
    held = call_log(data().exported_calls(house.campaigns["in_progress"], CallFilter(outcome="person")), zone("UTC")).decode("utf-8-sig")
    assert "Monday is fine" not in held
    assert held.splitlines()[0].endswith("transcript,recording_deleted_at,transcript_deleted_at")
    assert len(held.splitlines()) == 13


@pytest.mark.usefixtures("as_admin")
async def test_a_person_is_erased_after_a_question_that_says_what_is_lost(dashboard: Dashboard, house: House, tmp_path: Path) -> None:
    write_tone(tmp_path / "recordings" / "1.wav")
    number = await kept(dashboard, "select number from calls where id = $1", house.talked)
    page = await dashboard.open("settings", part="Retention")
    await press(dashboard, page, "erase_person")
    assert "Enter the phone number" in shown(page)
    page.text_input(key="erase_0").set_value(number)
    await press(dashboard, page, "erase_person")
    assert f"Of {number} this deletes 1 recording, 1 transcript, and name and variables of" in shown(page).replace("*", "")
    assert (tmp_path / "recordings" / "1.wav").exists()
    await press(dashboard, page, "erase_person", "confirm_yes")
    assert "Erased: 1 recording, 1 transcript" in shown(page)
    assert not (tmp_path / "recordings" / "1.wav").exists()
    assert await kept(dashboard, "select count(*) from contacts where number = $1 and name <> ''", number) == 0
    call = shown(await dashboard.open("call", id=str(house.talked)))
    assert "everything kept of this person was erased" in call
    assert "Name and variables of the contact were deleted" in call
    log = shown(await dashboard.open("settings", part="Audit log")).replace("*", "")
    assert "admin erased everything kept of the number" in log
    assert number not in log


@pytest.mark.usefixtures("as_admin")
async def test_nobody_is_erased_during_a_call(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("settings", part="Retention")
    page.text_input(key="erase_0").set_value(await kept(dashboard, "select number from calls where id = $1", house.running))
    await press(dashboard, page, "erase_person")
    assert "a call to this number is in progress" in shown(page)


async def test_contacts_tell_that_their_names_were_deleted(dashboard: Dashboard, house: House) -> None:
    campaign = house.campaigns["completed"]
    database = await asyncpg.connect(dashboard.database_url)
    await database.execute("update contacts set name = '', person_deleted_at = callwright_now() where campaign_id = $1", campaign)
    await database.close()
    page = await dashboard.open("campaign", id=str(campaign), tab="Contacts")
    assert any("name and variables deleted" in str(each.proto.json) for each in page.get("bidi_component"))


def test_only_what_a_change_adds_is_told() -> None:
    nothing = {"recordings": 0, "transcripts": 0, "contacts": 0, "timelines": 0, "audit_lines": 0, "at_least": []}
    assert what_goes(nothing, nothing) == ""
    more = nothing | {"recordings": 10_000, "contacts": 1, "audit_lines": 2, "at_least": ["recordings"]}
    assert what_goes(nothing | {"audit_lines": 2}, more) == "more than 10,000 recordings and 1 contact's name and variables"
    assert [stricter(*each) for each in ((None, 1), (30, 7), (7, 30), (7, None), (None, None))] == [True, True, False, False, False]
