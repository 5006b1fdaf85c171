"""Callers for a media server: N streams of the Media Streams protocol, each in real time, and what the server made of them.

Each caller streams 20 ms mu-law frames (4 s silence, speech, 4 s silence, over and over), plays what comes as a phone network
does, and answers marks when they were played. Runs in a process of its own; prints one JSON line, a `Load`.
Usage: python -m benchmarks.caller_load URL --calls 10 --seconds 16 --pid SERVER --speech FILE.wav
"""

import argparse
import asyncio
import base64
import json
import random
import time
import wave
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
import uvloop
import websockets

from mediaserver.switch import mulaw

RATE = 8000
FRAME = 160  # bytes of mu-law in 20 ms
FRAME_S = 0.02
SILENCE_S = 4
UTTERANCE_S = 2  # what the null services say at a time
ROUNDING_S = 0.03  # an utterance may be so much shorter: what a server's resampling keeps
SETTLE_S = 3  # between the last start and the measured part


@dataclass(frozen=True, slots=True)
class Load:
    """What one run cost and what it sounded like. `late_*_ms`: each outgoing message against the end of what was sent before it
    in the same utterance (negative: ahead of it). `first_audio_*_ms`: stream start to the first audio."""

    calls: int
    core_percent_per_call: float
    mb_per_call: float
    late_p99_ms: float | None
    late_messages: int
    messages: int
    first_audio_p99_ms: float | None
    heard_s: float
    utterances: int
    clears: int
    callers_late_p99_ms: float
    errors: dict[str, int]


@dataclass(slots=True)
class Tally:
    late_ms: list[float] = field(default_factory=list)
    first_audio_ms: list[float] = field(default_factory=list)
    callers_late_ms: list[float] = field(default_factory=list)
    heard_s: float = 0.0
    utterances: int = 0
    clears: int = 0
    errors: Counter[str] = field(default_factory=Counter)


def caller_frames(path: Path) -> list[str]:
    """The caller's media frames, as JSON text."""
    with wave.open(str(path)) as file:
        speech = file.readframes(file.getnframes())
    silence = bytes([mulaw.SILENCE]) * (RATE * SILENCE_S)
    audio = silence + mulaw.encode(speech) + silence
    return [
        json.dumps(
            {
                "event": "media",
                "sequenceNumber": str(n + 2),
                "streamSid": "MZ",
                "media": {
                    "track": "inbound",
                    "chunk": str(n + 1),
                    "timestamp": str(102 + n * 20),
                    "payload": base64.b64encode(audio[at : at + FRAME]).decode(),
                },
            }
        )
        for n, at in enumerate(range(0, len(audio) - FRAME, FRAME))
    ]


def start_frames(sid: str, number: int) -> list[str]:
    """The two frames that begin a stream."""
    start = {
        "streamSid": sid,
        "callSid": f"CA{number:032d}",
        "accountSid": "AC",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": RATE, "channels": 1},
        "customParameters": {},
    }
    return [
        json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}),
        json.dumps({"event": "start", "sequenceNumber": "1", "streamSid": sid, "start": start}),
    ]


class Ear:
    """When one callee runs out of audio, and which message begins a new utterance: the first one, and the one after a whole utterance or a
    `clear`. Any other that comes after the callee ran out is a hole within one."""

    def __init__(self) -> None:
        self.plays_until: float | None = None
        self._left_s = 0.0  # of the utterance

    def play(self, seconds: float, now: float) -> float | None:
        """How late this audio comes, in seconds (negative: ahead); None of what begins an utterance to a callee who hears nothing."""
        new, until = self._left_s < ROUNDING_S, self.plays_until
        self._left_s = (UTTERANCE_S if new else self._left_s) - seconds
        if until is None or (new and until < now):
            self.plays_until = now + seconds
            return None
        self.plays_until = max(until, now) + seconds
        return now - until

    def clear(self) -> None:
        """What was not played is not played."""
        self.plays_until, self._left_s = None, 0.0


