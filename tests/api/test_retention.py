"""How long things are kept, through the API: for admins, checked, previewed, told where something is gone; and a person is erased."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from db.database import Database
from mediaserver.api import ROUTES
from mediaserver.identity import Role
from mediaserver.retaining import Retaining
from tests.api.conftest import Api
from tests.dashboard.recording import write_tone
from tests.dashboard.seed import House, seed

LIMITS = ("recordings_days", "transcripts_days", "contacts_days", "timelines_days", "audit_log_days")


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> House:
    """The seeded house; the call with words and recording ended 40 days ago."""
    connection = await asyncpg.connect(database_url)
    made = await seed(connection)
    await connection.execute("update calls set ended_at = ended_at - interval '40 days' where id = $1", made.talked)
    await connection.close()
    write_tone(tmp_path / "recordings" / "1.wav")
    return made


async def change(api: Api, **limits: int | None) -> Any:
    return await api.done("PATCH", "/retention", Role.ADMIN, json=limits)


async def test_all_is_kept_until_an_admin_changes_it_and_what_is_left_out_stays(api: Api) -> None:
    assert {name: (await api.done("GET", "/retention", Role.ADMIN))[name] for name in LIMITS} == dict.fromkeys(LIMITS)
    assert (await change(api, recordings_days=30, contacts_days=3650))["recordings_days"] == 30
    changed = await change(api, recordings_days=None, audit_log_days=1)
    assert [changed[name] for name in LIMITS] == [None, None, 3650, None, 1]
    assert changed["changed_by"].startswith("token")


@pytest.mark.parametrize("days", [0, -1, 3651, 1.5, "30", True, [1]])
async def test_days_that_can_not_be_are_refused_beside_their_field(api: Api, days: object) -> None:
    for method, path in (("PATCH", "/retention"), ("POST", "/retention/preview")):
        said = await api.refused(422, method, path, Role.ADMIN, json={"transcripts_days": days})
        assert said["problems"] == {"transcripts_days": "use whole days, 1 to 3650, or null: kept for ever"}
    assert (await api.done("GET", "/retention", Role.ADMIN))["transcripts_days"] is None


async def test_a_limit_that_does_not_exist_is_refused(api: Api) -> None:
    await api.refused(422, "PATCH", "/retention", Role.ADMIN, json={"recording_days": 30})


async def test_nobody_but_an_admin_may(api: Api) -> None:
    ours = [route for route in ROUTES if route.path.startswith(("/retention", "/erasures"))]
    assert {(route.method, route.role) for route in ours} == {("GET", Role.ADMIN), ("PATCH", Role.ADMIN), ("POST", Role.ADMIN)}
    for route in ours:
        for role in (Role.VIEWER, Role.OPERATOR, Role.SUPERVISOR):
            assert "admin" in (await api.refused(403, route.method, route.path, role))["detail"]


async def test_a_preview_tells_what_goes_and_deletes_nothing(api: Api, house: House) -> None:
    told = await api.done("POST", "/retention/preview", Role.ADMIN, json={"recordings_days": 30, "transcripts_days": 30})
    assert told == {"recordings": 1, "transcripts": 1, "contacts": 0, "timelines": 0, "audit_lines": 0, "at_least": []}
    assert (await api.done("GET", f"/calls/{house.talked}"))["has_recording"]


async def test_what_was_deleted_is_told_instead_of_played_or_read(api: Api, house: House, database: Database, tmp_path: Path) -> None:
    path = f"/calls/{house.talked}"
    await change(api, recordings_days=30, transcripts_days=7)
    await Retaining(database, tmp_path).run_once()
    call = await api.done("GET", path)
    assert (call["has_recording"], call["recording_kept_days"], call["transcript_kept_days"]) == (False, 30, 7)
    assert (call["turns"], call["evidence"], call["fields"], call["summary"]) == ([], {}, {}, "")
    assert (call["outcome"], call["who"], call["goal"], call["contact_name"]) == ("person", "human", "met", "Ada Lovelace")
    for part in ("recording", "recording/peaks"):
        said = await api.refused(410, "GET", f"{path}/{part}")
        assert said["detail"] == f"the recording was deleted on {call['recording_deleted_at'][:10]}: recordings are kept for 30 days"
    found = await api.done("GET", f"/campaigns/{house.campaigns['in_progress']}/calls?words=monday")
    assert (found["items"], found["total"]) == ([], 0)
    told = await api.done("GET", "/retention", Role.ADMIN)
    assert told["looked_at"] is not None
    assert [(day["recordings"], day["transcripts"]) for day in told["days"]] == [(1, 1)]
    assert [(each["waiting"], each["problem"]) for each in told["folders"]] == [(0, "")]


async def test_a_call_without_a_recording_does_not_pretend_that_one_was_deleted(
    api: Api, house: House, database: Database, tmp_path: Path
) -> None:
    await database.pool.execute("update calls set recording = null")
    await change(api, recordings_days=30)
    await Retaining(database, tmp_path).run_once()
    assert (await api.done("GET", f"/calls/{house.talked}"))["recording_deleted_at"] is None
    await api.refused(404, "GET", f"/calls/{house.talked}/recording")


async def test_a_person_is_erased_with_the_file_at_once(api: Api, house: House, database: Database, tmp_path: Path) -> None:
    number = await database.pool.fetchval("select number from calls where id = $1", house.talked)
    written = f"{number[:2]} ({number[2:5]}) {number[5:8]}-{number[8:]}"
    would = await api.done("POST", "/erasures", Role.ADMIN, json={"phone_number": written, "dry_run": True})
    assert (would["recordings"], would["dry_run"]) == (1, True)
    assert (tmp_path / "recordings" / "1.wav").exists()
    erased = await api.done("POST", "/erasures", Role.ADMIN, json={"phone_number": written})
    assert erased == would | {"dry_run": False}
    assert erased["files_waiting"] == 0
    assert not (tmp_path / "recordings" / "1.wav").exists()
    said = await api.refused(410, "GET", f"/calls/{house.talked}/recording")
    assert said["detail"].endswith("everything kept of this person was erased")
    call = await api.done("GET", f"/calls/{house.talked}")
    assert (call["contact_name"], call["variables"], call["turns"]) == ("", {}, [])
    line = (await api.done("GET", "/audit-log", Role.ADMIN))["items"][0]
    assert (line["action"], line["subject"][-3:]) == ("erasure.person", "*" + number[-2:])
    assert number[-4:] not in str(line)


async def test_nobody_is_erased_during_a_call_or_without_a_number(api: Api, house: House, database: Database) -> None:
    number = await database.pool.fetchval("select number from calls where id = $1", house.running)
    said = await api.refused(409, "POST", "/erasures", Role.ADMIN, json={"phone_number": number})
    assert "wait until it has ended" in said["detail"]
    await api.refused(422, "POST", "/erasures", Role.ADMIN, json={"phone_number": "555"})
    await api.refused(422, "POST", "/erasures", Role.ADMIN, json={})


async def test_an_answer_kept_for_a_repetition_forgets_who_was_erased_and_the_command_is_not_done_again(
    api: Api, house: House, database: Database
) -> None:
    path = f"/campaigns/{house.campaigns['draft']}/contacts/import"

    def sent(number: str) -> dict[str, Any]:
        form = aiohttp.FormData()
        form.add_field("file", f"phone_number,contact_name\n{number},Ada Lovelace\n".encode(), filename="contacts.csv")
        return {"data": form, "headers": {"Idempotency-Key": f"import {number}"}}

    erased, other = "+1 202 555 0171", "+1 202 555 0172"
    for number in (erased, other):
        answer = await api.done("POST", path, **sent(number))
        assert (answer["preview"][0]["contact_name"], await api.done("POST", path, **sent(number))) == ("Ada Lovelace", answer)
    await api.done("POST", "/erasures", Role.ADMIN, json={"phone_number": erased})
    assert "was done, and its answer is deleted" in (await api.refused(410, "POST", path, **sent(erased)))["detail"]
    assert await api.done("POST", path, **sent(other)) == answer
    kept = await database.pool.fetch("select position('Lovelace' in answer) > 0 as said from idempotency_keys order by key")
    assert [row["said"] for row in kept] == [None, True]
    assert await database.pool.fetchval("select count(*) from contact_imports") == 2


async def test_answers_kept_for_a_repetition_go_after_a_day_though_nobody_sends_a_command(database: Database, tmp_path: Path) -> None:
    insert = """insert into idempotency_keys (actor, key, asked, status, answer, at)
                values ('a', $1, 'POST /x', 200, '{}', callwright_now() - $2::interval)"""
    for key, hours in (("old", 25), ("new", 23)):
        await database.pool.execute(insert, key, timedelta(hours=hours))
    await Retaining(database, tmp_path).run_once()
    assert [row["key"] for row in await database.pool.fetch("select key from idempotency_keys")] == ["new"]
