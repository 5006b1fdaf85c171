"""An agent as an operator configures it: its texts with variables, its voice, its services, its script.

`Agent.from_dict` reads what the database keeps (JSON) and says exactly what is wrong with it.
"""

import re
from typing import Any, Self

import msgspec

END_REASONS = ("goodbye", "declined", "callback", "wrong_person", "opted_out")
GOALS = ("met", "not_met", "unclear")
SLOT_KINDS = ("text", "number", "date", "choice", "yes_no")
_FIELD = re.compile(r"[a-z_][a-z0-9_]*")
CALLBACK_TIME = "callback_time"  # what a script may say of the time that was agreed

VARIABLE = re.compile(r"\{\{\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:\|([^}]*))?\}\}", re.ASCII)


class InvalidAgent(ValueError):
    """The agent's definition can't be used; the message names the field and what to do."""


class MissingVariable(LookupError):
    """A text needs a variable that the contact lacks and that has no default."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the text needs {{{{{name}}}}}, which this contact does not have")
        self.name = name


def fill(text: str, variables: dict[str, str]) -> str:
    """`text` with each `{{name}}` or `{{name|default}}` replaced. An empty value counts as missing; braces in a value are dropped,
    so that nobody hears them read out.

    Raises:
        MissingVariable: a name without value and without default.
    """

    def value(match: re.Match[str]) -> str:
        name, default = match.group(1).lower(), match.group(2)
        found = variables.get(name, "").replace("{{", "").replace("}}", "").strip()
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
    """A field that a step captures from the callee's words: `kind` is one of `SLOT_KINDS`. Texts may use it: `{{name|default}}`.

    `choices`: for a choice, what it may be; for a number, what it may be, in digits (none: any number).
    """

    name: str
    kind: str = "text"
    choices: tuple[str, ...] = ()


class Intent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that the callee may mean: told by `examples`, nearest wins. `next`: the step that follows. What everybody says (who is
    this, call me later, ...) is built in, and so are examples for intents named yes and no: `agent_runtime.built_in_intents`."""

    name: str
    examples: tuple[str, ...]
    next: str


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a script: say something, perhaps wait for an answer, go on.

    `ask`: wait for the callee after `say`. `intents`: what the answer may mean. `otherwise`: the step when none fits after `attempts`
    times (asked again with `reprompt` in between). `goal`: one of `GOALS`, settled when this step is reached. `end`: hang up after
    `say`, with this reason (one of `END_REASONS`; the agent's goodbye follows). `next`: the step after `say` where nothing is asked;
    after an answer, where the slot was captured, or where any answer will do (no slot, no intents). Beside a slot, intents lead on
    where one of them is surely meant; the slot then takes nothing.

    `notes`: fields that are noted when this step is reached, with variables in them filled; one that comes to nothing forgets the
    field. `heard_out`: an answer that was given before the question had been heard to its end does not count, and the question is asked
    once more: for what must not be told to the wrong person.
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
    notes: dict[str, str] = {}
    heard_out: bool = False


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The graph that the script brain walks. `start`: the step that follows the first message; its `say` may be empty.

    `who`: the answer to "who is this?"; `robot`: the truthful answer to "are you a robot?". `when`: asks for a better time,
    `called_back`: the answer to it. `wrong_person`, `opted_out`: said before the goodbye.
    """

    start: str
    steps: dict[str, Step]
    who: str
    robot: str
    not_understood: str = "Sorry, I did not catch that."
    still_there: str = "Are you still there?"
    when: str = "When would be a good time to call you?"
    called_back: str = "All right. We will call you again {{callback_time|later}}."
    wrong_person: str = "I am sorry for the trouble. I will make a note of that."
    opted_out: str = "I am sorry for the disturbance. We will not call you again."

    def texts(self) -> list[str]:
        """All that may be said."""
        own = [self.who, self.robot, self.not_understood, self.still_there, self.when, self.called_back, self.wrong_person, self.opted_out]
        return own + [text for step in self.steps.values() for text in (step.say, step.reprompt) if text]

    def captured(self) -> set[str]:
        """Names that the call itself fills."""
        slots = {step.slot.name for step in self.steps.values() if step.slot is not None}
        return slots | {name for step in self.steps.values() for name in step.notes} | {CALLBACK_TIME}


class Agent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One agent. `stt`, `llm`, `tts`: "local", "script" (llm only) or "provider/model" as in `agent_runtime.providers`.

    `key_phrase`: the part of the first message before which a callee's "Hello?" does not interrupt (all up to its end; empty: the
    first sentence). `on_voicemail`: message or hang_up. Limits in seconds. `goal`: what the call is for, in words.
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
        """Variables in all texts that may be spoken or prompted, True where the contact must have it. Not those that the call fills."""
        captured = self.script.captured() if self.script is not None else set()
        return {name: needed for name, needed in variables_in(*self._texts()).items() if name not in captured}

    def spoken_texts(self) -> list[str]:
        """Every text that the callee or a mailbox may hear, with its variables."""
        own = [self.first_message, self.goodbye, self.voicemail_message]
        return [text for text in own if text] + (self.script.texts() if self.script is not None else [])

    def _texts(self) -> list[str]:
        return [*self.spoken_texts(), self.prompt, self.goal]

    def _check(self) -> None:
        if not self.first_message.strip():
            raise InvalidAgent("first_message is empty: write what the agent says when the call is answered")
        if self.llm == "script" and self.script is None:
            raise InvalidAgent("llm is script, but there is no script: add one, or name an LLM such as openai/gpt-4.1-mini")
        if self.on_voicemail not in ("message", "hang_up"):
            raise InvalidAgent(f"on_voicemail is {self.on_voicemail!r}: use message or hang_up")
        for text in self.spoken_texts():
            if "{{" in VARIABLE.sub("", text) or "}}" in VARIABLE.sub("", text):
                raise InvalidAgent(
                    f"{text!r} has braces that are no variable: write {{{{name}}}} or {{{{name|default}}}}, name in letters and _"
                )
        if self.script is not None:
            _check_script(self.script)
            for name, needed in variables_in(*self._texts()).items():
                if needed and name in self.script.captured():
                    raise InvalidAgent(
                        f"a text uses {{{{{name}}}}}, which the call may not have learnt: give it a default, {{{{{name}|...}}}}"
                    )


def _check_script(script: Script) -> None:
    if script.start not in script.steps:
        raise InvalidAgent(f"the script starts at {script.start}, which does not exist")
    for name, step in script.steps.items():
        for to in (step.next, step.otherwise, *(i.next for i in step.intents)):
            if to and to not in script.steps:
                raise InvalidAgent(f"step {name} goes to {to}, which does not exist")
        _check_step(name, step)
    for name in script.steps:
        _check_asks_or_ends(name, script.steps)


def _check_step(name: str, step: Step) -> None:
    if not (step.end or step.next or step.ask):
        raise InvalidAgent(f"step {name} goes nowhere: give it ask, next or end")
    if step.ask and not (step.intents or step.next):
        raise InvalidAgent(f"step {name} asks, and no answer leads on: give it intents, or next")
    if step.end and step.end not in END_REASONS:
        raise InvalidAgent(f"step {name} ends with {step.end!r}: use one of {', '.join(END_REASONS)}")
    if step.goal and step.goal not in GOALS:
        raise InvalidAgent(f"step {name} has the goal {step.goal!r}: use one of {', '.join(GOALS)}")
    if step.attempts < 1:
        raise InvalidAgent(f"step {name} has {step.attempts} attempts: use 1 or more")
    if step.slot is not None and (step.slot.kind not in SLOT_KINDS or not _FIELD.fullmatch(step.slot.name)):
        raise InvalidAgent(f"step {name}: a slot has a snake_case name and is one of {', '.join(SLOT_KINDS)}")
    for field, value in step.notes.items():
        if not _FIELD.fullmatch(field):
            raise InvalidAgent(f"step {name} notes {field!r}: a field has a snake_case name")
        if any(variables_in(value).values()):
            raise InvalidAgent(f"step {name} notes {field} as {value!r}: give each variable in it a default, {{{{name|...}}}}")


def _check_asks_or_ends(start: str, steps: dict[str, Step]) -> None:
    """Refuse a way from `start` that goes round without ever asking or ending."""
    name, seen = start, {start}
    while not (steps[name].ask or steps[name].end):
        name = steps[name].next
        if name in seen:
            raise InvalidAgent(f"step {start} goes round to {name} without asking anything: let one of them ask or end")
        seen.add(name)
