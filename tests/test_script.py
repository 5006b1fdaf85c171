"""The walk of a script: it always ends, never reads a variable out, and understands what anybody may say at any time."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_runtime.agent import END_REASONS, GOALS, SLOT_KINDS, Agent, InvalidAgent, MissingVariable
from agent_runtime.calls import EndReason, Goal
from agent_runtime.engines import Engines
from agent_runtime.script import MOST_ASIDES, MOST_LINES, Moves, ScriptWalk, fixed_lines, intents_of
from agent_runtime.templates import names, template
from agent_runtime.understanding import IntentIndex

NOW = datetime(2025, 6, 11, 12, 0, tzinfo=UTC)  # a Wednesday; 14:00 in Berlin
CONTACT = {"contact_name": "Maria", "company_name": "Riverside Dental", "appointment_date": "Tuesday", "appointment_time": "three"}


class Call:
    """A call of the appointment reminder, line by line, with real sentence vectors."""

    def __init__(self, engines: Engines, index: IntentIndex, agent: Agent) -> None:
        self.walk = ScriptWalk(agent, CONTACT, index, now=lambda: NOW, zone="Europe/Berlin")
        self.moves: list[Moves] = [self.walk.opening()]
        self._engines = engines

    async def says(self, line: str, *, unheard: bool = False) -> Moves:
        (vector,) = await self._engines.understanding.embed([line])
        self.moves.append(self.walk.heard(line, vector, unheard=unheard))
        return self.moves[-1]

    @property
    def goal(self) -> Goal | None:
        return next((moves.goal for moves in reversed(self.moves) if moves.goal is not None), None)


@pytest.fixture(scope="module")
async def index(engines: Engines) -> IntentIndex:
    script = template("appointment_reminder").script
    assert script is not None
    return await IntentIndex.build(intents_of(script), engines.understanding)


@pytest.fixture
def call(engines: Engines, index: IntentIndex) -> Call:
    return Call(engines, index, template("appointment_reminder"))


async def test_the_opening_says_who_calls_and_why_and_asks_one_thing(call: Call) -> None:
    (said,) = call.moves[0].say
    assert "Maria" in said
    assert "automated assistant of Riverside Dental" in said
    assert said.count("?") == 1


@pytest.mark.parametrize("line", ["Yes.", "Yes, I can make it.", "Sure, I'll be there.", "Okay.", "Yeah, that works for me."])
async def test_a_yes_is_the_goal_reached(call: Call, line: str) -> None:
    moves = await call.says(line)
    assert (call.goal, moves.end) == (Goal.MET, EndReason.GOODBYE)
    assert line in moves.says
    assert "look forward" in moves.say[0]


async def test_another_day_is_asked_for_noted_and_the_goal_reached(call: Call) -> None:
    asked = await call.says("Could we do another day?")
    assert "Which day" in asked.say[0]
    moves = await call.says("Thursday afternoon would be better.")
    assert moves.fields == {"preferred_day": "Thursday afternoon"}
    assert "Thursday afternoon" in moves.say[0]
    assert (call.goal, moves.end) == (Goal.MET, EndReason.GOODBYE)


async def test_nobody_is_asked_for_the_day_that_they_have_just_named(call: Call) -> None:
    moves = await call.says("Can I come on Thursday instead?")
    assert moves.fields == {"preferred_day": "Thursday"}
    assert moves.end is EndReason.GOODBYE


async def test_another_day_without_saying_which_is_noted_all_the_same(call: Call) -> None:
    await call.says("Could we do another day?")
    assert (await call.says("I would have to look that up in the other book.")).end is None
    moves = await call.says("Potatoes are on sale at the market.")
    assert (call.goal, moves.end) == (Goal.MET, EndReason.GOODBYE)
    assert "another day" in moves.say[0]


async def test_a_no_is_offered_another_day_and_then_taken_for_a_no(call: Call) -> None:
    offered = await call.says("No, I can't make it.")
    assert "another day" in offered.say[0]
    moves = await call.says("No, thank you.")
    assert (call.goal, moves.end) == (Goal.NOT_MET, EndReason.DECLINED)


async def test_somebody_who_cancels_is_not_asked_twice(call: Call) -> None:
    moves = await call.says("Please cancel my appointment.")
    assert (call.goal, moves.end) == (Goal.NOT_MET, EndReason.DECLINED)


async def test_who_is_this_is_answered_and_the_question_asked_again(call: Call) -> None:
    moves = await call.says("Who is this?")
    assert "Riverside Dental" in moves.say[0]
    assert "Can you make it?" in moves.say[1]
    assert (await call.says("Oh, yes, I'll be there.")).end is EndReason.GOODBYE


async def test_a_robot_says_that_it_is_one(call: Call) -> None:
    moves = await call.says("Am I talking to a robot?")
    assert moves.say[0].startswith("Yes, I am an automated assistant")
    assert moves.end is None


async def test_what_was_not_heard_is_said_again(call: Call) -> None:
    moves = await call.says("Sorry, could you repeat that?")
    assert "Tuesday at three" in moves.say[0]


@pytest.mark.parametrize(
    "line", ["Never call me again.", "Take me off your list.", "Who is this? Stop calling me!", "No. Remove my number."]
)
async def test_never_again_ends_the_call_with_an_apology(call: Call, line: str) -> None:
    moves = await call.says(line)
    assert moves.opted_out
    assert (moves.goal, moves.end) == (Goal.NOT_MET, EndReason.OPTED_OUT)
    assert "not call you again" in moves.say[0]
    assert line in moves.says


async def test_never_again_counts_while_we_say_goodbye(call: Call) -> None:
    await call.says("Yes, I can make it.")
    moves = await call.says("And don't call me again.")
    assert moves.opted_out
    assert moves.say == ()


async def test_another_number_is_no_opt_out(call: Call) -> None:
    moves = await call.says("Don't call me at work, call my mobile.")
    assert not moves.opted_out
    assert moves.end is not EndReason.OPTED_OUT


async def test_later_with_a_time_is_a_call_back_at_that_time_in_the_callees_zone(call: Call) -> None:
    moves = await call.says("I'm driving. Can you call me back tomorrow at five?")
    assert moves.call_back
    assert moves.callback_at is not None
    assert moves.callback_at.astimezone(UTC) == datetime(2025, 6, 12, 15, 0, tzinfo=UTC)
    assert "tomorrow at five PM" in moves.say[0]
    assert moves.end is EndReason.CALLBACK


async def test_later_without_a_time_is_asked_for_one_once(call: Call) -> None:
    asked = await call.says("I can't talk right now.")
    assert asked.say == ("When would be a good time to call you?",)
    moves = await call.says("In an hour.")
    assert moves.callback_at == datetime(2025, 6, 11, 13, 0, tzinfo=UTC)
    assert moves.end is EndReason.CALLBACK


async def test_later_at_no_time_is_a_call_back_all_the_same(call: Call) -> None:
    await call.says("I can't talk right now.")
    moves = await call.says("I don't know.")
    assert (moves.call_back, moves.callback_at, moves.end) == (True, None, EndReason.CALLBACK)
    assert "later" in moves.say[0]


async def test_a_wrong_person_is_left_in_peace(call: Call) -> None:
    moves = await call.says("You have the wrong number.")
    assert (moves.goal, moves.end) == (Goal.NOT_MET, EndReason.WRONG_PERSON)


async def test_a_hello_into_the_greeting_lets_it_go_on_and_afterwards_asks_again(call: Call) -> None:
    assert await call.says("Hello?", unheard=True) == Moves(resume=True)
    assert (await call.says("Hello?")).say == ("You have an appointment on Tuesday at three. Can you make it?",)


async def test_a_scrap_into_the_greeting_lets_it_go_on_and_is_not_held_against_the_callee(call: Call) -> None:
    assert await call.says("Oh well.", unheard=True) == Moves(resume=True)
    assert (await call.says("The garden needs water.")).end is None


async def test_uh_huh_into_a_sentence_lets_it_go_on(call: Call) -> None:
    assert await call.says("Uh-huh.", unheard=True) == Moves(resume=True)
    assert await call.says("Mm-hmm.") == Moves()


async def test_not_understood_twice_ends_the_call_unclear(call: Call) -> None:
    first = await call.says("The garden needs water.")
    assert "did not catch" in first.say[0]
    moves = await call.says("My brother plays the guitar.")
    assert (moves.goal, moves.end) == (Goal.UNCLEAR, EndReason.GOODBYE)


async def test_silence_is_asked_about_once_and_then_ends_the_call(call: Call) -> None:
    first = call.walk.silence()
    assert first.say[0] == "Are you still there?"
    assert call.walk.silence().end is EndReason.SILENCE
    assert call.walk.silence() == Moves()


async def test_a_word_makes_a_silence_forgotten(call: Call) -> None:
    call.walk.silence()
    await call.says("One moment, please.")
    assert call.walk.silence().end is None


async def test_nobody_is_asked_the_same_for_ever(call: Call) -> None:
    for _ in range(MOST_ASIDES):
        assert (await call.says("Who is this?")).say[0].startswith("This is the automated assistant")
    assert "did not catch" in (await call.says("Who is this?")).say[0]
    assert (await call.says("Who is this?")).end is EndReason.GOODBYE


@pytest.fixture
async def payment(engines: Engines) -> Call:
    """A call that asks who is there, then for a day, and has it confirmed."""
    steps: dict[str, Any] = {
        "a": {
            "say": "",
            "ask": True,
            "heard_out": True,
            "reprompt": "Is it you?",
            "intents": [{"name": "yes", "examples": ["it is me"], "next": "b"}],
        },
        "b": {
            "say": "When will you pay?",
            "ask": True,
            "slot": {"name": "day", "kind": "date"},
            "next": "c",
            "intents": [{"name": "paid", "examples": ["I have already paid", "I paid on Monday"], "next": "d"}],
        },
        "c": {
            "say": "{{day|Then}}?",
            "ask": True,
            "intents": [{"name": "yes", "examples": ["right"], "next": "e"}, {"name": "no", "examples": ["wrong"], "next": "f"}],
        },
        "d": {"say": "I see.", "notes": {"why": "paid"}, "end": "goodbye"},
        "e": {"say": "Good.", "notes": {"promise": "on {{day|a day}}", "day": ""}, "end": "goodbye"},
        "f": {"notes": {"day": ""}, "say": "Not {{day|then}}.", "next": "b"},
    }
    agent = Agent.from_dict(with_steps(steps))
    assert agent.script is not None
    return Call(engines, await IntentIndex.build(intents_of(agent.script), engines.understanding), agent)


async def test_a_yes_before_the_question_was_heard_is_none_where_that_matters(payment: Call) -> None:
    assert (await payment.says("Yes.", unheard=True)).say == ("Is it you?",)
    assert (await payment.says("Wrong number.", unheard=True)).end is EndReason.WRONG_PERSON


async def test_what_is_surely_meant_is_not_taken_for_an_answer_to_the_question(payment: Call) -> None:
    await payment.says("Yes.")
    assert (await payment.says("I already paid on Monday.")).fields == {"why": "paid"}


async def test_a_step_notes_fields_and_forgets_them(payment: Call) -> None:
    await payment.says("Yes.")
    assert (await payment.says("On Friday.")).fields == {"day": "Friday"}
    taken_back = await payment.says("No, wrong.")
    assert taken_back.fields == {"day": ""}
    assert taken_back.say[0] == "Not then."
    await payment.says("On Monday.")
    assert (await payment.says("Yes.")).fields == {"promise": "on Monday", "day": ""}


def test_a_text_that_can_not_be_filled_is_found_before_anything_is_said() -> None:
    agent = template("appointment_reminder")
    assert agent.script is not None
    intents = intents_of(agent.script)
    index = IntentIndex(intents, np.zeros((sum(map(len, intents.values())), 8), np.float32))
    with pytest.raises(MissingVariable, match="appointment_time"):
        ScriptWalk(agent, {"appointment_date": "Tuesday"}, index, now=lambda: NOW)


@pytest.mark.parametrize("name", names())
def test_every_template_is_valid_says_who_calls_and_fits_its_key_phrase(name: str) -> None:
    agent = template(name)
    assert Agent.from_dict(agent.to_dict()) == agent
    assert agent.key_phrase in agent.first_message
    assert "assistant of {{company_name" in agent.first_message
    assert agent.voicemail_message
    assert "preferred_day" not in agent.variables()


def test_what_may_be_spoken_is_known_before_the_call() -> None:
    lines = fixed_lines(template("appointment_reminder"), CONTACT)
    assert "You have an appointment on Tuesday at three. Can you make it?" in lines
    assert len(lines) == len(set(lines))


def test_an_unknown_template_is_refused_with_those_that_are() -> None:
    with pytest.raises(LookupError, match="appointment_reminder"):
        template("surprise")


def with_steps(steps: dict[str, Any], **script: str) -> dict[str, Any]:
    return {
        "name": "a",
        "first_message": "Hello.",
        "script": {"start": "a", "who": "Us.", "robot": "Yes.", "steps": steps, **script},
    }


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (with_steps({"a": {"say": "x", "next": "b"}, "b": {"say": "y", "next": "a"}}), "goes round"),
        (with_steps({"a": {"say": "x", "ask": True}}), "no answer leads on"),
        (with_steps({"a": {"say": "x", "end": "whenever"}}), "use one of goodbye"),
        (with_steps({"a": {"say": "x", "end": "goodbye", "goal": "perhaps"}}), "use one of met"),
        (with_steps({"a": {"say": "{{first name}}", "end": "goodbye"}}), "braces that are no variable"),
        (with_steps({"a": {"say": "x", "end": "goodbye"}}, who="{{ {{x}} }}"), "braces that are no variable"),
        (with_steps({"a": {"say": "{{day}}", "ask": True, "slot": {"name": "day"}, "next": "a"}}), "give it a default"),
        (with_steps({"a": {"say": "x", "ask": True, "slot": {"name": "The Day"}, "next": "a"}}), "snake_case"),
        (with_steps({"a": {"say": "x", "ask": True, "slot": {"name": "d", "kind": "colour"}, "next": "a"}}), "is one of text"),
        (with_steps({"a": {"say": "x", "ask": True, "attempts": 0, "next": "a"}}), "use 1 or more"),
        (with_steps({"a": {"say": "x", "end": "goodbye", "notes": {"The Day": "y"}}}), "snake_case"),
        (with_steps({"a": {"say": "x", "end": "goodbye", "notes": {"day": "{{when}}"}}}), "give each variable in it a default"),
        (with_steps({"b": {"say": "x", "end": "goodbye"}}), "starts at a"),
    ],
)
def test_a_script_that_would_go_wrong_in_a_call_is_refused_beforehand(raw: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidAgent, match=says):
        Agent.from_dict(raw)


# Random scripts and lines.

STEP_NAMES = ["a", "b", "c", "d"]
TEXTS = st.sampled_from(["", "Hello.", "Hello {{contact_name|there}}.", "On {{appointment_date}}?", "Noted: {{note|nothing}}."])
TARGETS = st.sampled_from(STEP_NAMES)
MAYBE = st.one_of(st.just(""), TARGETS)
INTENTS = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from(["yes", "no", "other"]), "examples": st.just(["an example"]), "next": TARGETS}),
    max_size=3,
    unique_by=lambda intent: intent["name"],
)
STEPS = st.fixed_dictionaries(
    {
        "say": TEXTS,
        "ask": st.booleans(),
        "intents": INTENTS,
        "slot": st.one_of(
            st.none(),
            st.fixed_dictionaries({"name": st.just("note"), "kind": st.sampled_from(SLOT_KINDS), "choices": st.just(["red", "blue"])}),
        ),
        "otherwise": MAYBE,
        "reprompt": TEXTS,
        "attempts": st.integers(1, 3),
        "goal": st.sampled_from(["", *GOALS]),
        "end": st.sampled_from(["", "", *END_REASONS]),
        "notes": st.sampled_from([{}, {"note": ""}, {"note": "{{contact_name|x}}"}]),
        "heard_out": st.booleans(),
        "next": MAYBE,
    }
)
NEVER = st.sampled_from(["Stop calling me.", "Never call again!"])
LINES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "Yes.",
            "No.",
            "Uh-huh",
            "Hello?",
            "Tomorrow at five.",
            "Call me later.",
            "red",
            "7",
            "Never call me again.",
            "{{contact_name}}",
            "Who is this?",
        ]
    ),
)
VARIABLES = st.fixed_dictionaries({"appointment_date": st.sampled_from(["Tuesday", "{{contact_name}}", "}} {{x|y}} {{", "the 3rd"])})


def sound(steps: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The steps with what `Agent.from_dict` would refuse put right."""
    for position, name in enumerate(STEP_NAMES):
        step, last = steps[name], position == len(STEP_NAMES) - 1
        if step["ask"]:
            step["next"] = step["next"] or ("" if step["intents"] else "a")
        elif not step["end"]:
            step["end" if last else "next"] = "goodbye" if last else STEP_NAMES[position + 1]
    return with_steps(steps)


