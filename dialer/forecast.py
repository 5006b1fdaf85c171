"""When a campaign will be done, how fast it will call, who will not be called, and what to change. Pure.

A model of expectations, explained in docs/forecast.md: what is not known is assumed, the assumptions are part of the answer, and each gives
way to what is observed as calls are made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import sqrt
from zoneinfo import ZoneInfo

from dialer.calling_hours import UnknownZone, Window, window, zone
from dialer.campaign_settings import CampaignSettings
from dialer.forecast_flow import Bucket, Chances, Cohort, Flow, Gap, Pace, flow
from dialer.forecast_hours import HoursAhead
from dialer.gates import Verdict, frequency_cap
from dialer.lifecycle import CampaignStatus, ContactStatus, shown
from dialer.retries import Outcome, RetryRules, Tries, after

PRIOR_CALLS = 20  # so many calls of experience the assumptions count for
PRIOR_SHARES: Mapping[Outcome, float] = {Outcome.PERSON: 0.35, Outcome.VOICEMAIL_MESSAGE: 0.20, Outcome.NO_ANSWER: 0.45}
PRIOR_ANSWERED_S = 60.0
HOLD_OFF_BY = 0.25  # how wrong the assumed length of calls may be, as a share
SIGMAS = 1.64  # 9 of 10 lie within
SURELY_DONE, PROBABLY_DONE = 0.05, 0.5  # contacts that may still have to be called again, in expectation
LOOKS_AHEAD = timedelta(days=366)

ANSWERED = frozenset({Outcome.PERSON, Outcome.CALLBACK, Outcome.VOICEMAIL_MESSAGE, Outcome.VOICEMAIL_NO_MESSAGE, Outcome.DROPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class LineLimits:
    """What the number, its carrier account and the running processes allow; None: no limit of its own (`process_concurrency`: no process
    runs now). `on_*`: other campaigns in progress on the account, on the number, and on all."""

    account_calls_per_second: float
    number_calls_per_second: float | None
    number_concurrency: int | None
    process_concurrency: int | None
    on_account: int
    on_number: int
    on_processes: int
    backed_off_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsSoFar:
    """What came of the campaign's last calls. Means of how long a call kept its slot, s; None where there was none."""

    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    answered_s: float | None = None
    unanswered_s: float | None = None

    @property
    def calls(self) -> int:
        return sum(self.outcomes.values())

    @property
    def answered(self) -> int:
        return sum(count for outcome, count in self.outcomes.items() if outcome in ANSWERED)


@dataclass(frozen=True, slots=True)
class SkippedContacts:
    """Contacts that will not be called: by which gate, and its words."""

    gate: str
    reason: str
    contacts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastView:
    """All that a forecast is made from. `live`: calls in progress; `pilot_left`: fresh contacts until the pilot pauses, None: no pilot;
    `answer_rate`: assumed by who asks; `sampled`: contacts that stand for all `pending` ones, None: all were looked at;
    `numbers_known`: False where only the number of contacts is."""

    settings: CampaignSettings
    status: CampaignStatus
    line: LineLimits
    cohorts: Sequence[Cohort]
    pending: int
    live: int = 0
    skipped: Sequence[SkippedContacts] = ()
    so_far: CallsSoFar = CallsSoFar()
    pilot_left: int | None = None
    answer_rate: float | None = None
    sampled: int | None = None
    numbers_known: bool = True


@dataclass(frozen=True, slots=True)
class Assumption:
    """`basis`: assumed, mixed (assumed, and already corrected by what was seen), observed, or set (by people)."""

    name: str
    value: float
    basis: str
    words: str


