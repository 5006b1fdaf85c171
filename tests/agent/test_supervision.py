"""A conversation with a script under supervision: what is told of it as it goes on, and what a supervisor can do to it."""

import asyncio

import pytest

from agent_runtime import talk
from agent_runtime.agent import Agent, Intent, Script, Step
from agent_runtime.calls import EndedBy, EndReason, Goal, Speaker, Who
from agent_runtime.engines import Engines
from agent_runtime.providers import Services
from agent_runtime.supervision import AgentState, NextStep, NotPossible
from tests.agent.call_double import QUICK, CallDouble, begin
from tests.agent.engine_doubles import WORD_MS, RecognitionDouble, UnderstandingDouble, VoiceDouble, speech
from tests.agent.watcher_double import WatcherDouble, speaks

GREETING = "Hello Sam. This is the clinic about your appointment. Can you make it?"
QUESTION = "Can you come on Monday?"
WHICH = "Of course. Which day suits?"
OFFER = "Would you like one of my colleagues to call you?"
CONFIRMED = "Wonderful. We look forward to seeing you."
GOODBYE = "Thank you and goodbye."
OPTED_OUT = "We will not call you again."
MESSAGE = "This is the clinic with a reminder."
WHEN = "When would be a good time?"
SCRIPT = Script(
    start="confirm",
    who="This is the clinic.",
    robot="Yes, I am a machine.",
    opted_out=OPTED_OUT,
    when=WHEN,
    steps={
        "confirm": Step(
            say="",
            ask=True,
            reprompt=QUESTION,
            intents=(Intent("yes", ("yes I can",), "confirmed"), Intent("other", ("another day please",), "which")),
        ),
        "which": Step(say=WHICH, ask=True, next="confirmed"),
        "offer": Step(say=OFFER, ask=True, intents=(Intent("yes", ("please do",), "confirmed"),)),
        "confirmed": Step(say=CONFIRMED, goal="met", end="goodbye"),
    },
)
AGENT = Agent(
    name="clinic",
    first_message=GREETING,
    key_phrase="about your appointment",
    goodbye=GOODBYE,
    voicemail_message=MESSAGE,
    script=SCRIPT,
    silence_s=60,
)
WORD = WORD_MS * 8  # samples
VOICE = bytes(range(256)) * 10  # of a supervisor


class Watched:
    """A call whose callee and supervisor say `lines`, in the order in which they are recognised."""

    def __init__(self, *lines: str, agent: Agent = AGENT, reading: bool = True) -> None:
        self.recognition, self.drafts = RecognitionDouble(*lines), RecognitionDouble()
        self.voice, self.understanding = VoiceDouble(), UnderstandingDouble()
        engines = Engines(self.recognition, self.voice, self.understanding, self.drafts)
        self.watcher = WatcherDouble(reading)
        self.call: CallDouble = begin(agent, Services(engines, timing=QUICK), speech(GREETING).pcm, watcher=self.watcher)
        self.leg = self.call.leg

    async def greeted(self) -> "Watched":
        """The greeting has been heard, the script has begun, and it is the callee's turn."""
        await self.leg.agent_speaks()
        await self.leg.agent_is_done()
        await self.watcher.until_state(AgentState.LISTENING)
        await self.watcher.until(lambda: bool(self.watcher.following))
        return self

    async def read(self, draft: str) -> None:
        """Somebody has read `draft` of what the callee is saying; the beginning may be left out where that takes long."""
        await self.watcher.until(lambda: any(c.text.endswith(draft) and not c.final for c in self.watcher.of(Speaker.CALLEE)))

    async def agent_says(self) -> str:
        """The next turn of the agent, heard to its end."""
        before = len([c for c in self.watcher.of(Speaker.AGENT) if c.final])
        await self.watcher.until(lambda: len([c for c in self.watcher.of(Speaker.AGENT) if c.final]) > before)
        return [c for c in self.watcher.of(Speaker.AGENT) if c.final][-1].text


