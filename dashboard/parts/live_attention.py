"""Which calls in progress need a person, why, and which of them first."""

from collections.abc import Iterable
from dataclasses import dataclass

from dashboard.reads.live import LiveCall

SILENT_S = 10.0  # a process that has told nothing of a call for longer does not answer
PAUSE_S = 5.0  # shorter silences belong to a conversation; if they counted, lines would change places all the time
CLEAR = 0.2  # of a sentiment: beyond it it is positive or negative, as in the result of a call


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which calls to show; None: of every campaign, of every agent."""

    campaign_id: int | None = None
    agent_id: int | None = None
    in_need_only: bool = False

    def fits(self, call: LiveCall) -> bool:
        """Whether the call is of this campaign and this agent."""
        return self.campaign_id in (None, call.campaign_id) and self.agent_id in (None, call.agent_id)


def stuck(call: LiveCall) -> str:
    """Why the call may need help, for people; empty while all is well."""
    untold_s = call.talking_s if call.told_s is None else call.told_s
    if untold_s > SILENT_S:
        return f"The server that holds this call has told nothing of it for {untold_s:.0f} s"
    return call.stuck


def mood(call: LiveCall) -> str | None:
    """How the callee sounds: positive, neutral or negative; None while there is nothing to tell it by."""
    if call.sentiment is None:
        return None
    return "positive" if call.sentiment >= CLEAR else "negative" if call.sentiment <= -CLEAR else "neutral"


def silence_s(call: LiveCall) -> float:
    """How long nobody has spoken; 0 while it is no longer than a pause."""
    return call.silent_s if call.silent_s >= PAUSE_S else 0.0


def in_need(call: LiveCall) -> bool:
    """Whether somebody should look at the call."""
    return bool(stuck(call)) or mood(call) == "negative"


def board(calls: Iterable[LiveCall], wanted: Wanted) -> list[LiveCall]:
    """The answered calls that are wanted: stuck ones first, then those that go badly, then the longest silence, then the longest call."""
    found = [call for call in calls if call.answered and wanted.fits(call) and (in_need(call) or not wanted.in_need_only)]
    return sorted(found, key=lambda call: (not stuck(call), mood(call) != "negative", -silence_s(call), -call.talking_s, call.id))
