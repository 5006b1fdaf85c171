"""/calls: what came of each call, its transcript, its recording, its timeline."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

from aiohttp import web
from pydantic import AwareDatetime, Field, model_validator

from agent_runtime.calls import Goal, Who
from db import call_log
from db.call_log import CallFilter
from db.queries import load
from db.rows import CallDetail, CallLine
from dialer import campaigns
from dialer.phone_numbers import read_number
from dialer.retries import Outcome
from mediaserver.api.models import Answer, Id, Page, PageQuery, PhoneNumber, Said, Told, Variables, page_of
from mediaserver.api.problems import Problem
from mediaserver.api.routes import Asked, Route
from mediaserver.identity import Role
from mediaserver.peaks import NotARecording, peaks_of
from mediaserver.recordings import path_of

_queries = load("call_log")


class CallAnswer(Answer):
    """A call in a list. The result has three parts: how it ended (`outcome`, `end_reason`, `ended_by`, `carrier_code`), `who` was there,
    and whether the `goal` was met. `sentiment`: -1 to 1. `first_word_ms`: from the answer to the agent's first audio.
    `recording_deleted_at`: of a call that had one; `recording_kept_days`: the limit by which it went, null where somebody was erased."""

    id: Id
    campaign_id: Id | None
    contact_id: Id | None
    number: PhoneNumber
    contact_name: str
    attempt: int
    state: str
    planned_at: datetime
    requested_at: datetime | None
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    outcome: str | None
    end_reason: str | None
    ended_by: str | None
    carrier_code: str | None
    who: str | None
    goal: str | None
    sentiment: float | None
    sentiment_word: str | None
    opted_out: bool
    callback_at: datetime | None
    duration_ms: int | None
    first_word_ms: int | None
    has_recording: bool
    recording_deleted_at: datetime | None
    recording_kept_days: int | None


class TurnAnswer(Answer):
    """What was heard; times in ms from the answer. `latency_ms`: by stage, for a turn that answers the callee."""

    position: int
    speaker: str
    text: Said
    start_ms: int
    end_ms: int
    cut_off: bool
    latency_ms: dict[str, Any]


class WholeCallAnswer(CallAnswer):
    """`evidence`: for each part of the result, what shows it, and in which turn. `fields`: what the call collected. With
    `transcript_deleted_at`, turns, evidence, fields and summary are gone; with `person_deleted_at`, name and variables; with
    `timeline_deleted_at`, the events. `transcript_kept_days`: as for the recording."""

    agent_id: Id
    agent_version: int
    carrier_call_id: str | None
    variables: Variables
    evidence: Told
    fields: Told
    summary: Said
    turns: list[TurnAnswer]
    transcript_deleted_at: datetime | None
    transcript_kept_days: int | None
    timeline_deleted_at: datetime | None
    person_deleted_at: datetime | None


class CallsQuery(PageQuery):
    contact_id: int | None = None
    number: str | None = Field(default=None, max_length=40, description="the callee's, with its country code")
    outcome: Outcome | None = None
    who: Who | None = None
    goal: Goal | None = None
    sentiment: Literal["positive", "neutral", "negative"] | None = None
    since: AwareDatetime | None = Field(default=None, description="planned then or later, such as 2030-05-15T09:00:00Z")
    until: AwareDatetime | None = Field(default=None, description="planned before then")
    words: str | None = Field(
        default=None,
        max_length=200,
        description='said in calls that have ended, all of them; "a phrase" in quotes, or between two, -word for one that does not occur',
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("since must be before until: exchange the two")
        return self

    def wanted(self) -> CallFilter:
        """As the log is asked.

        Raises:
            InvalidNumber
        """
        names = ("contact_id", "outcome", "who", "goal", "sentiment", "since", "until", "words")
        # The plus of a number becomes a space in an address where it is not written as %2B.
        number = None if self.number is None else read_number("+" + self.number.lstrip(" +"))
        return CallFilter(**{name: getattr(self, name) for name in names}, number=number)


class CallsPage(Page[CallAnswer]):
    """`total`: calls that fit, on all pages; `at_least`: there are more of them, counting stopped there."""

    total: int
    at_least: bool


class CallEventAnswer(Answer):
    """`source`: carrier, agent, dialer or operator."""

    id: Id
    at: datetime
    source: str
    kind: str
    detail: Told


class PeaksAnswer(Answer):
    """How loud a recording is: for each of equally long parts of it the loudest moment, 0 to 1000. At most 800 a channel."""

    duration_ms: int
    callee: list[int]
    agent: list[int]


async def list_calls(asked: Asked[CallsQuery, None]) -> CallsPage:
    """A campaign's calls, newest first, by what came of them, by callee, by time, and by what was said."""
    query, pool = asked.query, asked.database.pool
    campaign = await campaigns.get(asked.database, asked.id("campaign_id"))
    wanted = query.wanted()
    if wanted.words is not None and not await call_log.has_words(pool, wanted.words):
        problem = "there is no word in it: write one that was said, or leave words out"
        raise Problem(422, f"words: {problem}", {"words": problem})
    ids = await call_log.find(pool, campaign.id, wanted, query.position, query.limit + 1)
    counted = await call_log.count(pool, campaign.id, wanted)
    page = page_of(CallAnswer, [CallAnswer.of(_values(row)) async for row in _queries.lines(pool, ids=ids)], query.limit)
    return CallsPage(items=page.items, next_cursor=page.next_cursor, total=counted.calls, at_least=counted.at_least)