def changed(**fields: object) -> Agent:
    return Agent.from_dict({**AGENT.to_dict(), **fields})


# What is told


async def test_each_turn_is_told_as_it_grows_and_settles_as_it_stands_in_the_transcript() -> None:
    at = await Watched("Another day please.", "Thursday.").greeted()
    at.leg.says()
    assert await at.agent_says() == WHICH
    at.leg.says()
    result = await at.call.result()
    words = [caption.text for caption in at.watcher.captions if caption.turn == 1]
    assert words[:-1] == [" ".join(GREETING.split()[: count + 1]) for count in range(len(GREETING.split()))]
    assert at.watcher.settled() == [(turn.speaker, turn.text) for turn in result.turns]
    starts = {caption.turn: caption.start_ms for caption in at.watcher.captions if caption.final}
    assert [starts[number] for number in sorted(starts)] == [turn.start_ms for turn in result.turns]


async def test_of_a_line_that_was_cut_the_caption_keeps_what_was_heard() -> None:
    at = Watched("Another day please.")
    at.leg.stop_at(11 * WORD)
    await at.leg.agent_speaks()
    await at.leg.heard(11 * WORD)
    at.leg.says()
    await at.watcher.until_said(Speaker.CALLEE, "Another day please.")
    at.leg.close()
    result = await at.call.result()
    assert result.turns[0].cut_off
    assert at.watcher.settled()[0] == (Speaker.AGENT, result.turns[0].text)


async def test_what_the_agent_does_is_told_with_each_change_and_once() -> None:
    at = await Watched("Yes I can.").greeted()
    at.leg.says()
    await at.call.result()
    told = at.watcher.states
    assert told == [AgentState.SPEAKING, AgentState.LISTENING, AgentState.THINKING, AgentState.ENDING, AgentState.OVER]


async def test_what_follows_is_told_with_the_ways_that_lead_on() -> None:
    at = await Watched("Another day please.").greeted()
    at.leg.says()
    await at.agent_says()
    at.leg.close()
    await at.call.result()
    assert at.watcher.following == [
        NextStep("confirm", QUESTION, (("yes", "confirmed"), ("other", "which"))),
        NextStep("which", WHICH, (("any answer", "confirmed"),)),
    ]


async def test_who_reads_along_sees_the_callees_words_before_the_utterance_is_over() -> None:
    at = await Watched("I would like another day please.").greeted()
    at.drafts.lines.extend(["I would", "I would like another"])
    at.leg.voice_starts()
    for draft in ("I would", "I would like another"):
        at.leg.voice_goes_on()
        await at.read(draft)
    at.leg.voice_stops()
    await at.agent_says()
    at.leg.close()
    result = await at.call.result()
    callee = at.watcher.of(Speaker.CALLEE)
    assert {caption.turn for caption in callee} == {2}
    assert callee[-1].text == "I would like another day please."
    assert [turn.text for turn in result.turns if turn.speaker is Speaker.CALLEE] == ["I would like another day please."]
    assert ["I would"] not in at.understanding.asked


async def test_where_nobody_reads_nothing_is_recognised_twice() -> None:
    at = Watched("Another day please.", reading=False)
    at.drafts.lines.append("Another")
    await at.leg.agent_speaks()
    at.leg.voice_starts()
    at.leg.voice_goes_on()
    await at.leg.agent_is_done()  # of the greeting, which is guarded
    at.leg.voice_stops()
    await at.agent_says()
    at.leg.close()
    await at.call.result()
    assert list(at.drafts.lines) == ["Another"]
    assert {caption.text for caption in at.watcher.of(Speaker.CALLEE)} == {"Another day please."}


