"""How calls flow through the hours ahead, by expectation: contacts are amounts, steps of time carry them from due to called to done. Pure.

A step is at most 2 % of the time looked ahead (5 s at first), and never reaches over the end of a span. In a step, calls start as fast as
the free slots and the spacing between two starts let them, due retries before fresh contacts.
"""

import heapq
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from dialer.forecast_hours import Group, Span
from dialer.retries import CALLBACK_WITHOUT_TIME

STEP_SHARE, STEP_FIRST_S = 0.02, 5.0
NOTHING = 1e-6  # contacts: less than this is nobody, in one step
LEFT_OVER = 0.01  # contacts: the flow ends where fewer are left in expectation
_CALLBACK_S = CALLBACK_WITHOUT_TIME.total_seconds()


@dataclass(frozen=True, slots=True)
class Pace:
    """`slots`: calls at the same time; `per_s`: starts per second, finite; `hold_s`: how long a call keeps its slot."""

    slots: float
    per_s: float
    hold_s: float

    def most(self, live: float, seconds: float) -> float:
        """Calls that may start within `seconds`, with `live` in progress at their begin."""
        turns = seconds / self.hold_s
        by_slots = self.slots - live + live * turns if turns < 1 else self.slots * turns
        return min(by_slots, self.per_s * seconds)

    def seconds_for(self, calls: float, live: float) -> float:
        """How long until so many have started."""
        free = self.slots - live
        if calls <= free:
            turns = 0.0
        elif calls < self.slots:
            turns = (calls - free) / live
        else:
            turns = calls / self.slots
        return max(turns * self.hold_s, calls / self.per_s)

    def live_after(self, live: float, seconds: float, calls: float) -> float:
        """Calls in progress after `seconds` in which `calls` have started."""
        turns = seconds / self.hold_s
        return min(self.slots, live * (1 - turns) + calls if turns < 1 else calls / turns)


@dataclass(frozen=True, slots=True)
class Chances:
    """Shares of calls: `answered` by anybody or a machine, `person`: a person, whose contact is done with it; `again`: called again while
    tries are left; `callback`: called again in any case, a day later."""

    answered: float
    person: float
    again: float
    callback: float


@dataclass(frozen=True, slots=True)
class Gap:
    """From the start of a call to the start of the contact's next, s, and what it waits for: the retry delay or the caps."""

    seconds: float
    waits_for: str


@dataclass(frozen=True, slots=True)
class Cohort:
    """So many contacts of whom the same is known. `left`: tries that they still have, at least 1; `made`: tries made; `due_at`: not before;
    `waits_for`: what they wait for until then. `certain`: they will be called, and are not only expected to be."""

    group: Group
    contacts: float
    left: int
    made: int = 0
    due_at: datetime | None = None
    waits_for: str = "retry_delay"
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Bucket:
    """An hour, or a day far ahead, as far as something is called in it: expected calls, answered ones, and contacts reached."""

    start: datetime
    end: datetime
    calls: float
    answered: float
    reached: float


@dataclass(frozen=True, slots=True)
class Flow:
    """`finished_at`: None where it was not within the spans. `spent_s`: seconds until then by what they were spent on: "calling", or what
    was waited for. `contacts_left`: whose calls would come after the spans."""

    finished_at: datetime | None
    buckets: tuple[Bucket, ...]
    spent_s: Mapping[str, float]
    contacts_left: float


@dataclass(frozen=True, slots=True)
class _Stage:
    """How far contacts are. `certain`: they are there now and have to be called; else some may have to be called again."""

    left: int
    made: int
    certain: bool

    @property
    def following(self) -> "_Stage":
        return _Stage(max(1, self.left - 1), self.made + 1, False)


Amounts = NDArray[np.float64]  # contacts, by stage and group; or by one of them


class _Ways:
    """From stage to stage: for each kind of gap, a matrix that carries the contacts of a call on to their next try."""

    def __init__(self, begun: Iterable[_Stage], gaps: Sequence[Gap], chances: Chances, hold_s: float) -> None:
        self.stages = _reachable(begun, calls_back=chances.callback > 0)
        number = {stage: position for position, stage in enumerate(self.stages)}
        again: dict[Gap, Amounts] = {}
        size = len(self.stages)
        for stage, position in number.items():
            if stage.left > 1:
                gap = gaps[min(stage.made, len(gaps) - 1)]
                again.setdefault(gap, np.zeros((size, size)))[number[stage.following], position] = chances.again
            if chances.callback > 0:
                back = Gap(hold_s + _CALLBACK_S, "callback")
                again.setdefault(back, np.zeros((size, size)))[number[stage.following], position] = chances.callback
        self.again = tuple(again.items())
        self.retried = np.array([stage.made > 0 for stage in self.stages])
        self.certain = np.array([stage.certain for stage in self.stages])


def _reachable(begun: Iterable[_Stage], *, calls_back: bool) -> list[_Stage]:
    """`begun` and what comes after them. Callbacks go on for ever: they are told apart no further than the tries go."""
    found: dict[_Stage, None] = {}
    for stage in begun:
        while stage not in found:
            found[stage] = None
            if stage.left == 1 and not (calls_back and stage.certain):
                break
            stage = stage.following
    return list(found)


