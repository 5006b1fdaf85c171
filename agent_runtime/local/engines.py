"""The engines of a fresh machine: the three ports of `agent_runtime.engines` on worker processes, one kind of model each."""

import asyncio
import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from agent_runtime.engines import Engines, EngineUnavailable, Recognized, Spoken, Voice
from agent_runtime.local.frames import EmbedRequest, RecognizeRequest, SpeakRequest
from agent_runtime.local.pool import PoolSettings, WorkerPool
from agent_runtime.local.speech_cache import SpeechCache

RECOGNITION, VOICE, UNDERSTANDING = "recognition", "voice", "understanding"
ALL = (RECOGNITION, VOICE, UNDERSTANDING)
VECTOR = 384

_recognized = msgspec.msgpack.Decoder(Recognized)
_spoken = msgspec.msgpack.Decoder(Spoken)
_bytes = msgspec.msgpack.Decoder(bytes)


class LocalRecognition:
    """`Recognition` on a pool of Whisper workers. `later`: for drafts of what is still being said; they never hold up a whole utterance."""

    def __init__(self, pool: WorkerPool, *, later: bool = False) -> None:
        self._pool, self._later = pool, later

    async def recognize(self, pcm: bytes) -> Recognized:
        return _recognized.decode(await self._pool.ask(lambda number: RecognizeRequest(number, pcm), later=self._later))


class LocalVoice:
    """`Voice` on a pool of Piper workers. `later`: for lines that are prepared; they never hold up a line that somebody waits for."""

    def __init__(self, pool: WorkerPool, *, later: bool = False) -> None:
        self._pool, self._later = pool, later

    async def speak(self, text: str, voice: str) -> Spoken:
        return _spoken.decode(await self._pool.ask(lambda number: SpeakRequest(number, text, voice), later=self._later))


class LocalUnderstanding:
    """`Understanding` on a pool of MiniLM workers."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    async def embed(self, lines: list[str]) -> NDArray[np.float32]:
        raw = _bytes.decode(await self._pool.ask(lambda number: EmbedRequest(number, lines)))
        return np.frombuffer(raw, np.float32).reshape(len(lines), VECTOR)


class LocalEngines:
    """All local engines of one process: `await start()`, use `engines`, `await stop()`.

    `processes`: workers by kind, 1 where not named. `speech_cache`: a directory in which spoken lines are kept. Others as in
    `PoolSettings`.
    """

    def __init__(
        self,
        *,
        processes: Mapping[str, int] | None = None,
        speech_cache: Path | None = None,
        nice: int = 5,
        most_waiting: int = 64,
        timeout_s: float = 20.0,
        models: Path | None = None,
    ) -> None:
        common = PoolSettings(nice=nice, most_waiting=most_waiting, timeout_s=timeout_s, models=models)
        counts = processes or {}
        self.pools = {kind: WorkerPool(kind, dataclasses.replace(common, processes=counts.get(kind, 1))) for kind in ALL}
        self._speech_cache = speech_cache
        self._engines: Engines | None = None

    @property
    def preparing(self) -> Voice:
        """The voice for lines that are prepared ahead: it gives way to `engines.voice` and fills the same cache."""
        return self._kept(LocalVoice(self.pools[VOICE], later=True))

    @property
    def engines(self) -> Engines:
        """The ports. A kind that was not started raises `EngineUnavailable` when it is used.

        Raises:
            EngineUnavailable: `start` was not called.
        """
        if self._engines is None:
            raise EngineUnavailable("the local engines are not started")
        return self._engines

    async def start(self, kinds: Iterable[str] = ALL) -> Engines:
        """Start the workers of `kinds` and return when all are warm (a few seconds).

        Raises:
            EngineUnavailable: one can't start; the message says which file or package is wrong and what to do. None is left.
        """
        try:
            outcomes = await asyncio.gather(*(self.pools[kind].start() for kind in kinds), return_exceptions=True)
        except asyncio.CancelledError:
            await self.stop()
            raise
        for failure in (each for each in outcomes if each is not None):
            await self.stop()
            raise failure
        self._engines = Engines(
            recognition=LocalRecognition(self.pools[RECOGNITION]),
            voice=self._kept(LocalVoice(self.pools[VOICE])),
            understanding=LocalUnderstanding(self.pools[UNDERSTANDING]),
            drafts=LocalRecognition(self.pools[RECOGNITION], later=True),
        )
        return self._engines

    async def stop(self) -> None:
        """End all workers. Requests in progress fail with `EngineUnavailable`. May be called twice."""
        await asyncio.gather(*(pool.stop() for pool in self.pools.values()))

    def _kept(self, voice: Voice) -> Voice:
        """`voice` with the cache before it, where there is one and the voice was started."""
        version = self.pools[VOICE].version
        return SpeechCache(self._speech_cache, voice, version) if self._speech_cache is not None and version else voice