class Caller:
    """One call. `frames` name the stream "MZ"; each caller's own id takes its place."""

    def __init__(self, number: int, frames: list[str], tally: Tally) -> None:
        self._sid = f"MZ{number:032d}"
        self._number = number
        self._frames = [frame.replace('"MZ"', f'"{self._sid}"') for frame in frames]
        self._tally = tally
        self._ear = Ear()
        self._marks: list[tuple[float, str]] = []  # when each was played, and the frame that answers it
        self._spoken_to = False

    async def run(self, url: str, seconds: float) -> None:
        try:
            async with websockets.connect(url, compression=None, ping_interval=None, max_queue=None) as socket:
                for frame in start_frames(self._sid, self._number):
                    await socket.send(frame)
                began = time.perf_counter()
                listening = asyncio.create_task(self._listen(socket, began))
                await self._speak(socket, began, began + seconds)
                await socket.close()
                await listening
        except (OSError, websockets.WebSocketException) as error:
            self._tally.errors[type(error).__name__] += 1

    async def _speak(self, socket: websockets.ClientConnection, began: float, until: float) -> None:
        at, due = random.randrange(len(self._frames)), began
        while due < until:
            await socket.send(self._frames[at % len(self._frames)])
            while self._marks and self._marks[0][0] <= due:
                await socket.send(self._marks.pop(0)[1])
            at, due = at + 1, due + FRAME_S
            left = due - time.perf_counter()
            self._tally.callers_late_ms.append(max(0.0, -left * 1000))
            await asyncio.sleep(max(0.0, left))

    async def _listen(self, socket: websockets.ClientConnection, began: float) -> None:
        while True:
            try:
                text = await socket.recv()
            except websockets.ConnectionClosed:  # which the sending side notices too
                return
            message, now = json.loads(text), time.perf_counter()
            if message["event"] == "clear":
                self._tally.clears += 1
                self._ear.clear()
                self._marks = [(now, mark) for _, mark in self._marks]
            elif message["event"] == "media":
                self._play(len(base64.b64decode(message["media"]["payload"])) / RATE, now)
                if not self._spoken_to:
                    self._spoken_to = True
                    self._tally.first_audio_ms.append((now - began) * 1000)
            elif message["event"] == "mark":
                self._marks.append((max(now, self._ear.plays_until or now), str(text)))

    def _play(self, seconds: float, now: float) -> None:
        late_s = self._ear.play(seconds, now)
        self._tally.heard_s += seconds
        if late_s is None:
            self._tally.utterances += 1
        else:
            self._tally.late_ms.append(late_s * 1000)


def usage(pid: int) -> tuple[float, int]:
    """CPU seconds and resident bytes of a process and its children."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in family), sum(process.memory_info().rss for process in family)


def quantile(values: list[float], q: float) -> float | None:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * q))], 1) if ordered else None


async def long_calls(args: argparse.Namespace, tally: Tally) -> tuple[float, float]:
    """All calls at once, for `args.seconds` after the last has started. CPU in percent of a core, and megabytes, each per
    call."""
    frames = caller_frames(args.speech)
    idle_memory = usage(args.pid)[1]
    ramp = args.calls / args.starts_per_second
    async with asyncio.TaskGroup() as group:
        for number in range(args.calls):
            group.create_task(Caller(number, frames, tally).run(args.url, args.seconds + SETTLE_S + ramp))
            await asyncio.sleep(1 / args.starts_per_second)
        await asyncio.sleep(SETTLE_S)
        cpu, began = usage(args.pid)[0], time.perf_counter()
        await asyncio.sleep(args.seconds - 1)
        (cpu_after, memory), took = usage(args.pid), time.perf_counter() - began
    return 100 * (cpu_after - cpu) / took / args.calls, (memory - idle_memory) / 1e6 / args.calls


async def short_calls(args: argparse.Namespace, tally: Tally) -> tuple[float, float]:
    """Each of `args.calls` callers makes `args.repeats` calls of `args.seconds`, one after another."""
    frames = caller_frames(args.speech)

    async def one_after_another(number: int) -> None:
        await asyncio.sleep(number / args.starts_per_second)
        for again in range(args.repeats):
            await Caller(number * args.repeats + again, frames, tally).run(args.url, args.seconds)

    cpu, memory = usage(args.pid)
    began = time.perf_counter()
    await asyncio.gather(*(one_after_another(number) for number in range(args.calls)))
    (cpu_after, memory_after), took = usage(args.pid), time.perf_counter() - began
    return 100 * (cpu_after - cpu) / took / args.calls, (memory_after - memory) / 1e6 / args.calls


async def run(args: argparse.Namespace) -> Load:
    tally = Tally()
    core_percent, megabytes = await (short_calls if args.repeats else long_calls)(args, tally)
    return Load(
        calls=args.calls,
        core_percent_per_call=round(core_percent, 4),
        mb_per_call=round(megabytes, 3),
        late_p99_ms=quantile(tally.late_ms, 0.99),
        late_messages=sum(late > 0 for late in tally.late_ms),
        messages=len(tally.late_ms) + tally.utterances,
        first_audio_p99_ms=quantile(tally.first_audio_ms, 0.99),
        heard_s=round(tally.heard_s, 1),
        utterances=tally.utterances,
        clears=tally.clears,
        callers_late_p99_ms=quantile(tally.callers_late_ms, 0.99) or 0.0,
        errors=dict(tally.errors),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--calls", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=16, help="of the measured part")
    parser.add_argument("--starts-per-second", type=float, default=20)
    parser.add_argument("--repeats", type=int, default=0, help="short calls one after another, for each of the callers")
    parser.add_argument("--pid", type=int, required=True, help="the server, whose CPU and memory are measured")
    parser.add_argument("--speech", type=Path, required=True, help="8 kHz mono WAV")
    print(json.dumps(asdict(uvloop.run(run(parser.parse_args())))))


if __name__ == "__main__":
    main()
