"""One conversation as supervisors may act on it: they whisper to the agent, take the call over, give it back, end it."""

import asyncio

from agent_runtime.colleague import Colleague
from agent_runtime.engines import Recognition
from agent_runtime.leg import Leg, LegListener
from agent_runtime.supervision import NotPossible
from agent_runtime.talk import Phase, Talk

SETTLE_S = 5.0  # how long a call that is given back waits for the supervisor's last words to be recognised

_REFUSED = {
    Phase.OVER: "the call is over",
    Phase.LAST_LINE: "the agent is saying goodbye already, and then the call ends",
}
_NO_WHISPER = {**_REFUSED, Phase.MAILBOX: "a mailbox answered, and the agent leaves its message"}
_NO_WHISPER[Phase.MESSAGE] = _NO_WHISPER[Phase.MAILBOX]


class SupervisedTalk:
    """Implements `Supervised` for one call."""

    def __init__(self, talk: Talk, leg: Leg, recognition: Recognition | None) -> None:
        """`recognition`: of what a supervisor says; None: their words are in the recording only."""
        self._talk, self._leg = talk, leg
        self._colleague = Colleague(leg, recognition, talk.supervisor_said)
        self._held_by: str | None = None
        self._returning: asyncio.Task[None] | None = None

    async def whisper(self, text: str) -> str:
        words = " ".join(text.split())
        if not words:
            raise NotPossible("the whisper has no words")
        self._refuse(_NO_WHISPER)
        return await self._talk.guided.whisper(words)

    def take_over(self, by: str) -> LegListener:
        self._refuse(_REFUSED)
        if self._held_by is not None:
            raise NotPossible(f"{self._held_by} has taken this call over")
        self._stop_returning()
        self._held_by = by
        self._talk.hold()
        return self._colleague

    def speak(self, pcm: bytes) -> None:
        if self._held_by is not None:
            self._leg.play(pcm)

    def give_back(self) -> None:
        if self._held_by is None:
            return
        self._held_by = None
        self._colleague.line_closed()
        if self._colleague.settled:
            self._talk.release()
        else:
            self._returning = asyncio.create_task(self._return(), name="give back")

    def hang_up(self, by: str) -> None:
        if self._talk.phase is Phase.OVER:
            raise NotPossible(_REFUSED[Phase.OVER])
        self._talk.end_now(f"{by} ended the call")

    async def close(self, within_s: float) -> None:
        """The conversation is over: what a supervisor said last is still recognised, if that takes no longer than `within_s`."""
        self._held_by = None
        self._stop_returning()
        await self._colleague.settle(within_s)
        await self._colleague.close()

    async def _return(self) -> None:
        await self._colleague.settle(SETTLE_S)
        self._returning = None
        self._talk.release()

    def _stop_returning(self) -> None:
        if self._returning is not None:
            self._returning.cancel()
            self._returning = None

    def _refuse(self, reasons: dict[Phase, str]) -> None:
        if (why := reasons.get(self._talk.phase)) is not None:
            raise NotPossible(why)
