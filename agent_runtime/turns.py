"""When the callee's turn begins and ends, and whether the brain is to answer it.

Pipecat's aggregators do the work; here is what they are told: our start and stop strategies, and the gate before the brain.
"""

from typing import Protocol

from pipecat.frames.frames import (
    Frame,
    InterimTranscriptionFrame,
    LLMContextFrame,
    LLMContextUserTurnFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.turns.types import ProcessFrameResult
from pipecat.turns.user_start import BaseUserTurnStartStrategy
from pipecat.turns.user_stop import BaseUserTurnStopStrategy


class TurnListener(Protocol):
    """Told of the callee's turns, and asked what follows. Methods return at once."""

    def may_interrupt(self) -> bool:
        """Whether the callee's voice may silence the agent now."""

    def recognized(self, text: str) -> None:
        """One utterance was recognised; `text` is empty where it held no words."""

    def interim(self, text: str) -> None:
        """So much of an utterance that goes on was recognised; it may change."""

    def turn_ended(self, text: str) -> bool:
        """The callee's turn is over and was `text`. Whether the brain is to answer it."""

    def turn_was_empty(self) -> None:
        """The callee's turn is over and held no words: a cough, a noise."""


class CalleeBegins(BaseUserTurnStartStrategy):  # type: ignore[no-untyped-call]  # Pipecat's subclass hook has no annotations
    """A turn begins with the callee's voice, or with words where no voice was noticed; it silences the agent if it may."""

    def __init__(self, listener: TurnListener) -> None:
        super().__init__()
        self._listener = listener

    async def process_frame(self, frame: Frame) -> ProcessFrameResult:
        words = frame.text.strip() if isinstance(frame, TranscriptionFrame) else ""
        if isinstance(frame, TranscriptionFrame):
            self._listener.recognized(words)
        elif isinstance(frame, InterimTranscriptionFrame):
            self._listener.interim(frame.text.strip())
        if isinstance(frame, VADUserStartedSpeakingFrame) or words:
            await self.trigger_user_turn_started(enable_interruptions=self._listener.may_interrupt())
            return ProcessFrameResult.STOP
        return ProcessFrameResult.CONTINUE


class NothingSaid(BaseUserTurnStopStrategy):  # type: ignore[no-untyped-call]  # as above
    """A turn in which the recognition found no words ends at once, instead of waiting for words."""

    def __init__(self) -> None:
        super().__init__()
        self._words = self._speaking = False

    async def handle_user_turn_started(self) -> None:
        self._words = False

    async def process_frame(self, frame: Frame) -> ProcessFrameResult:
        if isinstance(frame, VADUserStartedSpeakingFrame):
            self._speaking = True
        elif isinstance(frame, VADUserStoppedSpeakingFrame):
            self._speaking = False
        elif isinstance(frame, TranscriptionFrame):
            self._words = self._words or bool(frame.text.strip())
            if not self._words and not self._speaking and frame.finalized:
                await self.trigger_user_turn_finalized()
        return ProcessFrameResult.CONTINUE


class Gate(FrameProcessor):
    """Stands before the brain and lets through only the turns that it is to answer. Takes no task of its own."""

    def __init__(self, listener: TurnListener) -> None:
        super().__init__(enable_direct_mode=True)
        self._listener = listener
        self._answer = True

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextUserTurnFrame) and direction is FrameDirection.DOWNSTREAM:
            self._answer = self._listener.turn_ended(frame.text)
        elif isinstance(frame, LLMContextFrame) and not self._answer:
            self._answer = True
            return
        await self.push_frame(frame, direction)
