"""A real call for the live page: a media server's doors, switch, conversation and recording; its callee and its engines are doubles."""

import asyncio
import base64
import wave
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent_runtime.agent import Agent
from agent_runtime.calls import Brief, CallActions, CallResult
from agent_runtime.conversation import converse
from agent_runtime.engines import Engines, Spoken
from agent_runtime.leg import Leg
from agent_runtime.providers import Services
from agent_runtime.supervision import Watcher
from db.browser_line import number_of
from dialer.dialing import TrialCall
from dialer.loop import DialerLoop, Process
from mediaserver.carriers.browser.carrier import BrowserCarrier, ensure_line
from mediaserver.switch import mulaw
from tests.agent.engine_doubles import RecognitionDouble, UnderstandingDouble, VoiceDouble
from tests.browser.live_ears import Sound, chirps
from tests.dialer.world import Urls
from tests.media.caller import SILENCE, Caller, stream
from tests.supervision.stations import Station

FRAME = len(SILENCE)


class GlidingVoice(VoiceDouble):
    """A voice that is found again in what is heard: each line glides in its own way."""

    async def speak(self, text: str, voice: str) -> Spoken:
        spoken = await super().speak(text, voice)
        glide = mulaw.decode(chirps(len(spoken.pcm) / 2 / 8000, line=len(self.spoken))).tobytes()
        return Spoken(glide, spoken.words)


class Phone:
    """The callee's phone: hears 20 ms at a time and speaks, as the carrier plays and sends it. `heard`: mu-law."""

    def __init__(self, caller: Caller) -> None:
        self.heard = bytearray()
        self._caller = caller
        self._to_say = b""
        self._to_play: deque[bytes | str] = deque()  # pieces of audio, and names of marks
        self._played = asyncio.Condition()
        self._tasks = asyncio.create_task(self._listen()), asyncio.create_task(self._run())

    def speak(self, audio: bytes) -> None:
        self._to_say += audio

    async def has_heard(self, samples: int) -> None:
        """Wait until so much has been played that was not silence."""
        async with self._played:
            await asyncio.wait_for(self._played.wait_for(lambda: len(self.heard) >= samples), 30)

    async def hung_up(self) -> None:
        """Wait until the line is closed."""
        await asyncio.gather(*self._tasks)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        with suppress(ConnectionError):
            while not self._caller.socket.closed:
                piece, self._to_say = self._to_say[:FRAME], self._to_say[FRAME:]
                await self._caller.send(self._caller.frames.media(piece or SILENCE))
                await self._play()
                due += 0.02
                await asyncio.sleep(max(0.0, due - loop.time()))

    async def _play(self) -> None:
        room = FRAME
        while room and self._to_play:
            match self._to_play.popleft():
                case str() as mark:
                    await self._caller.send(self._caller.frames.mark(mark))
                case audio:
                    self.heard += audio[:room]
                    if audio[room:]:
                        self._to_play.appendleft(audio[room:])
                    room = max(0, room - len(audio))
        async with self._played:
            self._played.notify_all()

    async def _listen(self) -> None:
        while (frame := await self._caller.received()) is not None:
            match frame["event"]:
                case "media":
                    self._to_play.append(base64.b64decode(frame["media"]["payload"]))
                case "mark":
                    self._to_play.append(frame["mark"]["name"])
                case "clear":
                    self._to_play = deque(each for each in self._to_play if isinstance(each, str))


@dataclass
class House:
    """A call at `station`."""

    station: Station
    call_id: int
    voice: VoiceDouble

    @property
    def page(self) -> str:
        return f"{self.station.url}/live/{self.call_id}"

    async def recording(self) -> tuple[Sound, Sound]:
        """Both sides as they were recorded: callee, agent."""
        row = await self.station.media.row(self.call_id)
        with wave.open(str(self.station.media.data_dir / row["recording"])) as kept:
            sides = np.frombuffer(kept.readframes(kept.getnframes()), "<i2").reshape(-1, 2) / 32768
        return sides[:, 0], sides[:, 1]


@dataclass
class LiveHouse(House):
    """A call in progress, and its callee."""

    phone: Phone

    async def ended(self) -> Any:
        """The row of the call, once it is over."""
        await self.phone.hung_up()
        return await self.station.media.ended(self.call_id)


@asynccontextmanager
async def live_house(station: Station, agent: Agent, *lines: str) -> AsyncIterator[LiveHouse]:
    """A call in progress with `agent`, whose callee is understood to say `lines`, whatever they say."""
    voice = _talks(station, lines)
    call_id, carrier_id = await station.media.call(**agent.to_dict())
    async with stream(station.media.stream_url, carrier_id) as caller:
        await caller.start(token=await station.media.token(call_id))
        yield LiveHouse(station, call_id, voice, Phone(caller))


async def talking_house(station: Station, agent: Agent, user_id: int, *lines: str) -> House:
    """A call with `agent` that this user has begun in the browser, and has not joined yet."""
    voice = _talks(station, lines)
    database = station.db
    station.media.carriers["browser"] = BrowserCarrier(database)
    line = await ensure_line(database)
    agent_id = await database.pool.fetchval("insert into agents (name) values ('Ann') returning id")
    await database.pool.execute("insert into agent_versions (agent_id, version, definition) values ($1, 1, $2)", agent_id, agent.to_dict())
    loop = DialerLoop(database, station.media.carriers, Process(station.name, "host", "", 100), Urls())
    wanted = TrialCall(agent_id=agent_id, phone_number_id=line, number=number_of(user_id), contact_name="Oscar", variables={})
    call_id = await loop.place_test_call(wanted)
    await loop.placed()
    return House(station, call_id, voice)


def _talks(station: Station, lines: Sequence[str]) -> VoiceDouble:
    """Real conversations at `station` from now on; the voice of their agents."""
    voice = GlidingVoice()
    services = Services(Engines(RecognitionDouble(*lines), voice, UnderstandingDouble(), RecognitionDouble()))

    async def talk(leg: Leg, brief: Brief, actions: CallActions, watcher: Watcher) -> CallResult:
        return await converse(leg, brief, services, actions, watcher)

    station.talk = talk
    return voice
