"""The port between a conversation and those who supervise it: what they are told of it, and what they may do.

The conversation tells a `Watcher` what happens and hands it itself as `Supervised`. Everything runs on the event loop.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from agent_runtime.calls import Speaker
from agent_runtime.leg import LegListener


class AgentState(StrEnum):
    """What the agent does just now."""

    SPEAKING = "speaking"
    LISTENING = "listening"  # it is the callee's turn
    THINKING = "thinking"  # the callee's turn is over, the answer is not there yet
    MAILBOX = "mailbox"  # waits for the tone of a mailbox, or leaves its message
    AWAY = "away"  # a supervisor has taken the call over
    ENDING = "ending"  # says its last line
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Caption:
    """A turn as it is spoken. `turn`: its number, in the order in which turns were begun to be told; the same number again replaces what
    was told. `text`: of the agent what was heard so far, of the callee what was recognised so far (while they speak, the last 10 s of
    it); a final caption without text takes the turn back. `start_ms`: when it began, in ms since the leg began. `cut_off`: the agent was
    to say more.
    """

    turn: int
    speaker: Speaker
    text: str
    start_ms: int
    final: bool
    cut_off: bool = False


@dataclass(frozen=True, slots=True)
class NextStep:
    """What the agent does next, as far as it is known. `step`: of the script, empty for a language model and where a script is told to end;
    `asks`: what it says there, or its goal; `ways`: what the callee may mean, and which step follows: none after a whisper, which leads
    there whatever they say.
    """

    step: str
    asks: str
    ways: tuple[tuple[str, str], ...] = ()


class NotPossible(Exception):
    """What a supervisor asked for can't be done now; the message says why, for people."""


class Supervised(Protocol):
    """A conversation, as supervisors may act on it. `by`: the supervisor's name, for evidence. Methods raise `NotPossible` where the
    conversation is over, where the agent is saying its last line (but for `hang_up`), or where somebody has taken it over."""

    async def whisper(self, text: str) -> str:
        """Tell the agent something for its next turn; the callee never hears it. Returns what the agent makes of it, for the supervisor.

        Raises:
            NotPossible: also where a script has no step that `text` could mean.
        """

    def take_over(self, by: str) -> LegListener:
        """The agent falls silent and answers nobody until `give_back`. Returns who is to listen to the supervisor's microphone, so that
        what is said enters the transcript.
        """

    def speak(self, pcm: bytes) -> None:
        """The supervisor's voice, 8 kHz mono int16, for the callee; dropped while nobody has taken over."""

    def give_back(self) -> None:
        """The agent goes on, and knows what was said while it was away: as soon as the supervisor's last words are recognised and the
        callee has finished. No error while it is not away."""

    def hang_up(self, by: str) -> None:
        """End the call now."""


class Watcher(Protocol):
    """Told what happens in one conversation. Methods return at once and raise nothing."""

    @property
    def reading(self) -> bool:
        """Whether somebody reads along just now: what costs work (the callee's words before the turn is over) is told only then."""

    def began(self, conversation: Supervised) -> None:
        """The conversation is there and can be supervised. Comes once, first."""

    def caption(self, caption: Caption) -> None:
        """Somebody says, or has said, this."""

    def state_is(self, state: AgentState) -> None:
        """What the agent does has changed."""

    def next_is(self, following: NextStep) -> None:
        """What the agent does next has changed."""


class Nobody:
    """The watcher of a conversation that nobody can supervise: a rehearsal, a benchmark."""

    reading = False

    def began(self, conversation: Supervised) -> None:
        """Nobody acts."""

    def caption(self, caption: Caption) -> None:
        """Nobody reads."""

    def state_is(self, state: AgentState) -> None:
        """Nobody looks."""

    def next_is(self, following: NextStep) -> None:
        """Nobody looks."""