async def test_words_that_turn_out_to_be_none_are_taken_back() -> None:
    at = await Watched("").greeted()
    at.drafts.lines.append("You")
    at.leg.voice_starts()
    at.leg.voice_goes_on()
    await at.watcher.until(lambda: bool(at.watcher.of(Speaker.CALLEE)))
    at.leg.voice_stops()
    await at.watcher.until_said(Speaker.CALLEE, "")
    at.leg.close()
    await at.call.result()
    assert at.watcher.settled() == [(Speaker.AGENT, GREETING)]


async def test_an_engine_that_has_no_time_for_readers_is_no_fault() -> None:
    at = await Watched("Yes I can.").greeted()
    at.drafts.dead = True
    at.leg.voice_starts()
    at.leg.voice_goes_on()
    await at.drafts.refused.wait()
    at.drafts.dead = False
    at.drafts.lines.append("Yes I")
    at.leg.voice_goes_on()
    await at.read("Yes I")
    at.leg.voice_stops()
    assert (await at.call.result()).goal is Goal.MET


# Whispering


async def test_a_whisper_leads_the_next_turn_whatever_the_callee_says_and_nobody_hears_it() -> None:
    at = await Watched("Yes I can.", "Please do.").greeted()
    answer = await at.watcher.conversation.whisper("Go to the offer.")
    assert answer == f'In its next turn the agent goes to "offer": "{OFFER}"'
    assert at.watcher.following[-1] == NextStep("offer", OFFER)
    at.leg.says()
    assert await at.agent_says() == OFFER
    at.leg.says()
    result = await at.call.result()
    assert result.goal is Goal.MET
    assert not [line for line in at.voice.spoken if "Go to" in line]
    assert not [turn for turn in result.turns if "Go to" in turn.text]


async def test_a_whisper_may_say_what_the_step_says() -> None:
    at = await Watched("Yes I can.").greeted()
    await at.watcher.conversation.whisper(OFFER)
    at.leg.says()
    assert await at.agent_says() == OFFER
    at.leg.close()
    await at.call.result()


async def test_when_the_callee_is_silent_the_agent_goes_where_it_was_told() -> None:
    at = Watched(agent=changed(silence_s=1))
    await at.leg.agent_speaks()
    await at.watcher.conversation.whisper("say goodbye")
    await at.watcher.until_said(Speaker.AGENT, GOODBYE)
    result = await at.call.result()
    assert (result.ended_by, result.reason) == (EndedBy.AGENT, EndReason.GOODBYE)
    assert "supervisor" in result.reason_evidence.says


async def test_the_agent_can_be_told_to_ask_for_a_better_time() -> None:
    at = await Watched("Yes I can.").greeted()
    await at.watcher.conversation.whisper("call back later")
    at.leg.says()
    assert await at.agent_says() == WHEN
    at.leg.close()
    await at.call.result()


async def test_a_wish_not_to_be_called_comes_before_any_whisper() -> None:
    at = await Watched("Never call me again.").greeted()
    await at.watcher.conversation.whisper("offer")
    at.leg.says()
    result = await at.call.result()
    assert (result.opted_out, result.reason) == (True, EndReason.OPTED_OUT)
    assert OFFER not in at.voice.spoken


async def test_a_whisper_that_means_no_step_is_refused_with_those_that_there_are() -> None:
    at = await Watched().greeted()
    with pytest.raises(NotPossible, match="confirm, which, offer, confirmed"):
        await at.watcher.conversation.whisper("bananas")
    with pytest.raises(NotPossible, match="no words"):
        await at.watcher.conversation.whisper("  ")
    at.leg.close()
    await at.call.result()
    with pytest.raises(NotPossible, match="over"):
        await at.watcher.conversation.whisper("offer")


async def test_an_agent_without_a_brain_can_not_be_told_anything() -> None:
    watcher = WatcherDouble()
    call = begin(replace_brain("null"), Services(timing=QUICK), speech(GREETING).pcm, watcher=watcher)
    await call.leg.agent_speaks()
    with pytest.raises(NotPossible, match="says the same always"):
        await watcher.conversation.whisper("offer")
    call.leg.close()
    await call.result()


