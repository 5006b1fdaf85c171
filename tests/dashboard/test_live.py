"""The wallboard: which calls it shows to whom, in which order, and what it says of each; and what supervisors leave on a call's page."""

import json
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import commands
from dashboard.parts.live_attention import Wanted, board
from dashboard.reads.live import LiveCall
from tests.dashboard.conftest import Dashboard, kept, shown
from tests.dashboard.live_calls import add_call, add_live_calls
from tests.dashboard.seed import House

CALM = LiveCall(
    1, "+1", "Ada", 1, "June", 1, "Survey", True, "answered", 60.0, 0.0, "listening", "", None, "", True, 0.0, None, None, 0, ""
)


@pytest.fixture
async def live_calls(dashboard: Dashboard, house: House) -> dict[str, int]:
    """Calls in progress, by contact. The house's own call is over."""
    await kept(dashboard, "update calls set conversation_ended_at = callwright_now() where id = $1", house.running)
    return await add_live_calls(dashboard.database_url, house)


@pytest.fixture
def as_supervisor(dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dashboard is used by somebody who may supervise calls."""
    session = dashboard.api.session("supervisor")
    monkeypatch.setattr(commands, "session_cookie", lambda: session)


def lines(page: AppTest) -> dict[str, dict[str, Any]]:
    """What the browser draws of each call, by contact and in this order."""
    boards = page.get("bidi_component")
    return {line["contact"]: line for board in boards for line in json.loads(board.proto.json)["calls"]}


def signs(line: dict[str, Any]) -> list[str]:
    return [sign["words"] for sign in line["signs"]]


@pytest.mark.usefixtures("live_calls")
async def test_calls_that_need_somebody_come_first(dashboard: Dashboard) -> None:
    page = await dashboard.open("live")
    assert list(lines(page)) == [
        "Ken Thompson",  # stuck
        "Barbara Liskov",  # unhappy
        "Edsger Dijkstra",  # silent
        "Radia Perlman",  # the longest of the others
        "Alan Turing",
        "Grace Hopper",
    ]
    assert page.header[0].value == "6 in progress"
    assert "**2** need attention · **1** taken over · **2** ringing" in shown(page)


@pytest.mark.usefixtures("live_calls")
async def test_each_call_tells_what_is_going_on(dashboard: Dashboard) -> None:
    told = lines(await dashboard.open("live"))
    assert told["Ken Thompson"]["stuck"] == "The agent has been thinking for 12 s"
    assert told["Ken Thompson"]["no_text"] == "Nothing has been said yet."
    assert signs(told["Barbara Liskov"]) == ["Agent thinks", "Negative"]
    assert [told["Barbara Liskov"][part] for part in ("speaker", "text", "final")] == ["Barbara Liskov", "This is the third call!", True]
    assert signs(told["Edsger Dijkstra"])[1].startswith("Silent for ")
    assert signs(told["Radia Perlman"]) == ["Anna has the call", "2 people listen"]
    assert [told["Radia Perlman"][part] for part in ("speaker", "text")] == ["Supervisor", "I am a person."]
    assert told["Radia Perlman"]["length"].startswith("5:")
    assert [told["Grace Hopper"][part] for part in ("speaker", "text", "final")] == ["Agent", "Can you come on", False]
    assert told["Grace Hopper"]["about"] == "+14155550000 · Payment follow-up · Appointment reminder"


async def test_a_call_whose_process_says_nothing_any_more_is_stuck(dashboard: Dashboard, live_calls: dict[str, int]) -> None:
    silent = "update live_calls set told_at = callwright_now() - interval '23 seconds' where call_id = $1"
    await kept(dashboard, silent, live_calls["Alan Turing"])
    told = lines(await dashboard.open("live"))
    assert list(told)[:2] == ["Alan Turing", "Ken Thompson"]
    assert told["Alan Turing"]["stuck"].startswith("The server that holds this call has told nothing of it for ")


async def test_a_call_of_which_nothing_was_ever_told_is_stuck_once_it_should_have_been(
    dashboard: Dashboard, house: House, live_calls: dict[str, int]
) -> None:
    database = await asyncpg.connect(dashboard.database_url)
    await add_call(database, house, "+14155550020", "answered", "Margaret Hamilton", 60)
    await add_call(database, house, "+14155550021", "answered", "Dennis Ritchie", -60)
    await database.close()
    told = lines(await dashboard.open("live"))
    assert told["Margaret Hamilton"]["stuck"].startswith("The server that holds this call has told nothing of it for ")
    assert signs(told["Dennis Ritchie"]) == ["Talking"]
    assert (told["Dennis Ritchie"]["stuck"], told["Dennis Ritchie"]["no_text"]) == ("", "")


@pytest.mark.usefixtures("live_calls")
async def test_the_board_is_narrowed_to_a_campaign_an_agent_and_what_needs_attention(dashboard: Dashboard, house: House) -> None:
    other = await kept(dashboard, "insert into agents (name) values ('Survey') returning id")
    await kept(
        dashboard,
        "update calls set agent_id = $1, campaign_id = $2 where contact_name = 'Barbara Liskov' and live",
        *(other, house.campaigns["draft"]),
    )
    page = await dashboard.open("live")
    page.toggle(key="live_in_need").set_value(True)
    assert list(lines(await dashboard.draw(page))) == ["Ken Thompson", "Barbara Liskov"]
    assert page.selectbox(key="live_campaign").options == ["December reminders", "Payment follow-up"]
    page.selectbox(key="live_campaign").set_value(house.campaigns["draft"])
    assert list(lines(await dashboard.draw(page))) == ["Barbara Liskov"]
    page.selectbox(key="live_agent").set_value(house.agent)
    assert lines(await dashboard.draw(page)) == {}
    assert "No call in progress fits. Change the filters above." in shown(page)
    assert page.header[0].value == "6 in progress"


@pytest.mark.usefixtures("live_calls")
async def test_what_was_chosen_stays_chosen_when_its_last_call_ends(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("live")
    page.selectbox(key="live_campaign").set_value(house.campaigns["paused"])
    await dashboard.draw(page)
    await kept(dashboard, "update calls set conversation_ended_at = callwright_now() where campaign_id = $1", house.campaigns["paused"])
    await kept(dashboard, "update calls set conversation_ended_at = null where id = $1", house.running)
    await dashboard.draw(page)
    assert page.selectbox(key="live_campaign").value == house.campaigns["paused"]
    assert "No call in progress fits." in shown(page)


def test_a_pause_does_not_count_as_silence() -> None:
    """Otherwise the lines would change places with every sentence."""
    long, paused, silent = (replace(CALM, id=at, talking_s=60.0 - at, silent_s=quiet) for at, quiet in enumerate((0.0, 4.9, 5.0)))
    assert board([paused, silent, long], Wanted()) == [silent, long, paused]


@pytest.mark.usefixtures("as_supervisor")
async def test_a_supervisor_gets_from_each_call_to_its_live_page(dashboard: Dashboard, live_calls: dict[str, int]) -> None:
    page = await dashboard.open("live")
    assert {contact: line["listen"] for contact, line in lines(page).items()} == {
        contact: f"{dashboard.api.url}/live/{call}" for contact, call in live_calls.items()
    }
    assert "takes the role of a supervisor" not in shown(page)


@pytest.mark.usefixtures("live_calls")
async def test_an_operator_reads_along_and_is_told_what_listening_takes(dashboard: Dashboard) -> None:
    page = await dashboard.open("live")
    assert {line["listen"] for line in lines(page).values()} == {None}
    assert shown(page).count("Listening to a call takes the role of a supervisor") == 1


@pytest.mark.usefixtures("as_viewer", "live_calls")
async def test_a_viewer_reads_along_and_sees_no_number(dashboard: Dashboard) -> None:
    await kept(dashboard, "update calls set contact_name = '' where contact_name = 'Alan Turing' and live")
    told = lines(await dashboard.open("live"))
    assert told["•••••01"]["speaker"] == "•••••01"
    assert told["Grace Hopper"]["about"].startswith("•••••00 · ")
    assert "+1415" not in json.dumps(told)
    assert {line["listen"] for line in told.values()} == {None}


async def test_a_call_in_the_browser_says_so(dashboard: Dashboard, live_calls: dict[str, int]) -> None:
    to_browser = "update calls set number = 'browser:1', campaign_id = null where id = $1"
    await kept(dashboard, to_browser, live_calls["Grace Hopper"])
    assert lines(await dashboard.open("live"))["Grace Hopper"]["about"] == "In the browser · Test call · Appointment reminder"


async def test_without_calls_the_board_says_what_to_do(dashboard: Dashboard) -> None:
    page = await dashboard.open("live")
    assert page.header[0].value == "0 in progress"
    assert "No call is in progress. As soon as somebody answers a call of a running campaign, it appears here." in shown(page)
    assert [link.proto.label for link in page.get("page_link")] == ["See which campaigns run, or start one"]


async def test_more_calls_than_anybody_reads_are_counted(dashboard: Dashboard, house: House) -> None:
    many = (
        "insert into calls (number, phone_number_id, carrier_account_id, agent_id, agent_version, rehearsal, state, process_id, "
        "lease_until, answered_at) select '+1415666' || 1000 + n, p.id, p.carrier_account_id, $1, 1, true, 'answered', 'seed', "
        "callwright_now(), callwright_now() from phone_numbers p, generate_series(1, 220) as n where p.id = $2"
    )
    await kept(dashboard, many, house.agent, house.number)
    page = await dashboard.open("live")
    assert page.header[0].value == "221 in progress"
    assert len(lines(page)) == 200
    assert "And 21 more calls that need you less." in shown(page)


async def supervised(dashboard: Dashboard, call: int) -> None:
    """A supervisor whispers, marks, takes over, says something, gives back, and hangs up."""
    at_ms = {"whisper": 6500, "mark": 8600, "take_over": 15_400, "give_back": 20_000, "hang_up": 21_000}
    said = {"whisper": {"text": "Offer Friday", "answer": "used in the next turn"}, "mark": {"text": "Good example"}}
    database = await asyncpg.connect(dashboard.database_url)
    for kind, when in at_ms.items():
        await database.execute(
            "insert into call_events (call_id, at, source, kind, detail) "
            "select id, answered_at + make_interval(secs => $2::float8 / 1000), 'operator', $3, $4::jsonb from calls where id = $1",
            *(call, when, kind, json.dumps({"by": "Anna", "at_ms": when, **said.get(kind, {})})),
        )
    await database.execute("update transcript_turns set speaker = 'supervisor' where call_id = $1 and position = 4", call)
    await database.execute("update calls set end_reason = 'supervisor', ended_by = 'operator' where id = $1", call)
    await database.close()


async def test_what_a_supervisor_did_stands_in_the_conversation_at_its_time(dashboard: Dashboard, house: House) -> None:
    await supervised(dashboard, house.talked)
    (component,) = (await dashboard.open("call", id=str(house.talked))).get("bidi_component")
    told = json.loads(component.proto.json)["turns"]
    assert [(line["speaker"], line["name"], line["when"]) for line in told] == [
        ("agent", "Agent", "0:00 to 0:06"),
        ("note", "Anna whispered to the agent", "0:06"),
        ("callee", "Ada Lovelace", "0:06 to 0:08"),
        ("note", "Anna marked this moment", "0:08"),
        ("agent", "Agent", "0:08 to 0:13"),
        ("callee", "Ada Lovelace", "0:13 to 0:15"),
        ("note", "Anna took the call over", "0:15"),
        ("supervisor", "Supervisor", "0:15 to 0:18"),
        ("note", "Anna gave the call back to the agent", "0:20"),
        ("note", "Anna hung up", "0:21"),
    ]
    assert [line["text"] for line in told if line["speaker"] == "note"] == [
        "Offer Friday\nAnswer: used in the next turn",
        "Good example",
        "",
        "",
        "",
    ]
    assert [line["icon"] for line in told if line["speaker"] != "note"] == ["", "", "", "", "support_agent"]


async def test_what_a_supervisor_did_stands_on_the_timeline_and_in_the_result(dashboard: Dashboard, house: House) -> None:
    await supervised(dashboard, house.talked)
    words = shown(await dashboard.open("call", id=str(house.talked)))
    for what in (
        "A whisper to the agent",
        "A moment was marked",
        "Taken over by a supervisor",
        "Given back to the agent",
        "A supervisor hung up",
    ):
        assert f"{what}  \n:gray[Anna · " in words
    assert "“Offer Friday”" in words
    assert "“Good example”, at 0:08" in words
    assert "**A supervisor ended the call**\n" in words


async def test_the_audit_log_names_the_call_that_somebody_listened_to(
    dashboard: Dashboard, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = dashboard.api.session("admin")
    monkeypatch.setattr(commands, "session_cookie", lambda: session)
    kept_line = "insert into audit_log (actor, action, subject) values ('Anna', $1, 'call ' || $2::bigint) returning id"
    await kept(dashboard, kept_line, "live.listen", house.talked)
    await kept(dashboard, kept_line, "live.take_over", 999_999)
    words = shown(await dashboard.open("settings", part="Audit log"))
    assert "**Anna** listened to the **call with Ada Lovelace**" in words
    assert "**Anna** took over the **call 999999**" in words


@pytest.mark.usefixtures("as_supervisor")
async def test_a_supervisor_gets_to_the_live_page_from_the_call_and_from_the_campaign(dashboard: Dashboard, house: House) -> None:
    there = [("Listen live", f"{dashboard.api.url}/live/{house.running}")]
    for view, query in (("call", {"id": str(house.running)}), ("campaign", {"id": str(house.campaigns["in_progress"])})):
        links = (await dashboard.open(view, **query)).get("link_button")
        assert [(link.proto.label, link.proto.url) for link in links] == there, view
    assert not (await dashboard.open("call", id=str(house.talked))).get("link_button")


async def test_an_operator_is_not_offered_to_listen(dashboard: Dashboard, house: House) -> None:
    for view, query in (("call", {"id": str(house.running)}), ("campaign", {"id": str(house.campaigns["in_progress"])})):
        assert not (await dashboard.open(view, **query)).get("link_button"), view
