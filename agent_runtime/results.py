"""What came of a call, collected while it runs and told in three parts at its end, each with its evidence."""

from dataclasses import dataclass, field
from datetime import datetime

from agent_runtime.answering import Verdict
from agent_runtime.calls import CallResult, EndedBy, EndReason, Goal, Speaker, Turn, Who
from agent_runtime.sentiment import sentiment
from agent_runtime.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found, why we say so, and the turn that shows it, if one does."""

    says: str
    turn: Turn | None = None


@dataclass(slots=True)
class Outcome:
    """Filled while the call runs. What was settled first of how it ended stays; a goal may change until the end."""

    ended_by: EndedBy | None = None
    reason: EndReason = EndReason.HUNG_UP
    reason_found: Finding = field(default_factory=lambda: Finding("the call ended"))
    goal: Goal = Goal.UNCLEAR
    goal_found: Finding = field(default_factory=lambda: Finding("the conversation did not get that far"))
    fields: dict[str, str] = field(default_factory=dict)
    opted_out: bool = False
    opted_out_turn: Turn | None = None
    callback_at: datetime | None = None
    first_word_ms: int | None = None
    message_delivered: bool = False

    def ended(self, by: EndedBy, reason: EndReason, says: str, turn: Turn | None = None) -> None:
        """How the call ended. The first that says so is right: what follows are consequences."""
        if self.ended_by is None:
            self.ended_by, self.reason, self.reason_found = by, reason, Finding(says, turn)

    def goal_is(self, goal: Goal, says: str, turn: Turn | None = None) -> None:
        self.goal, self.goal_found = goal, Finding(says, turn)


def result(outcome: Outcome, verdict: Verdict, transcript: Transcript, *, goal_is_message: bool) -> CallResult:
    """The result of a call that is over. `goal_is_message`: leaving a message on a mailbox is what the call was for."""
    goal, goal_found = outcome.goal, outcome.goal_found
    if verdict.who is Who.VOICEMAIL:
        goal, goal_found = Goal.NOT_MET, Finding("nobody was there to answer")
        if outcome.message_delivered and goal_is_message:
            goal, goal_found = Goal.MET, Finding("the message was left, which is what the call was for")
    elif outcome.opted_out:
        goal, goal_found = Goal.NOT_MET, Finding("the callee does not want to be called", outcome.opted_out_turn)
    lines = [turn.text for turn in transcript.turns if turn.speaker is Speaker.CALLEE] if verdict.who is Who.HUMAN else []
    feeling, word = sentiment(lines) if lines else (0.0, "neutral")
    return CallResult(
        ended_by=outcome.ended_by or EndedBy.CALLEE,
        reason=outcome.reason,
        reason_evidence=transcript.evidence(outcome.reason_found.says, outcome.reason_found.turn),
        who=verdict.who,
        who_evidence=transcript.evidence(verdict.says, _said_at(transcript, verdict.at_ms), verdict.at_ms),
        goal=goal,
        goal_evidence=transcript.evidence(goal_found.says, goal_found.turn),
        turns=transcript.turns,
        fields=dict(outcome.fields),
        summary=summary(outcome, verdict.who, goal, transcript),
        sentiment=feeling,
        sentiment_word=word,
        opted_out=outcome.opted_out,
        callback_at=outcome.callback_at,
        first_word_ms=outcome.first_word_ms,
        message_delivered=outcome.message_delivered,
    )


def _said_at(transcript: Transcript, at_ms: int) -> Turn | None:
    """The callee's turn that was going on at `at_ms`."""
    return next((t for t in transcript.turns if t.speaker is Speaker.CALLEE and at_ms > 0 and t.start_ms <= at_ms <= t.end_ms), None)


_WHO = {
    Who.HUMAN: "A person answered",
    Who.VOICEMAIL: "A mailbox answered",
    Who.SCREENING: "A call-screening assistant answered",
    Who.MENU: "A menu answered",
    Who.NO_ONE: "The call was answered and nobody spoke",
    Who.UNKNOWN: "It is not known who answered",
}
_END = {
    EndReason.GOODBYE: "the conversation came to its end",
    EndReason.DECLINED: "they declined",
    EndReason.OPTED_OUT: "they do not want to be called again",
    EndReason.WRONG_PERSON: "it was the wrong person",
    EndReason.CALLBACK: "they asked to be called back",
    EndReason.MESSAGE_LEFT: "the message was left",
    EndReason.NO_MESSAGE: "no message was left",
    EndReason.SILENCE: "the line stayed silent",
    EndReason.HUNG_UP: "the callee hung up",
    EndReason.LINE_LOST: "the line was lost",
    EndReason.TIME_LIMIT: "the time was up",
    EndReason.FAILED: "the agent could not go on",
    EndReason.SUPERVISOR: "a supervisor ended the call",
}
_GOAL = {Goal.MET: "The goal was met", Goal.NOT_MET: "The goal was not met", Goal.UNCLEAR: "Whether the goal was met is unclear"}


def summary(outcome: Outcome, who: Who, goal: Goal, transcript: Transcript) -> str:
    """Two or three sentences by rule: who, how it ended, the goal, the fields."""
    said = sum(turn.speaker is Speaker.CALLEE for turn in transcript.turns)
    parts = [f"{_WHO[who]}; {_END[outcome.reason]}.", f"{_GOAL[goal]}: {outcome.goal_found.says}." if who is Who.HUMAN else ""]
    if outcome.callback_at is not None:
        parts.append(f"Call back at {outcome.callback_at.isoformat(timespec='minutes')}.")
    if outcome.fields:
        parts.append("Noted: " + ", ".join(f"{name} {value}" for name, value in outcome.fields.items()) + ".")
    if said and who is Who.HUMAN:
        parts.append(f"They spoke {said} time{'s' if said > 1 else ''}.")
    return " ".join(part for part in parts if part)
