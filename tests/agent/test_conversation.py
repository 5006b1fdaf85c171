"""A whole conversation with a script, on a line and engines that the test plays."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from agent_runtime.agent import Agent, Intent, MissingVariable, Script, Step
from agent_runtime.calls import CallResult, EndedBy, EndReason, Goal, Speaker, Who
from agent_runtime.conversation import prepare
from agent_runtime.providers import Services
from agent_runtime.talk import ALWAYS_SPOKEN, APOLOGY, FILLER
from tests.agent.call_double import IMPATIENT, QUICK, CallDouble, begin
from tests.agent.engine_doubles import WORD_MS, RecognitionDouble, UnderstandingDouble, VoiceDouble, engines, speech

GREETING = "Hello Sam. This is the clinic about your appointment. It is on Monday at nine with Doctor Lee. Can you make it?"
KEY_PHRASE = "about your appointment"
CONFIRMED = "Wonderful. We look forward to seeing you on Monday morning."
WHICH = "Of course. We have many free hours on every day of the next week. Which one suits?"
GOODBYE = "Thank you and goodbye."
MESSAGE = "This is the clinic with a reminder of your appointment."
SCRIPT = Script(
    start="confirm",
    who="This is the clinic.",
    robot="Yes, I am a machine.",
    steps={
        "confirm": Step(
            say="",
            ask=True,
            reprompt="Can you come on Monday?",
            intents=(Intent("yes", ("yes I can",), "confirmed"), Intent("other", ("another day please",), "which")),
        ),
        "which": Step(say=WHICH, ask=True, next="confirmed"),
        "confirmed": Step(say=CONFIRMED, goal="met", end="goodbye"),
    },
)
AGENT = Agent(
    name="clinic",
    first_message=GREETING,
    key_phrase=KEY_PHRASE,
    goodbye=GOODBYE,
    voicemail_message=MESSAGE,
    script=SCRIPT,
    silence_s=60,
)
WORD = WORD_MS * 8  # samples
NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
LISTEN = "We're not in. Please leave a message after the tone."


def answered(*lines: str, agent: Agent = AGENT, greet: bool = True) -> tuple[CallDouble, RecognitionDouble, VoiceDouble]:
    """A call whose callee will say `lines`."""
    doubles, recognition, voice = engines(*lines)
    services = Services(doubles, timing=QUICK, now=lambda: NOON)
    return begin(agent, services, speech(GREETING).pcm if greet else None), recognition, voice


def changed(**fields: object) -> Agent:
    return Agent.from_dict({**AGENT.to_dict(), **fields})


async def hear_out(call: CallDouble) -> None:
    """The callee listens until the agent has said what it is saying."""
    await call.leg.agent_speaks()
    await call.leg.agent_is_done()


def of(result: CallResult, speaker: Speaker) -> list[str]:
    return [turn.text for turn in result.turns if turn.speaker is speaker]


async def test_a_goal_is_met_and_the_goodbye_is_heard_to_its_end_before_the_hang_up() -> None:
    call, _, _ = answered("Yes I can.")
    await hear_out(call)
    call.leg.says()
    result = await call.result()
    assert call.transcript == [(Speaker.AGENT, GREETING), (Speaker.CALLEE, "Yes I can."), (Speaker.AGENT, f"{CONFIRMED} {GOODBYE}")]
    assert call.leg.heard_up_to() == call.leg.queued_up_to()
    assert call.actions.asked.count("hang_up") == 1
    assert (result.ended_by, result.reason, result.who, result.goal) == (EndedBy.AGENT, EndReason.GOODBYE, Who.HUMAN, Goal.MET)
    assert result.goal_evidence.turn == result.reason_evidence.turn == result.who_evidence.turn == 1
    assert not call.leg.cuts


async def test_without_a_prepared_greeting_the_agent_speaks_first_all_the_same() -> None:
    call, _, voice = answered("Yes I can.", greet=False)
    await hear_out(call)
    assert voice.spoken[0] == GREETING
    call.leg.close()
    await call.result()


async def test_a_hello_before_the_key_phrase_does_not_stop_the_greeting() -> None:
    call, _, _ = answered("Hello?", "Yes I can.")
    call.leg.stop_at(WORD)
    await call.leg.agent_speaks()
    await call.leg.heard(WORD)
    call.leg.says()
    await call.actions.until_turns(1)
    call.leg.go_on()
    await call.leg.agent_is_done()
    call.leg.says()
    result = await call.result()
    assert of(result, Speaker.AGENT)[0] == GREETING
    assert not call.leg.cuts
    assert of(result, Speaker.CALLEE) == ["Hello?", "Yes I can."]
    assert result.goal is Goal.MET


async def test_after_the_key_phrase_the_callee_stops_the_agent_and_the_transcript_keeps_what_was_heard() -> None:
    call, _, _ = answered("Another day please.")
    call.leg.stop_at(11 * WORD)
    await call.leg.agent_speaks()
    await call.leg.heard(11 * WORD)
    call.leg.says()
    await call.leg.agent_speaks()
    heard = call.transcript[0][1].split()
    assert call.leg.cuts
    assert heard == GREETING.split()[: len(heard)]
    assert abs(len(heard) - call.leg.cuts[0] // WORD) <= 2  # where the words of prepared audio lie is an estimate
    assert len(heard) < len(GREETING.split())
    assert call.actions.turns[0].cut_off
    call.leg.close()
    await call.result()


async def test_what_was_heard_of_a_cut_line_is_known_to_the_word() -> None:
    call, _, _ = answered("Another day please.", "Thursday would be fine.")
    await hear_out(call)
    before = call.leg.queued_up_to()
    call.leg.stop_at(before + 7 * WORD)
    call.leg.says()
    await call.leg.agent_speaks()
    await call.leg.heard(before + 7 * WORD)
    call.leg.says()
    await call.actions.until_turns(4)
    line = WHICH.split()
    heard = next(turn for turn in call.actions.turns.values() if turn.cut_off)
    words = heard.text.split()
    assert words == line[: len(words)]
    assert 0 <= (call.leg.cuts[0] - before) // WORD - (len(words) - 1) <= 1
    call.leg.close()
    await call.result()


async def test_after_an_uh_huh_the_agent_goes_on_where_it_was_cut() -> None:
    call, _, _ = answered("Uh-huh.", "Yes I can.")
    call.leg.stop_at(11 * WORD)
    await call.leg.agent_speaks()
    await call.leg.heard(11 * WORD)
    call.leg.says()
    await hear_out(call)
    await call.actions.until_turns(3)
    call.leg.says()
    result = await call.result()
    assert " ".join(of(result, Speaker.AGENT)[:2]) == GREETING
    assert [turn.cut_off for turn in result.turns[:3]] == [True, False, False]
    assert result.goal is Goal.MET


async def test_after_a_cough_the_agent_goes_on_where_it_was_cut() -> None:
    call, _, _ = answered("")
    call.leg.stop_at(11 * WORD)
    await call.leg.agent_speaks()
    await call.leg.heard(11 * WORD)
    call.leg.says()
    await hear_out(call)
    await call.actions.until_turns(2)
    assert " ".join(text for _, text in call.transcript) == GREETING
    call.leg.close()
    await call.result()


async def test_an_opt_out_is_suppressed_while_the_agent_still_talks() -> None:
    call, _, _ = answered("Never call me again.")
    await hear_out(call)
    call.leg.says()
    await call.actions.until("suppress")
    assert not call.call.done()
    result = await call.result()
    assert result.opted_out
    assert (result.reason, result.goal) == (EndReason.OPTED_OUT, Goal.NOT_MET)
    assert result.goal_evidence.turn == 1
    assert result.sentiment_word == "negative"
    assert len(call.actions.suppressed) == 1


async def test_an_opt_out_said_while_hanging_up_still_counts() -> None:
    call, _, _ = answered("Never call me again.")
    await hear_out(call)
    call.leg.voice_starts()
    call.leg.close()
    result = await call.result()
    assert result.opted_out
    assert len(call.actions.suppressed) == 1
    assert of(result, Speaker.CALLEE) == ["Never call me again."]


async def test_what_was_said_before_the_hang_up_counts_however_slow_the_recognition_is() -> None:
    doubles, recognition, _ = engines("Never call me again.")
    call = begin(AGENT, Services(doubles, timing=replace(QUICK, ending=0.05), now=lambda: NOON), speech(GREETING).pcm)
    await hear_out(call)
    recognition.takes_s = 0.5  # ten times what taking down the call may take
    call.leg.says()
    call.leg.close()
    result = await call.result()
    assert (result.opted_out, result.who) == (True, Who.HUMAN)
    assert of(result, Speaker.CALLEE) == ["Never call me again."]


async def test_a_line_of_a_slow_voice_is_heard_whole_and_kept_whole() -> None:
    call, _, voice = answered("Yes I can.", greet=False)
    voice.takes_s = 3.5  # Pipecat's own patience is 3 s
    await hear_out(call)
    voice.takes_s = 0
    call.leg.says()
    assert of(await call.result(), Speaker.AGENT) == [GREETING, f"{CONFIRMED} {GOODBYE}"]


async def test_what_fills_a_pause_while_an_answer_is_thought_about_is_no_question_that_was_not_heard() -> None:
    class Thoughtful(UnderstandingDouble):
        thought = asyncio.Event()

        async def embed(self, lines: list[str]) -> NDArray[np.float32]:
            if lines == ["Yes I can."]:
                await self.thought.wait()
            return await super().embed(lines)

    doubles, _, voice = engines("Yes I can.")
    thoughtful = Thoughtful()
    raw = AGENT.to_dict()
    raw["script"]["steps"]["confirm"]["heard_out"] = True
    services = Services(replace(doubles, understanding=thoughtful), timing=replace(QUICK, filler=IMPATIENT.filler), now=lambda: NOON)
    call = begin(Agent.from_dict(raw), services, speech(GREETING).pcm)
    await hear_out(call)
    call.leg.says()
    await call.leg.agent_speaks()
    assert voice.spoken == [FILLER]
    thoughtful.thought.set()
    result = await call.result()
    assert result.goal is Goal.MET
    assert of(result, Speaker.AGENT)[-1] == f"{CONFIRMED} {GOODBYE}"


async def test_a_mailbox_gets_the_message_once_after_its_beep() -> None:
    call, _, _ = answered(LISTEN)
    await call.leg.agent_speaks()
    call.leg.says()
    await call.actions.until("note answered_by")
    call.leg.beeps()
    result = await call.result()
    assert (result.who, result.reason, result.message_delivered) == (Who.VOICEMAIL, EndReason.MESSAGE_LEFT, True)
    assert (result.goal, result.ended_by) == (Goal.NOT_MET, EndedBy.AGENT)
    assert of(result, Speaker.AGENT)[-1] == MESSAGE
    assert of(result, Speaker.AGENT).count(MESSAGE) == 1
    assert result.who_evidence.turn is not None
    assert result.turns[result.who_evidence.turn].text == LISTEN


async def test_a_beep_alone_is_a_mailbox() -> None:
    call, _, _ = answered()
    await call.leg.agent_speaks()
    call.leg.beeps()
    result = await call.result()
    assert (result.who, result.reason) == (Who.VOICEMAIL, EndReason.MESSAGE_LEFT)
    assert "beep" in result.who_evidence.says


async def test_a_mailbox_that_does_not_beep_gets_the_message_when_it_is_silent() -> None:
    call, _, _ = answered(LISTEN)
    await call.leg.agent_speaks()
    call.leg.says()
    result = await call.result()
    assert (result.who, result.message_delivered) == (Who.VOICEMAIL, True)


async def test_a_message_that_is_the_goal_meets_it() -> None:
    call, _, _ = answered(LISTEN, agent=changed(goal_is_message=True))
    await call.leg.agent_speaks()
    call.leg.says()
    assert (await call.result()).goal is Goal.MET


async def test_a_mailbox_is_left_at_once_where_the_agent_says_so() -> None:
    call, _, voice = answered(LISTEN, agent=changed(on_voicemail="hang_up"))
    await call.leg.agent_speaks()
    call.leg.says()
    result = await call.result()
    assert (result.who, result.reason, result.message_delivered) == (Who.VOICEMAIL, EndReason.NO_MESSAGE, False)
    assert MESSAGE not in voice.spoken


async def test_a_screening_is_told_who_calls_and_the_person_behind_it_is_talked_to() -> None:
    call, _, _ = answered("Please state your name and why you are calling.", "Yes I can.")
    await call.leg.agent_speaks()
    call.leg.says()
    await call.actions.until("note answered_by")
    await hear_out(call)
    assert call.answered_by == [Who.SCREENING]
    call.leg.says()
    result = await call.result()
    assert "This is the clinic." in of(result, Speaker.AGENT)
    assert (result.who, result.goal) == (Who.HUMAN, Goal.MET)


async def test_a_silent_callee_is_asked_once_and_then_left() -> None:
    call, _, voice = answered(agent=changed(silence_s=1))
    result = await call.result()
    assert "Are you still there?" in voice.spoken
    assert (result.who, result.reason, result.ended_by) == (Who.NO_ONE, EndReason.SILENCE, EndedBy.AGENT)
    assert of(result, Speaker.AGENT)[-1] == GOODBYE


async def test_a_callee_who_hangs_up_in_mid_sentence_leaves_what_was_heard() -> None:
    call, _, _ = answered()
    await call.leg.agent_speaks()
    await call.leg.heard(5 * WORD)
    call.leg.close()
    result = await call.result()
    assert (result.ended_by, result.reason, result.who) == (EndedBy.CALLEE, EndReason.HUNG_UP, Who.UNKNOWN)
    heard = of(result, Speaker.AGENT)[0].split()
    assert 0 < len(heard) < len(GREETING.split())
    assert result.turns[0].cut_off


async def test_a_dead_recognition_ends_the_call_with_an_apology() -> None:
    call, recognition, _ = answered("Yes I can.")
    await hear_out(call)
    recognition.dead = True
    call.leg.says()
    result = await call.result()
    assert of(result, Speaker.AGENT)[-1] == APOLOGY
    assert (result.ended_by, result.reason) == (EndedBy.FAULT, EndReason.FAILED)
    assert "recognition worker" in result.reason_evidence.says


async def test_a_dead_voice_ends_the_call() -> None:
    call, _, voice = answered("Another day please.")
    await hear_out(call)
    voice.dead = True
    call.leg.says()
    result = await call.result()
    assert (result.ended_by, result.reason) == (EndedBy.FAULT, EndReason.FAILED)
    assert call.actions.asked.count("hang_up") == 1


async def test_the_time_limit_ends_with_a_goodbye() -> None:
    call, _, _ = answered(agent=changed(max_call_s=1))
    result = await call.result()
    assert result.reason is EndReason.TIME_LIMIT
    assert of(result, Speaker.AGENT)[-1] == GOODBYE


async def test_a_callback_is_dated_in_the_callees_zone() -> None:
    call, _, _ = answered("Can you call me tomorrow at five?")
    await hear_out(call)
    call.leg.says()
    await call.leg.agent_speaks()
    call.leg.close()
    result = await call.result()
    assert result.callback_at is None or result.callback_at.isoformat() == "2026-03-03T17:00:00-05:00"


async def test_cancelling_a_call_hangs_up_and_leaves_nothing_running() -> None:
    before = asyncio.all_tasks()
    call, _, _ = answered()
    await call.leg.agent_speaks()
    call.call.cancel()
    await asyncio.wait([call.call])
    assert call.call.cancelled()
    assert call.actions.asked.count("hang_up") == 1
    await call.leg.agent_is_done()
    assert {task.get_name() for task in asyncio.all_tasks() - before} <= {"the double plays"}


async def test_what_is_prepared_while_it_rings_is_made_once_for_all_calls() -> None:
    doubles, _, voice = engines("Yes I can.")
    understanding = UnderstandingDouble()
    services = Services(replace(doubles, understanding=understanding), timing=QUICK)
    await asyncio.gather(prepare(AGENT, services), prepare(AGENT, services))
    assert len(understanding.asked) == 1
    assert set(voice.spoken) == set(ALWAYS_SPOKEN)
    call = begin(AGENT, services, speech(GREETING).pcm)
    await hear_out(call)
    call.leg.says()
    assert (await call.result()).goal is Goal.MET
    assert understanding.asked[1:] == [["Yes I can."]]


async def test_a_text_that_lacks_its_variable_is_never_begun() -> None:
    call, _, _ = answered(agent=changed(goodbye="Goodbye, {{name}}."))
    with pytest.raises(MissingVariable, match="name"):
        await call.result()
    assert not call.leg.played
