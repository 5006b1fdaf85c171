"""The schema: reached from nothing, once, whoever asks; and in agreement with the tables of the dialer."""

import asyncio
import subprocess
import sys

import asyncpg
import pytest

from db.database import Database
from db.errors import DatabaseUnavailable
from db.migrate import migrate
from db.migrations import FOLDER
from dialer.lifecycle import TABLES
from dialer.states_page import PATH, states_page

NUMBERS = sorted(path.name.partition("_")[0] for path in FOLDER.glob("[0-9]*.sql"))


async def test_migrating_twice_does_it_once(empty_database_url: str) -> None:
    assert await migrate(empty_database_url) == NUMBERS
    assert await migrate(empty_database_url) == []


async def test_two_processes_that_migrate_at_once_do_it_once(empty_database_url: str) -> None:
    program = "import asyncio, sys; from db.migrate import migrate; print(*asyncio.run(migrate(sys.argv[1])))"

    def one() -> str:
        return subprocess.run([sys.executable, "-c", program, empty_database_url], capture_output=True, text=True, check=True).stdout

    said = await asyncio.gather(asyncio.to_thread(one), asyncio.to_thread(one))
    assert sorted(said) == ["\n", " ".join(NUMBERS) + "\n"]


async def test_a_migration_that_fails_leaves_nothing(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute("create table prepared_speech (x int)")  # in the way of a table that the foundation makes late
    with pytest.raises(asyncpg.DuplicateTableError):
        await migrate(empty_database_url)
    assert await connection.fetchval("select to_regclass('users')") is None
    await connection.close()


def test_each_sql_file_has_its_revision() -> None:
    assert sorted(path.stem.partition("_")[0] for path in (FOLDER / "versions").glob("[0-9]*.py")) == NUMBERS


async def test_migrating_without_a_database_says_what_to_do() -> None:
    with pytest.raises(DatabaseUnavailable, match="DATABASE_URL"):
        await migrate("postgresql://callwright@127.0.0.1:1/callwright")


async def test_the_database_and_the_dialer_agree_on_what_may_become_what(database: Database) -> None:
    kept = await database.pool.fetch("select thing, from_state, to_state from transitions")
    ours = {(thing, here, there) for thing, table in TABLES.items() for here, to in table.items() for there in to}
    assert {tuple(row) for row in kept} == ours


def test_the_page_of_the_states_is_drawn_from_the_tables() -> None:
    assert PATH.read_text(encoding="utf-8") == states_page(), "write it again: python -m dialer.states_page"


async def test_the_database_refuses_a_transition_that_is_not_in_the_table(database: Database) -> None:
    async with database.transaction() as connection:
        agent = await connection.fetchval("insert into agents (name) values ('a') returning id")
        account = await connection.fetchval("insert into carrier_accounts (name, carrier) values ('c', 'simulated') returning id")
        number = await connection.fetchval(
            "insert into phone_numbers (e164, carrier_account_id) values ('+12025550100', $1) returning id", account
        )
        campaign = await connection.fetchval(
            "insert into campaigns (name, agent_id, agent_version, phone_number_id) values ('c', $1, 1, $2) returning id", agent, number
        )
    with pytest.raises(asyncpg.CheckViolationError, match="draft to completed"):
        await database.pool.execute("update campaigns set status = 'completed' where id = $1", campaign)
