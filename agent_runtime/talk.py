"""One call while it runs: hears the line and the pipeline, decides what follows, does what the brain decides.

Everything here runs on the event loop and returns at once; what takes time goes to the pipeline or to the outbox.
"""

import asyncio
import logging
from datetime import datetime
from enum import Enum, auto

from pipecat.frames.frames import LLMRunFrame, TranscriptionFrame
from pipecat.utils.time import time_now_iso8601

from agent_runtime.agent import fill
from agent_runtime.answering import Answering, Verdict, is_backchannel, is_hello
from agent_runtime.brain_script import CueFrame
from agent_runtime.callee import CalleeVoice
from agent_runtime.calls import Brief, CallActions, EndedBy, EndReason, Goal, Speaker, Turn, Who
from agent_runtime.greeting import Greeting, word_offsets
from agent_runtime.guidance import Guided
from agent_runtime.leg import Leg
from agent_runtime.opt_out import Wish, call_wish
from agent_runtime.outbox import Outbox
from agent_runtime.pipeline import CallPipeline
from agent_runtime.providers import Timing
from agent_runtime.results import Outcome
from agent_runtime.script import MOST_SILENCES
from agent_runtime.supervision import AgentState, NextStep
from agent_runtime.telling import Telling
from agent_runtime.timers import Timers
from agent_runtime.transcript import Transcript
from agent_runtime.transport import CallOut, Tail, Utterance

log = logging.getLogger(__name__)

OVERTIME_S = 60.0  # beyond the agent's own limit: for a goodbye, a mailbox, a carrier that is slow to hang up
FEW_WORDS = 6  # when no more of the greeting is left, a "yes" may be the answer to it
STILL_THERE = "Are you still there?"
FILLER = "One moment, please."
APOLOGY = "I am sorry, I have a technical problem. We will call you again. Goodbye."
ALWAYS_SPOKEN = (STILL_THERE, FILLER, APOLOGY)
"""What any call may say beside its agent's texts: to be prepared in each voice when the process starts."""


class Phase(Enum):
    TALK = auto()
    HELD = auto()  # a supervisor has taken the call over
    MAILBOX = auto()  # a machine answered: waiting for its tone
    MESSAGE = auto()  # speaking the message
    LAST_LINE = auto()  # what is being said is the last
    OVER = auto()


_STATES = {
    Phase.HELD: AgentState.AWAY,
    Phase.MAILBOX: AgentState.MAILBOX,
    Phase.MESSAGE: AgentState.MAILBOX,
    Phase.LAST_LINE: AgentState.ENDING,
    Phase.OVER: AgentState.OVER,
}
"""What the agent does, where its phase alone tells."""


