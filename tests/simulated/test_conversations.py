"""People on the line, with real voices and real ears: what the agent's side says is understood by recognition, and answered."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from agent_runtime.engines import Engines
from mediaserver.carriers.simulated import journal, mulaw
from mediaserver.carriers.simulated.journal import CallJournal
from mediaserver.carriers.simulated.speech import tone
from tests.simulated.conftest import SetStage, Stage, stages
from tests.simulated.our_side import TO_AGREES, TO_HANGS_UP, TO_INTERRUPTS, TO_MAILBOX, TO_SILENT, Stream

TO_ANOTHER_DAY = "+12125550030"
QUESTION = (
    "Hello Anna Agreda. This is the automated assistant of the Riverside Dental Clinic. I am calling about your appointment on Monday, "
    "March the third at nine in the morning. Can you make it?"
)
LONG = (
    "Hello Anna. This is the automated assistant of Bright Smile Dental. I am calling about your appointment on Monday, "
    "March third at ten thirty. It will take about one hour. Please bring your insurance card. Can you make it?"
)
WHICH_DAY = "No problem. Which day would suit you better?"
GOODBYE = "Thank you, and goodbye."
EARLY = "Hello Anna."
MESSAGE = "This is a reminder of your appointment. Goodbye."
SOUNDS = mulaw.encode(tone(440, 10_000))

Acts = Callable[[Stream, CallJournal], Awaitable[None]]


async def spoken(engines: Engines, text: str) -> bytes:
    return mulaw.encode((await engines.voice.speak(text, "joe")).pcm)


async def call(at: Stage, acts: dict[str, Acts]) -> list[CallJournal]:
    """Calls to all these numbers at once, each with an agent that `acts`; the network's records of them. Agents go by these records, and
    wait for frames to look at them."""

    async def agent(stream: Stream) -> None:
        record = at.record_of(stream)
        await acts[record.to](stream, record)
        await stream.until_closed()

    at.ours.agent = agent
    for to in acts:
        await at.api.call(to)
    await at.curtain()
    return at.exchange.journals()


def callee_pcm(stream: Stream) -> bytes:
    return mulaw.decode(b"".join(base64.b64decode(frame["media"]["payload"]) for frame in stream.events("media")))


class Agents:
    """What our side does in four calls. Its texts are rendered beforehand."""

    def __init__(self, at: Stage, lines: dict[str, bytes]) -> None:
        self._at, self._lines = at, lines

    async def asks(self, stream: Stream, record: CallJournal) -> None:
        await stream.until(lambda _: len(record.said) == 1)
        await stream.play(self._lines[QUESTION])
        await stream.until(lambda _: len(record.said) == 2)
        await stream.play(self._lines[GOODBYE])

    async def asks_which_day(self, stream: Stream, record: CallJournal) -> None:
        await stream.until(lambda _: len(record.said) == 1)
        await stream.play(self._lines[QUESTION])
        await stream.until(lambda _: len(record.said) == 2)
        await stream.play(self._lines[WHICH_DAY])
        await stream.until(lambda _: len(record.said) == 3)
        await self._at.api.hang_up(record.call_sid)

    async def is_interrupted(self, stream: Stream, record: CallJournal) -> None:
        await stream.play(self._lines[LONG])
        await stream.mark("all of it")
        await stream.until(lambda _: len(record.said) == 2)
        await stream.send("clear")
        await stream.until(lambda s: bool(s.events("mark")))
        await stream.until(lambda _: len(record.heard) == 1)
        await self._at.api.hang_up(record.call_sid)

    async def leaves_a_message(self, stream: Stream, record: CallJournal) -> None:
        await stream.play(self._lines[EARLY])
        await stream.until(lambda _: record.beep_ms is not None)
        await stream.play(self._lines[MESSAGE])
        await stream.mark("message")
        await stream.until(lambda s: bool(s.events("mark")))
        await self._at.api.hang_up(record.call_sid)


@dataclass(frozen=True)
class Conversations:
    """What came of the four calls, by the number called; `pcm`: what was heard of the callee."""

    records: dict[str, CallJournal]
    pcm: dict[str, bytes]


@pytest.fixture(scope="module")
async def conversations(engines: Engines) -> AsyncIterator[Conversations]:
    async with stages() as set_stage:
        at = await set_stage(speech=engines)
        agents = Agents(at, {text: await spoken(engines, text) for text in (QUESTION, GOODBYE, WHICH_DAY, LONG, EARLY, MESSAGE)})
        acts: dict[str, Acts] = {
            TO_AGREES: agents.asks,
            TO_ANOTHER_DAY: agents.asks_which_day,
            TO_INTERRUPTS: agents.is_interrupted,
            TO_MAILBOX: agents.leaves_a_message,
        }
        records = {record.to: record for record in await call(at, acts)}
        yield Conversations(records, {at.record_of(stream).to: callee_pcm(stream) for stream in at.ours.streams})


def test_who_agrees_hears_the_question_and_says_yes(conversations: Conversations) -> None:
    record = conversations.records[TO_AGREES]
    assert [line.text for line in record.said] == ["Hello?", "Yes, I can make it.", "Thank you, goodbye."]
    assert "can you make it" in record.heard[0].text.lower()
    assert (record.ended_by, record.status) == ("callee", "completed")
    assert len(record.gaps) == 2


async def test_what_people_say_is_understood_at_the_other_end(conversations: Conversations, engines: Engines) -> None:
    total = journal.WordErrors(0, 0)
    for number, record in conversations.records.items():
        pcm, opened_ms = conversations.pcm[number], record.stream_open_ms or 0
        spans = [pcm[16 * max(0, line.start_ms - opened_ms - 200) : 16 * (line.end_ms - opened_ms + 200)] for line in record.said]
        understood = [(await engines.recognition.recognize(span)).text for span in spans]
        total += journal.word_errors([line.text for line in record.said], understood)
    assert total.words > 40
    assert total.percent <= 15


def test_who_wants_another_day_says_which(conversations: Conversations) -> None:
    record = conversations.records[TO_ANOTHER_DAY]
    assert "another day" in record.said[1].text
    assert "Tuesday" in record.said[2].text
    assert record.ended_by == "api"


def test_who_interrupts_speaks_over_the_agent_and_does_not_answer_what_was_cut(conversations: Conversations) -> None:
    record = conversations.records[TO_INTERRUPTS]
    assert record.said[1].text == "Yes, I know, I will be there."
    assert record.said[1].start_ms < record.heard[0].end_ms
    assert "appointment" in record.heard[0].text
    assert "insurance" not in record.heard[0].text
    assert (record.marks_cleared, record.gaps) == (1, [])


def test_a_mailbox_records_what_is_said_after_its_tone(conversations: Conversations) -> None:
    record = conversations.records[TO_MAILBOX]
    assert [len(record.said), len(record.heard)] == [1, 2]
    assert "appointment" in record.recorded
    assert "Anna" not in record.recorded
    assert record.ended_by == "api"  # at once, before the mailbox took it for the end


async def test_who_hangs_up_does_so_in_mid_sentence(stage: SetStage) -> None:
    at = await stage()

    async def speaks_on(stream: Stream, record: CallJournal) -> None:
        await stream.play(SOUNDS)

    [record] = await call(at, {TO_HANGS_UP: speaks_on})
    assert (record.ended_by, record.status) == ("callee", "completed")
    assert record.heard[0].end_ms - record.heard[0].start_ms < 10_000


async def test_who_is_silent_says_nothing_and_loses_patience(stage: SetStage) -> None:
    at = await stage(patience_s=0.5)

    async def says_nothing(stream: Stream, record: CallJournal) -> None:
        assert not record.said

    [record] = await call(at, {TO_SILENT: says_nothing})
    assert (record.said, record.first_audio_ms, record.ended_by) == ([], None, "callee")


async def test_a_line_that_the_end_of_the_call_cuts_is_kept_as_far_as_it_was_said(stage: SetStage) -> None:
    at = await stage()

    async def hangs_up_into_it(stream: Stream, record: CallJournal) -> None:
        await stream.until(lambda s: len(callee_pcm(s).strip(b"\x00")) > 16 * 1000)
        await at.api.hang_up(record.call_sid)

    [record] = await call(at, {TO_MAILBOX: hangs_up_into_it})
    assert [line.cut for line in record.said] == [True]
    assert record.said[0].text.startswith("Hello, you have")
    assert not record.said[0].text.endswith("tone.")
