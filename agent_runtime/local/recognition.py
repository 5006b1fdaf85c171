"""Speech recognition on this machine: Whisper tiny.en, int8, on CTranslate2, one thread.

The encoder is given 15 s instead of Whisper's own 30 s: half the work, and as exact on telephone utterances; below 10 s the
decoder begins to repeat itself. The rest of the 15 s is filled with the quietest value of the spectrogram, which is what
silence looks like there. Batching does not help on a CPU.

Whisper was trained on subtitles and writes " you" or "Thank you." over silence: utterances without energy or with a high
no-speech probability are answered with an empty text.
"""

from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import soxr  # type: ignore[import-untyped]  # it ships no types
import tokenizers
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from agent_runtime.engines import Recognized
from agent_runtime.leg import SAMPLE_RATE
from agent_runtime.local import models
from agent_runtime.local.frames import RecognizeRequest, Request

MODEL_RATE = 16_000
LONGEST_S = 15
FRAMES = LONGEST_S * 100  # the spectrogram has 100 columns per second
SHORTEST_S = 0.1
LONGEST_TEXT = 160  # tokens; CTranslate2 lets Whisper write half of it, and 15 s of speech are about 60
QUIETEST_RMS = 30.0  # of int16: -61 dBFS; line noise, no speech

PROMPT = ("<|startoftranscript|>", "<|notimestamps|>")

# What Whisper writes over noise. Believed only where it is sure that somebody spoke.
HALLUCINATED = frozenset({"you", "thank you", "thanks for watching", "thank you for watching", "bye", "so", "the end"})
SURE_OF_SPEECH = 0.25
NO_SPEECH = 0.6


class WhisperRecognition:
    """One model in this process; `recognize` computes on the calling thread."""

    def __init__(self, folder: Path | None = None) -> None:
        """Load the model. `folder`: as in `models.locate`.

        Raises:
            EngineUnavailable: a model file is missing or altered.
        """
        model = models.locate(models.WHISPER, folder)
        for part in (models.WHISPER_CONFIG, models.WHISPER_VOCABULARY):
            models.locate(part, folder)
        tokenizer = models.locate(models.WHISPER_TOKENIZER, folder)
        self._whisper = ctranslate2.models.Whisper(str(model.parent), device="cpu", compute_type="int8", intra_threads=1, inter_threads=1)
        self._tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer))
        self._prompt = [self._tokenizer.token_to_id(token) for token in PROMPT]
        self._mel = FeatureExtractor()
        self.version = f"ctranslate2 {ctranslate2.__version__} {models.WHISPER.sha256[:12]}"

    def warm_up(self) -> None:
        """The first call allocates; do it before a caller waits."""
        noise = np.random.default_rng(0).normal(0, 1000, SAMPLE_RATE).astype(np.int16)
        self.recognize(noise.tobytes())

    def recognize(self, pcm: bytes) -> Recognized:
        """The text of one utterance, 8 kHz mono int16; beyond 15 s only its last 15 s are used."""
        samples = np.frombuffer(pcm[: len(pcm) & ~1], np.int16)[-LONGEST_S * SAMPLE_RATE :]
        if len(samples) < SHORTEST_S * SAMPLE_RATE or _rms(samples) < QUIETEST_RMS:
            return Recognized("", 1.0)
        wide = soxr.resample(samples.astype(np.float32) / 32768.0, SAMPLE_RATE, MODEL_RATE)
        features = ctranslate2.StorageView.from_array(self._features(wide))
        found = self._whisper.generate(
            features, [self._prompt], beam_size=5, max_length=LONGEST_TEXT, no_repeat_ngram_size=3, return_no_speech_prob=True
        )[0]
        text: str = self._tokenizer.decode(found.sequences_ids[0]).strip()
        no_speech = float(found.no_speech_prob)
        return Recognized("" if _hallucinated(text, no_speech) else text, no_speech)

    def serve(self, request: Request) -> object:
        """The answer to a RecognizeRequest, for the worker process."""
        if not isinstance(request, RecognizeRequest):
            raise TypeError(f"not a request for recognition: {type(request).__name__}")
        return self.recognize(request.pcm)

    def _features(self, wide: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log-mel spectrogram of `wide` in a 15 s frame, shape (1, 80, 1500)."""
        mel: NDArray[Any] = self._mel(wide, padding=160)
        frame = np.full((1, mel.shape[0], FRAMES), mel.min(), np.float32)
        columns = min(mel.shape[1], FRAMES)
        frame[0, :, :columns] = mel[:, :columns]
        return frame


def _rms(samples: NDArray[np.int16]) -> float:
    return float(np.sqrt(np.mean(np.square(samples.astype(np.float32)))))


def _hallucinated(text: str, no_speech: float) -> bool:
    if no_speech >= NO_SPEECH:
        return True
    words = text.lower().strip(" .!?,")
    return words in HALLUCINATED and no_speech >= SURE_OF_SPEECH