@dataclass(frozen=True, slots=True)
class Limit:
    """What holds the campaign back most, and what to change. `calls_per_hour`: what it lets through, where it limits the pace."""

    name: str
    words: str
    calls_per_hour: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """`finishes_at`: expected; `earliest_at` to `latest_at`: likely, 9 of 10; all None where it does not finish by itself: `held` says why.
    `timezone`: of the buckets. `calls_per_hour`: while it calls. `contacts`: to be called; `reached`: by a person."""

    made_at: datetime
    finishes_at: datetime | None
    earliest_at: datetime | None
    latest_at: datetime | None
    held: str
    timezone: str
    contacts: float
    calls: float
    answered: float
    reached: float
    calls_per_hour: float
    buckets: tuple[Bucket, ...]
    skipped: tuple[SkippedContacts, ...]
    limit: Limit
    assumptions: tuple[Assumption, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """What calls are expected to come to: shares of outcomes, and how long a call keeps its slot, s."""

    shares: Mapping[Outcome, float]
    answered_s: float
    unanswered_s: float
    experience: float  # calls, assumed and seen

    @property
    def answer_rate(self) -> float:
        return sum(share for outcome, share in self.shares.items() if outcome in ANSWERED)

    @property
    def hold_s(self) -> float:
        return self.answer_rate * self.answered_s + (1 - self.answer_rate) * self.unanswered_s

    def turned(self, answer_rate: float, longer: float) -> "Expected":
        """The same with another answer rate, and calls `longer` times as long."""
        was = self.answer_rate
        answered, not_answered = answer_rate / was if was else 0.0, (1 - answer_rate) / (1 - was) if was < 1 else 0.0
        shares = {outcome: share * (answered if outcome in ANSWERED else not_answered) for outcome, share in self.shares.items()}
        return Expected(shares, self.answered_s * longer, self.unanswered_s * longer, self.experience)


def forecast(view: ForecastView, now: datetime) -> Forecast:
    """What will come of the campaign, as far as can be told at `now`; of a Draft and a Paused one, as if it ran from now on."""
    expected = expect(view)
    try:
        hours = window(view.settings.start_time, view.settings.end_time, view.settings.timezone, view.settings.weekdays)
        where = zone(view.settings.timezone or "UTC")
    except UnknownZone as error:
        return _nothing(view, expected, now, f"nothing is called: {error}")
    cohorts = _with_live(_in_pilot(view), view, expected, now)
    if not cohorts:
        return _nothing(view, expected, now, _nobody(view))
    begin = max(now, view.settings.scheduled_start or now, view.line.backed_off_until or now)
    ahead = HoursAhead(hours, sorted({each.group for each in cohorts}, key=str), where, begin, begin + LOOKS_AHEAD)
    likely = _run(view, expected, cohorts, ahead, begin, PROBABLY_DONE)
    cases = _range(expected, sum(each.contacts for each in cohorts)) if likely.finished_at is not None else []
    others = [_run(view, each, cohorts, ahead, begin, enough) for each, enough in cases]
    return _told(view, expected, cohorts, hours, where, now, begin, likely, others)


def _told(
    view: ForecastView,
    expected: Expected,
    cohorts: Sequence[Cohort],
    hours: Window | None,
    where: ZoneInfo,
    now: datetime,
    begin: datetime,
    likely: Flow,
    others: Sequence[Flow],
) -> Forecast:
    held = _held(view, likely, where)
    ends = [each.finished_at for each in (likely, *others)]
    known = [end for end in ends if end is not None]
    finishes = likely.finished_at if not held else None
    last_call = timedelta(seconds=expected.hold_s)  # how long the very last one takes, nobody knows
    return Forecast(
        made_at=now,
        finishes_at=finishes,
        earliest_at=max(now, min(known) - last_call) if finishes else None,
        latest_at=max(known) + last_call if finishes and len(known) == len(ends) else None,
        held=held,
        timezone=where.key,
        contacts=sum(each.contacts for each in cohorts if each.certain),
        calls=sum(each.calls for each in likely.buckets),
        answered=sum(each.answered for each in likely.buckets),
        reached=sum(each.reached for each in likely.buckets),
        calls_per_hour=_pace_limit(view, expected).calls_per_hour or 0.0,
        buckets=likely.buckets,
        skipped=tuple(view.skipped),
        limit=_binding(view, expected, likely, hours, (begin - now).total_seconds()),
        assumptions=_assumptions(view, expected),
    )


def _nothing(view: ForecastView, expected: Expected, now: datetime, why: str) -> Forecast:
    return Forecast(
        made_at=now,
        finishes_at=None,
        earliest_at=None,
        latest_at=None,
        held=why,
        timezone=view.settings.timezone or "UTC",
        contacts=0.0,
        calls=0.0,
        answered=0.0,
        reached=0.0,
        calls_per_hour=0.0,
        buckets=(),
        skipped=tuple(view.skipped),
        limit=Limit("nobody", why),
        assumptions=_assumptions(view, expected),
    )


def _nobody(view: ForecastView) -> str:
    if view.status in (CampaignStatus.COMPLETED, CampaignStatus.CANCELLED):
        return f"the campaign is {shown(view.status)}: nothing more is called"
    if view.pilot_left == 0:
        return "the pilot has begun all its contacts: the campaign pauses by itself; Resume it to call the others"
    if view.pending:
        return f"none of the {view.pending:,} pending contacts can be called: see who is skipped, and why"
    return "there is nobody to call: import a CSV or add contacts first"


def expect(view: ForecastView) -> Expected:
    """Assumptions and what was seen, each weighed by its number of calls."""
    seen = view.so_far
    calls = PRIOR_CALLS + seen.calls
    prior = Expected(PRIOR_SHARES, PRIOR_ANSWERED_S, float(view.settings.ring_timeout_s), PRIOR_CALLS)
    if view.answer_rate is not None:
        prior = prior.turned(view.answer_rate, 1.0)
    shares = {
        outcome: (prior.shares.get(outcome, 0.0) * PRIOR_CALLS + seen.outcomes.get(outcome, 0)) / calls
        for outcome in {*prior.shares, *seen.outcomes}
    }
    return Expected(
        shares,
        _mixed(prior.answered_s, seen.answered_s, seen.answered),
        _mixed(prior.unanswered_s, seen.unanswered_s, seen.calls - seen.answered),
        calls,
    )


def _mixed(assumed: float, seen: float | None, calls: int) -> float:
    return assumed if seen is None else (assumed * PRIOR_CALLS + max(seen, 1.0) * calls) / (PRIOR_CALLS + calls)


def _range(expected: Expected, contacts: float) -> list[tuple[Expected, float]]:
    """The optimistic and the pessimistic case: answer rate and length of calls at the ends of what is likely, and when it is over then."""
    rate = expected.answer_rate
    spread = SIGMAS * sqrt(rate * (1 - rate) * (1 / (expected.experience + 1) + 1 / max(1.0, contacts)))
    longer = HOLD_OFF_BY * sqrt(PRIOR_CALLS / expected.experience)
    return [
        (expected.turned(min(1.0, rate + spread), 1 - longer), PROBABLY_DONE),
        (expected.turned(max(0.0, rate - spread), 1 + longer), SURELY_DONE),
    ]


def _in_pilot(view: ForecastView) -> list[Cohort]:
    """The contacts that will be called: of fresh ones, while a pilot goes, only so many as it has left."""
    if view.status in (CampaignStatus.COMPLETED, CampaignStatus.CANCELLED):
        return []
    fresh = sum(each.contacts for each in view.cohorts if each.made == 0)
    share = 1.0 if view.pilot_left is None or fresh <= view.pilot_left else view.pilot_left / fresh
    factors = [share if each.made == 0 else 1.0 for each in view.cohorts]
    return [_scaled(each, factor) for each, factor in zip(view.cohorts, factors, strict=True) if each.contacts * factor > 0]


def _scaled(cohort: Cohort, factor: float) -> Cohort:
    return Cohort(cohort.group, cohort.contacts * factor, cohort.left, cohort.made, cohort.due_at, cohort.waits_for, cohort.certain)


def _with_live(cohorts: list[Cohort], view: ForecastView, expected: Expected, now: datetime) -> list[Cohort]:
    """The contacts of calls in progress come again like any others: taken for calls that begin now, to a mean contact."""
    if not view.live or view.settings.max_retries == 0:
        return cohorts
    again = view.live * _chances(expected, view.settings).again
    gap = _gaps(view.settings, expected)[0]
    group = max(cohorts, key=lambda each: each.contacts).group if cohorts else frozenset[ZoneInfo]()
    due = now + timedelta(seconds=gap.seconds)
    return [*cohorts, Cohort(group, again, view.settings.max_retries, 1, due, gap.waits_for, certain=False)]


def _run(view: ForecastView, expected: Expected, cohorts: Sequence[Cohort], ahead: HoursAhead, begin: datetime, enough: float) -> Flow:
    return flow(
        begin,
        ahead,
        cohorts,
        pace=_pace(view, expected),
        chances=_chances(expected, view.settings),
        gaps=_gaps(view.settings, expected),
        live=view.live,
        enough=enough,
    )


def _rules(settings: CampaignSettings, max_retries: int) -> RetryRules:
    return RetryRules(max_retries, settings.retry_delay_min, settings.retry_on_voicemail, settings.retry_on_dropped)


def _chances(expected: Expected, settings: CampaignSettings) -> Chances:
    shares = expected.shares
    again = sum(shares[outcome] for outcome in _called_again(expected, settings))
    return Chances(expected.answer_rate, shares.get(Outcome.PERSON, 0.0), again, shares.get(Outcome.CALLBACK, 0.0))


def _called_again(expected: Expected, settings: CampaignSettings) -> list[Outcome]:
    """Outcomes after which `dialer.retries` has a contact called again that has a try left; without callbacks, which need none."""
    any_time = datetime.min.replace(tzinfo=UTC)
    rules = _rules(settings, 1)
    tried_again = [each for each in expected.shares if after(each, rules, Tries(0), now=any_time).status is ContactStatus.PENDING]
    return [each for each in tried_again if each is not Outcome.CALLBACK]


def _gaps(settings: CampaignSettings, expected: Expected) -> list[Gap]:
    """From the start of each try to the start of the next, were there no calling hours: the delay, or the caps where they are longer."""
    began = datetime(2000, 1, 3, tzinfo=UTC)  # any instant: only differences count
    retry = after(Outcome.NO_ANSWER, _rules(settings, 1), Tries(0), now=began).not_before or began
    delay = retry - began + timedelta(seconds=_hold_before_retry(settings, expected))
    tries, gaps = [began], []
    for _ in range(max(1, settings.max_retries)):
        seen = frequency_cap(tries, settings.max_per_24h, settings.max_per_7d, tries[-1] + delay)
        following = tries[-1] + delay if seen.verdict is Verdict.CALL else seen.look_again_at or tries[-1] + delay
        gaps.append(Gap((following - tries[-1]).total_seconds(), "retry_delay" if seen.verdict is Verdict.CALL else "frequency_cap"))
        tries.append(following)
    return gaps


def _hold_before_retry(settings: CampaignSettings, expected: Expected) -> float:
    """How long a call takes that leads to a retry, s."""
    outcomes = _called_again(expected, settings)
    whole = sum(expected.shares[each] for each in outcomes)
    if not whole:
        return expected.unanswered_s
    answered = sum(expected.shares[each] for each in outcomes if each in ANSWERED) / whole
    return answered * expected.answered_s + (1 - answered) * expected.unanswered_s


def _slots(view: ForecastView) -> list[tuple[float, str, str]]:
    """Limits on calls at the same time: how many, which, and in words. What is shared is shared equally."""
    line, most = view.line, view.settings.concurrency
    found = [(float(most), "concurrency", f"concurrency: {most} call{'' if most == 1 else 's'} at the same time; raise it to go faster")]
    if line.number_concurrency is not None:
        words = f"the number's concurrency of {line.number_concurrency}{_shared(line.on_number)}; raise it, or use another number"
        found.append((line.number_concurrency / (1 + line.on_number), "number_concurrency", words))
    if line.process_concurrency is not None:
        words = f"the media servers hold {line.process_concurrency} calls at the same time{_shared(line.on_processes)}; run more of them"
        found.append((max(1, line.process_concurrency) / (1 + line.on_processes), "node_concurrency", words))
    return found


def _starts(view: ForecastView) -> list[tuple[float, str, str]]:
    """Limits on starts per second: how many, which, and in words."""
    line, throttle = view.line, view.settings.throttle_delay_ms
    account = line.account_calls_per_second
    words = f"{account:g} calls per second of the carrier account{_shared(line.on_account)}; have the carrier raise it"
    found = [(account / (1 + line.on_account), "account_rate", words)]
    if line.number_calls_per_second is not None:
        words = f"{line.number_calls_per_second:g} calls per second of the number{_shared(line.on_number)}; raise it, or use another number"
        found.append((line.number_calls_per_second / (1 + line.on_number), "number_rate", words))
    if throttle:
        found.append((1000 / throttle, "throttle", f"the throttle delay: {throttle} ms between two calls; lower it to go faster"))
    return found


def _shared(others: int) -> str:
    return f", shared with {others} other running campaign{'s' if others > 1 else ''}" if others else ""


def _pace(view: ForecastView, expected: Expected) -> Pace:
    return Pace(min(_slots(view))[0], min(_starts(view))[0], max(1.0, expected.hold_s))


def _pace_limit(view: ForecastView, expected: Expected) -> Limit:
    """The slowest of all limits on the pace."""
    hold_s = max(1.0, expected.hold_s)
    rates = [*_starts(view), *((slots / hold_s, name, words) for slots, name, words in _slots(view))]
    per_s, name, words = min(rates)
    return Limit(name, words, per_s * 3600)


def _binding(view: ForecastView, expected: Expected, likely: Flow, hours: Window | None, until_begin_s: float) -> Limit:
    """What most of the time until the end is spent on."""
    scheduled = view.settings.scheduled_start
    before = "scheduled_start" if scheduled is not None and until_begin_s > 0 else "back_off"
    spent = {**likely.spent_s, before: until_begin_s}
    most = max(spent, key=lambda name: spent[name])
    words = {
        "scheduled_start": f"the scheduled start{f' at {_moment(scheduled)}' if scheduled else ''}: choose an earlier one",
        "back_off": "the carrier asked us to wait",
        "window": f"the calling window ({hours.words() if hours else 'all day'}): widen it, or add weekdays",
        "local_hours": "the callees' own hours, 8:00 to 21:00 where they are: choose a window that lies in them",
        "retry_delay": f"the retry delay of {view.settings.retry_delay_min or 1} minutes: shorten it, or allow fewer retries",
        "frequency_cap": f"the caps for one number: {view.settings.max_per_24h} tries in 24 hours, {view.settings.max_per_7d} in 7 days",
        "callback": "callbacks at the time that the callees asked for",
    }
    return _pace_limit(view, expected) if most == "calling" else Limit(most, words[most])


def _moment(at: datetime) -> str:
    """To the minute, with its zone: Mon 3 Nov 2025, 14:05 CET."""
    return f"{at:%a} {at.day} {at:%b %Y, %H:%M %Z}"


def _held(view: ForecastView, likely: Flow, where: ZoneInfo) -> str:
    """Why it does not finish by itself; empty where it does."""
    end = likely.finished_at
    then = _moment(end.astimezone(where)) if end is not None else "in more than a year"
    if view.status is CampaignStatus.PAUSED:
        return f"the campaign is Paused: nothing is called until it is resumed; resumed now, it would be done by {then}"
    if view.pilot_left is not None and view.pilot_left < sum(each.contacts for each in view.cohorts if each.made == 0):
        return f"the campaign pauses by itself after its pilot, {view.pilot_left:,} contacts from now, {then}; Resume it then"
    if end is None:
        return f"it would take more than a year: {likely.contacts_left:,.0f} contacts would still be left then"
    return ""


def _assumptions(view: ForecastView, expected: Expected) -> tuple[Assumption, ...]:
    seen = view.so_far
    rate = expected.answer_rate
    found = [
        _assumed("answer_rate", rate, f"{rate:.0%} of the calls are answered", seen.calls, chosen=view.answer_rate is not None),
        _assumed("answered_s", expected.answered_s, f"an answered call takes {expected.answered_s:.0f} s with its ringing", seen.answered),
        _assumed(
            "unanswered_s",
            expected.unanswered_s,
            f"a call that is not answered takes {expected.unanswered_s:.0f} s",
            seen.calls - seen.answered,
        ),
    ]
    line = view.line
    if others := max(line.on_account, line.on_number, line.on_processes):
        found.append(Assumption("equal_share", 1 / (1 + others), "assumed", f"limits shared{_shared(others)[8:]} are shared equally"))
    if line.process_concurrency is None:
        found.append(Assumption("processes", 0.0, "assumed", "no media server runs now: one with room for all calls is assumed"))
    if not view.numbers_known:
        words = "the callees' numbers are not known: they are taken to live in the campaign's time zone, and none to be skipped"
        found.append(Assumption("numbers", float(view.pending), "assumed", words))
    if view.sampled is not None:
        words = f"{view.sampled:,} of {view.pending:,} pending contacts were looked at and stand for all"
        found.append(Assumption("sample", float(view.sampled), "observed", words))
    return tuple(found)


def _assumed(name: str, value: float, words: str, calls: int, *, chosen: bool = False) -> Assumption:
    if calls == 0:
        return Assumption(name, value, "set" if chosen else "assumed", f"{words} ({'as you set it' if chosen else 'assumed'})")
    basis = "mixed" if calls < PRIOR_CALLS else "observed"
    return Assumption(name, value, basis, f"{words} (seen in {calls:,} calls, beside an assumption that counts for {PRIOR_CALLS})")
