"""Pipecat's speech services on our engine ports: recognition of whole utterances, and a voice with word times."""

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
VOICE_PATIENCE_S = 25.0  # for a line of a voice that is slow just now: beyond the engine's own limit, so that no line is given up before
LINE_GAP = bytes(180 * SAMPLES_PER_MS * SAMPLE_BYTES)  # of silence after each line


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
    """Speaks line by line and says when each word begins. A script's lines come whole, as they were prepared while it rang; a language
    model's text comes sentence by sentence.
    """

    def __init__(self, voice: Voice, name: str) -> None:
        """`name`: of the voice, as `Voice.speak` takes it."""
        super().__init__(
            push_text_frames=False,
            push_start_frame=True,
            push_stop_frames=True,
            stop_frame_timeout_s=VOICE_PATIENCE_S,
            settings=TTSSettings(model=None, voice=name, language=None),
        )
        self._engine, self._voice_name = voice, name
        self._spoken_ms: tuple[str, int] = ("", 0)  # how much of which audio context has been spoken

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        try:
            spoken = await self._engine.speak(text, self._voice_name)
        except EngineUnavailable as error:
            await self.push_error(str(error), exception=error)
            await self.remove_audio_context(context_id)  # what is said next does not wait for it
            return
        at = self._spoken_ms[1] if self._spoken_ms[0] == context_id else 0
        pcm = spoken.pcm + LINE_GAP
        self._spoken_ms = (context_id, at + len(pcm) // (SAMPLE_BYTES * SAMPLES_PER_MS))
        yield TTSAudioRawFrame(pcm, SAMPLE_RATE, 1, context_id=context_id)
        await self.add_word_timestamps([(word, (at + begins) / 1000) for word, begins in spoken.words], context_id)
