"""One channel's audio that is still to be given out: laid by position, taken from the front."""

from mediaserver.switch import mulaw


class Track:
    """Mu-law at 8 kHz. Positions in samples since the leg began."""

    def __init__(self, start: int = 0) -> None:
        self._start = start
        self._audio = bytearray()

    @property
    def start(self) -> int:
        """The position up to which all was taken."""
        return self._start

    @property
    def end(self) -> int:
        return self._start + len(self._audio)

    def put(self, at: int, audio: bytes) -> None:
        """Lay `audio` at `at`, with silence before it; behind what is there, should that reach further."""
        self._audio += bytes([mulaw.SILENCE]) * (at - self.end) + audio

    def cut(self, at: int) -> None:
        """Forget what lies from `at` on."""
        del self._audio[max(0, at - self._start) :]

    def take(self, end: int) -> bytes:
        """All up to `end`, filled with silence where there is nothing."""
        self.put(end, b"")
        taken = bytes(self._audio[: end - self._start])
        del self._audio[: end - self._start]
        self._start = end
        return taken
