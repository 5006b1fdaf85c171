"""One call: its result with the evidence, what is drawn of the conversation, how fast it was, and the timeline, in each state of a call."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.parts.latency import Silence, answer_times, longest_silence
from dashboard.parts.timeline import since
from dashboard.parts.transcript import turn_lines
from db.rows import TurnRow
from tests.dashboard.conftest import Dashboard, kept, shown
from tests.dashboard.recording import write_tone
from tests.dashboard.seed import House

TEST_CALL = """
insert into calls (number, phone_number_id, carrier_account_id, agent_id, agent_version, state, process_id, lease_until, outcome,
                   end_reason, ended_at)
select '+14155559999', p.id, p.carrier_account_id, $3, 1, $1, 'seed', callwright_now() + interval '1 hour', $2,
       case when $1 = 'ended' then 'gate_closed' end, case when $1 = 'ended' then callwright_now() end
from phone_numbers p where p.id = $4 returning id
"""
NOON = datetime(2026, 5, 15, 12, tzinfo=UTC)


def drawn(page: AppTest) -> dict[str, Any]:
    """What the browser is given to draw the conversation from."""
    (component,) = page.get("bidi_component")
    found: dict[str, Any] = json.loads(component.proto.json)
    return found


async def change(dashboard: Dashboard, statement: str, *values: object) -> Any:
    database = await asyncpg.connect(dashboard.database_url)
    try:
        return await database.fetchval(statement, *values)
    finally:
        await database.close()


async def test_a_call_shows_its_result_with_evidence(dashboard: Dashboard, house: House) -> None:
    words = shown(await dashboard.open("call", id=str(house.talked)))
    assert "Ada Lovelace" in words
    assert "**The agent had said what there was to say** (ended by the agent)" in words
    assert "Why: said goodbye (at 0:15)" in words
    assert "Why: answered in a full sentence after 0.7 s (at 0:06)" in words
    assert "Why: “Monday is fine, I will be there.” (at 0:13)" in words
    assert "Sentiment: **Positive (+0.62 on a scale from -1 to 1)**" in words
    assert "Confirmed: **yes**" in words


async def test_the_conversation_has_times_latency_and_what_was_heard_of_a_line_that_was_cut_off(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("call", id=str(house.talked))
    turns = drawn(page)["turns"]
    assert [(turn["name"], turn["when"]) for turn in turns[:2]] == [("Agent", "0:00 to 0:06"), ("Ada Lovelace", "0:06 to 0:08")]
    assert [turn["latency"] for turn in turns] == ["", "", "answered after 580 ms", "", "answered after 620 ms"]
    assert [turn["text"] for turn in turns if turn["cut_off"]] == [
        "I only want to make sure that it still suits you. Can you come on Monday at ten, or would another"
    ]
    assert {metric.label: metric.value for metric in page.metric} == {
        "First word": "180 ms",
        "Answers, median": "600 ms",
        "Slowest answer": "620 ms",
        "Longest silence": "700 ms",
    }


async def test_the_timeline_counts_from_the_dialing_and_says_who_told(dashboard: Dashboard, house: House) -> None:
    words = shown(await dashboard.open("call", id=str(house.talked)))
    lines = [line for line in words.splitlines() if line.startswith("**+")]
    assert [line.partition("&ensp; ")[2].strip() for line in lines] == [
        "Planned",
        "Dialed",
        "The carrier took the call",
        "The phone rings",
        "Answered",
        "The agent's first word",
        "The agent knows who is there",
        "The carrier says it is over",
        "The call is over",
    ]
    assert lines[4].startswith("**+8.0 s**")
    assert "Person, answered in a full sentence after 0.7 s, at 0:06" in words
    assert "CET" in words
    assert "The carrier's id of this call: CA0123456789" in words


async def test_a_recording_is_drawn_in_two_lanes_and_played_from_the_media_server(
    dashboard: Dashboard, house: House, tmp_path: Path
) -> None:
    write_tone(tmp_path / "recordings" / "1.wav")
    recording = drawn(await dashboard.open("call", id=str(house.talked)))["recording"]
    assert recording["address"] == f"{dashboard.api.url}/api/v1/calls/{house.talked}/recording"
    assert recording["duration_ms"] == 19_000
    at = [int(len(recording["agent"]) * second / 19) for second in (3, 8)]
    assert [recording["agent"][each] > 0 for each in at] == [True, False]
    assert [recording["callee"][each] > 0 for each in at] == [False, True]


async def test_a_recording_that_is_gone_is_told_and_the_words_are_still_there(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("call", id=str(house.talked))
    assert drawn(page)["recording"] is None
    assert len(drawn(page)["turns"]) == 5
    assert "The recording can't be played: the recording is not on this machine any more" in shown(page)


async def test_a_call_without_recording_and_words_says_how_that_comes(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("call", id=str(house.calls[1]))
    assert page.get("bidi_component") == []
    assert "No recording was kept of this call. Whether calls are recorded is set in the agent." in shown(page)
    assert "The call was answered, but no words of it were kept" in shown(page)


async def test_a_call_in_progress_is_read_along(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("call", id=str(house.running))
    assert "Talking" in shown(page)
    assert "This page follows the call by itself." in shown(page)
    assert "The recording can be played once the call has ended" in shown(page)
    assert "How it ended" not in shown(page)
    assert len(drawn(page)["turns"]) == 2
    said = "insert into transcript_turns (call_id, position, speaker, text, start_ms, end_ms) values ($1, 2, 'agent', 'Good.', 9000, 9400)"
    await change(dashboard, said, house.running)
    assert drawn(await dashboard.draw(page))["turns"][2]["text"] == "Good."


async def test_a_call_that_nobody_has_answered_yet_says_how_far_it_is(dashboard: Dashboard, house: House) -> None:
    made = await change(dashboard, TEST_CALL, "planned", None, house.agent, house.number)
    page = await dashboard.open("call", id=str(made))
    for state, words in (
        ("planned", "The carrier has not been asked yet. This page follows the call by itself."),
        ("requested", "The carrier was asked to place the call."),
        ("unknown", "The carrier did not say what became of it; it is being asked."),
        ("ringing", "The phone rings."),
    ):
        await change(dashboard, "update calls set state = $2 where id = $1", made, state)
        found = shown(await dashboard.draw(page))
        assert words in found
        assert "Nobody has answered yet. What is said appears here as it is spoken." in found
        assert "recording" not in found


async def test_a_call_that_nobody_answered_says_so(dashboard: Dashboard, house: House) -> None:
    words = shown(await dashboard.open("call", id=str(house.calls[3])))
    assert "No recording: the call was not answered." in words
    assert "Nobody answered, so nothing was said." in words
    assert words.count("Not known: the call was not answered.") == 2
    assert "**No answer** (ended by the carrier)" in words


async def test_a_withdrawn_test_call_belongs_to_no_campaign_and_called_nobody(dashboard: Dashboard, house: House) -> None:
    made = await change(dashboard, TEST_CALL, "ended", "withdrawn", house.agent, house.number)
    words = shown(await dashboard.open("call", id=str(made)))
    assert "It belongs to no campaign and counts in none." in words
    assert "Nobody was called, so nothing was said." in words
    assert "Not dialed: counted from when it was planned." in words
    assert "try 1" not in words


async def test_opt_out_and_callback_are_part_of_what_came_of_it(dashboard: Dashboard, house: House) -> None:
    await change(dashboard, "update calls set callback_at = '2026-05-16 08:30Z' where id = $1", house.calls[4])
    words = shown(await dashboard.open("call", id=str(house.calls[4])))
    assert "Do not call again: **asked for on this call; no campaign dials this number any more**" in words
    assert "Call back: **Sat 16 May 2026, 10:30 CEST**" in words


@pytest.mark.usefixtures("as_viewer")
async def test_a_viewer_hears_the_recording_and_sees_no_number(dashboard: Dashboard, house: House, tmp_path: Path) -> None:
    write_tone(tmp_path / "recordings" / "1.wav")
    page = await dashboard.open("call", id=str(house.talked))
    assert "+14155550200" not in shown(page)
    assert "•••••00" in shown(page)
    assert "You may read the transcript and hear the recording." in shown(page)
    assert drawn(page)["recording"]["duration_ms"] == 19_000
    assert [each.label for each in page.expander] == ["Each answer by stage", "Timeline"]


async def test_a_call_that_is_not_there_is_told(dashboard: Dashboard, house: House) -> None:
    assert "There is no such call" in shown(await dashboard.open("call", id="999999"))


def turn(speaker: str, start_ms: int, end_ms: int, **latency_ms: int) -> TurnRow:
    return TurnRow(0, speaker, "", start_ms, end_ms, False, latency_ms)


def test_the_longest_silence_is_one_in_which_neither_spoke() -> None:
    over_each_other = [turn("agent", 0, 5000), turn("callee", 1000, 1500), turn("agent", 5200, 6000), turn("callee", 7100, 8000)]
    assert longest_silence(over_each_other) == Silence(6000, 1100)
    assert longest_silence(over_each_other[:2]) is None
    assert longest_silence([]) is None


def test_a_turn_of_a_moment_has_one_time() -> None:
    assert [line["when"] for line in turn_lines([turn("callee", 200, 900), turn("agent", 900, 1100)], "Ada")] == ["0:00", "0:00 to 0:01"]


def test_only_measured_answers_of_the_agent_count() -> None:
    assert answer_times([turn("agent", 0, 1), turn("callee", 1, 2, total=5), turn("agent", 2, 3, total=640)]) == [640]


@pytest.mark.parametrize(("ms", "said"), [(0, "+0.0 s"), (-40, "+0.0 s"), (-1200, "-1.2 s"), (8449, "+8.4 s"), (65_000, "+1:05 min")])
def test_the_time_since_the_start_is_short_and_signed(ms: int, said: str) -> None:
    assert since(NOON + timedelta(milliseconds=ms), NOON) == said


async def test_a_test_call_leads_back_to_its_agent(dashboard: Dashboard, house: House) -> None:
    await kept(dashboard, "update calls set campaign_id = null, contact_id = null where id = $1 returning id", house.talked)
    page = await dashboard.open("call", id=str(house.talked))
    assert (page.get("page_link")[0].proto.label, page.get("page_link")[0].proto.query_string) == (
        "Appointment reminder",
        f"id={house.agent}",
    )
