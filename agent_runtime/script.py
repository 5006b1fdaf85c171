"""The walk of a script through one call: a line of the callee in, what to say and what was settled out. No I/O, no clock of its own.

`ScriptWalk` decides, whoever drives it acts: it has the line's vector made, says `Moves.say` in order, and hangs up when `Moves.end`
is set and all was heard. What everybody may say at any time (who is this, call me later, never call again) is understood in every
step. A walk always ends: after `MOST_LINES` lines of the callee at the latest.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from agent_runtime import built_in_intents as built_in
from agent_runtime.agent import CALLBACK_TIME, Agent, InvalidAgent, Script, Step, fill
from agent_runtime.callback_time import callback_time, say_time
from agent_runtime.calls import EndReason, Goal
from agent_runtime.directions import Direction
from agent_runtime.opt_out import Wish, call_wish
from agent_runtime.slots import capture, names_a_call
from agent_runtime.supervision import NextStep
from agent_runtime.understanding import IntentIndex, Meaning

MOST_LINES = 40
MOST_SILENCES = 2  # in a row
MOST_ASIDES = 4  # "who is this?", "hello?", "what?" in one step; one more is not understood
ASIDES = (built_in.WHO_IS_THIS, built_in.ARE_YOU_ROBOT, built_in.REPEAT, built_in.GREETING, built_in.HOLD_ON)
SCRAP_WORDS = 2  # so few, not understood and into our words, are a misheard "Hello?" or "Okay"
SURE_OF_OPT_OUT = 0.65  # where only the vectors say so; the words alone are enough when a rule knows them
SURE_BESIDE_SLOT = 0.6  # a built-in intent must be this near to be preferred to an answer that the slot takes


@dataclass(frozen=True, slots=True)
class Moves:
    """What to do now. `say`: texts without variables, in order; none: wait on. `resume`: the callee only acknowledged, so go on with
    what was cut off, or just go on speaking.

    What this line settled, if anything: `goal`, `opted_out`, `call_back` (with `callback_at`, in the callee's zone, where a time was
    understood), `fields` (an empty value forgets the field), `end`. `says` is the evidence for all of them, in words for people.
    """

    say: tuple[str, ...] = ()
    resume: bool = False
    goal: Goal | None = None
    opted_out: bool = False
    call_back: bool = False
    callback_at: datetime | None = None
    fields: dict[str, str] = field(default_factory=dict)
    end: EndReason | None = None
    says: str = ""


def intents_of(script: Script) -> dict[str, tuple[str, ...]]:
    """All examples that an `IntentIndex` for `script` needs: the built-in ones, and each step's own as "step.intent"."""
    own = {f"{name}.{intent.name}": intent.examples for name, step in script.steps.items() for intent in step.intents}
    return {**own, **built_in.ANSWERS, **built_in.BUILT_IN}


def fixed_lines(agent: Agent, variables: dict[str, str]) -> list[str]:
    """Every text that a call to this contact may speak, filled as far as it is known before the call: to be prepared ahead.

    Raises:
        MissingVariable: a text needs a variable that `variables` lack.
    """
    return list(dict.fromkeys(fill(text, variables) for text in agent.spoken_texts()))


