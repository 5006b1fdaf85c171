"""One answered call, from its stream's first word to its kept result: authenticate, load, build, run, result, save."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Protocol

from agent_runtime.agent import Agent
from agent_runtime.calls import Brief, CallActions, CallResult, EndedBy, EndReason, Evidence, Goal, Turn, Who
from agent_runtime.leg import Leg
from agent_runtime.supervision import Watcher
from db.browser_line import SHOWN, in_the_browser
from db.database import Database
from dialer import suppressions
from dialer.calling_hours import callee_zones
from dialer.carrier import Carrier, CarrierThrottled, DialOutcomeUnknown, NothingSent
from dialer.conversations import ConversationResult, KeptTurn, Superseded, finish_conversation, keep_event, keep_turn
from dialer.lifecycle import CallState
from dialer.phone_numbers import masked
from dialer.rows import CallBrief
from dialer.streams import bind_stream
from mediaserver.notebook import Notebook
from mediaserver.recordings import recording_of
from mediaserver.supervision.floor import Floor
from mediaserver.supervision.protocol import CallFacts, NoteTold
from mediaserver.switch.leg import SwitchLeg
from mediaserver.wire import StreamStarted

log = logging.getLogger(__name__)

Detail = dict[str, str | int | float | bool | None]

TURN_PATIENCE_S = 1.0  # how long the conversation may wait for an entry to be durable while the database is slow
OPT_OUT_PATIENCE_S = 6.0  # it waits itself, up to 5 s, for requests to the carrier that are on their way
HANG_UP_PAUSES_S = (0.2, 0.5, 1.0, 2.0)


class NoToken(Exception):
    """The stream's start carries no token: it does not come from an answer document of ours."""


class Line(Protocol):
    """The carrier's stream of one call."""

    def open(self, record_to: Path | None) -> SwitchLeg:
        """A leg for the stream, recorded into `record_to` (a .wav file). Once per stream."""

    @property
    def stopped(self) -> bool:
        """Whether the carrier said that the stream is over, which it does when the call is, and reports the end of the call too."""

    @property
    def cut(self) -> bool:
        """Whether we ended the stream while the call went on: for a fault of the peer, or because this process stops."""

    @property
    def broke(self) -> bool:
        """Whether the stream ended from the other side without being stopped: the call may be over, or its line lost."""

    def close(self) -> None:
        """Close the leg and the socket, after what waits to be sent. May be called twice."""


@dataclass(frozen=True, slots=True)
class CallHouse:
    """What all calls of this process share.

    `carriers`: by the name of their carrier account. `converse`: `agent_runtime.conversation.converse` with its services.
    `greeting`: the first message as PCM at 8 kHz, where it was prepared while it rang.
    `data_dir`: recordings lie in its folder `recordings`. `floor`: where supervisors find the call while it is in progress.
    """

    db: Database
    process_id: str
    carriers: Mapping[str, Carrier]
    converse: Callable[[Leg, Brief, CallActions, Watcher], Awaitable[CallResult]]
    greeting: Callable[[Agent, CallBrief], Awaitable[bytes | None]]
    data_dir: Path
    floor: Floor


async def run_call(house: CallHouse, started: StreamStarted, line: Line) -> None:
    """The whole call. Returns when its result is kept.

    Raises:
        NoToken, StreamRefused: the stream has no right to a call. What fails later ends in a result that says so.
    """
    if not (token := started.parameters.get("token")):
        raise NoToken("the stream's start has no token")
    call = await bind_stream(house.db, token, started.stream_id, house.process_id)
    notebook = Notebook(call.call_id)
    actions = ActionsOnCall(house, call, started.carrier_call_id or call.carrier_call_id or "", line, notebook)
    recording = recording_of(call.call_id) if call.definition.get("record", True) else None

    try:
        result = await _converse(house, call, line, actions, house.data_dir / recording if recording else None)
        await actions.hang_up()
        line.close()
        if result.reason is EndReason.HUNG_UP and (line.cut or actions.callee_was_cut_off):  # all that the conversation could see
            why = Evidence("the media stream broke off while the call went on")
            result = replace(result, ended_by=EndedBy.FAULT, reason=EndReason.LINE_LOST, reason_evidence=why)
        await actions.keep_result(result, recording)
        await notebook.written()
    finally:
        notebook.close()


async def _converse(house: CallHouse, call: CallBrief, line: Line, actions: "ActionsOnCall", record_to: Path | None) -> CallResult:
    """The conversation's result, also where it failed."""
    try:
        leg = line.open(record_to)
        with house.floor.opened(call.call_id, leg, _facts(call), actions.supervised) as watcher:
            return await house.converse(leg, await _brief(house, call), actions, watcher)
    except Exception:  # the conversation's boundary: the call still ends in order, with a result that says what happened
        log.exception("call %d: the conversation failed", call.call_id)
        return _failed(actions.turns)


async def _brief(house: CallHouse, call: CallBrief) -> Brief:
    agent = Agent.from_dict(call.definition)
    zones = callee_zones(call.number, call.variables.get("timezone") or None)
    return Brief(
        call_id=str(call.call_id),
        agent=agent,
        variables={name: str(value) for name, value in call.variables.items()},
        greeting=await house.greeting(agent, call),
        zone=zones[0].key if zones else "UTC",
    )


def _facts(call: CallBrief) -> CallFacts:
    return CallFacts(
        id=str(call.call_id),
        number=SHOWN if in_the_browser(call.number) else call.number,
        contact_name=call.contact_name,
        campaign_id=None if call.campaign_id is None else str(call.campaign_id),
        campaign_name=call.campaign_name,
        agent_name=call.agent_name,
        answered_at=call.answered_at.isoformat() if call.answered_at is not None else "",
        rehearsal=call.rehearsal,
        variables={name: str(value) for name, value in call.variables.items()},
    )


