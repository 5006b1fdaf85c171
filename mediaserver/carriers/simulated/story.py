"""The story of one call on the simulated network: queued, placed, ringing, answered, the answer document followed, ended."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

import aiohttp

from agent_runtime.engines import EngineUnavailable, Recognition
from mediaserver.carriers.simulated import documents
from mediaserver.carriers.simulated.answered import AnsweredLine
from mediaserver.carriers.simulated.callbacks import Callbacks, draw_way, request
from mediaserver.carriers.simulated.calls import Call, Ending, Status, new_sid, now
from mediaserver.carriers.simulated.documents import BadDocument, Connect, Hangup, Pause, Redirect, Verb
from mediaserver.carriers.simulated.frames import BadFrame, Command, Frames
from mediaserver.carriers.simulated.journal import CallJournal
from mediaserver.carriers.simulated.metronome import Metronome
from mediaserver.carriers.simulated.people import Kind
from mediaserver.carriers.simulated.person import Person
from mediaserver.carriers.simulated.repertoire import Rendered, Repertoire
from mediaserver.carriers.simulated.settings import NetworkSettings
from mediaserver.carriers.simulated.stream import Stream, StreamFailed

log = logging.getLogger(__name__)

MOST_DOCUMENTS = 20  # a document that redirects to itself must end some time
MOST_PROBLEMS = 20
_BUSY_AFTER_MS = (300, 900)
_SET_UP_MS = (50, 250)
_STOP_LATE_MS = (50, 600)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all calls of the network share. `slot`: waits for the next start that the calls per second allow. `keep`: writes a record down,
    before anybody is told that the call has ended."""

    settings: NetworkSettings
    http: aiohttp.ClientSession
    callbacks: Callbacks
    metronome: Metronome
    repertoire: Repertoire
    recognition: Recognition
    slot: Callable[[], Awaitable[None]]
    keep: Callable[[CallJournal], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fortune:
    """What chance has in store for one call, drawn before it begins: the same seed, number and count of calls to it draw the
    same."""

    set_up_ms: int
    busy_after_ms: int
    ring_ms: int
    stop: str  # before, after, never: against the completed callback
    stop_late_ms: int


def chance_of(settings: NetworkSettings, call: Call, what: str) -> random.Random:
    """The random source of one thing in one call; no draw for one thing moves another."""
    return random.Random(f"{settings.seed}:{call.order.to}:{call.nth}:{what}")


def draw_fortune(settings: NetworkSettings, call: Call) -> Fortune:
    """See `Fortune`."""
    chance = chance_of(settings, call, "fortune")
    luck = chance.random()
    if luck < settings.stop_missing_share:
        stop = "never"
    else:
        stop = "after" if luck < settings.stop_missing_share + settings.stop_late_share else "before"
    return Fortune(
        set_up_ms=chance.randint(*_SET_UP_MS),
        busy_after_ms=chance.randint(*_BUSY_AFTER_MS),
        ring_ms=round(settings.ring_ms * chance.uniform(0.5, 1.5)),
        stop=stop,
        stop_late_ms=chance.randint(*_STOP_LATE_MS),
    )


class Story:
    """One call from its order to its end. `run` is the page to read."""

    def __init__(self, call: Call, around: Surroundings) -> None:
        self.call, self._around, self._settings = call, around, around.settings
        self.journal = CallJournal(call.sid, call.order.to, call.resident.persona.kind, call.created_at.isoformat())
        self.fortune = draw_fortune(around.settings, call)
        self._ways = chance_of(around.settings, call, "callbacks")
        self._ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.over = asyncio.Event()  # set when the call has its last status
        self._answered_s = 0.0
        self._stream: Stream | None = None
        self._person: Person | None = None
        self._line: AnsweredLine | None = None

    def hang_up(self, ending: Ending) -> None:
        """End the call, whatever it is doing. The first ending stands."""
        if not self._ending.done():
            self._ending.set_result(ending)

    async def run(self) -> None:
        """The call's whole life. Cancelling it is a power cut: no callback, no stop."""
        try:
            living = asyncio.create_task(self._live(), name=f"call {self.call.sid}")
            try:
                await asyncio.wait([living, self._ending], return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _cancel([living])
            await self._end(self._ending.result() if self._ending.done() else living.result())
        finally:
            self._around.metronome.remove(self)
            if self._stream is not None:
                self._stream.break_off()
            self._stream = self._person = self._line = None

    async def _live(self) -> Ending:
        try:
            await self._around.slot()
            async with asyncio.timeout(self._settings.longest_call_s):
                return await self._call()
        except TimeoutError:
            self._problem("the network ends calls that are this long")
        except (EngineUnavailable, BadDocument) as error:
            self._problem(str(error))
        return Ending(Status.COMPLETED, "network") if self.call.answered_at else Ending(Status.FAILED, "network", "503")

    async def _call(self) -> Ending:
        self._report(Status.INITIATED, "initiated")
        await _pause(self.fortune.set_up_ms)
        kind = self.call.resident.persona.kind
        if kind is Kind.UNREACHABLE:
            return Ending(Status.FAILED, "network", "503")
        if kind is Kind.BUSY:
            await _pause(self.fortune.busy_after_ms)
            return Ending(Status.BUSY, "callee", "486")
        self._report(Status.RINGING, "ringing")
        try:
            async with asyncio.timeout(self.call.order.ring_timeout_s):
                lines = await self._ring()
        except TimeoutError:
            return Ending(Status.NO_ANSWER, "network", "487")
        return await self._answered(lines)

    async def _ring(self) -> Mapping[str, Rendered]:
        """Returns when they pick up, with what they may say; who does not is waited for until the ring timeout."""
        if not self.call.resident.persona.picks_up:
            await asyncio.Event().wait()
        loop = asyncio.get_running_loop()
        pick_up_s = loop.time() + self.fortune.ring_ms / 1000
        lines = await self._around.repertoire.of(self.call.resident)
        await asyncio.sleep(max(0.0, pick_up_s - loop.time()))
        return lines

    async def _answered(self, lines: Mapping[str, Rendered]) -> Ending:
        """From picking up: the person talks while the answer document is followed; whichever is done first ends the call."""
        self._answered_s = asyncio.get_running_loop().time()
        self._report(Status.IN_PROGRESS, "answered")
        self.journal.answered_at = self.call.updated_at.isoformat()
        self._line = line = AnsweredLine(self.journal)
        patience_ms = round(self._settings.patience_s * 1000)
        self._person = Person(self.call.resident.persona, lines, line, self._around.recognition, self.journal, patience_ms)
        self._around.metronome.add(self, partial(self._tick, line, self._person))
        lives = [asyncio.create_task(self._person.run(), name="person"), asyncio.create_task(self._follow(), name="answer document")]
        try:
            done, _ = await asyncio.wait(lives, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
            return Ending(Status.COMPLETED, "callee" if lives[0] in done else "document")
        finally:
            await _cancel(lives)

    def _tick(self, line: AnsweredLine, person: Person, due_s: float) -> None:
        now_ms = round((due_s - self._answered_s) * 1000)
        if now_ms < 0:
            return
        ticked = line.tick(now_ms)
        if self._stream is not None:
            self._stream.hear(ticked.mulaw)
            self._stream.marks(ticked.marks)
            while not person.pressed.empty():
                self._stream.press(person.pressed.get_nowait())

    async def _follow(self) -> None:
        """Fetch the answer document and do what it says, and what the next says to which it redirects."""
        order = self.call.order
        url, method = order.url, order.method
        text = order.twiml or await self._fetch(url, method)
        for _ in range(MOST_DOCUMENTS):
            self.journal.documents += 1
            redirect = await self._perform(documents.read(text, url))
            if redirect is None:
                return
            url, method = redirect.url, redirect.method
            text = await self._fetch(url, method)
        raise BadDocument(11200, f"{MOST_DOCUMENTS} documents, each redirecting to the next")

    async def _fetch(self, url: str, method: str) -> str:
        try:
            async with request(self._around.http, self._settings, url, method, self.call.fields()) as response:
                if response.status >= 400:
                    raise BadDocument(11200, f"the answer document was refused with status {response.status}")
                return await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise BadDocument(11200, f"the answer document could not be fetched: {type(error).__name__}") from error

    async def _perform(self, verbs: list[Verb]) -> Redirect | None:
        for verb in verbs:
            match verb:
                case Connect():
                    await self._connect(verb)
                case Pause(seconds):
                    await _pause(seconds * 1000)
                case Redirect():
                    return verb
                case Hangup():
                    return None
        return None

    async def _connect(self, verb: Connect) -> None:
        """Stream until the other side closes the socket; a stream that can't be opened is passed over."""
        frames = Frames(account_sid=self.call.account_sid, call_sid=self.call.sid, stream_sid=new_sid("MZ"), parameters=verb.parameters)
        try:
            stream = await Stream.open(verb.url, frames, chance_of(self._settings, self.call, "stream"), self._settings)
        except StreamFailed as error:
            self._problem(str(error))
            return
        self.journal.stream_open_ms = self._now_ms()
        self._stream = stream
        await stream.run(self._receive, self._refuse)
        self._stream = None
        await stream.close()

    def _receive(self, command: Command) -> None:
        if self._line is not None and self._stream is not None:
            self._stream.marks(self._line.receive(command, self._now_ms()))

    def _refuse(self, error: BadFrame) -> None:
        self.journal.bad_frames += 1
        self._problem(f"a frame was passed over: {error}")

    async def _end(self, ending: Ending) -> None:
        """Close everything, in the order that chance has drawn."""
        call, journal = self.call, self.journal
        self._around.metronome.remove(self)
        answered = call.answered_at is not None
        journal.ended_ms = self._now_ms() if answered else None
        stream, self._stream = self._stream, None
        journal.stop = self.fortune.stop if stream is not None else ""
        if stream is not None and journal.stop == "before":
            await stream.stop()
        if self._person is not None:
            await self._leave(self._person)
        if not answered and ending.status is Status.COMPLETED:
            ending = Ending(Status.CANCELED, ending.by, "487")
        journal.status, journal.ended_by, journal.sip_code = ending.status, ending.by, ending.sip_code
        journal.ended_at = now().isoformat()
        await self._around.keep(journal)
        self._report(ending.status, "completed", ending)
        self.over.set()
        if stream is not None and journal.stop == "after":
            await _pause(self.fortune.stop_late_ms)
            await stream.stop()
        elif stream is not None and journal.stop == "never":
            stream.break_off()

    async def _leave(self, person: Person) -> None:
        try:
            await person.hung_up(self.journal.ended_ms or 0)
        except EngineUnavailable as error:
            self._problem(str(error))

    def _report(self, status: Status, event: str, ending: Ending | None = None) -> None:
        self.call.move(status)
        self.journal.status = status
        self._around.callbacks.report(self.call, event, draw_way(self._ways, self._settings), ending)

    def _problem(self, what: str) -> None:
        if len(self.journal.problems) < MOST_PROBLEMS:
            self.journal.problems.append(what)
            log.info("call %s: %s", self.call.sid, what)

    def _now_ms(self) -> int:
        return round((asyncio.get_running_loop().time() - self._answered_s) * 1000)


async def _pause(ms: float) -> None:
    await asyncio.sleep(ms / 1000)


async def _cancel(tasks: list[asyncio.Task[Ending]] | list[asyncio.Task[None]]) -> None:
    """End `tasks`; what they raised is looked at where their results are."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