@dataclass
class _Stream:
    """The state of one flow. Times are seconds since `begin`."""

    begin: datetime
    pace: Pace
    chances: Chances
    ways: _Ways
    groups: Mapping[Group, int]
    enough: float
    live: float
    last_end_s: float
    due: Amounts = field(init=False)
    waiting: list[tuple[float, int, str, Amounts]] = field(default_factory=list)
    certain: float = 0.0
    possible: float = 0.0
    finished_s: float | None = None
    spent_s: dict[str, float] = field(default_factory=dict)
    calls_in: dict[datetime, tuple[Span, Span, float]] = field(default_factory=dict)
    turn: "itertools.count[int]" = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.due = np.zeros((len(self.ways.stages), len(self.groups)))

    def put(self, at_s: float, waits_for: str, contacts: Amounts) -> None:
        """So many contacts are due at `at_s`."""
        certain = float(contacts[self.ways.certain].sum())
        self.certain += certain
        self.possible += float(contacts.sum()) - certain
        heapq.heappush(self.waiting, (at_s, next(self.turn), waits_for, contacts))

    def over(self) -> bool:
        """Whether nobody is left; notes the finish where so few are left that probably nobody is."""
        if self.finished_s is None and self.certain < LEFT_OVER and self.possible < self.enough:
            self.finished_s = self.last_end_s
        return self.certain + self.possible < LEFT_OVER and self.finished_s is not None

    def through(self, span: Span) -> None:
        """Everything that happens in one span."""
        now, end = (span.start - self.begin).total_seconds(), (span.end - self.begin).total_seconds()
        if not span.open:
            self._wait(span, end - now)
            return
        is_open = np.array([group in span.open for group in self.groups], dtype=np.float64)
        while now < end and not self.over():
            self._fall_due(now)
            callable_now = self.due @ is_open
            total = float(callable_now.sum())
            if total < NOTHING:
                until = min(end, self.waiting[0][0]) if self.waiting else end
                self._wait(span, until - now)
                now = until
                continue
            step = min(max(STEP_FIRST_S, now * STEP_SHARE), end - now, self.pace.seconds_for(total, self.live))
            calls = min(total, self.pace.most(self.live, step))
            self._call(self.due * is_open * self._shares(callable_now, calls)[:, None], now + step / 2)
            self._note(span, now + step, step, calls)
            now += step

    def _fall_due(self, now: float) -> None:
        while self.waiting and self.waiting[0][0] <= now:
            self.due += heapq.heappop(self.waiting)[3]

    def _wait(self, span: Span, seconds: float) -> None:
        if not span.window_open:
            waits_for = "window"
        elif not self.waiting or self.due.sum() > NOTHING:
            waits_for = "local_hours"
        else:
            waits_for = self.waiting[0][2]
        self._spend(waits_for, seconds)
        self.live = self.pace.live_after(self.live, seconds, 0.0)

    def _shares(self, callable_now: Amounts, calls: float) -> Amounts:
        """The share of each stage that is called: due retries first, alike among themselves, then fresh contacts."""
        retries = float(callable_now[self.ways.retried].sum())
        fresh = float(callable_now.sum()) - retries
        of_retries = min(1.0, calls / retries) if retries > NOTHING else 1.0
        of_fresh = min(1.0, max(0.0, calls - retries) / fresh) if fresh > NOTHING else 1.0
        return np.where(self.ways.retried, of_retries, of_fresh)

    def _call(self, called: Amounts, at_s: float) -> None:
        """Calls to these contacts have started: who of them is called again, and when."""
        self.due -= called
        certain = float(called[self.ways.certain].sum())
        self.certain -= certain
        self.possible -= float(called.sum()) - certain
        for gap, carried_on in self.ways.again:
            again = carried_on @ called
            if again.any():
                self.put(at_s + gap.seconds, gap.waits_for, again)

    def _note(self, span: Span, until_s: float, seconds: float, calls: float) -> None:
        first, _, before = self.calls_in.get(span.bucket, (span, span, 0.0))
        self.calls_in[span.bucket] = (first, span, before + calls)
        self.live = self.pace.live_after(self.live, seconds, calls)
        self.last_end_s = until_s + self.pace.hold_s
        self._spend("calling", seconds)

    def _spend(self, on: str, seconds: float) -> None:
        if self.finished_s is None:
            self.spent_s[on] = self.spent_s.get(on, 0.0) + seconds

    def bucket(self, first: Span, last: Span, calls: float) -> Bucket:
        return Bucket(first.start, last.end, calls, calls * self.chances.answered, calls * self.chances.person)


def flow(
    begin: datetime,
    spans: Iterable[Span],
    cohorts: Sequence[Cohort],
    *,
    pace: Pace,
    chances: Chances,
    gaps: Sequence[Gap],
    live: float = 0.0,
    enough: float = 0.5,
) -> Flow:
    """Let the contacts flow from `begin` on. `gaps`: after the first, second, ... try, the last for all that follow. `live`: calls in
    progress at the begin. Finished is when all contacts were called and fewer than `enough` are expected to be called again."""
    begun = [_Stage(each.left, each.made, each.certain) for each in cohorts]
    ways = _Ways(begun, gaps, chances, pace.hold_s)
    groups = {group: position for position, group in enumerate(dict.fromkeys(each.group for each in cohorts))}
    stream = _Stream(begin, pace, chances, ways, groups, enough, min(live, pace.slots), pace.hold_s if live else 0.0)
    for each, stage in zip(cohorts, begun, strict=True):
        contacts = np.zeros_like(stream.due)
        contacts[ways.stages.index(stage), groups[each.group]] = each.contacts
        due_s = 0.0 if each.due_at is None else max(0.0, (each.due_at - begin).total_seconds())
        stream.put(due_s, each.waits_for, contacts)
    for span in spans:
        stream.through(span)
        if stream.over():
            break
    buckets = tuple(stream.bucket(first, last, calls) for first, last, calls in stream.calls_in.values())
    finished_at = None if stream.finished_s is None else begin + timedelta(seconds=stream.finished_s)
    return Flow(finished_at, buckets, stream.spent_s, stream.certain + stream.possible)
