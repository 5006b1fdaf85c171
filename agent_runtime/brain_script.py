"""The brain that walks a script, as a Pipecat language-model service: the pipeline is the same as with a real model."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec
from pipecat.frames.frames import (
    AggregatedTextFrame,
    DataFrame,
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService

from agent_runtime.agent import Script
from agent_runtime.calls import Brief
from agent_runtime.engines import EngineUnavailable, Understanding
from agent_runtime.null_services import null_llm_settings
from agent_runtime.script import Moves, ScriptWalk, fixed_lines, intents_of
from agent_runtime.tools import Clock, Deeds
from agent_runtime.understanding import IntentIndex

_SENTENCE_END = re.compile(r"(?<=\w\w[.!?])(?<!\b[DM]r\.)(?<!\bM[rs]s\.)(?<!\bSt\.)\s+")


@dataclass
class CueFrame(DataFrame):
    """Asks the script what to say without a line of the callee: at the opening, when the callee stays silent (`silence`), or when a noise
    has silenced the answer before it was heard (`again`). At the opening the first message is on its way already.
    """

    silence: bool = False
    again: bool = False


class Indexes:
    """The intents of each script as vectors: made once for a process, which takes a second, and shared by its calls."""

    def __init__(self) -> None:
        self._made: dict[bytes, asyncio.Task[IntentIndex]] = {}

    async def of(self, script: Script, understanding: Understanding) -> IntentIndex:
        """The index of `script`; calls that ask at the same time wait for the same one.

        Raises:
            EngineUnavailable: the vectors can't be made now; the next that asks tries again.
        """
        key = msgspec.msgpack.encode(script)
        making = self._made.get(key)
        if making is None or (making.done() and making.exception() is not None):
            making = self._made[key] = asyncio.create_task(IntentIndex.build(intents_of(script), understanding), name="intents")
        return await asyncio.shield(making)


class ScriptBrain(LLMService):
    """Answers each turn of the callee with what the script says, and tells `deeds` what the turn settled."""

    def __init__(self, brief: Brief, script: Script, understanding: Understanding, indexes: Indexes, deeds: Deeds, now: Clock) -> None:
        super().__init__(settings=null_llm_settings())
        self._brief, self._script, self._understanding, self._indexes = brief, script, understanding, indexes
        self._deeds, self._now = deeds, now
        self._prepared = frozenset(fixed_lines(brief.agent, brief.variables))
        self._walk: ScriptWalk | None = None
        self._said: tuple[str, ...] = ()
        self._answered = 0  # the callee's lines that the walk has heard

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame | CueFrame):
            await self.push_frame(frame, direction)
            return
        try:
            await self._act(await self._moves(frame))
        except EngineUnavailable as error:
            await self.push_error(str(error), exception=error)

    async def _moves(self, frame: LLMContextFrame | CueFrame) -> Moves:
        unheard = self._deeds.unheard()  # now: what fills a pause while the line is thought about is no question
        walk = await self._walking()
        unanswered = len(self._deeds.lines()) > self._answered
        if isinstance(frame, LLMContextFrame) or (frame.again and unanswered):
            lines = list(self._deeds.lines())
            line = " ".join(lines[self._answered :])
            vector = (await self._understanding.embed([line]))[0]
            self._answered = len(lines)  # only now: an interrupted answer leaves its line for the next
            return walk.heard(line, vector, unheard=unheard)
        if frame.again:
            return Moves(self._said)
        if frame.silence:
            return walk.silence()
        opening = walk.opening()
        return replace(opening, say=opening.say[1:])

    async def _walking(self) -> ScriptWalk:
        if self._walk is None:
            index = await self._indexes.of(self._script, self._understanding)
            brief = self._brief
            self._walk = ScriptWalk(brief.agent, brief.variables, index, now=self._now, zone=brief.zone)
        return self._walk

    async def _act(self, moves: Moves) -> None:
        deeds = self._deeds
        for name, value in moves.fields.items():
            deeds.note_field(name, value)
        if moves.goal is not None:
            deeds.goal_is(moves.goal, moves.says)
        if moves.opted_out:
            deeds.opt_out(moves.says)
        if moves.call_back:
            deeds.call_back(moves.callback_at, moves.says)
        if moves.end is not None:
            deeds.last_line(moves.end, moves.says)
        if moves.say:
            await self._say(moves.say)
        elif moves.resume:
            deeds.resume()
        elif moves.end is not None:
            deeds.said_all()
        else:
            deeds.wait()

    async def _say(self, lines: tuple[str, ...]) -> None:
        self._said = lines
        await self.push_frame(LLMFullResponseStartFrame())
        for piece in self._pieces(lines):
            await self.push_frame(AggregatedTextFrame(piece, "sentence"))
        await self.push_frame(LLMFullResponseEndFrame())

    def _pieces(self, lines: tuple[str, ...]) -> Iterator[str]:
        """Lines that were prepared come whole; what was learnt in the call is spoken sentence by sentence, to be heard sooner."""
        for line in lines:
            if line in self._prepared:
                yield line
            else:
                yield from _SENTENCE_END.split(line)
