"""A voice on this machine: Piper's "joe", at 8 kHz. Runs in its own process only, because Piper is GPL-3.

The voice is named "joe", or "joe@1.15" for the same voice resampled by that factor: it sounds like another, smaller person and
is recognised as well as the original between 0.88 and 1.3.
"""

import json
import re
from pathlib import Path

import numpy as np
import onnxruntime
import piper
import soxr  # type: ignore[import-untyped]  # it ships no types
from numpy.typing import NDArray

from agent_runtime.engines import EngineUnavailable, Spoken
from agent_runtime.leg import SAMPLE_RATE, SAMPLES_PER_MS
from agent_runtime.local import models
from agent_runtime.local.frames import Request, SpeakRequest

FACTORS = (0.88, 1.3)
LOUDNESS = 0.7  # of full scale: what the resampler's overshoot needs to stay below clipping
GAP_MS = 180  # between two sentences
FADE_MS = 5
RENDERING = 1  # raise it when the same text is to be rendered anew

_VOICE = re.compile(r"joe(?:@(\d+(?:\.\d+)?))?")


class PiperVoice:
    """One model in this process; `speak` computes on the calling thread."""

    def __init__(self, folder: Path | None = None) -> None:
        """Load the model. `folder`: as in `models.locate`.

        Raises:
            EngineUnavailable: a model file is missing or altered.
        """
        model, config = models.locate(models.JOE, folder), models.locate(models.JOE_CONFIG, folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(model), sess_options=options, providers=["CPUExecutionProvider"])
        settings = piper.PiperConfig.from_dict(json.loads(config.read_text(encoding="utf-8")))
        self._voice = piper.PiperVoice(session=session, config=settings)
        self.version = f"piper {models.JOE.sha256[:12]} {RENDERING}"

    def warm_up(self) -> None:
        """The first call allocates; do it before a caller waits."""
        self.speak("Hello, this is a line of about the usual length.", "joe")

    def speak(self, text: str, voice: str) -> Spoken:
        """`text` in `voice`, with an estimate of where each word begins.

        Raises:
            EngineUnavailable: there is no such voice.
        """
        factor = _factor(voice)
        plain = text.replace("[[", " ").replace("]]", " ")  # Piper reads what is between as phonemes
        if not re.search(r"\w", plain):
            return Spoken(b"", ())
        gap = np.zeros(GAP_MS * SAMPLES_PER_MS, np.int16)
        pieces: list[NDArray[np.int16]] = []
        for sentence in self._voice.synthesize(plain):
            pieces += [self._narrow(sentence.audio_float_array, sentence.sample_rate * factor), gap]
        pcm = np.concatenate(pieces[:-1]) if pieces else np.zeros(0, np.int16)
        return Spoken(pcm.tobytes(), word_starts(text, _speech_bounds(pcm)))

    def serve(self, request: Request) -> object:
        """The answer to a SpeakRequest, for the worker process."""
        if not isinstance(request, SpeakRequest):
            raise TypeError(f"not a request for voice: {type(request).__name__}")
        return self.speak(request.text, request.voice)

    @staticmethod
    def _narrow(audio: NDArray[np.float32], rate: float) -> NDArray[np.int16]:
        narrow = soxr.resample(audio * LOUDNESS, rate, SAMPLE_RATE)
        fade = min(FADE_MS * SAMPLES_PER_MS, len(narrow))
        narrow[len(narrow) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
        samples: NDArray[np.int16] = (np.clip(narrow, -1, 1) * 32767).astype(np.int16)
        return samples


def _factor(voice: str) -> float:
    match = _VOICE.fullmatch(voice)
    if match is None:
        raise EngineUnavailable(f'there is no voice {voice!r} on this machine: use "joe", or "joe@1.1" for a variant')
    factor = float(match.group(1) or 1)
    if not FACTORS[0] <= factor <= FACTORS[1]:
        raise EngineUnavailable(f"the voice {voice!r} would not be understood: use a factor from {FACTORS[0]} to {FACTORS[1]}")
    return factor


def word_starts(text: str, bounds_ms: tuple[int, int]) -> tuple[tuple[str, int], ...]:
    """Each word of `text` with where it begins, in ms: the speech between `bounds_ms`, shared out by the length of the words.

    A pause follows a comma or the end of a sentence; a digit is spoken as a whole word.
    """
    words = text.split()
    weights = [_letters(word) + _pause(word) for word in words[:-1]] + [_letters(word) for word in words[-1:]]
    begin, end = bounds_ms
    per_letter = (end - begin) / max(1, sum(weights))
    starts, at = [], float(begin)
    for word, weight in zip(words, weights, strict=True):
        starts.append((word, round(at)))
        at += weight * per_letter
    return tuple(starts)


def _letters(word: str) -> int:
    return 1 + sum(4 if c.isdigit() else 1 for c in word if c.isalnum())


def _pause(word: str) -> int:
    """What follows `word`, in letters."""
    return 4 if word[-1] in ".!?" else 2 if word[-1] in ",;:" else 0


def _speech_bounds(pcm: NDArray[np.int16]) -> tuple[int, int]:
    """Begin and end, in ms, of what is louder than silence; all of it where nothing is."""
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > 300)
    if len(loud) == 0:
        return 0, len(pcm) // SAMPLES_PER_MS
    return int(loud[0]) // SAMPLES_PER_MS, int(loud[-1]) // SAMPLES_PER_MS
