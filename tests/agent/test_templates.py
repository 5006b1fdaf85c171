"""The agents that ship, rehearsed: in whole conversations with the people of the simulated network, and line by line with people who have
more to say to each. The words are text, nothing is spoken aloud; the sentence vectors are real.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from agent_runtime.agent import Agent, Script, variables_in
from agent_runtime.calls import CallResult, EndReason, Goal, Speaker, Who
from agent_runtime.engines import Engines, Understanding
from agent_runtime.providers import Services
from agent_runtime.script import Moves, ScriptWalk, intents_of
from agent_runtime.templates import gallery, names, template
from agent_runtime.understanding import IntentIndex
from mediaserver.carriers.simulated.people import PERSONAS, Kind, Mind
from tests.agent.call_double import QUICK, CallDouble, begin
from tests.agent.engine_doubles import RecognitionDouble, VoiceDouble

CALLS_AT_ONCE = 8
UNHURRIED = replace(QUICK, mailbox=60, last_line=60)
PATIENT_S, IMPATIENT_S = 30, 1  # of silence: nobody who answers is ever late, nobody who does not is waited for
NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
CONTACT = {
    "contact_name": "Maria Miller",
    "company_name": "Riverside",
    "appointment_date": "Tuesday",
    "appointment_time": "three",
    "topic": "your new roof",
    "message": "The pool is closed on Monday.",
    "amount_due": "one hundred dollars",
    "due_date": "May the first",
}
MAILBOX = "We're not in. Please leave a message after the tone."
PRIVATE = {"topic", "message", "amount_due", "due_date"}
CALLED_LATER = ("I'm driving, call me tomorrow at five.",)
NONSENSE = ("The garden needs water.", "My brother plays the guitar.", "Potatoes are on sale at the market.")

Ending = tuple[EndReason, Who, Goal]
Answers = Callable[[str], str]
"""What somebody says to what they have heard; nothing: they are silent."""

MET = (EndReason.GOODBYE, Who.HUMAN, Goal.MET)
NOT_MET = (EndReason.GOODBYE, Who.HUMAN, Goal.NOT_MET)
UNCLEAR = (EndReason.GOODBYE, Who.HUMAN, Goal.UNCLEAR)
FELL_SILENT = (EndReason.SILENCE, Who.HUMAN, Goal.UNCLEAR)
DECLINED = (EndReason.DECLINED, Who.HUMAN, Goal.NOT_MET)
OPTED_OUT = (EndReason.OPTED_OUT, Who.HUMAN, Goal.NOT_MET)
CALLBACK = (EndReason.CALLBACK, Who.HUMAN, Goal.NOT_MET)
WRONG_PERSON = (EndReason.WRONG_PERSON, Who.HUMAN, Goal.NOT_MET)
SILENCE = (EndReason.SILENCE, Who.NO_ONE, Goal.UNCLEAR)
HUNG_UP = (EndReason.HUNG_UP, Who.UNKNOWN, Goal.UNCLEAR)
MESSAGE_LEFT = (EndReason.MESSAGE_LEFT, Who.VOICEMAIL, Goal.NOT_MET)


@dataclass(frozen=True)
class Visit:
    """Somebody who is called by a template: their answers, in order, then silence; and what must come of it."""

    key: str
    who: str
    lines: tuple[str, ...]
    ending: Ending
    fields: dict[str, str]


def visit(key: str, who: str, *lines: str, ending: Ending, **fields: str) -> Visit:
    return Visit(key, who, lines, ending, fields)


VISITS = [
    visit("appointment_reminder", "comes", "Yes, I'll be there.", ending=MET),
    visit("appointment_reminder", "moves", "Could we do another day?", "On Thursday.", ending=MET, preferred_day="Thursday"),
    visit("appointment_reminder", "cancels in two breaths", "No. Please cancel the appointment.", ending=DECLINED),
    visit("follow_up", "is well", "Yes, everything is fine.", "No, that's all.", ending=MET, how_it_went="well", needs="nothing"),
    visit(
        "follow_up", "needs something", "It was great, thanks.", "Yes, I need a new prescription.", "Yes, please.",
        ending=MET, how_it_went="well", needs="Yes, I need a new prescription.", person_to_call="yes",
    ),
    visit("follow_up", "is not well", "No, it still hurts.", "Yes, call me.", ending=MET, how_it_went="badly", person_to_call="yes"),
    visit("follow_up", "wants no call", "Not very well.", "No, no need.", ending=MET, how_it_went="badly", person_to_call="no"),
    visit("follow_up", "wants a person", "Can I talk to a person?", ending=NOT_MET, person_to_call="yes"),
    visit("follow_up", "refuses politely", "No, thank you.", ending=DECLINED),
    visit("follow_up", "refuses later", "No.", "I am not interested.", ending=DECLINED, how_it_went="badly"),
    visit("follow_up", "was not there", "I have not been there yet.", ending=NOT_MET),
    visit("follow_up", "has no time after all", "Yes.", *CALLED_LATER, ending=CALLBACK, how_it_went="well"),
    visit(
        "survey", "answers", "Four.", "Yes, I would.", "You could answer the phone faster.",
        ending=MET, rating="4", recommends="yes", comment="You could answer the phone faster.",
    ),
    visit("survey", "is unsure", "I'd give it three out of five.", "Maybe.", "Nothing.", ending=MET, rating="3", recommends="unsure"),
    visit(
        "survey", "rates in words", "It was excellent.", "Five.", "Absolutely not.", "It's too expensive.",
        ending=MET, rating="5", recommends="no", comment="It's too expensive.",
    ),
    visit("survey", "is off the scale", "Ten.", "Ten.", "Three or four.", ending=UNCLEAR),
    visit("survey", "leaves in the middle", "Two.", "Bye bye.", ending=UNCLEAR, rating="2"),
    visit("survey", "has had enough", "Two.", "Take me off your list.", ending=OPTED_OUT, rating="2"),
    visit("notification", "understands", "Okay, got it.", ending=MET, understood="yes"),
    visit("notification", "hears it again", "Could you repeat that?", "Yes, thank you, bye.", ending=MET, understood="yes"),
    visit("notification", "understands later", "No, I didn't understand that.", "Now I understand.", ending=MET, understood="yes"),
    visit("notification", "never understands", "No.", "I still don't understand.", "Yes, please.", ending=NOT_MET, person_to_call="yes"),
    visit("notification", "refuses politely", "No, thank you.", ending=DECLINED),
    visit("notification", "refuses later", "No.", "I am not interested.", ending=DECLINED),
    visit("notification", "asks", "I have a question.", "No, no need.", ending=NOT_MET, person_to_call="no"),
    visit("collections", "pays", "Yes, speaking.", "I can pay it on Friday.", "Yes, that's right.", ending=MET, promise_date="Friday"),
    visit("collections", "is put right", "That's me.", "Tomorrow.", "No, on Thursday.", "Yes.", ending=MET, promise_date="Thursday"),
    visit("collections", "is vague", "Yes.", "When I get paid.", "The fifteenth.", "Yes.", ending=MET, promise_date="the fifteenth"),
    visit("collections", "confirms nothing", "Yes.", "On Friday.", *NONSENSE, ending=UNCLEAR, named_day="Friday"),
    visit(
        "collections", "can't pay", "Yes.", "I can't pay on Friday.", "No, thank you.",
        ending=DECLINED, reason="can not or will not pay", person_to_call="no",
    ),
    visit("collections", "names no day", "Yes.", "Yes.", "Yes.", "Yes.", ending=NOT_MET, person_to_call="yes"),
    visit("collections", "has paid", "Yes.", "I already paid it on Monday.", ending=NOT_MET, reason="says it is paid"),
    visit(
        "collections", "owes nothing", "Yes.", "I don't owe you anything.", "Yes, please.",
        ending=NOT_MET, reason="disputes it", person_to_call="yes",
    ),
    visit("collections", "wants a person", "Yes.", "I want to talk to a person.", ending=NOT_MET, person_to_call="yes"),
]  # fmt: skip
STRANGERS = [
    visit("collections", "is the husband", "What is this about?", "I'm her husband, you can tell me.", ending=CALLBACK),
    visit("collections", "is another", "This is John.", "No.", ending=WRONG_PERSON),
    visit("collections", "says no", "No.", ending=WRONG_PERSON),
    visit("collections", "does not say", "It depends who's asking.", "Maybe.", ending=NOT_MET),
    visit("collections", "fetches nobody", "Hang on, I'll get her.", ending=FELL_SILENT),
]
ALL_KEYS = [each.key for each in gallery()]
EVERYBODY = [
    each
    for key in ALL_KEYS
    for each in (
        visit(key, "has no time", *CALLED_LATER, ending=CALLBACK),
        visit(key, "is another person", "You have the wrong number.", ending=WRONG_PERSON),
        visit(key, "talks nonsense", *NONSENSE, ending=NOT_MET if key == "collections" else UNCLEAR),
        visit(key, "says never again", "Who is this? Never call me again!", ending=OPTED_OUT),
    )
]
AGREES: dict[str, tuple[Ending, dict[str, str]]] = {
    "appointment_reminder": (MET, {}),
    "follow_up": (MET, {"how_it_went": "well", "person_to_call": "yes"}),
    "survey": (MET, {"rating": "1", "recommends": "yes", "comment": "Yes."}),  # presses 1 where a key may be pressed
    "notification": (MET, {"understood": "yes"}),
    "collections": (NOT_MET, {"person_to_call": "yes"}),  # to a day, "Yes." is no answer
}
AGREEABLE = (Kind.AGREES, Kind.ROBOT, Kind.WHO_IS_THIS)
NOT_AGREEABLE: dict[Kind, Ending] = {
    Kind.DECLINES: DECLINED,
    Kind.NEVER_AGAIN: OPTED_OUT,
    Kind.SILENT: SILENCE,
    Kind.HANGS_UP: HUNG_UP,
    Kind.MAILBOX: MESSAGE_LEFT,
}


@dataclass(frozen=True)
class Walked:
    """What came of a visit."""

    walk: ScriptWalk
    moves: list[Moves]

    @property
    def ending(self) -> Ending:
        goal = next((each.goal for each in reversed(self.moves) if each.goal is not None), Goal.UNCLEAR)
        assert self.walk.ended is not None
        return self.walk.ended, Who.HUMAN, goal

    @property
    def fields(self) -> dict[str, str]:
        return {name: value for name, value in self.walk.fields.items() if value}

    @property
    def said(self) -> str:
        return " ".join(text for each in self.moves for text in each.say)


class Remembering:
    """The real sentence vectors, each line's made once: the templates share most of their examples."""

    def __init__(self, understanding: Understanding) -> None:
        self._understanding, self._known, self._one = understanding, dict[str, NDArray[np.float32]](), asyncio.Lock()

    async def embed(self, lines: list[str]) -> NDArray[np.float32]:
        async with self._one:
            new = [line for line in dict.fromkeys(lines) if line not in self._known]
            if new:
                self._known.update(zip(new, await self._understanding.embed(new), strict=True))
        return np.stack([self._known[line] for line in lines])