class Talk:
    """The state of one call. Implements `LegListener`, `CallListener` and `Deeds`."""

    def __init__(self, leg: Leg, brief: Brief, actions: CallActions, timing: Timing, telling: Telling) -> None:
        self.over = asyncio.Event()
        self.outcome = Outcome()
        self.answering = Answering()
        self.transcript = Transcript()
        self.outbox = Outbox()
        self.call_out = CallOut(leg, self, drain_s=timing.last_line)
        self._leg, self._brief, self._actions, self._timing, self._telling = leg, brief, actions, timing, telling
        self._agent = brief.agent
        self._timers = Timers()
        self._pipeline: CallPipeline | None = None
        self._current_phase = Phase.TALK
        self._overdue = self._returning = False  # past the time limit; back from a supervisor, and not heard yet
        self._greeting = Greeting(brief.agent, brief.variables)
        self._callee = CalleeVoice()
        self._turn_taken: int | None = None
        self._answered = False
        self._filling = False
        self._line_pending = False
        self._being_cut = self._resume_when_cut = False
        self._tail: Tail | None = None
        self._prompts = 0
        self._lines: list[str] = []
        self._last_callee_turn: Turn | None = None

    # The story's verbs

    def greet(self) -> None:
        """Play the prepared greeting now, if there is one: before anything else is built."""
        if self._brief.greeting:
            self.call_out.begin(self._brief.greeting, word_offsets(self._greeting.text, len(self._brief.greeting) // 2))

    def connect(self, pipeline: CallPipeline) -> None:
        """From now on the line and the pipeline are joined; greet, where that is still to be done."""
        self._pipeline = pipeline
        self._leg.listen(self)
        pipeline.start()
        if not self._brief.greeting:
            pipeline.say(self._greeting.text)
        if self._scripted:
            pipeline.call_in.push_soon(CueFrame())
        self._timers.start("limit", self._agent.max_call_s, self._time_is_up)
        self._timers.start("overtime", self._agent.max_call_s + OVERTIME_S, self._does_not_end)
        self._tell_state()

    def hang_up(self) -> None:
        """Nothing more is said; what the callee is saying is still to be recognised."""
        self._phase = Phase.OVER
        self._timers.stop_all()
        if self._callee.speaking:
            self._talking.call_in.voice_stopped()

    def cannot_start(self, why: str) -> None:
        """The agent can't talk at all."""
        self._note("service_failed", error=why)
        self.outcome.ended(EndedBy.FAULT, EndReason.FAILED, why)
        self._finish()

    # What a supervisor does, through `agent_runtime.supervised`

    def hold(self) -> None:
        """Fall silent at once, and answer nobody until `release`; what the callee says is kept."""
        self._phase = Phase.HELD
        self._being_cut = self._resume_when_cut = self._line_pending = self._filling = False
        self._timers.stop("silence", "filler", "brain", "mailbox", "beep", "last line")
        self.call_out.hold_back()
        self._talking.silence()

    def release(self) -> None:
        """The agent has the call again, and speaks; while the callee is speaking, when that turn is over."""
        if self._phase is not Phase.HELD:
            return
        self._tail = None
        self._turn_taken, self._answered, self._returning = self._leg.now_ms(), False, True
        self._phase = Phase.TALK
        self.call_out.go_on()
        if self._overdue:
            self._timers.start("overtime", OVERTIME_S, self._does_not_end)
        go_on = self.guided.given_back()
        if self._met(self.answering.verdict.who):
            return
        self._await_brain()
        if not self._callee.in_turn:
            self._talking.call_in.push_soon(go_on)

    def end_now(self, says: str) -> None:
        """End the call without another word."""
        self.outcome.ended(EndedBy.OPERATOR, EndReason.SUPERVISOR, says)
        self._finish()
        self.call_out.hold_back()

    def supervisor_said(self, turn: Turn) -> None:
        self._telling.supervisor(turn)
        self._keep(turn)
        self.guided.colleague_said(turn.text)

    @property
    def phase(self) -> Phase:
        return self._phase

    @property
    def guided(self) -> Guided:
        """The brain, as it is guided from outside."""
        return self._talking.guided

    @property
    def _talking(self) -> CallPipeline:
        if self._pipeline is None:
            raise RuntimeError("the pipeline is not connected")
        return self._pipeline

    # LegListener

    def voice_started(self, at_ms: int, pre_roll: bytes) -> None:
        self._callee.started(at_ms)
        self._telling.voice_started(at_ms, self._callee.turn_start)
        self._being_cut = self._resume_when_cut = False
        self._timers.stop("silence", "beep")
        self._talking.call_in.voice_started(pre_roll)
        self._tell_state()

    def voice_audio(self, pcm: bytes) -> None:
        self._talking.call_in.voice_audio(pcm)
        self._telling.voice_audio(pcm)

    def voice_stopped(self, at_ms: int) -> None:
        self._callee.stopped(at_ms, self._leg.now_ms())
        self._talking.call_in.voice_stopped()
        self._telling.voice_stopped()
        self._await_beep()
        self._tell_state()

    def heard(self, offset: int) -> None:
        self.call_out.heard(offset)

    def digit(self, digit: str) -> None:
        """A pressed digit is an answer like a spoken one."""
        self._callee.pressed(self._leg.now_ms())
        self._talking.call_in.push_soon(TranscriptionFrame(digit, "", time_now_iso8601(), finalized=True))

    def beep(self, at_ms: int) -> None:
        self._judged(self.answering.beep(at_ms))
        self._leave_message()

    def line_closed(self) -> None:
        if self._phase in (Phase.MAILBOX, Phase.MESSAGE):
            self.outcome.ended(EndedBy.CALLEE, EndReason.NO_MESSAGE, "the mailbox closed the line before the message had been heard")
        self.outcome.ended(EndedBy.CALLEE, EndReason.HUNG_UP, "the line was closed while the conversation went on")
        self.call_out.line_closed()
        self._finish()

    # TurnListener

    def may_interrupt(self) -> bool:
        may = self._phase is Phase.TALK and not self._greeting.guarded
        self._being_cut = may and self.call_out.speaking
        return may

    def recognized(self, text: str) -> None:
        self._callee.recognized(self._leg.now_ms())
        if not text:
            return
        callee = self._callee
        self._telling.callee_said(text, callee.turn_start)
        self._judged(self.answering.heard(text, callee.utterance_start, max(callee.utterance_end, callee.utterance_start)))
        if self.answering.verdict.who is not Who.VOICEMAIL and call_wish(text).wish is Wish.NEVER:
            self.opt_out(f"the callee said: {text}")

    def interim(self, text: str) -> None:
        self._telling.callee_says(text)

    def turn_ended(self, text: str) -> bool:
        self._keep_callee_turn(text)
        self._prompts = 0
        if self._phase is Phase.HELD:
            self._lines.append(text)  # for a brain that has the call again
            return False
        if self._phase is not Phase.TALK or self.answering.verdict.who in (Who.MENU, Who.SCREENING):
            return False
        if self._only_listens(text) and (self.call_out.speaking or (self._tail is not None and self._tail.complete)):
            self.resume()
            return False
        self._lines.append(text)
        self._turn_taken, self._answered = self._leg.now_ms(), False
        self._await_brain()
        self._tell_state()
        return True

    def turn_was_empty(self) -> None:
        self._callee.turn_dropped()
        self._telling.callee_turn_dropped()
        if self._phase is Phase.TALK and self._waits_for_brain:  # the cough silenced the brain before it had answered
            self._await_brain()
            self._talking.call_in.push_soon(CueFrame(again=True) if self._scripted else LLMRunFrame())
        else:
            self.resume()

    # SpeechListener

    def agent_began(self, utterance: Utterance) -> None:
        if self.outcome.first_word_ms is None:
            self.outcome.first_word_ms = utterance.audio_at_ms
        self._greeting.agent_began(utterance)
        self._timers.stop("silence", "filler")
        self._line_pending, self._tail = False, None
        self._being_cut = self._resume_when_cut = False
        self._tell_state()
        if self._filling:
            self._filling = False
            return
        self._timers.stop("brain")
        if self._turn_taken is not None and not (self._answered or self._returning):
            utterance.latency_ms = self._callee.waited(utterance, self._turn_taken)
        self._answered, self._returning = True, False

    def agent_heard(self, utterance: Utterance) -> None:
        self._telling.agent(utterance, final=False)

    def agent_ended(self, utterance: Utterance, tail: Tail | None) -> None:
        self._greeting.agent_ended(utterance)
        if utterance.text:
            start, end = utterance.start_ms or 0, utterance.end_ms
            self._keep(Turn(Speaker.AGENT, utterance.text, start, end, utterance.cut_off, utterance.latency_ms))
        self._telling.agent(utterance, final=True)
        self._tail = tail
        self._tell_state()
        if self.call_out.speaking or self._leg.closed:
            return
        if self._resume_when_cut and utterance.cut_off:
            self.resume()
        elif self._line_pending:
            return
        elif self._phase is Phase.MESSAGE:
            self._message_ended(delivered=not utterance.cut_off)
        elif self._phase is Phase.LAST_LINE:
            self._finish()
        else:
            self._await_answer()

    def service_failed(self, error: str, *, voice: bool) -> None:
        self._note("service_failed", error=error)
        log.warning("call %s: %s", self._brief.call_id, error)
        if self._phase is Phase.TALK:
            self.outcome.ended(EndedBy.FAULT, EndReason.FAILED, error)
            self._say_last(APOLOGY)  # which may be at hand even where the voice is not
        elif voice and self._phase is not Phase.HELD:  # a supervisor needs no voice of ours
            self.outcome.ended(EndedBy.FAULT, EndReason.FAILED, error)
            self._finish()

    # Deeds

    def goal_is(self, goal: Goal, says: str) -> None:
        self.outcome.goal_is(goal, says, self._last_callee_turn)

    def note_field(self, name: str, value: str) -> None:
        if name and value:
            self.outcome.fields[name] = value
        else:
            self.outcome.fields.pop(name, None)

    def opt_out(self, says: str) -> None:
        if not self.outcome.opted_out:
            self.outcome.opted_out = True
            self.outbox.put_urgent("suppression", self._actions.suppress(says))

    def last_line(self, reason: EndReason, says: str) -> None:
        if self._phase is Phase.HELD:  # it was decided before the agent was silenced, and nobody hears it
            return
        self.outcome.ended(EndedBy.AGENT, reason, says, self._last_callee_turn)
        self._enter_last_line()

    def said_all(self) -> None:
        if self._phase is not Phase.LAST_LINE:
            return
        if self._answered:
            self._finish()
        else:
            self._talking.say(fill(self._agent.goodbye, self._brief.variables))

    def call_back(self, at: datetime | None, says: str) -> None:
        self.outcome.callback_at = at
        self._note("callback", understood=at is not None)

    def wait(self) -> None:
        if self._returning:  # it was decided before the call was given back
            return
        self._answered = True
        self._timers.stop("filler", "brain")
        self._await_answer()
        self._tell_state()

    def resume(self) -> None:
        tail, self._tail = self._tail, None
        self._resume_when_cut = self._being_cut and self.call_out.speaking  # the recognition was faster than the cut
        if tail is not None and self._phase is Phase.TALK:
            self.call_out.begin(tail.pcm, tail.words)
        self.wait()

    def lines(self) -> list[str]:
        return self._lines

    def unheard(self) -> bool:
        return self._tail is not None or self.call_out.speaking

    def may_answer(self) -> bool:
        return self._phase is Phase.TALK

    def next_is(self, following: NextStep) -> None:
        self._telling.next_is(following)

    # What follows from what

    def _judged(self, verdict: Verdict | None) -> None:
        """Who is there has become known, or is another than it seemed."""
        if verdict is None:
            return
        self._note("answered_by", who=verdict.who.value, evidence=verdict.says, at_ms=verdict.at_ms)
        if self._phase is Phase.TALK:
            self._met(verdict.who)

    def _met(self, who: Who) -> bool:
        """Do what is done about a machine. Whether `who` is one."""
        if who is Who.VOICEMAIL:
            self._reach_mailbox()
        elif who is Who.SCREENING:
            self._talking.silence()
            self._talking.say(self._who_calls())
            self._timers.start("silence", self._timing.screening, self._nobody_comes)
        elif who is Who.MENU:
            self.outcome.ended(EndedBy.AGENT, EndReason.NO_MESSAGE, "a menu was read out, and no person answered")
            self._finish()
        else:
            return False
        return True

    def _reach_mailbox(self) -> None:
        if self._agent.on_voicemail == "hang_up" or not self._agent.voicemail_message.strip():
            self.outcome.ended(EndedBy.AGENT, EndReason.NO_MESSAGE, "a mailbox answered")
            self._finish()
            return
        self._phase = Phase.MAILBOX
        self._timers.stop("silence", "filler", "brain")
        self._talking.silence()
        self._timers.start("mailbox", self._timing.mailbox, self._leave_message)
        self._await_beep()

    def _await_beep(self) -> None:
        """A mailbox that stays silent after its greeting takes the message without a tone."""
        if self._phase is Phase.MAILBOX and not self._callee.speaking:
            self._timers.start("beep", self._timing.beep, self._leave_message)

    def _leave_message(self) -> None:
        if self._phase is not Phase.MAILBOX:
            return
        self._phase, self._line_pending = Phase.MESSAGE, True
        self._timers.stop("mailbox", "beep")
        self._talking.say(fill(self._agent.voicemail_message, self._brief.variables))
        self._timers.start("last line", self._timing.mailbox, lambda: self._message_ended(delivered=False))

    def _message_ended(self, *, delivered: bool) -> None:
        self.outcome.message_delivered = delivered
        reason = EndReason.MESSAGE_LEFT if delivered else EndReason.NO_MESSAGE
        self.outcome.ended(EndedBy.AGENT, reason, f"the message was {'heard to its end' if delivered else 'cut short'}")
        self._note("message_left" if delivered else "no_message")
        self._finish()

    def _await_brain(self) -> None:
        self._timers.stop("silence")
        self._timers.start("filler", self._timing.filler, self._fill_the_gap)
        self._timers.start("brain", self._timing.brain, self._give_up)

    def _await_answer(self) -> None:
        """Nobody speaks and nothing is on its way: whose turn it is, is the callee's."""
        if self._phase is not Phase.TALK or self._callee.speaking or self._waits_for_brain or self.call_out.speaking:
            return
        if self._overdue:
            self._time_is_up()
        else:
            self._timers.start("silence", self._agent.silence_s, self._nobody_speaks)

    def _nobody_speaks(self) -> None:
        if not self.transcript.callee_has_spoken:
            self.answering.silence(self._leg.now_ms())
        self._prompts += 1
        if self._scripted:
            self._talking.call_in.push_soon(CueFrame(silence=True))
            return
        if self._prompts < MOST_SILENCES:
            self._talking.say(STILL_THERE)
            return
        self.outcome.ended(EndedBy.AGENT, EndReason.SILENCE, "nobody answered any more")
        self._say_last(fill(self._agent.goodbye, self._brief.variables))

    def _nobody_comes(self) -> None:
        self.outcome.ended(EndedBy.AGENT, EndReason.NO_MESSAGE, "the call was screened, and nobody came to the phone")
        self._finish()

    def _time_is_up(self) -> None:
        if self._phase is Phase.HELD:
            self._overdue = True
            return
        self.outcome.ended(EndedBy.AGENT, EndReason.TIME_LIMIT, f"the call lasted {self._agent.max_call_s} s, its limit")
        if self._phase is Phase.TALK:
            self._say_last(fill(self._agent.goodbye, self._brief.variables))
        else:
            self._finish()

    def _does_not_end(self) -> None:
        if self._phase is not Phase.HELD:
            self.outcome.ended(EndedBy.FAULT, EndReason.TIME_LIMIT, "the call did not end by itself")
            self._finish()

    def _fill_the_gap(self) -> None:
        if self._callee.speaking:  # they go on speaking: the brain waits for them, and not they for it
            return
        self._filling = True
        self._talking.say_meanwhile(FILLER)

    def _give_up(self) -> None:
        if self._callee.speaking:
            return
        self._note("brain_too_slow")
        why = f"the brain did not answer within {self._timing.brain:g} s"
        self.outcome.ended(EndedBy.FAULT, EndReason.FAILED, why)
        self._say_last(APOLOGY)

    def _say_last(self, text: str) -> None:
        """Drop what is being said and thought, say `text` and end."""
        self._enter_last_line()
        self._talking.silence()
        self._talking.say(text)

    def _enter_last_line(self) -> None:
        if self._phase is Phase.OVER:
            return
        self._phase = Phase.LAST_LINE
        self._line_pending = True
        self._timers.stop("silence", "filler", "brain")
        self._timers.start("last line", self._timing.last_line, self._finish)

    def _finish(self) -> None:
        self._phase = Phase.OVER
        self._timers.stop_all()
        self.over.set()

    # Small things

    @property
    def _phase(self) -> Phase:
        return self._current_phase

    @_phase.setter
    def _phase(self, phase: Phase) -> None:
        self._current_phase = phase
        self._tell_state()

    def _tell_state(self) -> None:
        thinking = self._waits_for_brain and not self._callee.speaking
        talking = AgentState.SPEAKING if self.call_out.speaking else AgentState.THINKING if thinking else AgentState.LISTENING
        self._telling.state_is(_STATES.get(self._phase, talking))

    @property
    def _waits_for_brain(self) -> bool:
        return self._turn_taken is not None and not self._answered

    @property
    def _scripted(self) -> bool:
        return self._agent.llm == "script"

    def _who_calls(self) -> str:
        script = self._agent.script
        return fill(script.who if script is not None else self._agent.first_message, self._brief.variables)

    def _only_listens(self, text: str) -> bool:
        """Whether `text`, said into the agent's words, only means that they go on. While they are greeted, a hello does too, unless
        so little of the greeting was left that it may be the answer to it.
        """
        few_left = self._tail is not None and len(self._tail.words) < FEW_WORDS
        return is_backchannel(text) or (self._in_greeting() and not few_left and is_hello(text))

    def _in_greeting(self) -> bool:
        return sum(turn.speaker is Speaker.AGENT for turn in self.transcript.turns) <= 1

    def _keep_callee_turn(self, text: str) -> None:
        turn = self._last_callee_turn = self._callee.turn(text)
        self._telling.callee_turn(turn)
        if self.outcome.opted_out and self.outcome.opted_out_turn is None:
            self.outcome.opted_out_turn = turn
        self._keep(turn)

    def _keep(self, turn: Turn) -> None:
        for position, kept in self.transcript.add(turn):
            self.outbox.put("transcript", self._actions.turn_ended(position, kept))

    def _note(self, kind: str, **detail: str | int | float | bool | None) -> None:
        self.outbox.put(kind, self._actions.note(kind, detail))
