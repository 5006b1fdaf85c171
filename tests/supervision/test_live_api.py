"""What supervisors do through the API is done, or refused with the reason, and kept; and what the database is told of calls in progress."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from db.browser_line import number_of
from db.database import LOST, Database
from mediaserver.supervision.board import AT_LEAST_EVERY_S, Board, same
from mediaserver.supervision.live_call import LiveStatus
from mediaserver.supervision.protocol import NoteTold, Welcome
from mediaserver.switch.voice import SpeechModel
from tests.media.cable import Cable
from tests.supervision.stations import Someone, Station, eventually, station


@pytest.fixture
async def here(database: Database, model: SpeechModel, tmp_path: Path) -> AsyncIterator[Station]:
    async with station(database, model, tmp_path) as made:
        yield made


async def events(here: Station, call_id: int) -> list[tuple[str, dict[str, Any]]]:
    """What supervisors did, as the call's page has it, without the times."""
    rows = await here.db.pool.fetch("select kind, detail from call_events where call_id = $1 and source = 'operator' order by id", call_id)
    return [(row["kind"], {name: value for name, value in row["detail"].items() if name != "at_ms"}) for row in rows]


async def test_what_a_supervisor_does_is_done_told_and_kept(here: Station) -> None:
    ada = await here.someone(name="Ada")
    async with here.call() as (call_id, _), ada.on(call_id) as page:
        connection, path = (await page.told(Welcome)).connection, f"/live/{call_id}"
        assert await ada.ask("POST", f"{path}/whisper", json={"text": "be brief"}) == (200, {"answer": "goes to: offer"})
        assert await ada.ask("POST", f"{path}/takeover", json={"connection": connection}) == (204, None)
        assert await ada.ask("POST", f"{path}/give-back") == (204, None)
        status, marked = await ada.ask("POST", f"{path}/marks", json={"note": "she hesitates", "at_ms": 1})
        assert (status, marked) == (201, {"at_ms": 1})
        assert await ada.ask("POST", f"{path}/hangup") == (204, None)
        assert [(await page.told(NoteTold)).kind for _ in range(5)] == ["whisper", "take_over", "give_back", "mark", "hang_up"]
    conversation = here.conversations[call_id]
    assert (conversation.whispered, conversation.taken_by, conversation.hung_up_by) == (["be brief"], ["Ada"], ["Ada"])
    assert await events(here, call_id) == [
        ("whisper", {"by": "Ada", "text": "be brief", "answer": "goes to: offer"}),
        ("take_over", {"by": "Ada"}),
        ("give_back", {"by": "Ada"}),
        ("mark", {"by": "Ada", "text": "she hesitates"}),
        ("hang_up", {"by": "Ada"}),
    ]
    for action in ("live.whisper", "live.take_over", "live.give_back", "live.mark", "live.hang_up"):
        [entry] = await here.audited(action)
        assert (entry["actor"], entry["subject"]) == ("Ada", f"call {call_id}")


async def test_what_can_not_be_done_is_refused_with_the_reason_and_leaves_nothing(here: Station) -> None:
    ada = await here.someone()
    async with here.call() as (call_id, _):
        path = f"/live/{call_id}"
        assert (await ada.ask("POST", f"{path}/whisper", json={"text": "sing"}))[1]["detail"] == "the script has no step for that"
        assert (await ada.ask("POST", f"{path}/takeover", json={"connection": "made-up"}))[0] == 409
        assert (await ada.ask("POST", f"{path}/give-back"))[0] == 409
        assert (await ada.ask("POST", f"{path}/whisper", json={"text": ""}))[0] == 422
    assert [(await ada.ask("POST", f"/live/{number}/hangup"))[0] for number in (call_id, 99999)] == [404, 404]
    assert await events(here, call_id) == []
    assert await here.db.pool.fetchval("select count(*) from audit_log where action like 'live.%'") == 0