class Rehearsal:
    """Calls by the templates, on a line and with a voice that take no time worth waiting for."""

    def __init__(self, understanding: Understanding) -> None:
        self._understanding = Remembering(understanding)

    async def learn(self, agents: Iterable[Agent]) -> None:
        """Make the vectors of all examples now, so that no call waits for them."""
        intents = [intents_of(agent.script) for agent in agents if agent.script is not None]
        await self._understanding.embed([line for each in intents for lines in each.values() for line in lines])

    async def of(self, key: str, answers: Answers, *, hangs_up: bool = False, falls_silent: bool = False) -> CallResult:
        """A call to somebody who `answers` each question, or hangs up at the first. `falls_silent`: sooner or later they answer no more."""
        call, recognition = self._begin(key, IMPATIENT_S if falls_silent else PATIENT_S)
        seen = 0
        while True:
            asked = asyncio.create_task(_question(call, seen))
            await asyncio.wait({call.call, asked}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                asked.cancel()
                return await call.result()
            seen, heard = asked.result()
            if hangs_up:
                call.leg.close()
                continue
            line = answers(heard)
            if line:
                recognition.lines.append(line)
                call.leg.says()

    async def of_mailbox(self, key: str) -> CallResult:
        call, recognition = self._begin(key)
        recognition.lines.append(MAILBOX)
        await call.leg.agent_speaks()
        call.leg.says()
        await call.actions.until("note answered_by")
        call.leg.beeps()
        return await call.result()

    async def of_persona(self, key: str, kind: Kind) -> CallResult:
        """A call to somebody of the simulated network."""
        if kind is Kind.MAILBOX:
            return await self.of_mailbox(key)
        mind = Mind(PERSONAS[kind])

        def answers(heard: str) -> str:
            reaction = mind.react(heard)
            return reaction.line or reaction.digit

        return await self.of(key, answers, hangs_up=kind is Kind.HANGS_UP, falls_silent=kind is Kind.SILENT)

    async def of_visit(self, each: Visit) -> "Walked":
        """A script's walk with somebody, line by line."""
        agent = template(each.key)
        assert agent.script is not None
        index = await IntentIndex.build(intents_of(agent.script), self._understanding)
        walk = ScriptWalk(agent, CONTACT, index, now=lambda: NOON, zone="America/New_York")
        moves = [walk.opening()]
        for line in each.lines:
            if walk.ended is None:  # what is said after the end is heard by nobody
                moves.append(walk.heard(line, (await self._understanding.embed([line]))[0]))
        while walk.ended is None:
            moves.append(walk.silence())
        return Walked(walk, moves)

    def _begin(self, key: str, silence_s: int = PATIENT_S) -> tuple[CallDouble, RecognitionDouble]:
        recognition = RecognitionDouble()
        services = Services(Engines(recognition, VoiceDouble(), self._understanding), timing=UNHURRIED, now=lambda: NOON)
        agent = Agent.from_dict(template(key).to_dict() | {"silence_s": silence_s})
        return begin(agent, services, variables=CONTACT), recognition


async def _question(call: CallDouble, seen: int) -> tuple[int, str]:
    """The next question, once it was heard, with all that was said before it: how many turns there are now, and the words."""
    while True:
        turns = call.transcript
        said = [text for speaker, text in turns[seen:] if speaker is Speaker.AGENT]
        if said and turns[-1][0] is Speaker.AGENT and said[-1].endswith(("?", "I will wait.")):
            return len(turns), " ".join(said)
        call.actions.happened.clear()
        await call.actions.happened.wait()


@pytest.fixture(scope="module")
async def rehearsal(engines: Engines) -> Rehearsal:
    rehearsal = Rehearsal(engines.understanding)
    await rehearsal.learn(template(key) for key in ALL_KEYS)
    return rehearsal


@pytest.fixture(scope="module")
async def results(rehearsal: Rehearsal) -> dict[tuple[str, str], CallResult]:
    """What came of every conversation, by template and who was called."""
    few = asyncio.Semaphore(CALLS_AT_ONCE)

    async def rehearsed(call: Coroutine[None, None, CallResult]) -> CallResult:
        async with few:
            return await call

    calls = {(key, kind.value): rehearsal.of_persona(key, kind) for key in ALL_KEYS for kind in (*AGREEABLE, *NOT_AGREEABLE)}
    return dict(zip(calls, await asyncio.gather(*map(rehearsed, calls.values())), strict=True))


def ending(result: CallResult) -> Ending:
    return result.reason, result.who, result.goal


def agent_said(result: CallResult) -> str:
    return " ".join(turn.text for turn in result.turns if turn.speaker is Speaker.AGENT)


@pytest.mark.parametrize("each", [*VISITS, *STRANGERS, *EVERYBODY], ids=lambda each: f"{each.key}: {each.who}")
async def test_what_comes_of_a_call_is_what_was_said(rehearsal: Rehearsal, each: Visit) -> None:
    walked = await rehearsal.of_visit(each)
    assert (*walked.ending, walked.fields) == (*each.ending, each.fields), walked.said


@pytest.mark.parametrize("key", ALL_KEYS)
@pytest.mark.parametrize("kind", [Kind.AGREES, Kind.ROBOT])
def test_who_agrees_to_everything_reaches_what_can_be_agreed_to(results: dict[tuple[str, str], CallResult], key: str, kind: Kind) -> None:
    result = results[key, kind.value]
    assert (ending(result), result.fields) == AGREES[key]


@pytest.mark.parametrize("key", ALL_KEYS)
@pytest.mark.parametrize("kind", NOT_AGREEABLE)
def test_no_goal_is_met_by_somebody_who_did_not_agree(results: dict[tuple[str, str], CallResult], key: str, kind: Kind) -> None:
    result = results[key, kind.value]
    assert (*ending(result), result.fields) == (*NOT_AGREEABLE[kind], {})


@pytest.mark.parametrize("key", ALL_KEYS)
def test_it_says_who_calls_and_that_it_is_a_machine(results: dict[tuple[str, str], CallResult], key: str) -> None:
    assert agent_said(results[key, Kind.WHO_IS_THIS.value]).count("This is the automated assistant of Riverside") == 2
    assert "Yes, I am an automated assistant, not a person." in agent_said(results[key, Kind.ROBOT.value])


@pytest.mark.parametrize("key", ALL_KEYS)
async def test_a_call_later_is_made_at_the_time_that_was_asked_for(rehearsal: Rehearsal, key: str) -> None:
    walked = await rehearsal.of_visit(visit(key, "has no time", *CALLED_LATER, ending=CALLBACK))
    at = walked.moves[-1].callback_at
    assert at is not None
    assert at.astimezone(UTC) == datetime(2026, 3, 3, 22, 0, tzinfo=UTC)  # five in New York


@pytest.mark.parametrize("key", [key for key in ALL_KEYS if key != "appointment_reminder"])
def test_a_mailbox_learns_nothing_private(results: dict[tuple[str, str], CallResult], key: str) -> None:
    result = results[key, Kind.MAILBOX.value]
    assert result.message_delivered
    message = result.turns[-1].text
    assert "automated assistant of Riverside" in message
    assert not [name for name in PRIVATE if CONTACT[name] in message]


@pytest.mark.parametrize("each", [*STRANGERS, *(each for each in EVERYBODY if each.key == "collections")], ids=lambda each: each.who)
async def test_nobody_but_the_right_person_hears_of_a_debt(rehearsal: Rehearsal, each: Visit) -> None:
    said = (await rehearsal.of_visit(each)).said
    assert "hundred" not in said
    assert "payment" not in said
    assert "May the first" not in said


def test_a_debt_is_named_only_behind_a_yes_to_a_name_that_was_heard() -> None:
    agent = template("collections")
    assert agent.script is not None
    ways = [(step, intent.name) for step in agent.script.steps.values() for intent in step.intents if intent.next == "owed"]
    assert {name for _, name in ways} == {"confirms", "how_much"}  # the latter in the step itself
    assert all(step.heard_out for step, name in ways if name == "confirms")
    free = [agent.first_message, agent.voicemail_message, agent.goodbye, *_texts_without(agent.script, "owed")]
    assert not PRIVATE & variables_in(*free).keys()


def _texts_without(script: Script, closed: str) -> list[str]:
    """All texts that may be spoken while nobody enters step `closed`."""
    texts, open_, seen = script.texts()[:8], [script.start], {closed}
    while open_:
        name = open_.pop()
        if name and name not in seen:
            seen.add(name)
            step = script.steps[name]
            texts += [step.say, step.reprompt]
            open_ += [step.next, step.otherwise, *(intent.next for intent in step.intents)]
    return texts


def test_the_gallery_offers_every_template_with_what_it_is_for() -> None:
    offered = gallery()
    assert sorted(each.key for each in offered) == names()
    assert offered[0].key == "appointment_reminder"
    for each in offered:
        assert each.name == template(each.key).name
        assert each.what_for.endswith(".")
        assert Agent.from_dict(each.definition) == template(each.key)


@pytest.mark.parametrize("key", ALL_KEYS)
def test_a_first_message_asks_one_thing_and_every_field_is_noted_by_the_script(key: str) -> None:
    agent = template(key)
    assert agent.first_message.count("?") == 1
    assert agent.goal
    assert agent.script is not None
    assert set(agent.fields) == agent.script.captured() - {"callback_time", "named_day"}
    assert "company_name" in agent.variables()
