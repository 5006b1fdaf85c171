"""Speech and language services that cost nothing: for benchmarks of everything else, and for tests with independent callers.

An agent uses them by the provider name "null". The recognition answers at once, the brain says one line, the voice is a tone.
"""

from collections.abc import AsyncGenerator

import numpy as np
from pipecat.frames.frames import (
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMRunFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import LLMSettings, STTSettings, TTSSettings
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.services.tts_service import TTSService
from pipecat.utils.time import time_now_iso8601

from agent_runtime.leg import SAMPLE_RATE
from agent_runtime.supervision import NotPossible

HEARD = "yes that works for me"
SAID = "Thank you. I have booked that for you on Monday morning."
TONE_HZ = 440
TONE_S = 2


def tone(seconds: float = TONE_S) -> bytes:
    """PCM at 8 kHz of a tone."""
    t = np.arange(round(SAMPLE_RATE * seconds)) / SAMPLE_RATE
    return (np.sin(2 * np.pi * TONE_HZ * t) * 8000).astype(np.int16).tobytes()


TONE = tone()


class NullSTT(SegmentedSTTService):
    """Every utterance is the same words."""

    def __init__(self) -> None:
        super().__init__(
            audio_passthrough=False,
            trailing_silence_secs=0,
            ttfs_p99_latency=0.3,
            settings=STTSettings(model=None, language=None),
        )

    @property
    def wants_wav_segments(self) -> bool:
        return False

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        yield TranscriptionFrame(HEARD, "", time_now_iso8601())


class NullLLM(LLMService):
    """Every turn is answered with the same words. Implements `Guided`."""

    def __init__(self) -> None:
        super().__init__(settings=null_llm_settings())

    async def whisper(self, text: str) -> str:
        raise NotPossible("this agent says the same always, whatever it is told")

    def colleague_said(self, text: str) -> None:
        """It makes nothing of it."""

    def given_back(self) -> Frame:
        return LLMRunFrame()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        await self.push_frame(LLMFullResponseStartFrame())
        for word in SAID.split():
            await self.push_frame(LLMTextFrame(word + " "))
        await self.push_frame(LLMFullResponseEndFrame())


class ToneTTS(TTSService):
    """Two seconds of tone for each sentence."""

    def __init__(self) -> None:
        super().__init__(
            push_start_frame=True,
            push_stop_frames=True,
            settings=TTSSettings(model=None, voice=None, language=None),
        )

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        yield TTSAudioRawFrame(TONE, SAMPLE_RATE, 1, context_id=context_id)


def null_llm_settings() -> LLMSettings:
    """Settings of a brain that has no model: every field given, so that Pipecat does not warn."""
    return LLMSettings(
        model=None,
        system_instruction=None,
        temperature=None,
        max_tokens=None,
        top_p=None,
        top_k=None,
        frequency_penalty=None,
        presence_penalty=None,
        seed=None,
        filter_incomplete_user_turns=False,
        user_turn_completion_config=None,
    )