@dataclass(slots=True)
class ActionsOnCall:
    """Implements `agent_runtime.calls.CallActions` for one call."""

    _house: CallHouse
    _call: CallBrief
    _carrier_call_id: str
    _line: Line
    _notebook: Notebook
    _turns: dict[int, Turn] = field(default_factory=dict)
    _hanging_up: "asyncio.Task[bool] | None" = None
    callee_was_cut_off: bool = False  # the stream broke off, and the carrier had the callee on the line

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The transcript so far."""
        return tuple(turn for _, turn in sorted(self._turns.items()))

    async def suppress(self, reason: str) -> None:
        """Keep the number from being called again. While the database is away the call goes on, and the wish is kept when it is back.

        Whoever talks in the browser tries the agent out, and has no number: the wish stands in the result alone.
        """
        call = self._call
        if in_the_browser(call.number):
            return

        async def write() -> None:
            await suppressions.add(
                self._house.db, call.number, reason=reason, source="call", actor="agent", rehearsal=call.rehearsal, call_id=call.call_id
            )

        if not await self._notebook.keep(write, patience_s=OPT_OUT_PATIENCE_S):
            log.error("call %d: the callee's wish not to be called again waits for the database", self._call.call_id)

    async def turn_ended(self, position: int, turn: Turn) -> None:
        """Keep a turn of the transcript; the same position again replaces it."""
        self._turns[position] = turn
        kept = KeptTurn(position=position, **asdict(turn))
        await self._notebook.keep(lambda: keep_turn(self._house.db, self._call.call_id, kept), patience_s=TURN_PATIENCE_S)

    async def note(self, kind: str, detail: Detail) -> None:
        """Keep an event of the call's timeline."""
        key = secrets.token_hex(8)  # a note whose commit lost its answer is written again, and stands there once
        await self._notebook.keep(
            lambda: keep_event(self._house.db, self._call.call_id, "agent", kind, detail, key=key), patience_s=TURN_PATIENCE_S
        )

    def supervised(self, note: NoteTold) -> None:
        """Keep what a supervisor did, as an event of the call's timeline."""
        key, detail = secrets.token_hex(8), {"by": note.by, "at_ms": note.at_ms, "text": note.text, "answer": note.answer}
        told = {name: value for name, value in detail.items() if value != ""}
        self._notebook.put(lambda: keep_event(self._house.db, self._call.call_id, "operator", note.kind, told, key=key))

    async def hang_up(self) -> None:
        """End the phone call at the carrier, once, where the carrier has not ended it.

        Where the carrier can't be reached, the stream is closed all the same, and the answer door or settling ends the call.
        """
        if self._hanging_up is None:
            if self._line.stopped:
                return
            self._hanging_up = asyncio.create_task(self._hang_up(), name=f"hang-up of call {self._call.call_id}")
        await asyncio.shield(self._hanging_up)

    async def keep_result(self, result: CallResult, recording: str | None) -> None:
        """Keep what came of the call, and the turns that were not kept while it ran."""
        for position, turn in enumerate(result.turns):
            if self._turns.get(position) != turn:
                await self.turn_ended(position, turn)
        await self._notebook.keep(lambda: self._finish(result, recording), patience_s=0)

    async def _finish(self, result: CallResult, recording: str | None) -> None:
        hung_up = self._hanging_up is not None and await self._hanging_up
        try:
            await finish_conversation(self._house.db, self._call.call_id, self._call.fence, _kept(result, recording), hung_up=hung_up)
        except Superseded as error:
            log.warning("%s", error)

    async def _goes_on(self) -> bool:
        """Whether the carrier still has the callee on the line."""
        try:
            told = await self._house.carriers[self._call.account].look_up_call(self._carrier_call_id)
        except (CarrierThrottled, DialOutcomeUnknown, NothingSent) as error:
            log.warning("call %d: the carrier does not say whether it goes on: %s", self._call.call_id, masked(error))
            return False
        return told is not None and told.state is not CallState.ENDED

    async def _hang_up(self) -> bool:
        if self._line.broke:
            self.callee_was_cut_off = await self._goes_on()
        for pause in (*HANG_UP_PAUSES_S, None):
            try:
                await self._house.carriers[self._call.account].hang_up(self._carrier_call_id)
            except (CarrierThrottled, DialOutcomeUnknown, NothingSent) as error:
                log.warning("call %d: the carrier did not take the hang-up: %s", self._call.call_id, masked(error))
            else:
                return True
            if pause is not None:
                await asyncio.sleep(pause)
        log.error("call %d: could not be hung up; closing its stream ends it", self._call.call_id)
        return False


def _kept(result: CallResult, recording: str | None) -> ConversationResult:
    evidence = {"reason": asdict(result.reason_evidence), "who": asdict(result.who_evidence), "goal": asdict(result.goal_evidence)}
    return ConversationResult(
        ended_by=result.ended_by.value,
        reason=result.reason.value,
        who=result.who.value,
        goal=result.goal.value,
        evidence=evidence,
        fields=result.fields,
        summary=result.summary,
        sentiment=result.sentiment,
        sentiment_word=result.sentiment_word,
        opted_out=result.opted_out,
        callback_at=result.callback_at,
        first_word_ms=result.first_word_ms,
        message_delivered=result.message_delivered,
        recording=recording,
    )


def _failed(turns: tuple[Turn, ...]) -> CallResult:
    why = Evidence("the conversation failed; the log of this process has the cause")
    return CallResult(EndedBy.FAULT, EndReason.FAILED, why, Who.UNKNOWN, why, Goal.UNCLEAR, why, turns=turns)
