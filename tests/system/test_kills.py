"""What is killed in mid-campaign comes back by itself, and the campaign ends as it should: real recognition and voices on both sides."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent_runtime.local.engines import ALL
from mediaserver.carriers.simulated.journal import CallJournal
from mediaserver.rehearsal import figures, outcomes_of
from tests.system.house import Callee, House, house
from tests.system.processes import all_ended

pytestmark = pytest.mark.timeout(300)

WEB = (
    Callee("+12125550201", "Anna Agreda", "agrees"),
    Callee("+12125550202", "Rita Robson", "robot"),
    Callee("+12125550203", "Bo Busby", "busy"),
)
DATABASE = (Callee("+12125550211", "Nathan Evermore", "never_again"), Callee("+12125550212", "Hannah Upton", "hangs_up"))
WORKERS = (Callee("+12125550221", "Wilma Neverton", "never_again"),)
BOTH = (Callee("+12125550231", "Doug Double", "declines"), Callee("+12125550232", "Bea Busby", "busy"))
EVERYBODY = (*WEB, *DATABASE, *WORKERS, *BOTH)
MEDIA_SERVER, POSTMASTER = ("mediaserver.cli", "serve"), ("-D", "listen_addresses=127.0.0.1")


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("kills"), EVERYBODY) as started:
        yield started


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a campaign in the record, and what the network knows of its calls."""

    campaign: str
    calls: list[dict[str, Any]]
    journal: list[CallJournal]


async def told(running: House, campaign: str, callees: tuple[Callee, ...]) -> Told:
    await running.completed(campaign)
    numbers = {each.number for each in callees}
    return Told(campaign, await running.calls(campaign), [call for call in await running.at_the_network() if call.to in numbers])


@pytest.fixture(scope="module")
async def database_killed(running: House) -> Told:
    """A campaign whose database is killed while it talks to both of its callees."""
    campaign = await running.start_campaign(DATABASE)
    await running.on_the_line(*DATABASE)
    postmaster = running.part(*POSTMASTER)
    postmaster.kill()
    await all_ended([postmaster])
    return await told(running, campaign, DATABASE)


async def test_no_turn_and_no_result_is_lost_with_the_database(database_killed: Told) -> None:
    assert len(database_killed.calls) == len(database_killed.journal) == len(DATABASE)
    by_number = {call["number"]: call for call in database_killed.calls}
    for heard in database_killed.journal:
        call = by_number[heard.to]
        assert (call["state"], call["outcome"]) == ("ended", "person")
        assert [turn["position"] for turn in call["turns"]] == list(range(len(call["turns"])))
        kept = _words(" ".join(turn["text"] for turn in call["turns"] if turn["speaker"] == "callee"))
        sent = [line for line in heard.said if heard.stream_open_ms is not None and line.start_ms > heard.stream_open_ms]
        assert call["who"] == "human" or not sent
        for line in sent:  # what is said before the stream is open, which takes its time on a busy machine, no carrier sends
            words = _words(line.text)
            assert (words & kept).total() >= words.total() / 2, (line.text, call["turns"])
    assert by_number[DATABASE[0].number]["opted_out"]  # which was said long after


def _words(text: str) -> "Counter[str]":
    return Counter(re.findall(r"[a-z']+", text.lower()))


async def test_no_log_of_a_whole_run_has_a_number_a_name_or_what_was_said(running: House, database_killed: Told) -> None:
    said = {turn["text"] for call in database_killed.calls for turn in call["turns"]} | {
        text for call in database_killed.journal for text in (*(line.text for line in call.said), *(line.text for line in call.heard))
    }
    assert len(said) > 4
    lines = {text for text in said if len(text.split()) > 2}  # "Hello?" may stand in a log for other reasons
    private = [*lines, *(each.number for each in EVERYBODY), *(each.number.removeprefix("+") for each in EVERYBODY)]
    private += [name for each in EVERYBODY for name in (each.name, each.name.split()[-1])]
    logs = running.logs()
    assert {"web.log", "dashboard.log", "postgres.log"} <= {Path(name).name for name in logs}
    assert [(name, text) for name, log in logs.items() for text in private if text in log] == []


async def test_the_rehearsal_tells_what_came_of_each_contact_and_its_figures(running: House, database_killed: Told) -> None:
    outcomes = await outcomes_of(running.api, database_killed.campaign)
    assert [outcome.contact for outcome in outcomes] == [each.name for each in DATABASE]
    bound = {DATABASE[0].number: {"outcome": "person", "goal": "not_met"}, DATABASE[1].number: {"outcome": "person", "status": "completed"}}
    found = {figure.figure: figure for figure in figures(outcomes, database_killed.journal, bound)}
    assert found["demo.outcomes_as_bound"].met
    assert found["demo.callee_wer_percent"].value is not None
    assert found["demo.first_word_p95_ms"].value is not None


async def test_calls_go_on_when_an_engine_worker_is_killed(running: House) -> None:
    campaign = await running.start_campaign(WORKERS)
    await running.on_the_line(*WORKERS)
    killed = [running.part("agent_runtime.local.worker", kind) for kind in ALL]
    for worker in killed:
        worker.kill()
    await all_ended(killed)
    [call] = (await told(running, campaign, WORKERS)).calls
    assert (call["state"], call["outcome"], call["who"]) == ("ended", "person", "human")
    assert call["opted_out"]  # what was said after the workers' end was recognised and understood


@pytest.mark.parametrize(
    ("callees", "answering", "victims"),
    [(WEB, 2, [MEDIA_SERVER]), (BOTH, 1, [MEDIA_SERVER, POSTMASTER])],
    ids=["the media server", "the media server and the database"],
)
async def test_what_is_killed_comes_back_and_nobody_is_called_twice_or_forgotten(
    running: House, callees: tuple[Callee, ...], answering: int, victims: list[tuple[str, str]]
) -> None:
    killed = [running.part(*words) for words in victims]
    campaign = await running.start_campaign(callees, concurrency=answering)
    await running.on_the_line(*callees[:answering])
    for victim in killed:
        victim.kill()
    await all_ended(killed)
    found = await told(running, campaign, callees)
    assert Counter(call.to for call in found.journal) == Counter(
        each.number for each in callees
    )  # no retries were asked for: one call each
    tried = [call for call in found.calls if call["outcome"] != "withdrawn"]
    assert Counter(call["number"] for call in tried) == Counter(each.number for each in callees)
    assert {call["state"] for call in found.calls} == {"ended"}
    assert all(call.status not in ("queued", "ringing", "in-progress") for call in found.journal)
    contacts = [contact async for contact in running.api.pages(f"/campaigns/{campaign}/contacts")]
    assert {contact["status"] for contact in contacts} <= {"completed", "failed"}
    assert {running.part(*words).pid for words in victims}.isdisjoint(victim.pid for victim in killed)
