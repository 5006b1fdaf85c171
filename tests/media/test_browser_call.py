"""A person talks to an agent in the browser, by the path of every phone call: a page's end of the stream against the real doors."""

import asyncio
import base64
import json
import wave
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
from aiohttp import WSCloseCode, WSMsgType

from agent_runtime.conversation import converse
from agent_runtime.leg import SAMPLE_RATE
from agent_runtime.null_services import HEARD, SAID, tone
from agent_runtime.providers import Services
from db.browser_line import number_of
from dialer.dialing import TrialCall
from dialer.loop import DialerLoop, Process
from mediaserver.carrier_doors import BROWSER_STREAM
from mediaserver.carriers.browser.carrier import BrowserCarrier, ensure_line
from mediaserver.switch import mulaw
from tests.dialer.world import Urls
from tests.media.conftest import AGENT, MediaServer
from tests.media.conversations import Ears, outcome, say_a_tone

SPEECH = Path(__file__).parents[1] / "data" / "caller_8k.wav"
PIECE = 160  # bytes of mu-law: 20 ms
SILENCE = b"\xff" * PIECE

Begin = Callable[..., Awaitable[int]]


class Page:
    """What the page does, 20 ms at a time: sends its microphone, plays what has come, and answers marks as they are reached.

    `heard`: what was played, mu-law.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.heard = b""
        self.cleared = asyncio.Event()
        self._socket = socket
        self._to_say = b""
        self._to_play: deque[bytes | str] = deque()  # pieces of audio, and names of marks
        self._played = asyncio.Condition()
        self._tasks = asyncio.create_task(self._listen()), asyncio.create_task(self._run())

    async def say(self, event: str, **fields: str) -> None:
        await self._socket.send_str(json.dumps({"event": event, **fields}))

    def speak(self, audio: bytes) -> None:
        """Into the microphone, behind what is being said."""
        self._to_say += audio

    async def has_heard(self, samples: int) -> None:
        async with self._played:
            await self._played.wait_for(lambda: len(self.heard) >= samples)

    async def closed(self) -> int | None:
        """The code with which the server closes the stream."""
        await asyncio.gather(*self._tasks)
        return self._socket.close_code

    async def vanish(self) -> None:
        """The tab is closed, or its network is gone."""
        await self._socket.close()
        await asyncio.gather(*self._tasks)

    async def _run(self) -> None:
        due = asyncio.get_running_loop().time()
        with suppress(ConnectionError):
            while not self._socket.closed:
                piece, self._to_say = self._to_say[:PIECE], self._to_say[PIECE:]
                await self.say("media", payload=base64.b64encode(piece or SILENCE).decode())
                await self._play()
                due += 0.02
                await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))

    async def _play(self) -> None:
        room = PIECE
        while room and self._to_play:
            match self._to_play.popleft():
                case str() as mark:
                    await self.say("mark", name=mark)
                case audio:
                    piece, rest = audio[:room], audio[room:]
                    self.heard, room = self.heard + piece, room - len(piece)
                    if rest:
                        self._to_play.appendleft(rest)
        async with self._played:
            self._played.notify_all()

    async def _listen(self) -> None:
        async for message in self._socket:
            assert message.type is WSMsgType.TEXT
            frame = json.loads(message.data)
            match frame["event"]:
                case "media":
                    self._to_play.append(base64.b64decode(frame["payload"]))
                case "mark":
                    self._to_play.append(frame["name"])
                case "clear":
                    self._to_play = deque(each for each in self._to_play if isinstance(each, str))
                    self.cleared.set()


@asynccontextmanager
async def page(server: MediaServer, token: str) -> AsyncIterator[Page]:
    """A page that has begun its stream with that token."""
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{server.url}{BROWSER_STREAM}") as socket:
        await socket.send_json({"event": "start", "token": token})
        yield Page(socket)


@pytest.fixture
async def begin(server: MediaServer) -> Begin:
    """Begins a call in the browser, as the API does: its id."""
    carrier = server.carriers["browser"] = BrowserCarrier(server.db)
    line = await ensure_line(server.db)
    loop = DialerLoop(server.db, {"browser": carrier}, Process("p1", "host", server.stream_url, 100), Urls())
    await loop.start_process()

    async def begin(variables: dict[str, str] | None = None, **agent: Any) -> int:
        agent_id = await server.db.pool.fetchval("insert into agents (name) select 'Ann ' || count(*) from agents returning id")
        await server.db.pool.execute(
            "insert into agent_versions (agent_id, version, definition) values ($1, 1, $2)", agent_id, {**AGENT, **agent}
        )
        wanted = TrialCall(agent_id=agent_id, phone_number_id=line, number=number_of(17), contact_name="Bo", variables=variables or {})
        call = await loop.place_test_call(wanted)
        await loop.placed()
        return call

    return begin


def speech() -> bytes:
    """A few words without a pause between them: mu-law."""
    with wave.open(str(SPEECH)) as recorded:
        recorded.setpos(round(1.7 * SAMPLE_RATE))
        return mulaw.encode(recorded.readframes(round(0.9 * SAMPLE_RATE)))


async def test_a_conversation_in_the_browser_is_a_call_as_any_other(server: MediaServer, begin: Begin) -> None:
    """Greeted, one answers, interrupts the agent's answer, and hangs up: result, transcript and recording are kept."""
    server.greeting = greeting = tone(0.5)
    server.converse = lambda leg, brief, actions: converse(leg, brief, Services(), actions)
    call = await begin(record=True)
    async with page(server, await server.token(call)) as person:
        await person.has_heard(SAMPLE_RATE // 2)
        assert person.heard == mulaw.encode(greeting)
        person.speak(speech())
        await person.has_heard(22_000)  # the first sentence of the answer, and the second begins
        person.speak(speech())
        await person.cleared.wait()
        await person.say("stop")
        assert await person.closed() == WSCloseCode.OK
    row = await server.ended(call)
    assert (row["state"], row["outcome"], row["end_reason"], row["ended_by"]) == ("ended", "person", "hung_up", "callee")
    assert (row["who"], row["first_word_ms"] is not None, row["duration_ms"] is not None) == ("human", True, True)
    told = await server.db.pool.fetch("select speaker, text, cut_off from transcript_turns where call_id = $1 order by position", call)
    assert [turn["speaker"] for turn in told[:3]] == ["agent", "callee", "agent"]
    assert (told[0]["text"], HEARD in told[1]["text"]) == ("Hello Bo.", True)
    assert (SAID.startswith(told[2]["text"]), told[2]["cut_off"]) == (True, True)
    with wave.open(str(server.data_dir / row["recording"])) as kept:
        sides = np.frombuffer(kept.readframes(kept.getnframes()), "<i2").reshape(-1, 2)
    assert np.abs(sides).max(axis=0).min() > 1000


async def test_the_agent_ends_a_call_and_the_page_is_let_go(server: MediaServer, begin: Begin) -> None:
    server.converse = say_a_tone
    call = await begin()
    async with page(server, await server.token(call)) as person:
        assert await person.closed() == WSCloseCode.OK
    row = await server.ended(call)
    assert (row["state"], row["outcome"], row["end_reason"], row["ended_by"]) == ("ended", "person", "goodbye", "agent")
    assert len(person.heard) == SAMPLE_RATE


async def test_a_page_that_goes_without_a_word_leaves_a_call_that_was_lost(server: MediaServer, begin: Begin) -> None:
    call = await begin()
    async with page(server, await server.token(call)) as person:
        await server.begun.wait()
        await person.vanish()
    row = await server.ended(call)
    assert (row["state"], row["end_reason"], row["outcome"]) == ("ended", "line_lost", "dropped")


async def test_digits_are_heard(server: MediaServer, begin: Begin) -> None:
    pressed: list[str] = []

    async def note_digit(leg: Any, _brief: Any, _actions: Any) -> Any:
        pressed.append(await Ears(leg).digits.get())
        return outcome()

    server.converse = note_digit
    call = await begin()
    async with page(server, await server.token(call)) as person:
        await person.say("dtmf", digit="7")
        await person.closed()
    assert pressed == ["7"]


async def test_what_the_agent_is_told_of_whoever_talks(server: MediaServer, begin: Begin) -> None:
    briefs: list[Any] = []

    async def look(_leg: Any, brief: Any, actions: Any) -> Any:
        briefs.append(brief)
        await actions.suppress("said so")
        return outcome()

    server.converse = look
    for variables in ({"city": "Rome"}, {"phone_number": "four two seven", "contact_name": "Ada", "timezone": "Asia/Tokyo"}):
        call = await begin(variables)
        async with page(server, await server.token(call)) as person:
            await person.closed()
        await server.settled()
    assert briefs[0].variables == {"city": "Rome", "phone_number": "your browser", "contact_name": "Bo"}
    assert (briefs[1].variables["phone_number"], briefs[1].variables["contact_name"]) == ("four two seven", "Bo")
    assert [brief.zone for brief in briefs] == ["UTC", "Asia/Tokyo"]
    assert await server.db.pool.fetchval("select count(*) from suppressions") == 0


@pytest.mark.parametrize("token", ["", "7", "7.guessed", "browser"])
async def test_a_page_without_a_right_to_a_call_is_let_in_to_none(server: MediaServer, begin: Begin, token: str) -> None:
    call = await begin()
    async with page(server, token) as person:
        assert await person.closed() == WSCloseCode.POLICY_VIOLATION
    assert (await server.row(call))["state"] == "requested"


async def test_a_token_is_good_once_and_no_longer_than_the_next(server: MediaServer, begin: Begin) -> None:
    call = await begin()
    old, token = await server.token(call), await server.token(call)
    async with page(server, old) as person:
        assert await person.closed() == WSCloseCode.POLICY_VIOLATION
    async with page(server, token) as person:
        await server.begun.wait()
        async with page(server, token) as thief:
            assert await thief.closed() == WSCloseCode.POLICY_VIOLATION
        await person.say("stop")
        await person.closed()
    assert (await server.ended(call))["end_reason"] == "hung_up"


async def test_a_page_that_breaks_the_protocol_is_let_go(server: MediaServer, begin: Begin) -> None:
    call = await begin()
    async with page(server, await server.token(call)) as person:
        await server.begun.wait()
        await person.say("weather")
        assert await person.closed() == WSCloseCode.PROTOCOL_ERROR
    assert (await server.ended(call))["state"] == "ended"
