"""What the callee is saying just now, recognised while they go on: for those who read along, never for the conversation itself."""

import asyncio
from collections.abc import Callable

from agent_runtime.engines import EngineUnavailable, Recognition
from agent_runtime.leg import SAMPLE_RATE, Leg

EVERY = SAMPLE_RATE * 2  # bytes of voice between two drafts: one second
LONGEST_S = 10.0  # what a leg keeps of the callee's audio


class Drafts:
    """Drafts of one call, one at a time. `tell` is called with each that is still true when it is there."""

    def __init__(self, leg: Leg, recognition: Recognition | None, tell: Callable[[str], None]) -> None:
        self._leg, self._recognition, self._tell = leg, recognition, tell
        self._since_last = 0
        self._drafting: asyncio.Task[None] | None = None

    def voice_started(self) -> None:
        self.stop()
        self._since_last = 0

    def voice_audio(self, pcm: bytes, began_ms: int) -> None:
        """The voice, which began at `began_ms`, goes on, and somebody reads along: draft what was said so far once a second."""
        self._since_last += len(pcm)
        if self._recognition is None or self._drafting is not None or self._since_last < EVERY:
            return
        self._since_last = 0
        seconds = (self._leg.now_ms() - began_ms) / 1000
        audio = self._leg.last_audio(min(LONGEST_S, seconds)).tobytes()
        self._drafting = asyncio.create_task(self._draft(self._recognition, audio, "… " if seconds > LONGEST_S else ""), name="draft")

    def stop(self) -> None:
        """The voice has ended: what is recognised of it now comes from the whole utterance."""
        if self._drafting is not None:
            self._drafting.cancel()
            self._drafting = None

    async def _draft(self, recognition: Recognition, audio: bytes, before: str) -> None:
        try:
            text = (await recognition.recognize(audio)).text
        except EngineUnavailable:  # it has too much to do, or is down: a draft less
            text = ""
        self._drafting = None
        if text:
            self._tell(before + text)