async def get_call(asked: Asked[None, None]) -> WholeCallAnswer:
    """One call with its result, the evidence for it, and the transcript."""
    call = await _found(asked)
    detail: CallDetail = await _queries.get_call_detail(asked.database.pool, id=call.id)
    turns = [TurnAnswer.of(row) async for row in _queries.list_turns(asked.database.pool, call_id=call.id)]
    rest = {name: getattr(detail, name) for name in CallDetail.__dataclass_fields__}
    return WholeCallAnswer.of(_values(call) | rest | {"turns": turns})


async def get_recording(asked: Asked[None, None]) -> web.StreamResponse:
    """The recording as a WAV file: callee left, agent right; parts of it by Range."""
    return web.FileResponse(await _recording(asked), headers={"Content-Type": "audio/wav", "Cache-Control": "private, max-age=3600"})


async def get_peaks(asked: Asked[None, None]) -> PeaksAnswer:
    """What the waveform of a recording is drawn from."""
    try:
        return PeaksAnswer.of(await asyncio.to_thread(peaks_of, await _recording(asked)))
    except (NotARecording, OSError) as error:
        raise Problem(404, "the recording can't be read any more: its file is damaged") from error


async def list_events(asked: Asked[PageQuery, None]) -> Page[CallEventAnswer]:
    """All that was told about a call, in the order in which it came."""
    call, query = await _found(asked), asked.query
    found = _queries.list_events(asked.database.pool, call_id=call.id, after=query.position or 0, at_most=query.limit + 1)
    return page_of(CallEventAnswer, [row async for row in found], query.limit)


async def _recording(asked: Asked[Any, Any]) -> Path:
    """The file of a call's recording, never one outside of the data directory."""
    call = await _found(asked)
    if call.recording is None:
        raise Problem(404, "this call has no recording: it was not answered, or its agent does not record")
    if call.recording_deleted_at is not None:
        raise Problem(410, _deleted(call.recording_deleted_at, call.recording_kept_days))
    path = path_of(asked.house.data_dir, call.recording)
    if path is None or not await asyncio.to_thread(path.is_file):
        raise Problem(404, "the recording is not on this machine any more: it was deleted, or another one keeps it")
    return path


def _deleted(at: datetime, kept_days: int | None) -> str:
    why = "everything kept of this person was erased" if kept_days is None else f"recordings are kept for {kept_days} days"
    return f"the recording was deleted on {at:%Y-%m-%d}: {why}"


async def _found(asked: Asked[Any, Any]) -> CallLine:
    row: CallLine | None = await _queries.get_call(asked.database.pool, id=asked.id("call_id"))
    if row is None:
        raise Problem(404, f"there is no call {asked.id('call_id')}")
    return row


def _values(row: CallLine) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in CallLine.__dataclass_fields__}
    return values | {"attempt": row.try_, "has_recording": row.recording is not None and row.recording_deleted_at is None}


ROUTES = (
    Route("GET", "/campaigns/{campaign_id}/calls", list_calls, Role.VIEWER),
    Route("GET", "/calls/{call_id}", get_call, Role.VIEWER),
    Route("GET", "/calls/{call_id}/recording", get_recording, Role.VIEWER),
    Route("GET", "/calls/{call_id}/recording/peaks", get_peaks, Role.VIEWER),
    Route("GET", "/calls/{call_id}/events", list_events, Role.VIEWER),
)
