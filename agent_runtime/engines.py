"""Ports of the speech and language engines: what the pipeline asks of them, wherever they run.

`agent_runtime/local/` implements all three in worker processes. Every method raises `EngineUnavailable` when the
engine can't answer:
the worker died (it is started again), too much waits, or a model file is missing or altered.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class EngineUnavailable(Exception):
    """The engine can't serve this request; the message says which, why and what to do."""


@dataclass(frozen=True, slots=True)
class Recognized:
    """What was understood of one utterance. `text` is empty where there was no speech. `no_speech`: 0..1."""

    text: str
    no_speech: float


@dataclass(frozen=True, slots=True)
class Spoken:
    """One synthesised sentence: 8 kHz mono int16 PCM, and for each word of the text where it begins, in ms."""

    pcm: bytes
    words: tuple[tuple[str, int], ...]


class Recognition(Protocol):
    async def recognize(self, pcm: bytes) -> Recognized:
        """The text of one utterance, 8 kHz mono int16, up to 15 s (what is longer is cut at the front)."""


class Voice(Protocol):
    async def speak(self, text: str, voice: str) -> Spoken:
        """`text` in `voice` ("joe", or "joe@1.15": the same voice as another person, resampled by that factor)."""


class Understanding(Protocol):
    async def embed(self, lines: list[str]) -> NDArray[np.float32]:
        """A unit vector for each line, shape (len(lines), 384)."""


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines of one process, shared by all its calls. `drafts`: a recognition for those who read along while somebody still speaks,
    which gives way to what a call waits for; None where there is none."""

    recognition: Recognition
    voice: Voice
    understanding: Understanding
    drafts: Recognition | None = None