def replace_brain(llm: str) -> Agent:
    return changed(llm=llm, stt="null", tts="null")


# Taking over and giving back


async def test_who_takes_over_is_heard_instead_of_the_agent_and_all_that_is_said_is_kept() -> None:
    at = Watched("This is Kim, a colleague.", "Good to hear a person.")
    at.leg.stop_at(11 * WORD)
    await at.leg.agent_speaks()
    await at.leg.heard(11 * WORD)
    microphone = at.watcher.conversation.take_over("Kim")
    assert at.leg.cuts
    assert at.watcher.states[-1] is AgentState.AWAY
    at.watcher.conversation.speak(VOICE)
    speaks(microphone)
    await at.watcher.until_said(Speaker.SUPERVISOR, "This is Kim, a colleague.")
    at.leg.says()
    await at.watcher.until_said(Speaker.CALLEE, "Good to hear a person.")
    assert bytes(at.leg.played).endswith(VOICE)
    at.leg.close()
    result = await at.call.result()
    assert [turn.speaker for turn in result.turns] == [Speaker.AGENT, Speaker.SUPERVISOR, Speaker.CALLEE]
    assert result.turns[0].cut_off
    assert at.watcher.settled() == [(turn.speaker, turn.text) for turn in result.turns]
    assert (result.ended_by, result.reason, result.who) == (EndedBy.CALLEE, EndReason.HUNG_UP, Who.HUMAN)
    assert not at.voice.spoken


async def test_what_the_callee_was_saying_when_the_call_was_taken_over_is_kept_and_answered_by_nobody() -> None:
    at = await Watched("Yes I can.", "And who are you?").greeted()
    at.leg.voice_starts()
    at.watcher.conversation.take_over("Kim")
    at.leg.voice_stops()
    await at.watcher.until_said(Speaker.CALLEE, "Yes I can.")
    at.leg.says()
    await at.watcher.until_said(Speaker.CALLEE, "And who are you?")
    at.leg.close()
    result = await at.call.result()
    assert [turn.speaker for turn in result.turns] == [Speaker.AGENT, Speaker.CALLEE, Speaker.CALLEE]
    assert not at.understanding.asked[1:]


async def test_a_call_that_was_taken_over_is_not_given_to_another() -> None:
    at = await Watched().greeted()
    at.watcher.conversation.take_over("Kim")
    for name in ("Lou", "Kim"):
        with pytest.raises(NotPossible, match="Kim has taken this call over"):
            at.watcher.conversation.take_over(name)
    at.watcher.conversation.give_back()
    assert await at.agent_says() == QUESTION
    at.watcher.conversation.take_over("Lou")
    at.leg.close()
    await at.call.result()


async def test_the_voice_of_who_has_not_taken_over_is_not_heard() -> None:
    at = await Watched().greeted()
    before = bytes(at.leg.played)
    at.watcher.conversation.speak(VOICE)
    at.watcher.conversation.give_back()
    assert bytes(at.leg.played) == before
    at.leg.close()
    await at.call.result()


async def test_what_the_callee_answered_meanwhile_leads_the_script_on() -> None:
    at = await Watched("Another day", "please.").greeted()
    at.watcher.conversation.take_over("Kim")
    for line in ("Another day", "please."):
        at.leg.says()
        await at.watcher.until_said(Speaker.CALLEE, line)
    at.watcher.conversation.give_back()
    assert await at.agent_says() == WHICH
    at.leg.close()
    result = await at.call.result()
    assert not result.turns[-1].latency_ms  # it answered nobody


async def test_what_is_no_answer_leaves_the_question_to_be_asked_again() -> None:
    at = await Watched("Who are you?").greeted()
    at.watcher.conversation.take_over("Kim")
    at.leg.says()
    await at.watcher.until_said(Speaker.CALLEE, "Who are you?")
    at.watcher.conversation.give_back()
    assert await at.agent_says() == QUESTION
    at.leg.close()
    await at.call.result()