AGENTS = st.fixed_dictionaries(dict.fromkeys(STEP_NAMES, STEPS)).map(sound).map(Agent.from_dict)
patient = settings(deadline=None)  # a busy machine is not a fault


def random_index(agent: Agent, random: np.random.Generator) -> IntentIndex:
    assert agent.script is not None
    intents = intents_of(agent.script)
    return IntentIndex(intents, random.normal(0, 1, (sum(map(len, intents.values())), 4)).astype(np.float32))


@patient
@given(agent=AGENTS, variables=VARIABLES, lines=st.lists(st.one_of(st.none(), LINES), max_size=12), seed=st.integers(0, 1000))
def test_every_walk_ends_and_says_no_variable(agent: Agent, variables: dict[str, str], lines: list[str | None], seed: int) -> None:
    """`None` is a silence. After the given lines the callee goes on with ever the same one."""
    random = np.random.default_rng(seed)
    walk = ScriptWalk(agent, variables, random_index(agent, random), now=lambda: NOW)
    moves = [walk.opening()]
    for line in [*lines, *["and so on"] * (MOST_LINES + 1)]:
        vector = random.normal(0, 1, 4).astype(np.float32)
        moves.append(walk.silence() if line is None else walk.heard(line, vector, unheard=bool(random.integers(2))))
    said = [text for each in moves for text in each.say]
    assert walk.ended is not None
    assert not any("{{" in text or "}}" in text for text in said)
    assert all(text.strip() for text in said)
    assert sum(each.end is not None for each in moves) == 1


