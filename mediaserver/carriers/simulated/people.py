"""The people of the simulated network: what each says, and what they make of what they hear. Pure.

A person understands an agent by a few words in what was recognised (`cue_of`) and answers from a table. That is enough to
agree, to want another day, to decline, to ask back, to be rude or to be silent, and it cannot drift together with the agent's
own understanding, which is another.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """Who is at a number."""

    AGREES = "agrees"
    ANOTHER_DAY = "another_day"
    DECLINES = "declines"
    WHO_IS_THIS = "who_is_this"
    ROBOT = "robot"
    NEVER_AGAIN = "never_again"
    INTERRUPTS = "interrupts"
    SILENT = "silent"
    HANGS_UP = "hangs_up"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    MAILBOX = "mailbox"
    INVALID = "invalid"  # the network refuses the number
    UNREACHABLE = "unreachable"  # the call fails before it rings


class Cue(StrEnum):
    """What an utterance of the agent asks of the callee."""

    GOODBYE = "goodbye"
    WHAT_DAY = "what_day"
    STILL_THERE = "still_there"
    KEYPAD = "keypad"
    CONFIRM = "confirm"
    QUESTION = "question"  # some other one
    STATEMENT = "statement"  # nothing is asked; the agent may go on


_CUES: tuple[tuple[Cue, re.Pattern[str]], ...] = tuple(
    (cue, re.compile(pattern, re.IGNORECASE))
    for cue, pattern in (
        (Cue.GOODBYE, r"\bgood ?-?bye\b|\bbye\b|have a (nice|good|great|lovely) (day|evening|one)"),
        (
            Cue.WHAT_DAY,
            r"\b(what|which) (other )?(day|date|time)\b|\bwhen (would|should|could|can|is|are)\b|\bday would (suit|work|be)|works? better",
        ),
        (Cue.STILL_THERE, r"\b(still|you) there\b|\bhear me\b|^\W*hello\W*$"),
        (Cue.KEYPAD, r"\bpress\b"),
        (
            Cue.CONFIRM,
            r"\bmake it\b|\bcan you make\b"
            r"|\b(be|come) there\b|\bconfirm|\b(will|can|could|are) you (still )?(be )?(able to )?(come|coming|attend|keep)"
            r"|\bdoes (that|it) (still )?work|\byes or no\b",
        ),
        (
            Cue.QUESTION,  # recognition often drops the question mark
            r"\?\W*$|\bsuit you\b"
            r"|(?:^|[.!?,]\s*)(?:what|who|how|(?:would|could|can|may|shall|do|did|is|are|am) (?:you|i|we|it|that|this|another))"
            r"\b[^.!?]*\W*$",
        ),
    )
)


def cue_of(text: str) -> Cue:
    """What the agent's words ask for; the first that fits, from the most to the least telling."""
    return next((cue for cue, pattern in _CUES if pattern.search(text)), Cue.STATEMENT)


@dataclass(frozen=True, slots=True)
class Persona:
    """One way to be on the phone.

    `greeting`: said on picking up. `first`: said once, in answer to the first thing heard, whatever it was. `lines`: by cue,
    said in turn, the last again and again; what is not there is answered with the lines of QUESTION, a statement with
    patience. `cuts_in_ms`: so long after the agent's first sound, in mid-sentence, they say `cut_in`, or hang up where it is
    empty. `latency_ms`: end of the agent's words to their own.
    """

    kind: Kind
    greeting: str = "Hello?"
    first: str = ""
    lines: Mapping[Cue, tuple[str, ...]] = field(default_factory=dict)
    again: str = "Sorry, could you say that again?"
    cuts_in_ms: int | None = None
    cut_in: str = ""
    latency_ms: int = 900

    def all_lines(self) -> list[str]:
        """Everything that they may say, to be rendered before they are called."""
        said = [self.greeting, self.first, self.again, self.cut_in, *(line for lines in self.lines.values() for line in lines)]
        return list(dict.fromkeys(line for line in said if line))

    @property
    def picks_up(self) -> bool:
        """Whether a call to them is answered at all."""
        return self.kind not in (Kind.BUSY, Kind.NO_ANSWER, Kind.INVALID, Kind.UNREACHABLE)


