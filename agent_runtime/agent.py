"""An agent as an operator configures it: its texts with variables, its voice, its services, its script.

`Agent.from_dict` reads what the database keeps (JSON) and says exactly what is wrong with it.
"""

import re
from typing import Any, Self

import msgspec

VARIABLE = re.compile(r"\{\{\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:\|([^}]*))?\}\}")


class InvalidAgent(ValueError):
    """The agent's definition can't be used; the message names the field and what to do."""


class MissingVariable(LookupError):
    """A text needs a variable that the contact lacks and that has no default."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the text needs {{{{{name}}}}}, which this contact does not have")
        self.name = name


def fill(text: str, variables: dict[str, str]) -> str:
    """`text` with each `{{name}}` or `{{name|default}}` replaced. An empty value counts as missing.

    Raises:
        MissingVariable: a name without value and without default.
    """

    def value(match: re.Match[str]) -> str:
        name, default = match.group(1).lower(), match.group(2)
        found = variables.get(name, "").strip()
        if found:
            return found
        if default is not None:
            return default.strip()
        raise MissingVariable(name)

    return VARIABLE.sub(value, text)


def variables_in(*texts: str) -> dict[str, bool]:
    """Names used in `texts`, in order of first use; True where some use has no default, so that the contact must have it."""
    found: dict[str, bool] = {}
    for text in texts:
        for match in VARIABLE.finditer(text):
            name = match.group(1).lower()
            found[name] = found.get(name, False) or match.group(2) is None
    return found


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field that a step captures from the callee's words: `kind` is text, number, date, choice or yes_no."""

    name: str
    kind: str = "text"
    choices: tuple[str, ...] = ()


class Intent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that the callee may mean: told by `examples`, nearest wins. `next`: the step that follows."""

    name: str
    examples: tuple[str, ...]
    next: str


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a script: say something, perhaps wait for an answer, go on.

    `ask`: wait for the callee after `say`. `intents`: what the answer may mean. `otherwise`: the step when none fits after `attempts` times (said
    again with `reprompt` in between). `goal`: met, not_met or unclear, settled when this step is reached. `end`: hang up after `say`, with this reason
    (goodbye, declined, callback, wrong_person, opted_out). `next`: the step after `say` where nothing is asked.
    """

    say: str
    ask: bool = False
    intents: tuple[Intent, ...] = ()
    slot: Slot | None = None
    otherwise: str = ""
    reprompt: str = ""
    attempts: int = 2
    goal: str = ""
    end: str = ""
    next: str = ""


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The graph that the script brain walks. `start`: the step that follows the first message; its `say` may be empty.

    `who`: the answer to "who is this?"; `robot`: the truthful answer to "are you a robot?".
    """

    start: str
    steps: dict[str, Step]
    who: str
    robot: str
    not_understood: str = "Sorry, I did not catch that."
    still_there: str = "Are you still there?"


class Agent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One agent. `stt`, `llm`, `tts`: "local", "script" (llm only) or "provider/model" as in `agent_runtime.providers`.

    `key_phrase`: the part of the first message before which a callee's "Hello?" does not interrupt (all up to its end; empty: the first sentence).
    `on_voicemail`: message or hang_up. Limits in seconds. `goal`: what the call is for, in words.
    """

    name: str
    first_message: str
    goodbye: str = "Thank you. Goodbye."
    voicemail_message: str = ""
    on_voicemail: str = "message"
    prompt: str = ""
    goal: str = ""
    goal_is_message: bool = False
    script: Script | None = None
    voice: str = "joe"
    language: str = "en"
    stt: str = "local"
    llm: str = "script"
    tts: str = "local"
    llm_base_url: str = ""
    key_phrase: str = ""
    fields: tuple[str, ...] = ()
    tools: tuple[str, ...] = ("end_call", "do_not_call", "schedule_callback", "note_field")
    max_call_s: int = 300
    silence_s: int = 8
    record: bool = True

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """The agent in `raw`.

        Raises:
            InvalidAgent: a field is missing, unknown or of the wrong type; a script that goes nowhere.
        """
        try:
            agent = msgspec.convert(raw, cls)
        except msgspec.ValidationError as error:
            raise InvalidAgent(f"the agent can't be used: {error}") from error
        agent._check()
        return agent

    def to_dict(self) -> dict[str, Any]:
        """The agent as JSON-ready values; `from_dict` reads it back."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    def variables(self) -> dict[str, bool]:
        """Variables in all texts that may be spoken or prompted, True where the contact must have it."""
        texts = [self.first_message, self.goodbye, self.voicemail_message, self.prompt, self.goal]
        if self.script is not None:
            texts += [self.script.who, self.script.robot, *(t for s in self.script.steps.values() for t in (s.say, s.reprompt))]
        return variables_in(*texts)

    def _check(self) -> None:
        if not self.first_message.strip():
            raise InvalidAgent("first_message is empty: write what the agent says when the call is answered")
        if self.llm == "script" and self.script is None:
            raise InvalidAgent("llm is script, but there is no script: add one, or name an LLM such as openai/gpt-4.1-mini")
        if self.on_voicemail not in ("message", "hang_up"):
            raise InvalidAgent(f"on_voicemail is {self.on_voicemail!r}: use message or hang_up")
        if self.script is not None:
            self._check_script(self.script)

    @staticmethod
    def _check_script(script: Script) -> None:
        for name, step in script.steps.items():
            for to in (step.next, step.otherwise, *(i.next for i in step.intents)):
                if to and to not in script.steps:
                    raise InvalidAgent(f"step {name} goes to {to}, which does not exist")
            if not (step.end or step.next or step.ask):
                raise InvalidAgent(f"step {name} goes nowhere: give it ask, next or end")
        if script.start not in script.steps:
            raise InvalidAgent(f"the script starts at {script.start}, which does not exist")