async def test_a_question_that_must_be_heard_out_is_asked_again_whatever_was_answered_to_somebody_else() -> None:
    raw = AGENT.to_dict()
    raw["script"]["steps"]["confirm"]["heard_out"] = True
    at = await Watched("Yes I can.", agent=Agent.from_dict(raw)).greeted()
    at.watcher.conversation.take_over("Kim")
    at.leg.says()
    await at.watcher.until_said(Speaker.CALLEE, "Yes I can.")
    at.watcher.conversation.give_back()
    assert await at.agent_says() == QUESTION
    at.leg.close()
    await at.call.result()


async def test_a_whisper_still_holds_when_the_call_is_given_back() -> None:
    at = await Watched("Yes I can.").greeted()
    await at.watcher.conversation.whisper("offer")
    at.watcher.conversation.take_over("Kim")
    at.leg.says()
    await at.watcher.until_said(Speaker.CALLEE, "Yes I can.")
    at.watcher.conversation.give_back()
    assert await at.agent_says() == OFFER
    at.leg.close()
    await at.call.result()


async def test_the_agent_lets_the_callee_finish_when_it_gets_the_call_back() -> None:
    at = await Watched("Another day", "please.").greeted()
    at.watcher.conversation.take_over("Kim")
    at.leg.says()
    await at.watcher.until_said(Speaker.CALLEE, "Another day")
    at.leg.voice_starts()
    at.watcher.conversation.give_back()
    assert at.watcher.states[-1] is AgentState.LISTENING
    at.leg.voice_stops()
    assert await at.agent_says() == WHICH
    assert at.understanding.asked[-1] == ["Another day please."]
    at.leg.close()
    await at.call.result()


async def test_a_noise_while_the_call_is_given_back_keeps_nobody_waiting() -> None:
    at = await Watched("").greeted()
    at.watcher.conversation.take_over("Kim")
    at.leg.voice_starts()
    at.watcher.conversation.give_back()
    at.leg.voice_stops()
    assert await at.agent_says() == QUESTION
    at.leg.close()
    await at.call.result()


async def test_the_agent_waits_for_the_supervisors_last_words_before_it_goes_on() -> None:
    at = await Watched("I hand you back to the assistant.").greeted()
    microphone = at.watcher.conversation.take_over("Kim")
    microphone.voice_started(0, bytes(3200))
    at.watcher.conversation.give_back()
    assert at.watcher.states[-1] is AgentState.AWAY
    assert await at.agent_says() == QUESTION
    at.leg.close()
    result = await at.call.result()
    assert [turn.speaker for turn in result.turns] == [Speaker.AGENT, Speaker.SUPERVISOR, Speaker.AGENT]


async def test_a_wish_not_to_be_called_is_heard_at_once_while_somebody_else_has_the_call() -> None:
    at = await Watched("Never call me again.").greeted()
    at.watcher.conversation.take_over("Kim")
    at.leg.says()
    await at.call.actions.until("suppress")
    assert at.watcher.states[-1] is AgentState.AWAY
    await at.watcher.until_said(Speaker.CALLEE, "Never call me again.")
    at.watcher.conversation.give_back()
    result = await at.call.result()
    assert result.turns[-1].text == f"{OPTED_OUT} {GOODBYE}"
    assert (result.opted_out, result.reason) == (True, EndReason.OPTED_OUT)
    assert len(at.call.actions.suppressed) == 1


async def test_a_mailbox_that_is_reached_meanwhile_gets_its_message_when_the_agent_is_back() -> None:
    at = await Watched().greeted()
    at.watcher.conversation.take_over("Kim")
    at.leg.beeps()
    await at.call.actions.until("note answered_by")
    assert at.watcher.states[-1] is AgentState.AWAY
    at.watcher.conversation.give_back()
    result = await at.call.result()
    assert (result.who, result.reason, result.message_delivered) == (Who.VOICEMAIL, EndReason.MESSAGE_LEFT, True)


