"""What a conversation brings to the record of its call: turns and events while it runs, its result when it ends.

The strings are those of the agent's runtime, which this package may not import: `EndReason`, `Who`, `Goal`, `EndedBy`, `Speaker`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from db.database import Connection, Database
from dialer import ending, queries
from dialer.lifecycle import CallState
from dialer.retries import Outcome, outcome_of_conversation


class Superseded(Exception):
    """Another process holds the call by now, or it has ended: this result is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTurn:
    """One turn of the transcript, as heard; times in ms since the answer."""

    position: int
    speaker: str
    text: str
    start_ms: int
    end_ms: int
    cut_off: bool = False
    latency_ms: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationResult:
    """What came of an answered call. `evidence`: of "reason", "who" and "goal"; `recording`: path below the data directory."""

    ended_by: str
    reason: str
    who: str
    goal: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    sentiment: float = 0.0
    sentiment_word: str = "neutral"
    opted_out: bool = False
    callback_at: datetime | None = None
    first_word_ms: int | None = None
    message_delivered: bool = False
    recording: str | None = None


async def keep_turn(db: Database, call_id: int, turn: KeptTurn) -> None:
    """Keep a turn at once; the same position again replaces it."""
    await queries.settling.keep_turn(
        db.pool,
        call_id=call_id,
        position=turn.position,
        speaker=turn.speaker,
        text=turn.text,
        start_ms=turn.start_ms,
        end_ms=turn.end_ms,
        cut_off=turn.cut_off,
        latency_ms=dict(turn.latency_ms),
    )


async def keep_event(db: Database, call_id: int, source: str, kind: str, detail: Mapping[str, Any], *, key: str | None = None) -> None:
    """An event for the call's timeline. `source`: agent, operator or dialer. With a `key` it is kept once, however often it is told."""
    await queries.settling.keep_event(db.pool, call_id=call_id, source=source, kind=kind, key=key, detail=dict(detail))


async def keep_recording(db: Database, call_id: int, recording: str) -> None:
    """Where the recording lies, below the data directory, when it was written after the result."""
    await queries.settling.set_recording(db.pool, call_id=call_id, recording=recording)


async def finish_conversation(db: Database, call_id: int, fence: int, result: ConversationResult, *, hung_up: bool) -> bool:
    """Keep the result of a conversation, and end the call if it is over: whether it ended now.

    It is over when the carrier has said so, or took our hang-up (`hung_up`). Otherwise it ends with the carrier's report, or
    settling sees to it. `fence`: from `bind_stream`. A lost connection is tried again within the patience of `Database.retrying`.

    Raises:
        Superseded: another process took the call over, or it has ended without us.
        UnknownCall, DatabaseUnavailable
    """

    async def work(connection: Connection) -> bool:
        call = await ending.hold(connection, call_id)
        if call.fence == fence and call.conversation_ended_at is not None:
            return call.state == CallState.ENDED  # kept already, by a commit whose answer was lost
        kept = await _keep_result(connection, call_id, fence, result)
        if not kept:
            raise Superseded(f"call {call_id} is held by {call.process_id} now, or has ended ({call.state}): this result is not kept")
        call = await ending.read(connection, call_id)
        if not hung_up and call.carrier_ended_at is None:
            return False
        return await ending.end(connection, call, ending.outcome_of(call))

    return await db.retrying(work)


def _goal(result: ConversationResult) -> str:
    """A machine that nothing was left on met no goal, whatever was said to it."""
    outcome = outcome_of_conversation(result.reason, result.who, message_delivered=result.message_delivered)
    return "not_met" if outcome is Outcome.VOICEMAIL_NO_MESSAGE else result.goal


async def _keep_result(connection: Connection, call_id: int, fence: int, result: ConversationResult) -> bool:
    kept = await queries.settling.keep_result(
        connection,
        call_id=call_id,
        fence=fence,
        ended_by=result.ended_by,
        reason=result.reason,
        who=result.who,
        goal=_goal(result),
        evidence=dict(result.evidence),
        fields=dict(result.fields),
        summary=result.summary,
        sentiment=result.sentiment,
        sentiment_word=result.sentiment_word,
        opted_out=result.opted_out,
        callback_at=result.callback_at,
        first_word_ms=result.first_word_ms,
        message_delivered=result.message_delivered,
        recording=result.recording,
    )
    return kept is not None
