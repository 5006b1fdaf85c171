"""Our side of the comparison with stock Pipecat: the media server's line, switch and conversation, with speech services that cost nothing.

What is left out is the database. Usage: python -m benchmarks.switch_server PORT [--floor]. With `--floor` there is no conversation: each
voice is answered with two seconds of tone, which is what sockets and switch cost alone. `GET /figures` tells what only the inside knows.
"""

import argparse
import asyncio
import gc
import threading
from pathlib import Path

import psutil
import uvloop
from aiohttp import web

from agent_runtime.agent import Agent
from agent_runtime.calls import Brief, Turn
from agent_runtime.conversation import converse
from agent_runtime.leg import Leg
from agent_runtime.null_services import TONE
from agent_runtime.pipeline import TurnTiming, quiet_pipecat_logs, warm_up
from agent_runtime.providers import Services, Timing
from mediaserver.carriers.twilio.wire import TwilioStream
from mediaserver.media import LONGEST_FRAME, CarrierLine
from mediaserver.switch.leg import SwitchLeg
from mediaserver.switch.switch import Switch
from mediaserver.switch.voice import VoiceParams

AGENT = Agent(name="null", first_message="Hello, this is a test. Do you have a minute?", llm="null", stt="null", tts="null", silence_s=60)
PAUSE_S = 0.01  # the voice detector alone ends a turn
SERVICES = Services(timing=Timing(turn=TurnTiming(pause=PAUSE_S)))
VOICE = VoiceParams()


class FloorCall:
    """Answers each voice with a tone, without a pipeline."""

    def __init__(self, leg: Leg) -> None:
        self._leg = leg
        self._over = asyncio.Event()

    async def run(self) -> None:
        self._leg.play(TONE)
        self._leg.listen(self)
        await self._over.wait()

    def voice_started(self, at_ms: int, pre_roll: bytes) -> None:
        self._leg.cut()

    def voice_audio(self, pcm: bytes) -> None: ...

    def voice_stopped(self, at_ms: int) -> None:
        self._leg.play(TONE)

    def heard(self, offset: int) -> None: ...

    def digit(self, digit: str) -> None: ...

    def beep(self, at_ms: int) -> None: ...

    def line_closed(self) -> None:
        self._over.set()


class Actions:
    """The outside of a conversation, where nothing costs anything. `gaps_ms`: of each answer, from the moment in which the voice detector
    can know that the callee is silent to the first audio."""

    def __init__(self, gaps_ms: list[float]) -> None:
        self._gaps_ms = gaps_ms

    async def suppress(self, reason: str) -> None: ...

    async def turn_ended(self, position: int, turn: Turn) -> None:
        if "total" in turn.latency_ms:
            self._gaps_ms.append(turn.latency_ms["total"] - VOICE.stop_windows * 32 - PAUSE_S * 1000)

    async def hang_up(self) -> None: ...

    async def note(self, kind: str, detail: dict[str, str | int | float | bool | None]) -> None: ...


class Server:
    """One websocket a call. `floor`: without conversations."""

    def __init__(self, *, floor: bool) -> None:
        self._floor = floor
        self.switch = Switch(voice=VOICE)
        self._gaps_ms: list[float] = []
        self._calls: set[asyncio.Task[None]] = set()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/stream", self._stream)
        app.router.add_get("/figures", self._figures)
        app.on_startup.append(self._start)
        return app

    async def _start(self, _app: web.Application) -> None:
        await self.switch.start()
        warm_up()

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False, max_msg_size=LONGEST_FRAME)
        await socket.prepare(request)
        transport = request.transport
        if transport is None:  # the peer went away during the handshake
            return socket
        line = CarrierLine(socket, transport, TwilioStream(), self.switch)
        writing = asyncio.create_task(line.write())
        try:
            await line.first_start()
            call = asyncio.create_task(self._call(line.open(self._recording())))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
            await line.read()
        finally:
            line.close()
            await writing
        return socket

    def _recording(self) -> Path | None:
        """Where the next call is recorded."""
        return None

    async def _call(self, leg: SwitchLeg) -> None:
        if self._floor:
            await FloorCall(leg).run()
        else:
            await converse(leg, Brief("1", AGENT, {}, greeting=TONE), SERVICES, self.actions())

    def actions(self) -> Actions:
        """The outside of one conversation."""
        return Actions(self._gaps_ms)

    async def _figures(self, _request: web.Request) -> web.Response:
        """What the inside knows, after the calls that are ending have ended."""
        if self._calls:
            await asyncio.wait(self._calls)
        gc.collect()
        process, late = psutil.Process(), self.switch.counters.late
        return web.json_response(
            {
                "gaps_ms": self._gaps_ms,
                "late_messages": late.messages,
                "tasks": len(asyncio.all_tasks()),
                "threads": threading.active_count(),
                "descriptors": process.num_fds(),
                "memory": process.memory_info().rss,
            }
        )


async def serve(port: int, *, floor: bool) -> None:
    runner = web.AppRunner(Server(floor=floor).app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--floor", action="store_true")
    args = parser.parse_args()
    quiet_pipecat_logs()
    uvloop.run(serve(args.port, floor=args.floor))
