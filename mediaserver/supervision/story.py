"""What was told of one call so far: for pages that come in later, and for the board."""

from collections import deque

from agent_runtime.calls import Speaker
from agent_runtime.sentiment import sentiment
from agent_runtime.supervision import AgentState, Caption, NextStep
from mediaserver.supervision.protocol import CaptionTold, NextTold, NoteTold

MOST_TURNS = 1000  # whose captions are kept
MOST_NOTES = 200


class Story:
    """Times in ms since the leg began. `state_since`: since when the agent is in `state`. `following`: what it does next, once known."""

    def __init__(self) -> None:
        self.state, self.state_since = AgentState.LISTENING, 0
        self.following: NextStep | None = None
        self.notes: deque[NoteTold] = deque(maxlen=MOST_NOTES)
        self._captions: dict[int, Caption] = {}  # by turn, the one that was told last at the end
        self._sentiment: float | None = None
        self._sentiment_due = False

    def caption(self, caption: Caption) -> None:
        """A turn as it is now, or is not any more."""
        known = self._captions.pop(caption.turn, None)
        if caption.text or not caption.final:
            self._captions[caption.turn] = caption
        if len(self._captions) > MOST_TURNS:
            del self._captions[next(iter(self._captions))]
        if caption.final and Speaker.CALLEE in (caption.speaker, known and known.speaker):
            self._sentiment_due = True

    def state_is(self, state: AgentState, now_ms: int) -> None:
        self.state, self.state_since = state, now_ms

    @property
    def captions(self) -> list[Caption]:
        """Each turn as it was told last, in the order of turns."""
        return [caption for _, caption in sorted(self._captions.items())]

    @property
    def line(self) -> Caption | None:
        """What is being said, or was said last."""
        return next(reversed(self._captions.values()), None)

    @property
    def sentiment(self) -> float | None:
        """Of the callee's lines so far, -1 to 1; None before the first. Worked out anew only when there is another line."""
        if self._sentiment_due:
            self._sentiment_due = False
            said = [line.text for line in self.captions if line.speaker is Speaker.CALLEE and line.final]
            self._sentiment = sentiment(said)[0] if said else None
        return self._sentiment


def caption_told(caption: Caption) -> CaptionTold:
    return CaptionTold(caption.turn, caption.speaker.value, caption.text, caption.start_ms, caption.final, caption.cut_off)


def next_told(following: NextStep) -> NextTold:
    return NextTold(following.step, following.asks, list(following.ways))
