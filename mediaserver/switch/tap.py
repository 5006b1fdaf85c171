"""What a recorder or a supervisor is given of a leg: both sides as they are heard."""

from typing import Protocol


class Tap(Protocol):
    """Told on the event loop; no method may block. One that raises is taken off the leg, and the call goes on.

    `mulaw`: 8 kHz. `at`: when its first sample is heard, in samples since the leg began.
    """

    def callee(self, at: int, mulaw: bytes) -> None:
        """The callee said this. Bursts and gaps of the carrier show in `at`."""

    def agent(self, at: int, mulaw: bytes) -> None:
        """The callee will hear this: `at` lies up to 400 ms ahead, and never before the end of the last piece."""

    def agent_cut(self, at: int) -> None:
        """The callee heard nothing of what was to be heard from `at` on."""

    def ended(self, at: int) -> None:
        """The line is gone. Comes once, last."""
