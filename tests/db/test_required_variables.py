"""The variables that a contact must have are the same for the dialer, which keeps contacts without them from being dialed, and for the
agent, which could not speak its texts: read off one definition by a function of the database and by `Agent.variables`."""

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agent_runtime.agent import Agent, InvalidAgent
from agent_runtime.script import fixed_lines
from agent_runtime.templates import names, template
from db.database import Database

USES = st.sampled_from(
    [
        "{{name}}",
        "{{ Name }}",
        "{{city|}}",
        "{{city}}",
        "{{a|{{b}}",
        "{{\n when\t}}",
        "{{when|soon}}",
        "{ {c} }",
        "{{caf\u00e9}}",
        '"{{q}}"',
    ]
)
TEXTS = st.lists(st.one_of(USES, st.text("ab {}|\\\n\u00a0", max_size=4)), max_size=4).map("".join)
SCRIPT_TEXTS = ("who", "robot", "not_understood", "still_there", "when", "called_back", "wrong_person", "opted_out")
DEFINITIONS = st.fixed_dictionaries(
    {
        "name": st.just("{{of_the_name}}"),
        "first_message": TEXTS.map(lambda text: f"Hello {text}"),
        "script": st.fixed_dictionaries(
            {
                "start": st.just("a"),
                "steps": st.fixed_dictionaries(
                    {
                        "a": st.fixed_dictionaries(
                            {
                                "say": TEXTS,
                                "reprompt": TEXTS,
                                "ask": st.just(True),
                                "next": st.just("a"),
                                "intents": st.just([{"name": "x", "examples": ["I am {{of_an_example}}"], "next": "a"}]),
                            }
                        )
                    }
                ),
                **dict.fromkeys(("who", "robot"), TEXTS),
            },
            optional=dict.fromkeys(SCRIPT_TEXTS[2:], TEXTS),
        ),
    },
    optional=dict.fromkeys(("goodbye", "voicemail_message", "prompt", "goal"), TEXTS),
)


async def required(database: Database, agent: Agent) -> set[str]:
    """As the database keeps it for the dialer's gate."""
    return set(await database.pool.fetchval("select required_variables($1::jsonb)", agent.to_dict()))


def needed(agent: Agent) -> set[str]:
    return {name for name, is_needed in agent.variables().items() if is_needed}


@pytest.mark.parametrize("name", names())
async def test_both_agree_on_every_agent_that_ships(database: Database, name: str) -> None:
    agent = template(name)
    assert await required(database, agent) == needed(agent)
    assert needed(agent)


@pytest.mark.parametrize("text", SCRIPT_TEXTS)
async def test_every_text_of_a_script_that_can_be_spoken_counts(database: Database, text: str) -> None:
    raw: dict[str, Any] = template("appointment_reminder").to_dict()
    agent = Agent.from_dict(raw | {"script": raw["script"] | {text: "This is about {{just_this}}."}})
    assert "just_this" in needed(agent)
    assert await required(database, agent) == needed(agent)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=DEFINITIONS)
@example(
    raw={
        "name": "x",
        "first_message": "Hi {{a|{{b}}",
        "script": {"start": "a", "steps": {"a": {"say": "", "end": "goodbye"}}, "who": "", "robot": ""},
    }
)
async def test_both_agree_on_any_agent_and_who_has_them_can_be_spoken_to(database: Database, raw: dict[str, Any]) -> None:
    try:
        agent = Agent.from_dict(raw)
    except InvalidAgent:
        return
    assert await required(database, agent) == needed(agent)
    assert fixed_lines(agent, dict.fromkeys(needed(agent), "x"))


@pytest.mark.parametrize("field", ["first_message", "goodbye", "voicemail_message", "prompt", "goal"])
def test_what_only_the_call_learns_needs_a_default_in_every_text(field: str) -> None:
    raw = template("appointment_reminder").to_dict()
    with pytest.raises(InvalidAgent, match="give it a default"):
        Agent.from_dict(raw | {field: "See you on {{callback_time}}."})