async def limit_has_passed(agent: Agent) -> None:
    """Timers run out in order: this one began after the call's own."""
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(agent.max_call_s, passed.set)
    await passed.wait()


async def test_the_time_limit_waits_for_the_agent_to_be_back_and_to_have_spoken_once() -> None:
    agent = changed(max_call_s=1)
    at = Watched(agent=agent)
    await at.leg.agent_speaks()
    at.watcher.conversation.take_over("Kim")
    await limit_has_passed(agent)
    assert at.watcher.states[-1] is AgentState.AWAY
    at.watcher.conversation.give_back()
    assert await at.agent_says() == QUESTION
    result = await at.call.result()
    assert result.turns[-1].text == GOODBYE
    assert (result.ended_by, result.reason) == (EndedBy.AGENT, EndReason.TIME_LIMIT)


async def test_no_deadline_ends_a_call_that_a_supervisor_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk, "OVERTIME_S", 0)
    agent = changed(max_call_s=1)
    at = Watched(agent=agent)
    await at.leg.agent_speaks()
    at.watcher.conversation.take_over("Kim")
    await limit_has_passed(agent)
    at.watcher.conversation.hang_up("Kim")
    assert (await at.call.result()).reason is EndReason.SUPERVISOR


async def test_a_recognition_that_fails_does_not_end_a_call_that_a_supervisor_holds() -> None:
    at = await Watched("Yes I can.").greeted()
    microphone = at.watcher.conversation.take_over("Kim")
    at.recognition.dead = True
    at.leg.says()
    speaks(microphone)
    await at.call.actions.until("note service_failed")
    at.recognition.dead = False
    at.leg.says()
    await at.watcher.until_said(Speaker.CALLEE, "Yes I can.")
    at.watcher.conversation.give_back()
    assert (await at.call.result()).goal is Goal.MET


# Ending


async def test_a_supervisor_ends_the_call_at_once_and_it_is_kept_who_did() -> None:
    before = asyncio.all_tasks()
    at = Watched()
    at.leg.stop_at(11 * WORD)
    await at.leg.agent_speaks()
    await at.leg.heard(11 * WORD)
    at.watcher.conversation.hang_up("Kim")
    at.leg.go_on()
    result = await at.call.result()
    assert (result.ended_by, result.reason) == (EndedBy.OPERATOR, EndReason.SUPERVISOR)
    assert result.reason_evidence.says == "Kim ended the call"
    assert result.turns[0].cut_off
    assert not at.voice.spoken
    assert at.call.actions.asked.count("hang_up") == 1
    assert at.watcher.states[-1] is AgentState.OVER
    for act in (at.watcher.conversation.hang_up, at.watcher.conversation.take_over):
        with pytest.raises(NotPossible, match="over"):
            act("Kim")
    assert {task.get_name() for task in asyncio.all_tasks() - before} <= {"the double plays"}


async def test_what_a_supervisor_says_while_hanging_up_is_kept() -> None:
    at = await Watched("Goodbye from all of us.").greeted()
    microphone = at.watcher.conversation.take_over("Kim")
    microphone.voice_started(0, bytes(3200))
    at.watcher.conversation.hang_up("Kim")
    result = await at.call.result()
    assert (result.turns[-1].speaker, result.turns[-1].text) == (Speaker.SUPERVISOR, "Goodbye from all of us.")


async def test_an_agent_that_says_goodbye_is_not_interrupted() -> None:
    at = await Watched("Yes I can.").greeted()
    at.leg.says()
    await at.watcher.until_state(AgentState.ENDING)
    with pytest.raises(NotPossible, match="goodbye"):
        at.watcher.conversation.take_over("Kim")
    with pytest.raises(NotPossible, match="goodbye"):
        await at.watcher.conversation.whisper("offer")
    assert (await at.call.result()).goal is Goal.MET
