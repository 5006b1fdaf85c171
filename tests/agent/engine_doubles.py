"""Engines without models: a recognition that hears what the test has put in the callee's mouth, a voice that takes time per word."""

import asyncio
import zlib
from collections import deque

import numpy as np
from numpy.typing import NDArray

from agent_runtime.engines import Engines, EngineUnavailable, Recognized, Spoken
from agent_runtime.leg import SAMPLES_PER_MS

WORD_MS = 300


class RecognitionDouble:
    """Hears `lines` in order; nothing where they are used up. `takes_s`: how long it thinks about one. `refused`: asked while dead."""

    def __init__(self, *lines: str) -> None:
        self.lines = deque(lines)
        self.dead = False
        self.takes_s = 0.0
        self.refused = asyncio.Event()

    async def recognize(self, pcm: bytes) -> Recognized:
        if self.dead:
            self.refused.set()
            raise EngineUnavailable("the recognition worker has died and is started again")
        await asyncio.sleep(self.takes_s)
        return Recognized(self.lines.popleft() if self.lines else "", 0.0)


class VoiceDouble:
    """Each word takes WORD_MS of a quiet tone. Remembers what it spoke. `takes_s`: how long it thinks about a line."""

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.dead = False
        self.takes_s = 0.0

    async def speak(self, text: str, voice: str) -> Spoken:
        if self.dead:
            raise EngineUnavailable("the voice worker has died and is started again")
        self.spoken.append(text)
        await asyncio.sleep(self.takes_s)
        return speech(text)


class UnderstandingDouble:
    """Vectors that are the same for the same words and nearly at right angles for others."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def embed(self, lines: list[str]) -> NDArray[np.float32]:
        self.asked.append(lines)
        await asyncio.sleep(0)
        return np.stack([_vector(line) for line in lines])


def _vector(line: str) -> NDArray[np.float32]:
    total = np.zeros(384)
    for word in line.lower().strip(" .!?").split():
        total += np.random.default_rng(zlib.crc32(word.encode())).normal(size=384)
    return (total / max(1e-9, float(np.linalg.norm(total)))).astype(np.float32)


def speech(text: str) -> Spoken:
    words = text.split()
    pcm = (np.sin(np.arange(len(words) * WORD_MS * SAMPLES_PER_MS) / 3) * 1000).astype(np.int16).tobytes()
    return Spoken(pcm, tuple((word, i * WORD_MS) for i, word in enumerate(words)))


def engines(*lines: str) -> tuple[Engines, RecognitionDouble, VoiceDouble]:
    """Engines whose callee says `lines`."""
    recognition, voice = RecognitionDouble(*lines), VoiceDouble()
    return Engines(recognition, voice, UnderstandingDouble()), recognition, voice
