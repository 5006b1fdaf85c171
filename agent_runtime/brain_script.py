"""The brain that walks a script, as a Pipecat language-model service: the pipeline is the same as with a real model."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

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
from agent_runtime.built_in_intents import GOODBYE
from agent_runtime.calls import Brief
from agent_runtime.directions import Direction, Directions
from agent_runtime.engines import EngineUnavailable, Understanding
from agent_runtime.null_services import null_llm_settings
from agent_runtime.per_script import PerScript
from agent_runtime.script import Moves, ScriptWalk, fixed_lines, intents_of
from agent_runtime.supervision import NotPossible
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


class Indexes(PerScript[IntentIndex]):
    """The intents of each script as vectors: made once for a process, which takes a second, and shared by its calls."""

    def __init__(self) -> None:
        super().__init__(lambda script, understanding: IntentIndex.build(intents_of(script), understanding))


class SharedOfScripts(Protocol):
    """What the scripts of a process share: `agent_runtime.providers.Services` has it."""

    @property
    def indexes(self) -> Indexes: ...

    @property
    def directions(self) -> PerScript[Directions]: ...

    @property
    def now(self) -> Clock: ...


class ScriptBrain(LLMService):
    """Answers each turn of the callee with what the script says, and tells `deeds` what the turn settled. Implements `Guided`."""

    def __init__(self, brief: Brief, script: Script, understanding: Understanding, shared: SharedOfScripts, deeds: Deeds) -> None:
        super().__init__(settings=null_llm_settings())
        self._brief, self._script, self._understanding, self._shared = brief, script, understanding, shared
        self._deeds = deeds
        self._prepared = frozenset(fixed_lines(brief.agent, brief.variables))
        self._walk: ScriptWalk | None = None
        self._said: tuple[str, ...] = ()
        self._answered = 0  # the callee's lines that the walk has heard
        self._direction: Direction | None = None  # of a whisper, for the next turn
        self._returned = False  # from a colleague, and the walk has not gone on yet

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame | CueFrame):
            await self.push_frame(frame, direction)
            return
        try:
            await self._act(await self._moves(frame))
        except EngineUnavailable as error:
            await self.push_error(str(error), exception=error)

    # Guided

    async def whisper(self, text: str) -> str:
        try:
            walk = await self._walking()
            directions = await self._shared.directions.of(self._script, self._understanding)
            to = directions.named(text) or directions.nearest((await self._understanding.embed([text]))[0])
        except EngineUnavailable as error:
            raise NotPossible(f"the whisper could not be understood: {error}") from error
        if walk.ended is not None:
            raise NotPossible("the agent is saying goodbye already")
        if to is None:
            steps = ", ".join(self._script.steps)
            raise NotPossible(f"no step of the script is near to that; name one of {steps}, or say goodbye, or call back later")
        self._direction = to
        following = walk.directed_to(to)
        self._deeds.next_is(following)
        where = f'goes to "{to.step}"' if to.step else "says goodbye" if to.built_in == GOODBYE else "asks for a better time to call"
        return f'In its next turn the agent {where}: "{following.asks}"'

    def colleague_said(self, text: str) -> None:
        """A script is not told: it goes by what the callee answered."""

    def given_back(self) -> Frame:
        self._returned = True
        return CueFrame(again=True)

    async def _moves(self, frame: LLMContextFrame | CueFrame) -> Moves:
        unheard = self._deeds.unheard()  # now: what fills a pause while the line is thought about is no question
        walk = await self._walking()
        if isinstance(frame, CueFrame) and frame.silence:
            direction = self._taken_direction()
            return walk.directed(direction) if direction is not None else walk.silence()
        if isinstance(frame, CueFrame) and not frame.again:
            opening = walk.opening()
            return replace(opening, say=opening.say[1:])
        lines = list(self._deeds.lines())
        line = " ".join(lines[self._answered :])
        if isinstance(frame, CueFrame) and not (line or self._returned):
            return Moves(self._said)
        vector = (await self._understanding.embed([line]))[0] if line else None
        self._answered = len(lines)  # only now: an interrupted answer leaves its line, and what it was to do, for the next
        direction, returned, self._returned = self._taken_direction(), self._returned, False
        if direction is not None:
            return walk.directed(direction, line, vector)
        if returned or vector is None:
            return walk.given_back(line, vector)
        return walk.heard(line, vector, unheard=unheard)

    def _taken_direction(self) -> Direction | None:
        """Where the next turn goes; what is whispered from now on is for the one after it."""
        direction, self._direction = self._direction, None
        return direction

    async def _walking(self) -> ScriptWalk:
        if self._walk is None:
            index = await self._shared.indexes.of(self._script, self._understanding)
            brief = self._brief
            self._walk = self._walk or ScriptWalk(brief.agent, brief.variables, index, now=self._shared.now, zone=brief.zone)
        return self._walk

    async def _act(self, moves: Moves) -> None:
        deeds = self._deeds
        if self._walk is not None:
            deeds.next_is(self._walk.following())
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