_YES = ("Yes, I can make it.", "Yes, I will be there.")
_BYE = ("Thank you, goodbye.",)

PERSONAS: Mapping[Kind, Persona] = {
    persona.kind: persona
    for persona in (
        Persona(Kind.AGREES, lines={Cue.CONFIRM: _YES, Cue.QUESTION: ("Yes.",), Cue.GOODBYE: _BYE}, latency_ms=800),
        Persona(
            Kind.ANOTHER_DAY,
            greeting="Good morning, hello?",
            lines={
                Cue.CONFIRM: ("No, I can't make it that day. I need another day.",),
                Cue.WHAT_DAY: ("Next Tuesday would be better for me.",),
                Cue.QUESTION: ("Yes, another day please.",),
                Cue.GOODBYE: _BYE,
            },
            latency_ms=1000,
        ),
        Persona(
            Kind.DECLINES,
            greeting="Yes, hello?",
            lines={
                Cue.CONFIRM: ("No, please cancel the appointment.",),
                Cue.WHAT_DAY: ("No, I don't want another day. Please cancel it.",),
                Cue.QUESTION: ("No, thank you. I am not interested.",),
            },
            latency_ms=900,
        ),
        Persona(
            Kind.WHO_IS_THIS,
            first="Sorry, who is this?",
            lines={Cue.CONFIRM: ("Oh, okay, that works for me.",), Cue.QUESTION: ("Yes, that is right.",), Cue.GOODBYE: _BYE},
            latency_ms=1000,
        ),
        Persona(
            Kind.ROBOT,
            first="Wait, are you a robot?",
            lines={Cue.CONFIRM: ("Okay, yes, I can make it.",), Cue.QUESTION: ("Yes.",), Cue.GOODBYE: _BYE},
            latency_ms=900,
        ),
        Persona(
            Kind.NEVER_AGAIN,
            first="Please never call me again.",
            lines={Cue.CONFIRM: ("Take me off your list. Do not call me again.",), Cue.QUESTION: ("Do not call me again.",)},
            latency_ms=700,
        ),
        Persona(
            Kind.INTERRUPTS,
            cuts_in_ms=6500,
            cut_in="Yes, I know, I will be there.",
            lines={Cue.CONFIRM: _YES, Cue.QUESTION: ("Yes, I will be there.",), Cue.GOODBYE: _BYE},
            latency_ms=700,
        ),
        Persona(Kind.SILENT, greeting="", again=""),
        Persona(Kind.HANGS_UP, cuts_in_ms=3000),
        Persona(Kind.BUSY),
        Persona(Kind.NO_ANSWER),
        Persona(
            Kind.MAILBOX,
            greeting="Hello, you have reached my voicemail. I cannot come to the phone right now. Please leave a message after the tone.",
            again="",
        ),
        Persona(Kind.INVALID),
        Persona(Kind.UNREACHABLE),
    )
}


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a person does next: speak, press a key, hang up; nothing of it is patience."""

    line: str = ""
    digit: str = ""
    hang_up: bool = False


class Mind:
    """One person's side of one conversation: remembers what was said already."""

    def __init__(self, persona: Persona) -> None:
        self._persona = persona
        self._said: dict[Cue, int] = {}
        self._first = persona.first

    def react(self, heard: str) -> Reaction:
        """The answer to what the agent said."""
        if self._persona.kind in (Kind.SILENT, Kind.HANGS_UP) or not heard:
            return Reaction()
        if self._first:
            line, self._first = self._first, ""
            return Reaction(line)
        cue = cue_of(heard)
        if cue is Cue.STATEMENT:
            return Reaction()
        if cue is Cue.KEYPAD:
            return Reaction(digit="1")
        return Reaction(self._line(cue), hang_up=cue is Cue.GOODBYE)

    def _line(self, cue: Cue) -> str:
        lines = self._persona.lines.get(cue) or (() if cue is Cue.GOODBYE else self._persona.lines.get(Cue.QUESTION, ()))
        if not lines:
            return ""
        times = self._said.get(cue, 0)
        self._said[cue] = times + 1
        return lines[min(times, len(lines) - 1)]
