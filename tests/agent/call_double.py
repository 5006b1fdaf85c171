"""What the outside is to a conversation, and a quick conversation to test with."""

import asyncio
from dataclasses import dataclass, field, replace

from agent_runtime.agent import Agent
from agent_runtime.calls import Brief, CallResult, Speaker, Turn, Who
from agent_runtime.conversation import converse
from agent_runtime.pipeline import TurnTiming
from agent_runtime.providers import Services, Timing
from agent_runtime.supervision import Nobody, Watcher
from tests.agent.leg_double import LegDouble

SPEED = 20.0
QUICK = Timing(
    turn=TurnTiming(pause=0.3 / SPEED),
    filler=30,
    brain=60,
    beep=3 / SPEED,
    mailbox=45 / SPEED,
    screening=25 / SPEED,
)
"""Fast where the line is fast; how long a brain may take does not depend on the line."""

IMPATIENT = replace(QUICK, filler=1.5 / SPEED, brain=8 / SPEED)


@dataclass
class ActionsDouble:
    """Remembers what was asked of the outside, in order."""

    turns: dict[int, Turn] = field(default_factory=dict)
    suppressed: list[str] = field(default_factory=list)
    notes: list[tuple[str, dict[str, str | int | float | bool | None]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    happened: asyncio.Event = field(default_factory=asyncio.Event)

    async def suppress(self, reason: str) -> None:
        self.suppressed.append(reason)
        self._ask("suppress")

    async def turn_ended(self, position: int, turn: Turn) -> None:
        self.turns[position] = turn
        self._ask("turn")

    async def hang_up(self) -> None:
        self._ask("hang_up")

    async def note(self, kind: str, detail: dict[str, str | int | float | bool | None]) -> None:
        self.notes.append((kind, detail))
        self._ask(f"note {kind}")

    async def until(self, what: str) -> None:
        """Return when `what` has been asked."""
        while what not in self.asked:
            self.happened.clear()
            await self.happened.wait()

    async def until_turns(self, count: int) -> None:
        """Return when the transcript has so many turns."""
        while len(self.turns) < count:
            self.happened.clear()
            await self.happened.wait()

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        self.happened.set()


@dataclass
class CallDouble:
    """One conversation on doubles, running."""

    leg: LegDouble
    actions: ActionsDouble
    call: asyncio.Task[CallResult]

    @property
    def transcript(self) -> list[tuple[Speaker, str]]:
        return [(turn.speaker, turn.text) for _, turn in sorted(self.actions.turns.items())]

    @property
    def answered_by(self) -> list[Who]:
        """The verdicts so far."""
        return [Who(str(detail["who"])) for kind, detail in self.actions.notes if kind == "answered_by"]

    async def result(self) -> CallResult:
        async with asyncio.timeout(60):
            return await self.call


def begin(
    agent: Agent,
    services: Services,
    greeting: bytes | None = None,
    variables: dict[str, str] | None = None,
    watcher: Watcher | None = None,
) -> CallDouble:
    """A call that has just been answered. `watcher`: who supervises it."""
    leg, actions = LegDouble(SPEED), ActionsDouble()
    brief = Brief("call 1", agent, variables or {}, greeting=greeting, zone="America/New_York")
    return CallDouble(leg, actions, asyncio.create_task(converse(leg, brief, services, actions, watcher or Nobody())))
