"""The command line on a real database: what it does, what it says, and its exit codes: 0 done, 1 could not be done, 2 wrong words."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from db.database import NEWEST_SCHEMA, Database
from mediaserver.cli import main
from mediaserver.identity import Role, sign_in, who_by_token
from tests.dialer.world import World
from tests.system.processes import Ran, run

Cli = Callable[..., Ran]

GOOD = "phone_number,contact_name,appointment_date\n+12125550101,Anna,Monday\n+12125550102,Ben,Tuesday\n"
BAD = GOOD + "12,Cleo,Friday\n"


@pytest.fixture
def cli(database_url: str, tmp_path: Path) -> Cli:
    """`cli("campaign", "list")` on a fresh database with the newest schema."""

    def call(*words: str, **variables: str) -> Ran:
        return run(tmp_path, *words, **{"DATABASE_URL": database_url, **variables})

    return call


@pytest.fixture
async def campaign(database: Database) -> str:
    """The id of a Draft without contacts."""
    world = await World.build(database)
    return str((await world.campaign(0, start=False, name="June")).id)


@pytest.fixture
def contacts(tmp_path: Path) -> Callable[[str], str]:
    """Writes a CSV: its path."""

    def write(text: str) -> str:
        path = tmp_path / "contacts.csv"
        path.write_text(text)
        return str(path)

    return write


def refused(ran: Ran, *says: str) -> None:
    """It could not be done, and one line of standard error says why."""
    assert ran.code == 1
    [line] = ran.errors.splitlines()
    for part in ("callwright ", *says):
        assert part in line


async def test_a_token_works_and_is_known_by_its_name(cli: Cli, database: Database) -> None:
    made = cli("token", "create", "--role", "viewer", "--name", "monitor")
    assert (made.code, made.errors) == (0, "")
    person = await who_by_token(database, made.output.strip())
    assert person is not None
    assert (person.role, person.name) == (Role.VIEWER, "monitor")


async def test_an_account_is_made_once_and_its_password_can_be_replaced(cli: Cli, database: Database) -> None:
    made = cli("user", "create", "olga", "--role", "supervisor")
    assert made.code == 0
    first = made.output.strip().removeprefix("olga / ")
    person, _ = await sign_in(database, "olga", first, address="here")
    assert person.role == Role.SUPERVISOR
    refused(cli("user", "create", "olga"), "callwright user: ", "there is an account olga already")
    again = cli("user", "reset-password", "olga")
    assert again.code == 0
    second = again.output.strip().removeprefix("olga / ")
    assert second != first
    await sign_in(database, "olga", second, address="here")
    refused(cli("user", "reset-password", "nobody"), "there is no account nobody")


async def test_an_import_reports_each_bad_row_and_good_rows_go_in(
    cli: Cli, database: Database, campaign: str, contacts: Callable[[str], str]
) -> None:
    file = contacts(BAD)
    ran = cli("import", campaign, file)
    assert ran.code == 1
    assert ran.errors == ""
    summary, header, problem = ran.output.splitlines()
    assert summary == "2 of 3 rows imported, 1 refused"
    assert header == "line,column,problem,what_to_do"
    assert problem.startswith("4,phone_number,")
    assert await database.pool.fetchval("select count(*) from contacts") == 2
    report = json.loads(cli("import", campaign, file, "--json").output)
    assert (report["rows"], report["imported"], report["refused"]) == (3, 0, 3)  # two are there already


async def test_an_import_shows_on_a_terminal_how_far_it_is(cli: Cli, campaign: str, contacts: Callable[[str], str]) -> None:
    ran = cli("import", campaign, contacts(GOOD), FORCE_COLOR="1")
    assert (ran.code, ran.output.strip()) == (0, "2 of 2 rows imported, 0 refused")
    assert "100%" in ran.errors
    assert "2 rows" in ran.errors


@pytest.mark.parametrize(
    ("option", "text", "code", "says"),
    [
        ("--dry-run", GOOD, 0, "2 of 2 rows are good, 0 refused: on a dry run nothing is imported"),
        ("--dry-run", BAD, 1, "2 of 3 rows are good, 1 refused: on a dry run nothing is imported"),
        ("--all-or-nothing", BAD, 1, "2 of 3 rows are good, 1 refused: nothing was imported, because not all rows are good"),
    ],
    ids=("dry run, all good", "dry run", "all or nothing"),
)
async def test_an_import_that_keeps_nothing_says_so(
    cli: Cli, database: Database, campaign: str, contacts: Callable[[str], str], option: str, text: str, code: int, says: str
) -> None:
    ran = cli("import", campaign, contacts(text), option)
    assert (ran.code, ran.output.splitlines()[0]) == (code, says)
    assert await database.pool.fetchval("select count(*) from contacts") == 0


async def test_an_import_that_can_not_be_done_says_why(cli: Cli, campaign: str, contacts: Callable[[str], str], tmp_path: Path) -> None:
    refused(cli("import", campaign, str(tmp_path / "nowhere.csv")), "nowhere.csv", "No such file")
    refused(cli("import", campaign, contacts("name\nAnna\n")), "phone_number")
    refused(cli("import", "4711", contacts(GOOD)), "there is no campaign 4711")


async def test_a_campaign_is_listed_started_paused_resumed_and_cancelled(cli: Cli, campaign: str, contacts: Callable[[str], str]) -> None:
    refused(cli("campaign", "start", campaign), "contact")  # there is nobody to call
    assert cli("import", campaign, contacts(GOOD)).code == 0
    for action, status in (("start", "in_progress"), ("pause", "paused"), ("resume", "in_progress"), ("cancel", "cancelled")):
        ran = cli("campaign", action, campaign, "--json")
        assert ran.code == 0
        assert json.loads(ran.output) == [{"id": int(campaign), "name": "June", "status": status}]
    assert cli("campaign", "list").output.split() == [campaign, "cancelled", "June"]
    refused(cli("campaign", "start", campaign), "Cancelled")
    refused(cli("campaign", "start"), "which campaign?")
    refused(cli("campaign", "pause", "4711"), "there is no campaign 4711")


async def test_the_forecast_of_a_campaign_is_told(cli: Cli, campaign: str, contacts: Callable[[str], str]) -> None:
    assert "import a CSV" in cli("campaign", "forecast", campaign).output
    assert cli("import", campaign, contacts(GOOD)).code == 0
    told = cli("campaign", "forecast", campaign)
    assert (told.code, told.output.startswith("Finishes ")) == (0, True)
    found = json.loads(cli("campaign", "forecast", campaign, "--json").output)
    assert (found["compared"], found["forecast"]["held"]) == (None, "")
    refused(cli("campaign", "forecast"), "which campaign?")
    refused(cli("campaign", "forecast", "4711"), "there is no campaign 4711")


async def test_a_database_without_the_schema_gets_it_by_migrate(cli: Cli, empty_database_url: str) -> None:
    for words in (("campaign", "list"), ("token", "create"), ("serve",)):
        refused(cli(*words, DATABASE_URL=empty_database_url, PORT="0", CALLWRIGHT_LOG_LEVEL="ERROR"), "run `callwright migrate`")
    assert cli("migrate", DATABASE_URL=empty_database_url).output.split()[-1] == NEWEST_SCHEMA
    assert cli("migrate", DATABASE_URL=empty_database_url).output == "the schema is up to date\n"
    listed = cli("campaign", "list", DATABASE_URL=empty_database_url)
    assert (listed.code, listed.output) == (0, "")


async def test_the_doctor_finds_what_lacks_and_says_what_to_do(cli: Cli) -> None:
    ran = cli("doctor", "--json", PORT="0")
    found: dict[str, dict[str, Any]] = {each["about"]: each for each in json.loads(ran.output)}
    assert ran.code == 0
    assert found["Database"]["says"] == "answers"
    assert not found["Carrier"]["well"]
    assert "TWILIO_ACCOUNT_SID" in found["Carrier"]["advice"]
    ill = cli("doctor", DATABASE_URL="postgresql://nobody:x@127.0.0.1:1/none")
    assert ill.code == 1
    assert "FAIL  Database: " in ill.output
    assert ill.errors == ""


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"PORT": "x"}, "PORT"),
        ({"PORT": "70000"}, "PORT"),
        ({"DATABASE_URL": "mysql://user@host/name"}, "DATABASE_URL: use postgresql://"),
        ({"DATABASE_URL": "postgresql://user:x@127.0.0.1:1/name"}, "check that it runs and that DATABASE_URL is right"),
        ({"CALLWRIGHT_PUBLIC_URL": "calls.example.com"}, "CALLWRIGHT_PUBLIC_URL: use an address such as https://"),
        ({"CALLWRIGHT_DRAIN_S": "-1", "CALLWRIGHT_CONCURRENCY": "0"}, "CALLWRIGHT_CONCURRENCY"),
        ({"CALLWRIGHT_LOG_LEVEL": "loud"}, "CALLWRIGHT_LOG_LEVEL"),
        ({"CALLWRIGHT_LISTENING_TONE_S": "601", "CALLWRIGHT_PEER_URL": "10.0.0.5"}, "CALLWRIGHT_LISTENING_TONE_S"),
        ({"DATABASE_URL": ""}, "start `callwright up` there, or set DATABASE_URL"),
    ],
    ids=str,
)
async def test_a_setting_that_can_not_be_used_is_named_in_one_line(cli: Cli, variables: dict[str, str], says: str) -> None:
    refused(cli("campaign", "list", **variables), says)


@pytest.mark.parametrize("command", ["up", "demo", "campaign list", "doctor"])
async def test_a_data_folder_that_can_not_be_is_named(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = run(tmp_path / "file" / "data", *command.split(), PORT="0")
    assert ran.code == 1
    assert str(tmp_path / "file") in ran.errors + ran.output
    assert "CALLWRIGHT_DATA_DIR" in ran.errors + ran.output or "callwright up" in ran.errors
    assert "Traceback" not in ran.errors


@pytest.mark.parametrize("words", [[], ["nope"], ["token", "create", "--role", "king"], ["import", "x", "file.csv"]])
async def test_wrong_words_are_answered_with_the_right_ones(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert capsys.readouterr().err.startswith("usage: callwright")


@pytest.mark.parametrize("command", ["up", "serve", "dashboard", "migrate", "demo", "import", "campaign", "token", "user", "doctor"])
async def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert f"usage: callwright {command}" in capsys.readouterr().out


async def test_the_password_of_a_database_is_in_no_message(cli: Cli) -> None:
    for address in ("postgresql://user:hush-hush@127.0.0.1:1/name", "postgresql://user:hush-hush@nowhere.invalid/name"):
        ran = cli("migrate", DATABASE_URL=address)
        refused(ran)
        assert "hush-hush" not in ran.errors


async def test_names_with_any_letter_are_kept(cli: Cli, database: Database) -> None:
    assert cli("user", "create", "Łucja O'Neil").code == 0
    assert await database.pool.fetchval("select name from users") == "Łucja O'Neil"


async def test_a_rehearsal_is_seeded_and_found_in_the_list(cli: Cli) -> None:
    made = cli("seed", "--contacts", "30", "--calls", "50", "--name", "Rehearsal of spring", "--json")
    assert (made.code, made.errors) == (0, "")
    told = json.loads(made.output)
    assert (told["contacts"], told["calls"]) == (30, 50)
    [listed] = json.loads(cli("campaign", "list", "--json").output)
    assert listed == {"id": told["campaign_id"], "name": "Rehearsal of spring", "status": "paused"}
    refused(cli("seed", "--contacts", "0"), "callwright seed: ", "contacts")