async def test_what_is_done_as_the_database_goes_is_in_the_audit_log_when_it_is_back(here: Station, cable: Cable) -> None:
    ada = await here.someone(name="Ada")
    async with here.call() as (call_id, _):
        conversation = here.conversations[call_id]

        async def whisper(text: str) -> str:
            conversation.whispered.append(text)
            await cable.cut()  # before the line is committed
            await cable.mend()
            return "goes to: offer"

        conversation.whisper = whisper  # type: ignore[method-assign]  # what the agent does meanwhile
        assert await ada.ask("POST", f"/live/{call_id}/whisper", json={"text": "be brief"}) == (200, {"answer": "goes to: offer"})
        assert conversation.whispered == ["be brief"]
        [entry] = await here.audited("live.whisper")
        assert (entry["actor"], entry["detail"]) == ("Ada", {"text": "be brief"})


async def test_whispers_that_hang_leave_the_database_to_the_others(here: Station) -> None:
    ada = await here.someone(name="Ada")
    async with here.call() as (call_id, _):
        conversation, hang = here.conversations[call_id], asyncio.Event()
        asked = asyncio.Event()

        async def whisper(text: str) -> str:
            asked.set()
            await hang.wait()
            return text

        conversation.whisper = whisper  # type: ignore[method-assign]  # an agent that thinks for long
        path = f"/live/{call_id}/whisper"
        whispers = [asyncio.create_task(ada.ask("POST", path, json={"text": "hurry"})) for _ in range(15)]
        await asked.wait()
        status, _ = await ada.ask("POST", f"/live/{call_id}/marks", json={"note": "still here"})
        assert status == 201
        hang.set()
        assert [status for status, _ in await asyncio.gather(*whispers)] == [200] * 15


async def listed(person: Someone) -> list[dict[str, Any]]:
    status, said = await person.ask("GET", "/live")
    assert status == 200, said
    items: list[dict[str, Any]] = said["items"]
    return items


async def test_calls_in_progress_are_listed_until_they_are_over(here: Station) -> None:
    ada = await here.someone()
    async with here.call() as (call_id, _), here.call(number_of(ada.user_id)):
        for each in (call_id, call_id + 1):
            await eventually(here.db, "select from live_calls where call_id = $1", each)
        found = {each["id"]: each for each in await listed(ada)}
        assert set(found) == {str(call_id), str(call_id + 1)}
        mine = found[str(call_id)]
        said = [mine[name] for name in ("contact_name", "campaign_id", "agent_state", "listeners", "stuck")]
        assert said == ["Bo", None, "listening", 0, ""]
        assert (await (await here.someone("operator")).ask("GET", "/live"))[0] == 403
    assert await listed(ada) == []
    await eventually(here.db, "select from (select count(*) as calls from live_calls) c where calls = 0")


async def test_a_call_of_which_nothing_is_told_any_more_says_so_and_comes_first(here: Station) -> None:
    told, silent = await a_call(here.db), await a_call(here.db)
    for call, ago in [(told, timedelta()), (silent, timedelta(seconds=11))]:
        await here.db.pool.execute(
            "insert into live_calls (call_id, process_id, agent_state, told_at) "
            "values ($1, 'p', 'speaking', callwright_now() - $2::interval)",
            call,
            ago,
        )
    found = await listed(await here.someone())
    assert [(each["id"], each["stuck"]) for each in found] == [
        (str(silent), "the process that holds the call says nothing of it any more"),
        (str(told), ""),
    ]


STATUS = LiveStatus(0, "listening", "offer", "agent", "Hello.", True, None, 0.5, None, 1, "")
NOW = datetime(2030, 5, 15, 12, tzinfo=UTC)


