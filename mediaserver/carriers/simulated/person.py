"""A person on the phone: picks up, listens, understands by recognition of what was played, answers, hangs up."""

import asyncio
from collections.abc import Mapping

from agent_runtime.engines import Recognition
from mediaserver.carriers.simulated import mulaw
from mediaserver.carriers.simulated.answered import AnsweredLine
from mediaserver.carriers.simulated.journal import CallJournal, Heard, Said
from mediaserver.carriers.simulated.line import Utterance
from mediaserver.carriers.simulated.people import Kind, Mind, Persona
from mediaserver.carriers.simulated.repertoire import Rendered
from mediaserver.carriers.simulated.speech import BEEP_HZ, BEEP_MS, tone

FIRST_BREATH_MS = 500  # from picking up to the greeting
PAUSE_MS = 700  # silence that ends what the agent says
ASK_AGAIN_AFTER_MS = 6000  # of silence, after something that was no question
AFTER_GOODBYE_MS = 2500
BEEP_AFTER_MS = 600
MAILBOX_WAITS_MS = 8000  # for a message to begin
MAILBOX_ENDS_AFTER_MS = 4000  # of silence behind one


class Person:
    """The callee of one answered call. `run` returns when they hang up."""

    def __init__(
        self,
        persona: Persona,
        lines: Mapping[str, Rendered],
        line: AnsweredLine,
        recognition: Recognition,
        journal: CallJournal,
        patience_ms: int,
    ) -> None:
        """`lines`: everything that they may say, by its text."""
        self._persona, self._lines, self._line = persona, lines, line
        self._recognition, self._journal, self._patience_ms = recognition, journal, patience_ms
        self._mind = Mind(persona)
        self._saying: tuple[str, Utterance] | None = None
        self.pressed: asyncio.Queue[str] = asyncio.Queue()

    async def run(self) -> None:
        """From picking up to hanging up.

        Raises:
            EngineUnavailable: they can't hear.
        """
        await self._until(FIRST_BREATH_MS)
        if self._persona.greeting:
            await self._say(self._persona.greeting)
        if self._persona.kind is Kind.MAILBOX:
            await self._record()
        elif self._persona.cuts_in_ms is not None:
            await self._cut_in(self._persona.cuts_in_ms)
        else:
            await self._talk()

    async def hung_up(self, now_ms: int) -> None:
        """The call is over, whoever ended it: note how far the line in progress came, and what nobody thought about any more.
        A mailbox writes down what it has recorded.

        Raises:
            EngineUnavailable: it can't.
        """
        self._line.mouth.stop(now_ms)
        if self._saying is not None:
            self._note_said(*self._saying)
        if not self._line.ear.speech.is_set():
            return
        if self._journal.beep_ms is not None:
            await self._write_down()
        else:
            self._note_heard("")

    async def _talk(self) -> None:
        """Listen and answer until there is nothing more to say, or nobody there."""
        while True:
            heard = await self._listen()
            if heard is None:
                return
            reaction = self._mind.react(heard)
            if reaction.digit:
                self.pressed.put_nowait(reaction.digit)
            if reaction.line:
                await self._say(reaction.line)
            if reaction.hang_up:
                await self._until(self._line.ear.now_ms + AFTER_GOODBYE_MS)
                return
            if not (reaction.line or reaction.digit) and not await self._goes_on() and self._persona.again:
                await self._say(self._persona.again)

    async def _listen(self) -> str | None:
        """The agent's next utterance, once it is complete; None after dead air beyond patience."""
        ear = self._line.ear
        try:
            async with asyncio.timeout(self._patience_ms / 1000):
                await ear.speech.wait()
        except TimeoutError:
            return None
        while True:
            ended_ms = await ear.pause(PAUSE_MS)
            text = await self._understand(ear.utterance())
            if await ear.quiet(ended_ms + self._persona.latency_ms, ended_ms):
                break  # else the agent had only drawn breath
        self._note_heard(text)
        return text

    async def _goes_on(self) -> bool:
        """Whether the agent speaks on by itself after something that asked for no answer."""
        try:
            async with asyncio.timeout(ASK_AGAIN_AFTER_MS / 1000):
                await self._line.ear.speech.wait()
        except TimeoutError:
            return False
        return True

    async def _cut_in(self, after_ms: int) -> None:
        """Let the agent begin, then speak over it, or hang up in the middle of it."""
        ear = self._line.ear
        await ear.speech.wait()
        await self._until((ear.began_ms or 0) + after_ms)
        if not self._persona.cut_in:
            self._note_heard(await self._understand(ear.utterance()))
            return
        await self._say(self._persona.cut_in)
        if ear.speech.is_set() and ear.silent_ms > 0:  # what they spoke over is no question to answer
            self._note_heard(await self._understand(ear.utterance()))
        await self._talk()

    async def _record(self) -> None:
        """A mailbox: the tone, then whatever is left on it until it is silent."""
        ear = self._line.ear
        await self._until(ear.now_ms + BEEP_AFTER_MS)
        if ear.speech.is_set():
            self._note_heard(await self._understand(ear.utterance()))  # spoken over the greeting: not on the recording
        beep = self._line.mouth.say(mulaw.encode(tone(BEEP_HZ, BEEP_MS)))
        await beep.done.wait()
        self._journal.beep_ms = beep.ended_ms
        give_up_ms = ear.now_ms + MAILBOX_WAITS_MS
        while ear.now_ms < give_up_ms:
            if ear.speech.is_set():
                await ear.pause(PAUSE_MS)
                give_up_ms = (ear.last_sound_ms or 0) + MAILBOX_ENDS_AFTER_MS
                await self._write_down()
            await ear.moved()

    async def _write_down(self) -> None:
        """A piece of a message is on the mailbox."""
        text = await self._understand(self._line.ear.utterance())
        self._note_heard(text)
        self._journal.recorded = f"{self._journal.recorded} {text}".strip()

    async def _say(self, line: str) -> None:
        utterance = self._line.mouth.say(self._lines[line].mulaw)
        self._saying = (line, utterance)
        await utterance.done.wait()
        self._note_said(line, utterance)
        if utterance.ended_ms is not None:
            self._line.line_ended(utterance.ended_ms)

    def _note_said(self, line: str, utterance: Utterance) -> None:
        self._saying = None
        if utterance.begun_ms is None:
            return
        whole = utterance.at >= len(utterance.mulaw)
        text = line if whole else self._lines[line].words_within(utterance.said_ms)
        self._journal.said.append(Said(text, utterance.begun_ms, utterance.ended_ms or utterance.begun_ms, cut=not whole))

    def _note_heard(self, text: str) -> None:
        _, began_ms, ended_ms = self._line.ear.take()
        self._journal.heard.append(Heard(text, began_ms, ended_ms))

    async def _understand(self, utterance: bytes) -> str:
        return (await self._recognition.recognize(mulaw.decode(utterance))).text

    async def _until(self, at_ms: int) -> None:
        while self._line.ear.now_ms < at_ms:
            await self._line.ear.moved()
