"""Who has taken one call over, and on which connection his microphone is heard.

The agent has the call; `take`: a supervisor has it; `lost`: he still has it, without a connection; `take` by the same person: on another
connection; `end`, or too long without a connection: the agent has it again.
"""

import asyncio
from collections.abc import Callable

from agent_runtime.supervision import NotPossible, Supervised
from mediaserver.supervision.microphone import Microphone
from mediaserver.supervision.protocol import HeldTold
from mediaserver.switch.switch import Switch


class Takeover:
    """`given_up`: called when the connection was lost for `give_back_after_s`. `by`: who has the call; None: the agent."""

    def __init__(self, switch: Switch, give_back_after_s: float, given_up: Callable[[], None]) -> None:
        self.by: str | None = None
        self._connection: str | None = None
        self._microphone: Microphone | None = None
        self._giving_up: asyncio.TimerHandle | None = None
        self._switch, self._give_back_after_s, self._tell_given_up = switch, give_back_after_s, given_up

    @property
    def told(self) -> HeldTold:
        return HeldTold(self.by, self._connection)

    @property
    def speaking(self) -> bool:
        """Whether the supervisor who has the call speaks just now."""
        return self._microphone is not None and self._microphone.speaking

    def is_on(self, connection: str) -> bool:
        """Whether the call is held on this connection."""
        return self._connection == connection

    def check(self, by: str) -> None:
        """Raises NotPossible where somebody else has the call."""
        if self.by not in (None, by):
            raise NotPossible(f"{self.by} has taken the call over")

    def take(self, by: str, connection: str, conversation: Supervised) -> bool:
        """`by` has the call on `connection`. Whether he had not had it before. Raises NotPossible."""
        self.check(by)
        new = self.by is None
        if new:
            self._microphone = Microphone(self._switch, conversation, by)
        self._wait_no_more()
        self.by, self._connection = by, connection
        return new

    def hear(self, connection: str, audio: bytes) -> None:
        """Mu-law for the callee. Dropped where `connection` does not have the call."""
        if self._microphone is not None and connection == self._connection:
            self._microphone.hear(audio)

    def lost(self, connection: str) -> bool:
        """`connection` is gone. Whether it had the call."""
        if self.by is None or connection != self._connection:
            return False
        self._connection = None
        self._giving_up = asyncio.get_running_loop().call_later(self._give_back_after_s, self._tell_given_up)
        return True

    def end(self) -> None:
        """Nobody has the call but the agent. May be called twice."""
        self._wait_no_more()
        if self._microphone is not None:
            self._microphone.close()
        self.by = self._connection = self._microphone = None

    def _wait_no_more(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None
