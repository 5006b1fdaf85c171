"""A supervisor at a conversation: remembers all that is told, and waits for what a test expects."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from agent_runtime.calls import Speaker
from agent_runtime.leg import LegListener
from agent_runtime.supervision import AgentState, Caption, NextStep, Supervised


@dataclass
class WatcherDouble:
    """`reading`: whether somebody reads along. Implements `Watcher`."""

    reading: bool = True
    captions: list[Caption] = field(default_factory=list)
    states: list[AgentState] = field(default_factory=list)
    following: list[NextStep] = field(default_factory=list)
    happened: asyncio.Event = field(default_factory=asyncio.Event)
    _conversation: Supervised | None = None

    def began(self, conversation: Supervised) -> None:
        assert self._conversation is None, "a conversation begins once"
        self._conversation = conversation

    def caption(self, caption: Caption) -> None:
        self.captions.append(caption)
        self.happened.set()

    def state_is(self, state: AgentState) -> None:
        self.states.append(state)
        self.happened.set()

    def next_is(self, following: NextStep) -> None:
        self.following.append(following)
        self.happened.set()

    @property
    def conversation(self) -> Supervised:
        assert self._conversation is not None, "the conversation has not begun"
        return self._conversation

    def of(self, speaker: Speaker) -> list[Caption]:
        return [caption for caption in self.captions if caption.speaker is speaker]

    def settled(self) -> list[tuple[Speaker, str]]:
        """What stands in the end, turn by turn as they were begun to be told."""
        last = {caption.turn: caption for caption in self.captions}
        assert all(caption.final for caption in last.values())
        return [(caption.speaker, caption.text) for _, caption in sorted(last.items()) if caption.text]

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Return when `is_so`, which something that is told must make true."""
        while not is_so():
            self.happened.clear()
            await self.happened.wait()

    async def until_said(self, speaker: Speaker, text: str) -> None:
        """Return when a turn of `speaker` is told to have been `text`."""
        await self.until(lambda: any(caption.final and caption.text == text for caption in self.of(speaker)))

    async def until_state(self, state: AgentState) -> None:
        await self.until(lambda: bool(self.states) and self.states[-1] is state)


def speaks(microphone: LegListener) -> None:
    """The supervisor says a whole utterance into the microphone; what it was is up to the recognition."""
    microphone.voice_started(0, bytes(3200))
    microphone.voice_audio(bytes(1600))
    microphone.voice_stopped(300)