@patient
@given(agent=AGENTS, lines=st.lists(LINES, max_size=5), seed=st.integers(0, 1000))
def test_what_is_settled_comes_with_its_evidence(agent: Agent, lines: list[str], seed: int) -> None:
    random = np.random.default_rng(seed)
    walk = ScriptWalk(agent, {"appointment_date": "Tuesday"}, random_index(agent, random), now=lambda: NOW)
    for moves in [walk.opening(), *(walk.heard(line, random.normal(0, 1, 4).astype(np.float32)) for line in lines)]:
        if moves.goal or moves.opted_out or moves.call_back or moves.fields or moves.end:
            assert moves.says


@patient
@given(
    agent=AGENTS,
    lines=st.lists(LINES, max_size=5),
    seed=st.integers(0, 1000),
    last=NEVER,
)
def test_an_opt_out_is_never_missed_wherever_the_walk_is(agent: Agent, lines: list[str], seed: int, last: str) -> None:
    random = np.random.default_rng(seed)
    walk = ScriptWalk(agent, {"appointment_date": "Tuesday"}, random_index(agent, random), now=lambda: NOW)
    walk.opening()
    for line in lines:
        walk.heard(line, random.normal(0, 1, 4).astype(np.float32))
    assert walk.heard(last, random.normal(0, 1, 4).astype(np.float32)).opted_out