async def a_call(database: Database) -> int:
    """A call in progress, as far as the board needs one."""
    call_id: int = await database.pool.fetchval(
        """
        with account as (
            insert into carrier_accounts (name, carrier) values ('a', 'a') on conflict (name) do update set carrier = 'a' returning id
        ), line as (
            insert into phone_numbers (e164, carrier_account_id) select '+1', id from account
            on conflict (e164) do update set label = '' returning id, carrier_account_id
        ), agent as (
            insert into agents (name) values (gen_random_uuid()::text) returning id
        )
        insert into calls (number, phone_number_id, carrier_account_id, agent_id, agent_version, state, answered_at, process_id,
                           lease_until)
        select gen_random_uuid()::text, line.id, line.carrier_account_id, agent.id, 1, 'answered', callwright_now(), 'p', callwright_now()
        from line, agent returning id
        """
    )
    return call_id


class Told:
    """A board whose calls, time and database are the test's."""

    def __init__(self, database: Database) -> None:
        self.statuses: list[LiveStatus] = []
        self.now = 0.0
        self.board = Board(database, "one", lambda: self.statuses, clock=lambda: self.now)
        self._database = database

    async def rows(self) -> dict[int, Any]:
        await self.board.run_once()
        return {row["call_id"]: row for row in await self._database.pool.fetch("select * from live_calls")}


async def test_the_board_has_all_that_is_told_and_forgets_what_is_over(database: Database) -> None:
    told = Told(database)
    one, other = await a_call(database), await a_call(database)
    told.statuses = [replace(STATUS, call_id=one, quiet_since=NOW, held_by="Ada"), replace(STATUS, call_id=other, line_speaker=None)]
    rows = await told.rows()
    columns = LiveStatus.__dataclass_fields__
    assert [LiveStatus(**{name: rows[each][name] for name in columns}) for each in (one, other)] == told.statuses
    told.statuses = [replace(told.statuses[1], line_text="Yes.")]
    rows = await told.rows()
    assert {call: row["line_text"] for call, row in rows.items()} == {other: "Yes."}


async def test_the_board_writes_what_is_new_and_shows_now_and_then_that_it_lives(database: Database) -> None:
    told = Told(database)
    told.statuses = [replace(STATUS, call_id=await a_call(database), quiet_since=NOW)]
    [first] = (await told.rows()).values()
    told.statuses = [replace(told.statuses[0], quiet_since=NOW + timedelta(milliseconds=3))]  # reckoned anew
    [second] = (await told.rows()).values()
    told.now = AT_LEAST_EVERY_S
    [third] = (await told.rows()).values()
    assert first["told_at"] == second["told_at"] < third["told_at"]


async def test_of_a_call_that_went_to_another_process_the_row_stays(database: Database) -> None:
    told = Told(database)
    call = await a_call(database)
    told.statuses = [replace(STATUS, call_id=call)]
    await told.rows()
    await database.pool.execute("update live_calls set process_id = 'other'")
    told.statuses = []
    assert list(await told.rows()) == [call]


async def test_a_call_that_was_deleted_hinders_no_other(database: Database) -> None:
    told = Told(database)
    call = await a_call(database)
    told.statuses = [replace(STATUS, call_id=99999), replace(STATUS, call_id=call)]
    assert list(await told.rows()) == [call]


async def test_a_database_that_was_away_is_caught_up_with(database_url: str) -> None:
    cable = Cable(database_url)
    await cable.mend()
    pool = await Database.connect(cable.url)
    told = Told(pool)
    one, other = await a_call(pool), await a_call(pool)
    told.statuses = [replace(STATUS, call_id=one)]
    await told.rows()
    await cable.cut()
    told.statuses = [replace(STATUS, call_id=other)]
    with pytest.raises(LOST):
        await told.board.run_once()
    await cable.mend()
    assert list(await told.rows()) == [other]
    await pool.close()
    await cable.cut()


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (None, None, True),
        (NOW, NOW + timedelta(milliseconds=20), True),
        (NOW, NOW + timedelta(seconds=2), False),
        (None, NOW, False),
    ],
)
def test_since_when_nobody_has_spoken_is_a_moment_not_a_microsecond(one: datetime | None, other: datetime | None, is_same: bool) -> None:
    assert same(replace(STATUS, quiet_since=one), replace(STATUS, quiet_since=other)) is is_same
