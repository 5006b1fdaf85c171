"""How a brain is guided from outside while a call goes on."""

from typing import Protocol

from pipecat.frames.frames import Frame


class Guided(Protocol):
    """A brain that a supervisor may guide."""

    async def whisper(self, text: str) -> str:
        """Take `text` into account in the next turn. Returns what the brain makes of it, in words for the supervisor.

        Raises:
            NotPossible: it can make nothing of it; the message says what it could.
        """

    def colleague_said(self, text: str) -> None:
        """Somebody who has taken the call over said this to the callee."""

    def given_back(self) -> Frame:
        """The brain has the call again, and its next turn goes on from what was said meanwhile. Returns the frame that makes it take
        that turn."""
