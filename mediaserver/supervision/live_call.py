"""One call in progress, as supervisors see it and act on it.

The conversation tells it what happens (`agent_runtime.supervision.Watcher`), doors bring pages and commands, and everything that is told
goes to all pages that are open. Runs on the event loop; a page that fails is let go, and the call goes on.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agent_runtime.supervision import AgentState, Caption, NextStep, NotPossible, Supervised
from mediaserver.supervision.listener import Listener
from mediaserver.supervision.protocol import CallFacts, ListenersTold, NoteTold, OverTold, StateTold, Told, Welcome, audio_frame
from mediaserver.supervision.story import Story, caption_told, next_told
from mediaserver.supervision.stuck import Condition, stuck
from mediaserver.supervision.takeover import Takeover
from mediaserver.supervision.tone import TONE, ListeningTone
from mediaserver.switch.boundary import contained
from mediaserver.switch.feed import Feed
from mediaserver.switch.leg import SwitchLeg
from mediaserver.switch.playout import SAMPLES_PER_MS
from mediaserver.switch.switch import Switch

log = logging.getLogger(__name__)

GIVE_BACK_AFTER_S = 5.0
LEFT_OUT = "a listener is left out of a call, which goes on: it failed"


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """A call just now, as the table `live_calls` has it."""

    call_id: int
    agent_state: str
    step: str
    line_speaker: str | None
    line_text: str
    line_final: bool
    quiet_since: datetime | None
    sentiment: float | None
    held_by: str | None
    listeners: int
    stuck: str


class LiveCall:
    """Implements `agent_runtime.supervision.Watcher`.

    `tone_every_s`: how often the callee hears that somebody listens; 0: never. `give_back_after_s`: after the connection of whoever has
    taken the call over was lost. `heard`: called when somebody begins to listen to the audio. `noted`: told what supervisors do, also
    what happens without a command, such as a call that is given back.
    """

    def __init__(
        self,
        call_id: int,
        leg: SwitchLeg,
        switch: Switch,
        facts: CallFacts,
        *,
        tone_every_s: float = 0.0,
        give_back_after_s: float = GIVE_BACK_AFTER_S,
        heard: Callable[["LiveCall"], None] = lambda _call: None,
        noted: Callable[[NoteTold], None] = lambda _note: None,
    ) -> None:
        self.call_id = call_id
        self.facts = facts
        self._leg = leg
        self._tell_heard, self._tell_noted = heard, noted
        self._story = Story()
        self._takeover = Takeover(switch, give_back_after_s, self._give_back)
        self._tone = ListeningTone(tone_every_s)
        self._conversation: Supervised | None = None
        self._listeners: dict[str, Listener] = {}
        self._feed: Feed | None = None
        self._spoke_ms = 0
        self._closed = False

    @property
    def now_ms(self) -> int:
        """Ms since the leg began."""
        return self._leg.now_ms()

    # What the conversation tells: agent_runtime.supervision.Watcher

    @property
    def reading(self) -> bool:
        return bool(self._listeners)

    def began(self, conversation: Supervised) -> None:
        self._conversation = conversation

    def caption(self, caption: Caption) -> None:
        self._story.caption(caption)
        self._spoke_ms = self._leg.now_ms()
        self._tell(caption_told(caption))

    def state_is(self, state: AgentState) -> None:
        self._story.state_is(state, self._leg.now_ms())
        self._tell(StateTold(state.value))

    def next_is(self, following: NextStep) -> None:
        self._story.following = following
        self._tell(next_told(following))

    # Pages

    def join(self, listener: Listener) -> None:
        """From now on `listener` is told, and offered audio where it wants some. Send it `welcome` first."""
        self._listeners[listener.connection] = listener
        if self._closed:
            self._close(listener)
            return
        self._tell_who_listens()
        self.listen(listener, listener.audio)

    def leave(self, listener: Listener) -> None:
        """Its page is gone. One that has not joined, or has left before, is no error."""
        if self._listeners.pop(listener.connection, None) is None or self._closed:
            return
        self.connection_lost(listener.connection)
        self._tell_who_listens()
        self._stop_feed_unless_heard()

    def dismiss(self, listener: Listener) -> None:
        """Its person may not be here any more. Does it hold the call, the agent goes on at once."""
        if self._takeover.is_on(listener.connection):
            self._give_back()
        self.leave(listener)

    def listen(self, listener: Listener, on: bool) -> None:
        """Whether `listener` is to be offered audio."""
        listener.audio = on
        if on and self._feed is None and not self._closed:
            self._feed = Feed(self._leg.now_ms() * SAMPLES_PER_MS)
            self._leg.add_tap(self._feed)
            self._tell_heard(self)
        self._stop_feed_unless_heard()

    def deafen(self) -> None:
        """No more audio until somebody asks for it again: giving it out has failed."""
        if self._feed is not None:
            self._leg.remove_tap(self._feed)
            self._feed = None

    def welcome(self, connection: str, name: str, may: list[str]) -> Welcome:
        """All that was told so far, for a page that comes in."""
        return Welcome(
            connection=connection,
            name=name,
            may=may,
            now_ms=self._leg.now_ms(),
            call=self.facts,
            state=self._story.state.value,
            next=next_told(self._story.following) if self._story.following is not None else None,
            held=self._takeover.told,
            listeners=self._names(),
            captions=[caption_told(caption) for caption in self._story.captions],
            notes=list(self._story.notes),
        )

    # What supervisors do

    async def whisper(self, by: str, text: str) -> str:
        """Tell the agent something for its next turn. Returns what it makes of it. Raises NotPossible."""
        answer = await self._going_on().whisper(text)
        self._note("whisper", by, text=text, answer=answer)
        return answer

    def take_over(self, by: str, connection: str) -> None:
        """The microphone of `connection`, which `by` has open, replaces the agent; the same person may move to another connection.
        Raises NotPossible."""
        conversation = self._going_on()
        if connection not in self._listeners:
            raise NotPossible("this page is not connected to the call any more: open it again")
        new = self._takeover.take(by, connection, conversation)
        self._tell(self._takeover.told)
        if new:
            self._note("take_over", by)

    def microphone(self, connection: str, mulaw: bytes) -> None:
        """What `connection` says, for the callee. Dropped where it does not hold the call: it may have been on its way."""
        contained("what a supervisor said is left out", self._takeover.hear, connection, mulaw)

    def give_back(self, by: str) -> None:
        """The agent goes on. Raises NotPossible, also where the agent has the call."""
        self._going_on()
        if self._takeover.by is None:
            raise NotPossible("the agent has the call already")
        self._takeover.check(by)
        self._give_back()

    def connection_lost(self, connection: str) -> None:
        """The page of `connection` is gone. Did it hold the call, the agent goes on soon, unless the same person comes back before."""
        if self._takeover.lost(connection):
            self._tell(self._takeover.told)

    def hang_up(self, by: str) -> None:
        """End the call now. Raises NotPossible."""
        self._going_on().hang_up(by)
        self._note("hang_up", by)

    def mark(self, by: str, note: str, at_ms: int | None = None) -> int:
        """Keep `note` at a moment of the call, now if none is given. Returns the moment. Raises NotPossible."""
        if self._closed:
            raise NotPossible("the call is over")
        now = self._leg.now_ms()
        at = now if at_ms is None else min(max(0, at_ms), now)
        self._note("mark", by, at_ms=at, text=note)
        return at

    # What the board and the floor ask

    def status(self) -> LiveStatus:
        """What the call is like just now."""
        now = self._leg.now_ms()
        if self._somebody_speaks():
            self._spoke_ms = now
        quiet_ms = now - self._spoke_ms
        story, line = self._story, self._story.line
        return LiveStatus(
            call_id=self.call_id,
            agent_state=story.state.value,
            step=story.following.step if story.following is not None else "",
            line_speaker=line.speaker.value if line is not None else None,
            line_text=line.text if line is not None else "",
            line_final=line.final if line is not None else True,
            quiet_since=datetime.now(UTC) - timedelta(milliseconds=quiet_ms) if quiet_ms else None,
            sentiment=story.sentiment,
            held_by=self._takeover.by,
            listeners=len(self._listeners),
            stuck=stuck(Condition(story.state, now - story.state_since, quiet_ms, now - self._leg.arrived_ms)),
        )

    @property
    def heard(self) -> bool:
        """Whether somebody listens to the audio."""
        return self._feed is not None

    def feed(self) -> None:
        """Offer what is to be heard by now to all who listen, and sound the tone that tells of them."""
        if self._feed is None:
            return
        now_ms = self._leg.now_ms()
        for at, callee, agent in self._feed.pieces(now_ms * SAMPLES_PER_MS):
            frame = audio_frame(at, callee, agent)
            for listener in list(self._listeners.values()):
                if not contained(LEFT_OUT, listener.offer, frame):
                    self._let_go(listener)
        if self._tone.due(now_ms) and self._between_turns() and self._leg.announce(TONE):
            self._tone.sounded(now_ms)

    def close(self) -> None:
        """The call is over: pages are told and closed. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._takeover.end()
        for listener in list(self._listeners.values()):
            self._close(listener)
        self._stop_feed_unless_heard()

    def _close(self, listener: Listener) -> None:
        self._listeners.pop(listener.connection, None)
        contained("a listener could not be closed", listener.close, OverTold())

    def _going_on(self) -> Supervised:
        if self._closed or self._story.state is AgentState.OVER:
            raise NotPossible("the call is over")
        if self._conversation is None:
            raise NotPossible("the call has only just begun: try again in a moment")
        return self._conversation

    def _give_back(self) -> None:
        by = self._takeover.by
        self._takeover.end()
        if by is None or self._conversation is None:
            return
        contained("a call could not be given back to its agent", self._conversation.give_back)
        self._tell(self._takeover.told)
        self._note("give_back", by)

    def _note(self, kind: str, by: str, *, at_ms: int | None = None, text: str = "", answer: str = "") -> None:
        note = NoteTold(kind, by, self._leg.now_ms() if at_ms is None else at_ms, text, answer)
        self._story.notes.append(note)
        self._tell(note)
        contained("a supervisor's note could not be passed on", self._tell_noted, note)

    def _tell(self, message: Told) -> None:
        for listener in list(self._listeners.values()):
            if not contained(LEFT_OUT, listener.tell, message):
                self._let_go(listener)

    def _let_go(self, listener: Listener) -> None:
        """Of a page that has failed; it may come in again."""
        contained("a listener could not be closed", listener.close)
        self.leave(listener)

    def _tell_who_listens(self) -> None:
        self._tell(ListenersTold(self._names()))

    def _names(self) -> list[str]:
        return sorted({listener.name for listener in self._listeners.values()})

    def _stop_feed_unless_heard(self) -> None:
        if not any(listener.audio for listener in self._listeners.values()):
            self.deafen()

    def _between_turns(self) -> bool:
        return self._story.state is AgentState.LISTENING and not self._leg.voice.speaking

    def _somebody_speaks(self) -> bool:
        if self._leg.voice.speaking or self._takeover.speaking:
            return True
        agent_has_it = self._takeover.by is None  # else what is played is a microphone's, with its pauses
        return agent_has_it and self._leg.heard_up_to() < self._leg.queued_up_to()
