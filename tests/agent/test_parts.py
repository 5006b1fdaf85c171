"""The small parts of a conversation: words in prepared audio, the transcript, requests to the outside, waits."""

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime.calls import EndReason, Goal, Speaker, Turn
from agent_runtime.greeting import word_offsets, words_to_key_phrase
from agent_runtime.outbox import Outbox
from agent_runtime.supervision import NextStep
from agent_runtime.tools import tools
from agent_runtime.transcript import Transcript

TEXT = "Hello Sam. This is the clinic about your appointment. Can you come?"
ZONE = "America/New_York"


@given(st.lists(st.text(st.characters(categories=["L", "P"]), min_size=1, max_size=12), max_size=30), st.integers(0, 200_000))
def test_the_words_of_prepared_audio_lie_in_it_in_order(words: list[str], samples: int) -> None:
    found = word_offsets(" ".join(words), samples)
    assert [word for _, word in found] == words
    offsets = [offset for offset, _ in found]
    assert offsets == sorted(offsets)
    assert all(0 <= offset <= samples for offset in offsets)


@pytest.mark.parametrize(
    ("phrase", "words"), [("", 2), ("about your appointment", 9), ("ABOUT your", 8), ("not in it", 2), ("Can you come?", 12)]
)
def test_the_guard_reaches_to_the_end_of_the_key_phrase_or_of_the_first_sentence(phrase: str, words: int) -> None:
    assert words_to_key_phrase(TEXT, phrase) == words


def test_a_first_message_of_one_sentence_without_an_end_is_guarded_whole() -> None:
    assert words_to_key_phrase("hello it is me", "") == 4


@given(st.lists(st.integers(0, 50), max_size=20))
def test_the_positions_that_are_told_make_up_the_transcript(starts: list[int]) -> None:
    transcript, told = Transcript(), dict[int, Turn]()
    for start in starts:
        told.update(transcript.add(Turn(Speaker.CALLEE, "yes", start, start + 1)))
    assert [told[position] for position in sorted(told)] == list(transcript.turns)
    assert [turn.start_ms for turn in transcript.turns] == sorted(starts)


def test_evidence_points_at_the_turn_where_it_stands_in_the_end() -> None:
    transcript = Transcript()
    said = Turn(Speaker.CALLEE, "yes", 5000, 5500)
    transcript.add(said)
    transcript.add(Turn(Speaker.AGENT, "Hello", 0, 4000))
    assert transcript.evidence("agreed", said).turn == 1
    assert transcript.evidence("nothing shows it").turn is None


async def test_requests_are_done_in_order_urgent_ones_at_once_and_a_failed_one_stops_none(caplog: pytest.LogCaptureFixture) -> None:
    outbox, done, go = Outbox(), list[str](), asyncio.Event()

    async def request(name: str, wait: bool = False, fail: bool = False) -> None:
        if wait:
            await go.wait()
        done.append(name)
        if name == "urgent":
            go.set()
        if fail:
            raise RuntimeError("what the callee said")

    outbox.put("one", request("one", wait=True, fail=True))
    outbox.put("two", request("two"))
    outbox.put_urgent("urgent", request("urgent"))
    await outbox.close(10)
    assert done == ["urgent", "one", "two"]
    assert "one (RuntimeError)" in caplog.text
    assert "what the callee said" not in caplog.text


async def test_what_is_never_done_is_dropped_and_said_so(caplog: pytest.LogCaptureFixture) -> None:
    outbox = Outbox()

    async def never() -> None:
        await asyncio.Event().wait()

    outbox.put("transcript", never())
    outbox.put("sentiment", never())
    outbox.put_urgent("hang-up", never())
    await outbox.close(0.01)
    assert "before this was done: hang-up" in caplog.text
    assert "before this was done: sentiment" in caplog.text


class DeedsDouble:
    """Remembers what a tool did."""

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []

    def goal_is(self, goal: Goal, says: str) -> None:
        self.done.append(("goal", goal, says))

    def note_field(self, name: str, value: str) -> None:
        self.done.append(("field", name, value))

    def opt_out(self, says: str) -> None:
        self.done.append(("opt out", says))

    def call_back(self, at: datetime | None, says: str) -> None:
        self.done.append(("call back", at, says))

    def last_line(self, reason: EndReason, says: str) -> None:
        self.done.append(("last line", reason, says))

    def said_all(self) -> None: ...

    def wait(self) -> None: ...

    def resume(self) -> None: ...

    def unheard(self) -> bool:
        return False

    def lines(self) -> list[str]:
        return []

    def may_answer(self) -> bool:
        return True

    def next_is(self, following: NextStep) -> None: ...


def use(name: str, **arguments: str) -> tuple[dict[str, str], list[tuple[object, ...]]]:
    deeds = DeedsDouble()
    (tool,) = tools((name,), ZONE, lambda: datetime(2026, 3, 2, 12, 0, tzinfo=ZoneInfo(ZONE)))
    return tool.run(dict(arguments), deeds), deeds.done


def test_a_callback_is_dated_in_the_callees_zone_and_the_model_is_told() -> None:
    told, done = use("schedule_callback", when="tomorrow at five")
    assert done == [("call back", datetime(2026, 3, 3, 17, 0, tzinfo=ZoneInfo(ZONE)), "asked to be called tomorrow at five")]
    assert told["status"] == "scheduled for Tuesday 03 March, 17:00"


def test_a_time_that_is_not_understood_is_asked_again() -> None:
    told, done = use("schedule_callback", when="when the cows come home")
    assert done == [("call back", None, "asked to be called when the cows come home")]
    assert "ask for a day" in told["status"]


def test_an_end_with_words_that_no_tool_knows_is_a_goodbye_with_an_unclear_goal() -> None:
    _, done = use("end_call", reason="because", goal="maybe")
    assert [deed[:2] for deed in done] == [("goal", Goal.UNCLEAR), ("last line", EndReason.GOODBYE)]


def test_a_tool_that_does_not_exist_is_refused() -> None:
    with pytest.raises(KeyError):
        tools(("fly",), ZONE, lambda: datetime(2026, 3, 2, tzinfo=ZoneInfo(ZONE)))
