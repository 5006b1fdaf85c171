"""Pipecat's speech services on our engine ports: recognition of whole utterances, and a voice with word times."""

import re
from collections.abc import AsyncGenerator

from pipecat.frames.frames import Frame, TranscriptionFrame, TTSAudioRawFrame
from pipecat.services.settings import STTSettings, TTSSettings
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.services.tts_service import TTSService
from pipecat.utils.time import time_now_iso8601

from agent_runtime.engines import EngineUnavailable, Recognition, Voice
from agent_runtime.leg import SAMPLE_RATE, SAMPLES_PER_MS

USUAL_RECOGNITION_S = 0.6  # from the end of speech to its text, 99 of 100; a final text ends the wait anyway
SAMPLE_BYTES = 2
SENTENCE_GAP = bytes(180 * SAMPLES_PER_MS * SAMPLE_BYTES)  # of silence between two sentences
_SENTENCE_END = re.compile(r"(?<=[.!?])(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bMrs\.)(?<!\bSt\.)(?<!\bNo\.)(?<!\b[A-Za-z]\.)\s+")


class EngineRecognition(SegmentedSTTService):
    """Recognises each utterance when the callee pauses. An utterance without words is told too, so that its turn can end."""

    def __init__(self, recognition: Recognition) -> None:
        super().__init__(
            audio_passthrough=False,
            trailing_silence_secs=0,
            ttfs_p99_latency=USUAL_RECOGNITION_S,
            settings=STTSettings(model=None, language=None),
        )
        self._recognition = recognition

    @property
    def wants_wav_segments(self) -> bool:
        return False

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        text = ""
        try:
            text = (await self._recognition.recognize(audio)).text
        except EngineUnavailable as error:
            await self.push_error(str(error), exception=error)
        yield TranscriptionFrame(text, "", time_now_iso8601())


class EngineVoice(TTSService):
    """Speaks sentence by sentence and says when each word begins."""

    def __init__(self, voice: Voice, name: str) -> None:
        """`name`: of the voice, as `Voice.speak` takes it."""
        super().__init__(
            push_text_frames=False,
            push_start_frame=True,
            push_stop_frames=True,
            settings=TTSSettings(model=None, voice=name, language=None),
        )
        self._engine, self._voice_name = voice, name
        self._spoken_ms: tuple[str, int] = ("", 0)  # how much of which audio context has been spoken

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        for sentence in sentences(text):
            try:
                spoken = await self._engine.speak(sentence, self._voice_name)
            except EngineUnavailable as error:
                await self.push_error(str(error), exception=error)
                return
            if spoken.pcm:
                at = self._spoken_ms[1] if self._spoken_ms[0] == context_id else 0
                pcm = spoken.pcm + SENTENCE_GAP
                self._spoken_ms = (context_id, at + len(pcm) // (SAMPLE_BYTES * SAMPLES_PER_MS))
                yield TTSAudioRawFrame(pcm, SAMPLE_RATE, 1, context_id=context_id)
                await self.add_word_timestamps([(word, (at + begins) / 1000) for word, begins in spoken.words], context_id)


def sentences(text: str) -> list[str]:
    """`text` in the pieces in which it is spoken, and therefore kept ready: a fixed sentence between variable ones costs nothing."""
    return [piece for piece in _SENTENCE_END.split(text.strip()) if re.search(r"\w", piece)]


async def speak_line(voice: Voice, text: str, name: str) -> bytes:
    """PCM at 8 kHz of `text` as the agent will speak it: for a greeting that is prepared while it rings.

    Raises:
        EngineUnavailable: the voice can't speak now.
    """
    return SENTENCE_GAP.join([(await voice.speak(sentence, name)).pcm for sentence in sentences(text)])