class ScriptWalk:
    """One call's walk. `step`: the name of the step that it is in."""

    def __init__(
        self, agent: Agent, variables: dict[str, str], index: IntentIndex, *, now: Callable[[], datetime], zone: str = "UTC"
    ) -> None:
        """`index`: of `intents_of(agent.script)`; one per agent, shared by calls. `zone`: the callee's IANA zone, for "tomorrow at five".

        Raises:
            MissingVariable: a text needs a variable that `variables` lack; nothing has been said yet.
            InvalidAgent: the agent has no script.
        """
        if agent.script is None:
            raise InvalidAgent("the agent has no script to walk")
        fixed_lines(agent, variables)
        self._agent, self._script, self._index = agent, agent.script, index
        self._variables, self._now, self._zone = dict(variables), now, ZoneInfo(zone)
        self.step = agent.script.start
        self.ended: EndReason | None = None
        self.fields: dict[str, str] = {}
        self._asking_when = False
        self._lines = self._misses = self._asides = self._silences = 0

    def opening(self) -> Moves:
        """The first message, and what follows it up to the first question. Call it once, first."""
        return self._go(self._script.start, "", "the script began", [self._fill(self._agent.first_message)])

    def heard(self, line: str, vector: NDArray[np.float32], *, unheard: bool = False) -> Moves:
        """What to do after the callee said `line`, whose vector is `vector`, shape (384,).

        `unheard`: some of our last lines was not heard yet, being cut off or still playing.
        """
        wish = call_wish(line)
        if wish.wish is Wish.NEVER:
            return self._opt_out(line)
        if self.ended is not None:
            return Moves()
        self._lines += 1
        self._silences = 0
        if self._lines > MOST_LINES:
            return self._end((), EndReason.GOODBYE, f"the callee has said {MOST_LINES} lines and nothing was settled")
        acknowledged = built_in.is_backchannel(line)
        if acknowledged and unheard:
            return Moves(resume=True)
        if self._asking_when:
            return self._agree_on_time(line)
        too_soon = unheard and self._script.steps[self.step].heard_out
        slot = None if too_soon else self._slot(line, vector)
        if slot is not None:
            return slot
        meaning = self._meaning(line, vector, limited=wish.wish is Wish.LIMITED)
        if meaning is None and unheard and len(line.split()) <= SCRAP_WORDS:
            return Moves(resume=True)
        if meaning is None:
            return Moves() if acknowledged else self._not_understood(line)
        return self._act(meaning, line, unheard)

    def silence(self) -> Moves:
        """The callee has said nothing for as long as the agent waits."""
        if self.ended is not None:
            return Moves()
        self._silences += 1
        if self._silences >= MOST_SILENCES:
            return self._end((), EndReason.SILENCE, f"the callee was silent {MOST_SILENCES} times in a row")
        return Moves((self._fill(self._script.still_there), *self._question()))

    def directed(self, to: Direction, line: str = "", vector: NDArray[np.float32] | None = None) -> Moves:
        """Go where a supervisor sends the agent, whatever the callee said: `line` and `vector` as in `heard`, none after a silence. What
        the step wanted to know is taken from the line, and a wish not to be called comes first.
        """
        if line and vector is not None and self._wants_no_call(line, vector):
            return self._opt_out(line)
        if self.ended is not None:
            return Moves()
        self._silences = 0
        if to.built_in == built_in.GOODBYE:
            return self._end((), EndReason.GOODBYE, "a supervisor told the agent to say goodbye")
        if to.built_in:
            return self._not_now("", "")
        slot = None if self._asking_when else self._script.steps[self.step].slot
        value = capture(slot, line) if slot is not None else None
        self._asking_when = False
        moves = self._go(to.step, "", "a supervisor told the agent to go on there", taken={slot.name: value} if slot and value else {})
        return moves if moves.say or moves.end is not None else replace(moves, say=self._question(whole=True))

    def given_back(self, line: str = "", vector: NDArray[np.float32] | None = None) -> Moves:
        """Go on after a colleague has had the call. `line`, with its vector: all that the callee said meanwhile. Where it answers the
        question of this step, that counts, unless the question must be heard out; else the question is asked again.
        """
        opted_out = vector is not None and self._wants_no_call(line, vector)
        if self.ended is not None:
            return Moves(_spoken(self._fill(self._agent.goodbye)), opted_out=opted_out, end=self.ended)
        if opted_out:
            return self._opt_out(line)
        self._silences = 0
        answered = self._answered(line, vector) if vector is not None else None
        return answered or Moves(self._question(whole=True))

    def following(self) -> NextStep:
        """What the callee is asked now, and where each answer leads."""
        if self.ended is not None or self._asking_when:
            return NextStep(self.step, self._fill(self._agent.goodbye if self.ended is not None else self._script.when))
        step = self._script.steps[self.step]
        ways = [(intent.name, intent.next) for intent in step.intents]
        if step.next and (step.slot is not None or not step.intents):
            ways.append((step.slot.name if step.slot is not None else "any answer", step.next))
        return NextStep(self.step, self._question(whole=True)[0], tuple(ways))

    def directed_to(self, to: Direction) -> NextStep:
        """Where `to` leads, as the callee will hear it."""
        if to.built_in:
            return NextStep("", self._fill(self._agent.goodbye if to.built_in == built_in.GOODBYE else self._script.when))
        name = to.step
        while not (self._script.steps[name].say or self._script.steps[name].ask):
            if self._script.steps[name].end:
                return NextStep(to.step, self._fill(self._agent.goodbye))
            name = self._script.steps[name].next
        step = self._script.steps[name]
        return NextStep(to.step, self._fill(step.say or step.reprompt or self._agent.first_message))

    def _answered(self, line: str, vector: NDArray[np.float32]) -> Moves | None:
        """What follows where `line`, said to somebody else, answers the present question."""
        if self._asking_when:
            at = callback_time(line, self._local_now())
            return self._call_back(at, f'the callee said "{line}"') if at is not None else None
        if self._script.steps[self.step].heard_out:
            return None
        meaning = self._meaning(line, vector, limited=call_wish(line).wish is Wish.LIMITED)
        following = self._following(meaning) if meaning is not None else None
        return self._slot(line, vector) or (self._go(following, line, f'the callee said "{line}"') if following is not None else None)

    def _wants_no_call(self, line: str, vector: NDArray[np.float32]) -> bool:
        """Whether `line` says never to call again, by its words or by its vector."""
        wish = call_wish(line).wish
        meaning = self._meaning(line, vector, limited=wish is Wish.LIMITED)
        return wish is Wish.NEVER or (meaning is not None and meaning.intent == built_in.OPT_OUT)

    def _following(self, meaning: Meaning) -> str | None:
        """The step that `meaning` leads to, where it is one of this step's own intents."""
        if meaning.intent in built_in.BUILT_IN:
            return None
        name = meaning.intent.rpartition(".")[2]
        return {intent.name: intent.next for intent in self._script.steps[self.step].intents}.get(name)

    def _meaning(self, line: str, vector: NDArray[np.float32], *, limited: bool) -> Meaning | None:
        """The nearest intent of this step or of the built-in ones. `limited`: the words rule an opt-out out."""
        among = self._own_intents() | built_in.BUILT_IN.keys()
        if limited:
            among.discard(built_in.OPT_OUT)
        meaning = self._index.nearest(line, vector, among)
        if meaning is not None and meaning.intent == built_in.OPT_OUT and meaning.score < SURE_OF_OPT_OUT:
            return self._index.nearest(line, vector, among - {built_in.OPT_OUT})
        return meaning

    def _own_intents(self) -> set[str]:
        """The intents of this step, as the index names them."""
        names = {intent.name for intent in self._script.steps[self.step].intents}
        return {f"{self.step}.{name}" for name in names} | (names & built_in.ANSWERS.keys())

    def _act(self, meaning: Meaning, line: str, unheard: bool) -> Moves:
        name = meaning.intent.rpartition(".")[2]
        meant = name.replace("_", " ")
        says = f'the callee said "{line}", understood as "{meant}" (close to "{meaning.example}")'
        following = self._following(meaning)
        if following is not None:
            if unheard and self._script.steps[self.step].heard_out:
                return Moves(self._question(), says=f"{says}, before the question was heard")
            return self._go(following, line, says)
        self._asides += name in ASIDES
        if self._asides > MOST_ASIDES:
            return self._not_understood(line)
        match name:
            case built_in.WHO_IS_THIS:
                return Moves((self._fill(self._script.who), *self._question()), says=says)
            case built_in.ARE_YOU_ROBOT:
                return Moves((self._fill(self._script.robot), *self._question()), says=says)
            case built_in.REPEAT:
                return Moves(self._question(whole=True), says=says)
            case built_in.GREETING:
                return Moves(resume=True) if unheard else Moves(self._question(), says=says)
            case built_in.HOLD_ON:
                return Moves(says=says)
            case built_in.OPT_OUT:
                return self._opt_out(line)
            case built_in.NOT_NOW:
                return self._not_now(line, says)
            case built_in.WRONG_PERSON:
                return self._end((self._script.wrong_person,), EndReason.WRONG_PERSON, says, Goal.NOT_MET)
        return self._end((), EndReason.GOODBYE, says)

    def _slot(self, line: str, vector: NDArray[np.float32]) -> Moves | None:
        """Go on with what the step's slot takes from `line`; None where it takes nothing, or where the line is about something else."""
        step = self._script.steps[self.step]
        value = capture(step.slot, line) if step.slot is not None else _anything(step, line)
        if value is None:
            return None
        among = built_in.BUILT_IN.keys() - ({built_in.NOT_NOW} if not names_a_call(line) else set())
        aside = self._index.nearest(line, vector, among | self._own_intents())
        if aside is not None and aside.score >= SURE_BESIDE_SLOT:
            return None
        says = f'the callee said "{line}"'
        taken = {step.slot.name: value} if step.slot is not None else {}
        return self._go(step.next, "", says, taken=taken)

    def _go(self, name: str, line: str, says: str, say: list[str] | None = None, taken: dict[str, str] | None = None) -> Moves:
        """Walk from step `name` to the next question or the end. `line`: what led here; a day in it answers a question for a day."""
        lines, fields, goal = list(say or ()), dict(taken or {}), None
        self.fields.update(fields)
        while True:
            step, self.step, self._misses, self._asides = self._script.steps[name], name, 0, 0
            goal = Goal(step.goal) if step.goal else goal
            known = _named_day(step, line)
            fields.update({name: self._fill(value).strip() for name, value in step.notes.items()})
            fields.update(known)
            self.fields.update(fields)
            if step.say and not known:
                lines.append(self._fill(step.say))
            if step.end:
                return self._end(tuple(lines), EndReason(step.end), says, goal, fields)
            if step.ask and not known:
                return Moves(tuple(lines), goal=goal, fields=fields, says=says)
            name, line = step.next, "" if known else line

    def _not_understood(self, line: str) -> Moves:
        step = self._script.steps[self.step]
        self._misses += 1
        if self._misses < step.attempts:
            return Moves((self._fill(self._script.not_understood), *self._question()), says=f'the callee said "{line}", not understood')
        says = f'not understood {self._misses} times, last: "{line}"'
        if step.otherwise:
            return self._go(step.otherwise, "", says)
        return self._end((), EndReason.GOODBYE, says)

    def _not_now(self, line: str, says: str) -> Moves:
        at = callback_time(line, self._local_now())
        if at is not None:
            return self._call_back(at, says)
        self._asking_when = True
        return Moves((self._fill(self._script.when),), says=says)

    def _agree_on_time(self, line: str) -> Moves:
        """The answer to "when would be a good time?"; whatever it is, the callee is not asked again."""
        return self._call_back(callback_time(line, self._local_now()), f'asked for a better time, the callee said "{line}"')

    def _call_back(self, at: datetime | None, says: str) -> Moves:
        agreed = {CALLBACK_TIME: say_time(at, self._local_now())} if at is not None else {}
        said = fill(self._script.called_back, {**self._variables, **agreed})
        self.ended = EndReason.CALLBACK
        goodbye = self._fill(self._agent.goodbye)
        return Moves(_spoken(said, goodbye), goal=Goal.NOT_MET, call_back=True, callback_at=at, end=EndReason.CALLBACK, says=says)

    def _opt_out(self, line: str) -> Moves:
        """Never again: also when we are saying goodbye already, and then without another word."""
        says = f'the callee said "{line}"'
        if self.ended is not None:
            return Moves(opted_out=True, says=says)
        self.ended = EndReason.OPTED_OUT
        say = _spoken(self._fill(self._script.opted_out), self._fill(self._agent.goodbye))
        return Moves(say, goal=Goal.NOT_MET, opted_out=True, end=EndReason.OPTED_OUT, says=says)

    def _end(
        self, say: tuple[str, ...], end: EndReason, says: str, goal: Goal | None = None, fields: dict[str, str] | None = None
    ) -> Moves:
        self.ended = end
        lines = _spoken(*(self._fill(text) for text in say), self._fill(self._agent.goodbye))
        return Moves(lines, goal=goal, fields=fields or {}, end=end, says=says)

    def _question(self, *, whole: bool = False) -> tuple[str, ...]:
        """What the callee is being asked, once more. `whole`: as it was said first, because it was not heard."""
        if self._asking_when:
            return (self._fill(self._script.when),)
        step = self._script.steps[self.step]
        first, second = (step.say, step.reprompt) if whole else (step.reprompt, step.say)
        return (self._fill(first or second or self._agent.first_message),)

    def _fill(self, text: str) -> str:
        return fill(text, {**self._variables, **self.fields})

    def _local_now(self) -> datetime:
        return self._now().astimezone(self._zone)


def _spoken(*texts: str) -> tuple[str, ...]:
    return tuple(text for text in texts if text.strip())


def _anything(step: Step, line: str) -> str | None:
    """The answer where any will do."""
    return line.strip() or None if step.ask and step.next and not step.intents else None


def _named_day(step: Step, line: str) -> dict[str, str]:
    """The day that `line` names already, where `step` asks for one: nobody is asked for what they have just said."""
    if not (step.ask and step.slot is not None and step.slot.kind == "date" and step.next and line):
        return {}
    value = capture(step.slot, line)
    return {step.slot.name: value} if value else {}
