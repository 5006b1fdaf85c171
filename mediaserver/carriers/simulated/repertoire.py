"""What people may say, rendered before they are called and kept for the next call: mu-law that ends with its last sound."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from agent_runtime.engines import Voice
from mediaserver.carriers.simulated import mulaw
from mediaserver.carriers.simulated.directory import Resident

_QUIET = 200  # of 32767: below it nobody hears that a line is still going on


@dataclass(frozen=True, slots=True)
class Rendered:
    """One line: mu-law, and for each word where it begins, in ms."""

    mulaw: bytes
    words: tuple[tuple[str, int], ...]

    def words_within(self, ms: int) -> str:
        """The words that have begun by then."""
        return " ".join(word for word, at_ms in self.words if at_ms < ms)


class Repertoire:
    """The lines of all people of a network. There are few: a dozen personas, each with a handful of lines, in a handful of voices."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._rendered: dict[tuple[str, str], Rendered] = {}

    async def of(self, resident: Resident) -> Mapping[str, Rendered]:
        """All lines of one person, by their text.

        Raises:
            EngineUnavailable: the voice can't render one.
        """
        return {line: await self._render(line, resident.voice) for line in resident.persona.all_lines()}

    async def _render(self, line: str, voice: str) -> Rendered:
        found = self._rendered.get((line, voice))
        if found is None:
            spoken = await self._voice.speak(line, voice)
            found = self._rendered[line, voice] = Rendered(mulaw.encode(_without_silent_end(spoken.pcm)), spoken.words)
        return found


def _without_silent_end(pcm: bytes) -> bytes:
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, np.int16).astype(np.int32)) > _QUIET)
    return pcm[: 2 * (int(loud[-1]) + 1)] if len(loud) else b""
