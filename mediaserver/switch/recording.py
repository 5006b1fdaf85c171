"""Stereo recordings of calls: callee left, agent right, as heard. 16-bit PCM at 8 kHz, written by one thread, never by the event
loop.

The file is a valid WAV file from its first byte on: each write brings the header up to date, so that a crash loses the last
second at most.
"""

import asyncio
import logging
import queue
import struct
import threading
from concurrent.futures import Future
from pathlib import Path

import numpy as np

from mediaserver.switch import mulaw
from mediaserver.switch.track import Track

log = logging.getLogger(__name__)

RATE = 8000
BYTES_PER_SAMPLE = 4  # two channels of 16 bits
HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
SETTLED = RATE  # what is a second old changes no more: late audio and cuts are younger
CHUNK = RATE  # settled audio goes to the disk by the second
GAP = RATE * 4 // 10  # the callee's side may lag this far before it counts as a gap
WAITING = 4096  # chunks that may wait for the disk, of all calls


def wav_header(samples: int) -> bytes:
    """The header of a stereo 16-bit WAV file with `samples` a channel."""
    size = samples * BYTES_PER_SAMPLE
    return HEADER.pack(b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 2, RATE, RATE * BYTES_PER_SAMPLE, BYTES_PER_SAMPLE, 16, b"data", size)


def interleave(left: bytes, right: bytes) -> bytes:
    """Two channels of mu-law of the same length as stereo PCM."""
    return np.column_stack([mulaw.decode(left), mulaw.decode(right)]).tobytes()


class RecordingWriter:
    """The thread that writes all recordings of the process. `start` and `stop` may be called twice."""

    def __init__(self) -> None:
        self._chunks: queue.Queue[tuple[Recorder, bytes, bytes, bool] | None] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Returns when all that waits is on the disk."""
        if self._thread is not None:
            self._chunks.put(None)
            self._thread.join()
            self._thread = None

    def put(self, recorder: "Recorder", left: bytes, right: bytes, last: bool) -> None:
        """Have one chunk written.

        Raises:
            queue.Full: the disk is too slow.
        """
        self._chunks.put_nowait((recorder, left, right, last))

    def _run(self) -> None:
        while (chunk := self._chunks.get()) is not None:
            recorder, left, right, last = chunk
            recorder.write(left, right, last)


class Recorder:
    """A tap that records one call to `path`. `failure`: why the recording is incomplete, None while all is well."""

    def __init__(self, path: Path, writer: RecordingWriter) -> None:
        self.path = path
        self.failure: str | None = None
        self._writer = writer
        self._callee, self._agent = Track(), Track()
        self._settled = 0
        self._written = 0  # bytes of audio in the file
        self._done: Future[None] = Future()

    def callee(self, at: int, mulaw: bytes) -> None:
        end = self._callee.end
        self._callee.put(at if at - end > GAP else end, mulaw)
        self._settle(at)

    def agent(self, at: int, mulaw: bytes) -> None:
        self._agent.put(at, mulaw)

    def agent_cut(self, at: int) -> None:
        self._agent.cut(at)

    def ended(self, at: int) -> None:
        self._agent.cut(at)
        self._hand_over(max(at, self._callee.end, self._settled), last=True)

    async def finished(self) -> None:
        """Returns when the file is complete (or given up: see `failure`)."""
        await asyncio.shield(asyncio.wrap_future(self._done))

    def _settle(self, now: int) -> None:
        if now - SETTLED - self._settled >= CHUNK:
            self._hand_over(now - SETTLED, last=False)

    def _hand_over(self, end: int, *, last: bool) -> None:
        self._settled = end
        left, right = self._callee.take(end), self._agent.take(end)
        try:
            self._writer.put(self, left, right, last)
        except queue.Full:
            self._give_up("the disk does not keep up")
            if last:
                self._done.set_result(None)

    def write(self, left: bytes, right: bytes, last: bool) -> None:
        """Called by the writer's thread. A disk that refuses ends the recording, not the call."""
        if self.failure is None:
            try:
                self._append(interleave(left, right))
            except OSError as error:
                self._give_up(str(error))
        if last:
            self._done.set_result(None)

    def _append(self, stereo: bytes) -> None:
        """Audio first, then the header that counts it. No file stays open in between: a call holds no descriptor."""
        if not self._written:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("r+b" if self._written else "wb", buffering=0) as file:
            file.seek(HEADER.size + self._written)
            if file.write(stereo) != len(stereo):
                raise OSError("the disk is full")
            self._written += len(stereo)
            file.seek(0)
            file.write(wav_header(self._written // BYTES_PER_SAMPLE))

    def _give_up(self, reason: str) -> None:
        self.failure = reason
        log.error("recording %s ends early, the call goes on: %s. Free space on that disk.", self.path.name, reason)
