"""A history put in order for the checker: what stood at a turn, and everything that belongs to one attempt."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from dialer.campaign_settings import CampaignSettings
from tests.simulation.history import (
    CallCommitted,
    CampaignCommitted,
    ConnectionLost,
    ContactCommitted,
    ConversationEnded,
    Event,
    HangUpAsked,
    History,
    LineMoved,
    LookedUp,
    PostAccepted,
    PostBegan,
    PostReturned,
    ProcessKilled,
    ProcessStarted,
    Row,
    SettingsCommitted,
    StreamBound,
    SuppressionCommitted,
    SuppressionLifted,
    VerbAnswered,
    VerbBegan,
    VerbCommitted,
    WebhookAnswered,
)

V = TypeVar("V")
E = TypeVar("E", bound=Event)

NEVER = 1 << 60  # a turn after all others


@dataclass(frozen=True, slots=True)
class Finding:
    """A promise that was broken: when, what it is about, and how, in a sentence."""

    at: datetime
    sentence: str
    ids: Mapping[str, Any]


def broken(at: datetime, sentence: str, **ids: Any) -> Finding:
    return Finding(at, sentence, ids)


class Timeline(Generic[V]):
    """A value that changes from turn to turn."""

    def __init__(self) -> None:
        self._turns: list[int] = []
        self._values: list[V] = []

    def put(self, turn: int, value: V) -> None:
        self._turns.append(turn)
        self._values.append(value)

    def before(self, turn: int) -> V | None:
        """What stood just before this turn; None: nothing yet."""
        place = bisect_left(self._turns, turn)
        return self._values[place - 1] if place else None

    def between(self, first: int, last: int) -> list[V]:
        """All that stood at some time from turn `first` to turn `last`."""
        begin, end = max(bisect_left(self._turns, first) - 1, 0), bisect_left(self._turns, last + 1)
        return self._values[begin:end]

    def __iter__(self) -> Iterator[V]:
        return iter(self._values)


@dataclass(slots=True)
class CarrierCall:
    """A call that the carrier made: its own record of it, which is the truth."""

    id: str
    accepted: PostAccepted
    moves: list[LineMoved] = field(default_factory=list)
    hang_ups: list[HangUpAsked] = field(default_factory=list)

    def move(self, state: str) -> LineMoved | None:
        return next((each for each in self.moves if each.state == state), None)

    @property
    def answered(self) -> LineMoved | None:
        return self.move("answered")

    @property
    def ended(self) -> LineMoved | None:
        return self.move("ended")

    @property
    def ends_turn(self) -> int:
        return self.ended.turn if self.ended else NEVER

    def live_at(self, turn: int) -> bool:
        return self.accepted.turn <= turn < self.ends_turn


@dataclass(slots=True)
class Attempt:
    """One attempt to reach a callee: its commits, what was asked of the carrier for it, and what came of that there."""

    id: int
    commits: list[CallCommitted] = field(default_factory=list)
    posts: list[PostBegan] = field(default_factory=list)
    returns: list[PostReturned] = field(default_factory=list)
    at_carrier: list[CarrierCall] = field(default_factory=list)
    told: list[WebhookAnswered] = field(default_factory=list)
    bound: list[StreamBound] = field(default_factory=list)
    talks: list[ConversationEnded] = field(default_factory=list)
    row: Row | None = None

    @property
    def plan(self) -> CallCommitted:
        return self.commits[0]

    @property
    def planned_at(self) -> datetime:
        """By the clock of the claim, which is read a little before its commit."""
        at: datetime = self.row["planned_at"] if self.row else self.plan.at
        return at

    def _first(self, state: str) -> CallCommitted | None:
        return next((each for each in self.commits if each.after == state), None)

    @property
    def flip(self) -> CallCommitted | None:
        return self._first("requested")

    @property
    def end(self) -> CallCommitted | None:
        return self._first("ended")

    @property
    def outcome(self) -> str | None:
        """What the record says in the end, after any correction."""
        return self.commits[-1].outcome

    @property
    def ends_turn(self) -> int:
        return self.end.turn if self.end else NEVER

    @property
    def ids(self) -> frozenset[str]:
        """By which the carrier knows it."""
        return frozenset(each.id for each in self.at_carrier)

    def found_by(self, look: LookedUp) -> bool:
        return any(told.split()[0] in self.ids for told in look.found or ())

    def state_before(self, turn: int) -> str | None:
        states = [each.after for each in self.commits if each.turn < turn]
        return states[-1] if states else None

    def holder_at(self, at: datetime) -> str | None:
        """The process that held it before this instant, as others could have read it by then."""
        holders = [each.holder for each in self.commits if each.at < at]
        return holders[-1] if holders else None

    def live_before(self, turn: int) -> bool:
        return self.plan.turn < turn <= self.ends_turn


@dataclass(slots=True)
class Deed:
    """What an operator did: asked, committed and answered, as far as it came."""

    began: VerbBegan
    committed: VerbCommitted | None = None
    answered: VerbAnswered | None = None

    @property
    def done(self) -> VerbAnswered | None:
        """The answer, where the deed was done and the operator was told."""
        return self.answered if self.answered and self.answered.refused is None else None


class Reading:
    """The history by what it is about. All lists are in the order of their turns."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.events = sorted(history.events, key=lambda each: each.turn)
        self._of: dict[type[Event], list[Any]] = defaultdict(list)
        for event in self.events:
            self._of[type(event)].append(event)
        self.accounts = {each.id: each for each in history.accounts}
        self.lines = {each.id: each for each in history.lines}
        self.agents = {each.id: each for each in history.agents}
        self.settings: dict[int, Timeline[CampaignSettings]] = defaultdict(Timeline)
        self.status: dict[int, Timeline[CampaignCommitted]] = defaultdict(Timeline)
        self.contacts: dict[int, Timeline[ContactCommitted]] = defaultdict(Timeline)
        self.suppressed: dict[str, Timeline[frozenset[int]]] = defaultdict(Timeline)
        self.deeds = self._deeds()
        self._stand()
        self.attempts = self._attempts()
        self.killed = {each.process: each.turn for each in self.of(ProcessKilled)}
        self.capacity = {each.process: each.concurrency for each in self.of(ProcessStarted)}

    def of(self, kind: type[E]) -> Sequence[E]:
        return self._of[kind]

    def carrier_calls(self) -> list[CarrierCall]:
        return [each for attempt in self.attempts.values() for each in attempt.at_carrier]

    def settings_of(self, attempt: Attempt, turn: int) -> CampaignSettings | None:
        """The settings of the attempt's campaign just before a turn; None for a test call."""
        return self.settings[attempt.plan.campaign_id].before(turn) if attempt.plan.campaign_id is not None else None

    def line_id(self, attempt: Attempt) -> int | None:
        settings = self.settings_of(attempt, attempt.plan.turn)
        return settings.phone_number_id if settings else None

    def account_id(self, attempt: Attempt) -> int | None:
        line = self.lines.get(self.line_id(attempt) or 0)
        return line.account_id if line else None

    def contact_before(self, contact_id: int | None, turn: int) -> ContactCommitted | None:
        return self.contacts[contact_id].before(turn) if contact_id is not None else None

    def is_suppressed(self, number: str, turn: int) -> bool:
        return bool(self.suppressed[number].before(turn))

    def lifts(self, number: str) -> list[SuppressionLifted]:
        return [each for each in self.of(SuppressionLifted) if each.number == number]

    def of_number(self, number: str) -> list[Attempt]:
        return [each for each in self.attempts.values() if each.plan.number == number]

    def undisturbed(self, process: str, first: int, last: int) -> bool:
        """Whether this process was neither killed nor lost a connection between two turns: it did what it was about to do."""
        cut = any(first < each.turn < last for each in self.of(ConnectionLost) if each.process == process)
        return not cut and self.killed.get(process, NEVER) > last

    def _deeds(self) -> dict[int, Deed]:
        deeds = {each.verb_id: Deed(each) for each in self.of(VerbBegan)}
        for committed in self.of(VerbCommitted):
            deeds[committed.verb_id].committed = committed
        for answered in self.of(VerbAnswered):
            deeds[answered.verb_id].answered = answered
        return deeds

    def _stand(self) -> None:
        listed: dict[str, frozenset[int]] = defaultdict(frozenset)
        for event in self.events:
            match event:
                case SettingsCommitted():
                    self.settings[event.campaign_id].put(event.turn, event.settings)
                case CampaignCommitted():
                    self.status[event.campaign_id].put(event.turn, event)
                case ContactCommitted():
                    self.contacts[event.contact_id].put(event.turn, event)
                case SuppressionCommitted():
                    listed[event.number] |= {event.suppression_id}
                    self.suppressed[event.number].put(event.turn, listed[event.number])
                case SuppressionLifted():
                    listed[event.number] -= {event.suppression_id}
                    self.suppressed[event.number].put(event.turn, listed[event.number])

    def _attempts(self) -> dict[int, Attempt]:
        attempts: dict[int, Attempt] = {}
        made: dict[str, CarrierCall] = {}
        for event in self.events:
            match event:
                case CallCommitted():
                    attempts.setdefault(event.call_id, Attempt(event.call_id)).commits.append(event)
                case PostAccepted():
                    made[event.carrier_call_id] = CarrierCall(event.carrier_call_id, event)
                case LineMoved() if event.carrier_call_id in made:
                    made[event.carrier_call_id].moves.append(event)
                case HangUpAsked() if event.carrier_call_id in made:
                    made[event.carrier_call_id].hang_ups.append(event)
        for call in made.values():
            if call.accepted.call_id in attempts:
                attempts[call.accepted.call_id].at_carrier.append(call)
        parts: list[tuple[type[Event], str]] = [
            (PostBegan, "posts"),
            (PostReturned, "returns"),
            (WebhookAnswered, "told"),
            (StreamBound, "bound"),
            (ConversationEnded, "talks"),
        ]
        for kind, name in parts:
            for event in self._of[kind]:
                if event.call_id in attempts:
                    getattr(attempts[event.call_id], name).append(event)
        for row in self.history.final.calls:
            if row["id"] in attempts:
                attempts[row["id"]].row = row
        return attempts

    def looks_for(self, attempt: Attempt) -> list[LookedUp]:
        """Looks at the carrier that got an answer and would have shown this attempt's call, after it was asked for."""
        if attempt.flip is None:
            return []
        return [
            look
            for look in self.of(LookedUp)
            if look.turn > attempt.flip.turn
            and look.found is not None
            and (look.to == attempt.plan.number or look.carrier_call_id in attempt.ids)
        ]
