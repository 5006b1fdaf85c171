"""The calls of this moment, as the wallboard reads them."""

import sys
from dataclasses import dataclass

from dashboard.source import source
from db.queries import load


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call that has not ended. `talking_s`: since the answer; `told_s`: since its process told of it last, None: it never has.

    What was told then: `agent_state` and `step`, empty where unknown; the last line, by agent, callee or supervisor, not `line_final` while
    it is being said; `silent_s`: how long nobody has spoken; `sentiment`: -1 to 1, None: nothing to tell it by; `held_by`: who has taken it
    over; `stuck`: why it may need help, empty while all is well.
    """

    id: int
    number: str
    contact_name: str
    campaign_id: int | None
    campaign_name: str | None
    agent_id: int
    agent_name: str
    rehearsal: bool
    state: str
    talking_s: float
    told_s: float | None
    agent_state: str
    step: str
    line_speaker: str | None
    line_text: str
    line_final: bool
    silent_s: float
    sentiment: float | None
    held_by: str | None
    listeners: int
    stuck: str

    @property
    def answered(self) -> bool:
        """Somebody is on the line; before that the call is dialed or rings."""
        return self.state == "answered"


_queries = load("dashboard_live", sys.modules[__name__])


def calls_in_progress() -> list[LiveCall]:
    """All calls that have not ended, of all processes, in no order."""
    return source().many(_queries.calls_in_progress)
