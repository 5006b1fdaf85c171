"""A conversation that can be supervised, on a line that is driven by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import websockets

from agent_runtime.leg import LegListener
from agent_runtime.supervision import NotPossible
from mediaserver.supervision.live_call import LiveCall
from mediaserver.supervision.protocol import CallFacts
from mediaserver.switch.leg import SwitchLeg
from tests.supervision.pages import Pages
from tests.switch.line import Told

FACTS = CallFacts(
    id="7",
    number="+493012345",
    contact_name="Bo",
    campaign_id="3",
    campaign_name="Autumn",
    agent_name="Booking",
    answered_at="2026-03-02T10:00:00Z",
    rehearsal=False,
    variables={"city": "Berlin"},
)


@dataclass
class Conversation:
    """Implements `Supervised`; keeps what was asked of it."""

    leg: SwitchLeg
    whispered: list[str] = field(default_factory=list)
    taken_by: list[str] = field(default_factory=list)
    hung_up_by: list[str] = field(default_factory=list)
    ear: Told = field(default_factory=Told)
    given_back: asyncio.Event = field(default_factory=asyncio.Event)

    async def whisper(self, text: str) -> str:
        if text == "sing":
            raise NotPossible("the script has no step for that")
        self.whispered.append(text)
        return "goes to: offer"

    def take_over(self, by: str) -> LegListener:
        self.taken_by.append(by)
        return self.ear

    def speak(self, pcm: bytes) -> None:
        self.leg.play(pcm)

    def give_back(self) -> None:
        self.given_back.set()

    def hang_up(self, by: str) -> None:
        self.hung_up_by.append(by)


@asynccontextmanager
async def joined(pages: Pages, call: LiveCall, query: str = "name=Ada") -> AsyncIterator[tuple[str, websockets.ClientConnection]]:
    """A page that follows `call`, until the end of the block: the name of its connection, and its own side."""
    async with pages.page(query) as (listener, page):
        call.join(listener)
        try:
            yield listener.connection, page
        finally:
            call.leave(listener)
