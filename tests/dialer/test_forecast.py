"""The forecast: its model by its properties and by hand, and held against a campaign that really ran."""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dialer import campaigns, contacts, suppressions
from dialer.calling_hours import ALL_DAYS, Window
from dialer.campaign_settings import CampaignSettings, InvalidCampaign
from dialer.forecast import CallsSoFar, Forecast, ForecastView, LineLimits, forecast
from dialer.forecast_comparison import compare
from dialer.forecast_flow import Cohort
from dialer.forecast_hours import Group, HoursAhead
from dialer.forecast_rows import KeptForecast
from dialer.lifecycle import CampaignStatus
from dialer.loop import DialerLoop
from dialer.retries import Outcome
from tests.dialer.world import NOON, World, number

ANYWHERE: Group = frozenset()
BERLIN, NEW_YORK, TOKYO = (frozenset({ZoneInfo(name)}) for name in ("Europe/Berlin", "America/New_York", "Asia/Tokyo"))


def line(**limits: Any) -> LineLimits:
    free = {"number_calls_per_second": None, "number_concurrency": None, "process_concurrency": 1000, "backed_off_until": None}
    return LineLimits(**({"account_calls_per_second": 1000.0, "on_account": 0, "on_number": 0, "on_processes": 0} | free | limits))


def view(people: float = 40, groups: tuple[Group, ...] = (ANYWHERE,), **changes: Any) -> ForecastView:
    """Fresh contacts, equally many in each group, of a Draft; `changes`: settings and parts of the view."""
    of_settings = {name: changes.pop(name) for name in list(changes) if name in CampaignSettings.__dataclass_fields__}
    chosen = CampaignSettings(**({"name": "June", "agent_id": 1, "phone_number_id": 1} | of_settings))
    cohorts = [Cohort(group, people / len(groups), 1 + chosen.max_retries) for group in groups]
    given = {"status": CampaignStatus.DRAFT, "line": line(), "cohorts": cohorts, "pending": round(people)}
    return ForecastView(settings=chosen, **(given | changes))


def nobody_answers(seconds: float) -> CallsSoFar:
    """So much experience that nothing of the assumptions is left."""
    return CallsSoFar(outcomes={Outcome.NO_ANSWER: 1_000_000_000}, unanswered_s=seconds)


def all_talk(seconds: float) -> CallsSoFar:
    return CallsSoFar(outcomes={Outcome.PERSON: 1_000_000_000}, answered_s=seconds)


def minutes(made: Forecast) -> float:
    assert made.finishes_at is not None, made.held
    return (made.finishes_at - made.made_at).total_seconds() / 60


# By hand


def test_one_call_after_the_other() -> None:
    # 60 contacts, each call takes a minute, one at a time: the last one ends after an hour.
    made = forecast(view(60, so_far=all_talk(60)), NOON)
    assert minutes(made) == pytest.approx(60, rel=0.03)
    assert (made.calls, made.answered, made.reached) == pytest.approx((60, 60, 60))
    assert made.calls_per_hour == pytest.approx(60)
    assert made.limit.name == "concurrency"


def test_many_at_a_time() -> None:
    # 600 contacts, a minute each, ten at a time: ten calls a minute, an hour.
    made = forecast(view(600, so_far=all_talk(60), concurrency=10), NOON)
    assert minutes(made) == pytest.approx(60, rel=0.03)


def test_the_throttle_delay_limits() -> None:
    # 120 starts, 30 s apart: the last one starts after 59.5 minutes and takes one: an hour and half a minute.
    made = forecast(view(120, so_far=all_talk(60), concurrency=50, throttle_delay_ms=30_000), NOON)
    assert minutes(made) == pytest.approx(60.5, rel=0.03)
    assert made.limit.name == "throttle"
    assert "30000 ms" in made.limit.words


def test_limits_that_are_shared_are_shared_equally_and_that_is_said() -> None:
    # The account starts 2 calls per second for four campaigns: 1800 an hour for this one; 3600 contacts take two hours.
    shared = line(account_calls_per_second=2, on_account=3)
    made = forecast(view(3600, so_far=all_talk(60), concurrency=1000, line=shared), NOON)
    assert minutes(made) == pytest.approx(120, rel=0.03)
    assert (made.limit.name, made.limit.calls_per_hour) == ("account_rate", 1800)
    assert "equally" in next(each.words for each in made.assumptions if each.name == "equal_share")


def test_retries_come_after_their_delay_and_until_tries_are_used_up() -> None:
    # Nobody answers, a call rings for 30 s: 10 contacts at once, three tries each, an hour between the end of one and the next: after two
    # hours and three rings all are done, with 30 calls.
    made = forecast(view(10, so_far=nobody_answers(30), concurrency=10, max_retries=2, retry_delay_min=60), NOON)
    assert minutes(made) == pytest.approx(121.5, rel=0.03)
    assert made.calls == pytest.approx(30)
    assert made.reached == pytest.approx(0, abs=1e-6)
    assert made.limit.name == "retry_delay"


def test_who_answers_is_not_called_again() -> None:
    # Half of the calls are answered: 100 + 50 + 25 calls, of which half are answered.
    half = CallsSoFar(outcomes={Outcome.PERSON: 10**9, Outcome.BUSY: 10**9}, answered_s=60, unanswered_s=20)
    made = forecast(view(100, so_far=half, concurrency=10, max_retries=2, retry_delay_min=5), NOON)
    assert made.calls == pytest.approx(175, rel=0.001)
    assert made.reached == pytest.approx(87.5, rel=0.001)


@pytest.mark.parametrize(("again", "calls"), [(False, 100), (True, 200)])
def test_mailboxes_are_called_again_where_the_campaign_says_so(again: bool, calls: float) -> None:
    machines = CallsSoFar(outcomes={Outcome.VOICEMAIL_MESSAGE: 10**9}, answered_s=30)
    asked = view(100, so_far=machines, concurrency=10, max_retries=1, retry_delay_min=5, retry_on_voicemail=again)
    assert forecast(asked, NOON).calls == pytest.approx(calls)


def test_caps_put_tries_off() -> None:
    # Four tries a minute apart, three of them in 24 hours: the fourth waits until a day after the first.
    made = forecast(view(5, so_far=nobody_answers(30), concurrency=5, max_retries=3, retry_delay_min=1), NOON)
    assert minutes(made) == pytest.approx(24 * 60, rel=0.03)
    assert made.limit.name == "frequency_cap"


def test_a_window_that_closes_puts_the_rest_off_until_it_opens() -> None:
    # NOON is 14:00 in Berlin. 240 contacts, a minute each, one at a time: three hours until 17:00, one more from 9:00 on the next day.
    hours = {"start_time": time(9), "end_time": time(17), "timezone": "Europe/Berlin"}
    made = forecast(view(240, so_far=all_talk(60), **hours), NOON)
    assert made.finishes_at is not None
    assert abs(made.finishes_at - datetime(2030, 5, 16, 8, tzinfo=UTC)) < timedelta(minutes=10)
    assert [each.start.astimezone(ZoneInfo("Europe/Berlin")).hour for each in made.buckets] == [14, 15, 16, 9]
    assert [each.calls for each in made.buckets] == pytest.approx([60, 60, 60, 60], rel=0.03)
    assert made.limit.name == "window"


def test_an_overnight_window_belongs_to_the_day_on_which_it_starts() -> None:
    # Wednesday; the window opens on Fridays at 22:00 (20:00 UTC) and closes at 2:00: 300 minutes of calls need two Fridays.
    hours = {"start_time": time(22), "end_time": time(2), "timezone": "Europe/Berlin", "weekdays": (5,)}
    made = forecast(view(300, so_far=all_talk(60), **hours), NOON)
    assert made.finishes_at is not None
    assert abs(made.finishes_at - datetime(2030, 5, 24, 21, tzinfo=UTC)) < timedelta(minutes=60)
    assert made.buckets[0].start == datetime(2030, 5, 17, 20, tzinfo=UTC)


def test_the_night_in_which_the_clock_is_put_forward_has_an_hour_less() -> None:
    # 0:00 to 6:00 in Berlin are five hours on 31 March 2030: 300 calls of a minute each fill them.
    hours = {"start_time": time(0), "end_time": time(6), "timezone": "Europe/Berlin"}
    made = forecast(view(360, so_far=all_talk(60), **hours), datetime(2030, 3, 30, 22, tzinfo=UTC))
    first_night = [each for each in made.buckets if each.start < datetime(2030, 3, 31, 12, tzinfo=UTC)]
    assert sum(each.calls for each in first_night) == pytest.approx(300, rel=0.03)
    assert [each.start.astimezone(ZoneInfo("Europe/Berlin")).hour for each in first_night] == [0, 1, 3, 4, 5]


def test_callees_are_called_in_their_own_hours() -> None:
    # NOON is 21:00 in Tokyo and 8:00 in New York: New York is called at once, Tokyo from its 8:00 on (23:00 UTC).
    made = forecast(view(20, (NEW_YORK, TOKYO), so_far=all_talk(60)), NOON)
    assert [each.start for each in made.buckets] == [NOON, datetime(2030, 5, 15, 23, tzinfo=UTC)]
    assert made.limit.name == "local_hours"


def test_a_scheduled_start_is_waited_for() -> None:
    start = NOON + timedelta(days=3)
    made = forecast(view(10, so_far=all_talk(60), scheduled_start=start), NOON)
    assert made.finishes_at is not None
    assert start + timedelta(minutes=9) < made.finishes_at < start + timedelta(minutes=12)
    assert made.limit.name == "scheduled_start"


# In words


def test_what_does_not_finish_by_itself_says_why() -> None:
    def held(asked: ForecastView) -> str:
        made = forecast(asked, NOON)
        assert (made.finishes_at, made.earliest_at, made.latest_at) == (None, None, None)
        return made.held

    assert "import a CSV" in held(view(0))
    assert "none of the 7 pending contacts" in held(replace(view(0), pending=7))
    assert "Paused" in held(view(status=CampaignStatus.PAUSED))
    assert "Cancelled" in held(view(status=CampaignStatus.CANCELLED))
    assert "Completed" in held(view(status=CampaignStatus.COMPLETED))
    assert "pilot" in held(view(40, pilot_left=10))
    assert "pilot" in held(view(40, pilot_left=0))
    assert "more than a year" in held(view(1_000_000, throttle_delay_ms=600_000))
    assert "Mars/Base" in held(view(start_time=time(9), end_time=time(17), timezone="Mars/Base"))


def test_a_pilot_calls_no_more_than_its_contacts() -> None:
    made = forecast(view(40, pilot_left=10, so_far=all_talk(60)), NOON)
    assert (made.contacts, made.calls) == pytest.approx((10, 10))


def test_assumptions_give_way_to_what_is_seen() -> None:
    def rate(**seen: Any) -> tuple[float, str]:
        found = next(each for each in forecast(view(**seen), NOON).assumptions if each.name == "answer_rate")
        return round(found.value, 2), found.basis

    assert rate() == (0.55, "assumed")
    assert rate(answer_rate=0.3) == (0.3, "set")
    # 20 calls assumed with 11 answered, 5 seen and all answered: 16 of 25.
    assert rate(so_far=CallsSoFar(outcomes={Outcome.PERSON: 5}, answered_s=50)) == (0.64, "mixed")
    assert rate(so_far=CallsSoFar(outcomes={Outcome.PERSON: 980}, answered_s=50)) == (0.99, "observed")


def test_the_likely_range_narrows_with_experience() -> None:
    def width(calls: int) -> timedelta:
        seen = CallsSoFar(outcomes={Outcome.PERSON: calls, Outcome.BUSY: calls}, answered_s=60, unanswered_s=30)
        made = forecast(view(5000, so_far=seen, concurrency=5, max_retries=2, retry_delay_min=5), NOON)
        assert made.earliest_at is not None
        assert made.latest_at is not None
        return made.latest_at - made.earliest_at

    assert width(1000) < width(100) < width(10)


# Properties

zones = st.sampled_from([ANYWHERE, BERLIN, NEW_YORK, TOKYO, BERLIN | NEW_YORK])
days = st.frozensets(st.integers(1, 7), min_size=1).map(lambda found: tuple(sorted(found)))
hours_of_day = st.times().map(lambda at: at.replace(second=0, microsecond=0))
instants = st.integers(0, 400 * 24 * 60).map(lambda minute: datetime(2030, 1, 1, tzinfo=UTC) + timedelta(minutes=minute))
counted = [each for each in Outcome if each not in (Outcome.WITHDRAWN, Outcome.LOST, Outcome.CALLBACK)]
outcomes = st.dictionaries(st.sampled_from(counted), st.integers(1, 500))


@st.composite
def views(draw: st.DrawFn) -> ForecastView:
    retries = draw(st.integers(0, 4))
    seen = CallsSoFar(outcomes=draw(outcomes), answered_s=draw(st.floats(1, 600)), unanswered_s=draw(st.floats(1, 60)))
    return view(
        draw(st.integers(1, 5000)),
        tuple(draw(st.sets(zones, min_size=1, max_size=3))),
        so_far=seen,
        concurrency=draw(st.integers(1, 100)),
        max_retries=retries,
        retry_delay_min=draw(st.integers(1, 3000)) if retries else None,
        throttle_delay_ms=draw(st.none() | st.integers(0, 60_000)),
        start_time=draw(hours_of_day),
        end_time=draw(hours_of_day),
        timezone=draw(st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])),
        weekdays=draw(days),
        line=line(account_calls_per_second=draw(st.floats(0.1, 50)), on_account=draw(st.integers(0, 3))),
        live=draw(st.integers(0, 5)),
    )


def campaign_window(asked: ForecastView) -> Window:
    chosen = asked.settings
    assert chosen.start_time is not None
    assert chosen.end_time is not None
    return Window(chosen.start_time, chosen.end_time, ZoneInfo(chosen.timezone or ""), frozenset(chosen.weekdays))


@settings(max_examples=60)
@given(views(), instants)
def test_buckets_lie_in_the_window_and_sum_up_to_the_total(asked: ForecastView, now: datetime) -> None:
    made = forecast(asked, now)
    hours = campaign_window(asked)
    assert sum(each.calls for each in made.buckets) == pytest.approx(made.calls)
    assert made.answered <= made.calls * (1 + 1e-9)
    assert made.reached <= made.contacts * (1 + 1e-9) + asked.live
    assert all(a.end <= b.start for a, b in itertools.pairwise(made.buckets))
    for each in made.buckets:
        assert each.start >= now
        if each.end - each.start <= timedelta(hours=1):
            assert hours.is_open(each.start)
            assert hours.is_open(each.end - timedelta(seconds=1))
        else:
            assert hours.is_open(hours.next_opening(each.start))
            assert hours.next_opening(each.start) < each.end


@settings(max_examples=60)
@given(views(), instants)
def test_no_more_calls_than_tries(asked: ForecastView, now: datetime) -> None:
    asked = replace(asked, live=0)
    made = forecast(asked, now)
    tries = 1 + asked.settings.max_retries
    assert made.calls <= made.contacts * tries * (1 + 1e-9)
    if made.finishes_at is not None:
        assert made.calls >= made.contacts * 0.99
        assert made.earliest_at is not None
        assert made.earliest_at <= made.finishes_at
        assert made.latest_at is None or made.latest_at >= made.finishes_at


def latest(made: Forecast) -> float:
    return minutes(made) if made.finishes_at is not None else float("inf")


def not_later(sooner: Forecast, later: Forecast) -> bool:
    """But for the length of the model's steps: 2 % of the time looked ahead."""
    return latest(sooner) <= latest(later) * 1.06 + 5


@settings(max_examples=60)
@given(st.integers(1, 5000), st.integers(1, 50), st.integers(1, 50), st.integers(0, 3), st.integers(1, 600), outcomes, instants)
def test_more_concurrency_never_finishes_later(
    people: int, concurrency: int, more: int, retries: int, delay: int, seen: dict[Outcome, int], now: datetime
) -> None:
    so_far = CallsSoFar(outcomes=seen, answered_s=60, unanswered_s=25)
    asked = view(people, so_far=so_far, concurrency=concurrency, max_retries=retries, retry_delay_min=delay)
    faster = replace(asked, settings=replace(asked.settings, concurrency=concurrency + more))
    assert not_later(forecast(faster, now), forecast(asked, now))


@settings(max_examples=60)
@given(views(), instants, st.integers(1, 7))
def test_a_narrower_window_never_finishes_earlier(asked: ForecastView, now: datetime, without: int) -> None:
    asked = replace(asked, cohorts=[Cohort(ANYWHERE, 500.0, 1 + asked.settings.max_retries)], live=0)
    anytime = replace(asked, settings=replace(asked.settings, start_time=None, end_time=None, weekdays=tuple(sorted(ALL_DAYS))))
    fewer = tuple(day for day in asked.settings.weekdays if day != without) or asked.settings.weekdays
    narrower = replace(asked, settings=replace(asked.settings, weekdays=fewer))
    wide, middle, narrow = forecast(anytime, now), forecast(asked, now), forecast(narrower, now)
    assert not_later(wide, middle)
    assert not_later(middle, narrow)


@settings(max_examples=60)
@given(st.lists(zones, min_size=1, max_size=3, unique=True), hours_of_day, hours_of_day, days, instants)
@example([frozenset()], time(0), time(1), (1, 2), datetime(2030, 1, 1, tzinfo=UTC))  # a week ends as the window closes
def test_spans_follow_each_other_and_say_what_the_windows_say(
    groups: list[Group], start: time, end: time, weekdays: tuple[int, ...], now: datetime
) -> None:
    hours = Window(start, end, ZoneInfo("Europe/Berlin"), frozenset(weekdays))
    spans = list(HoursAhead(hours, groups, hours.zone, now, now + timedelta(days=16)))
    assert spans[0].start == now
    assert spans[-1].end == now + timedelta(days=16)
    assert all(a.end == b.start for a, b in itertools.pairwise(spans))
    assert all(span.start < span.end for span in spans)
    for span in spans:
        for at in (span.start, span.start + (span.end - span.start) / 2, span.end - timedelta(seconds=1)):
            assert hours.is_open(at) == span.window_open
            for group in groups:
                local = all(Window(time(8), time(21), zone).is_open(at) for zone in group)
                assert (group in span.open) == (span.window_open and local)


# Held against what happened


def test_ahead_and_behind_are_told_in_hours_of_calling() -> None:
    # Two nights apart: ten calls in the hour from 9:00, ten in the hour from 9:00 on the next day.
    first, second = NOON.timestamp(), (NOON + timedelta(days=1)).timestamp()
    buckets = [[first, first + 3600, 10.0, 4.0], [second, second + 3600, 10.0, 4.0]]
    kept = KeptForecast(
        made_at=NOON,
        finishes_at=NOON + timedelta(hours=25),
        earliest_at=None,
        latest_at=None,
        contacts=20,
        calls=20,
        reached=8,
        buckets=buckets,
    )
    half_past = NOON + timedelta(minutes=30)
    as_expected = compare(kept, half_past, calls=5, reached=2, completed_at=None)
    assert (as_expected.expected_calls, as_expected.expected_reached, as_expected.behind_h) == (5, 2, 0)
    behind = compare(kept, half_past, calls=0, reached=0, completed_at=None)
    assert (behind.behind_h, behind.words) == (0.5, "30 minutes of calling behind what was expected")
    a_minute = compare(kept, half_past, calls=20, reached=9, completed_at=NOON + timedelta(hours=25, minutes=1))
    assert a_minute.words == "it ended 1 minute later than expected"
    at_night = compare(kept, NOON + timedelta(hours=9), calls=8, reached=2, completed_at=None)
    assert at_night.behind_h == pytest.approx(0.2), "the night is no hour of calling"
    ahead = compare(kept, half_past, calls=15, reached=2, completed_at=None)
    assert ahead.behind_h == pytest.approx(-1)
    ended = compare(kept, half_past, calls=20, reached=9, completed_at=NOON + timedelta(hours=27))
    assert (ended.behind_h, ended.words) == (2, "it ended 2.0 hours later than expected")


Answers = Callable[[int, int], bool]  # a contact's position and its try


async def live_on(world: World, loop: DialerLoop, answers: Answers, until: Callable[[], Awaitable[bool]]) -> None:
    """Let time pass from event to event until `until` says so: who answers talks for a minute, who does not lets it ring for 30 s."""
    while not await until():
        ticked = await loop.run_once()
        await loop.placed()
        live = [call for call in await world.calls() if call["state"] != "ended"]
        ends = {call["id"]: call["requested_at"] + timedelta(seconds=60 if answered(call, answers) else 30) for call in live}
        later = [at for at in (ticked.look_again_at, *ends.values()) if at is not None]
        await world.at(max(world.now, min(later)))
        for call in live:
            if ends[call["id"]] <= world.now and answered(call, answers):
                await world.talk(call["id"])
            elif ends[call["id"]] <= world.now:
                await world.ring_out(call["id"])


def answered(call: Any, answers: Answers) -> bool:
    return answers(int(call["number"][-5:]), call["try"])


@pytest.mark.parametrize("of_20", [8, 14])
async def test_a_campaign_ends_within_the_likely_range(world: World, of_20: int) -> None:
    """So many of 20 calls are answered, around the 11 that are assumed."""
    campaign = await world.campaign(40, concurrency=4, max_retries=2, retry_delay_min=5)
    foreseen = (await campaigns.forecast(world.db, campaign.id)).forecast
    loop = await world.loop()

    def answers(position: int, attempt: int) -> bool:
        return (position * 7 + attempt * 3) % 20 < of_20

    async def half_done() -> bool:
        return (await campaigns.stats(world.db, campaign.id)).ended >= 25

    async def done() -> bool:
        return await world.status(campaign) == "completed"

    await live_on(world, loop, answers, half_done)
    half_way = await campaigns.forecast(world.db, campaign.id)
    await live_on(world, loop, answers, done)
    ended_at = (await campaigns.get(world.db, campaign.id)).ended_at
    assert ended_at is not None
    for made in (foreseen, half_way.forecast):
        assert made.earliest_at is not None
        assert made.latest_at is not None
        assert made.earliest_at <= ended_at <= made.latest_at
    compared = (await campaigns.forecast(world.db, campaign.id)).compared
    assert half_way.compared is not None
    assert compared is not None
    assert 25 <= half_way.compared.calls < compared.calls == len(await world.calls())
    assert half_way.compared.finishes_at == compared.finishes_at == foreseen.finishes_at, "what was expected at Start is kept"
    assert compared.behind_h == pytest.approx((ended_at - foreseen.finishes_at).total_seconds() / 3600)
    assert compared.reached == sum(1 for each in await world.contacts(campaign) if each.status == "completed")


# What is read


async def test_who_is_skipped_and_why(world: World) -> None:
    await world.db.pool.execute("update agent_versions set definition = $1", {"first_message": "Hello {{customer_name}}"})
    campaign = await world.campaign(0, start=False, local_hours=True, max_retries=1, retry_delay_min=5)
    named = {"customer_name": "Ada"}
    for index, known in enumerate([named, named, {}, {"customer_name": " "}, named | {"timezone": "Mars/Base"}]):
        await contacts.add(world.db, campaign.id, [contacts.NewContact(number=number(index), variables=known)], actor="test")
    await suppressions.add(world.db, number(1), reason="asked", source="operator", actor="test")
    made = (await campaigns.forecast(world.db, campaign.id)).forecast
    assert {each.gate: each.contacts for each in made.skipped} == {"variables": 2, "suppression": 1, "local_hours": 1}
    assert "customer_name" in next(each.reason for each in made.skipped if each.gate == "variables")
    assert (made.contacts, made.made_at) == (1, NOON)


async def test_a_window_in_which_no_callee_may_be_called_never_ends(world: World) -> None:
    hours = {"start_time": time(22), "end_time": time(2), "timezone": "Europe/Berlin"}
    campaign = await world.campaign(3, start=False, local_hours=True, **hours)
    made = (await campaigns.forecast(world.db, campaign.id)).forecast
    assert (made.finishes_at, made.calls) == (None, 0)
    assert "none of the 3" in made.held
    (skipped,) = made.skipped
    assert (skipped.gate, skipped.contacts) == ("local_hours", 3)


async def test_tries_of_other_campaigns_count_for_the_caps(world: World) -> None:
    earlier = await world.campaign(1)
    loop = await world.loop()
    await world.tick(loop)
    await world.ring_out((await world.calls())[0]["id"])
    assert await world.status(earlier) == "completed"
    capped = await world.campaign(1, start=False, max_per_24h=1)
    made = (await campaigns.forecast(world.db, capped.id)).forecast
    assert made.finishes_at is not None
    assert made.finishes_at >= NOON + timedelta(days=1)
    assert made.limit.name == "frequency_cap"


async def test_of_many_contacts_a_sample_stands_for_all(world: World) -> None:
    campaign = await world.campaign(0, start=False)
    await world.db.pool.execute(
        "insert into contacts (campaign_id, number) select $1, '+4930' || (1000000 + g) from generate_series(1, 20000) g", campaign.id
    )
    await world.db.pool.execute(
        """insert into suppressions (number, reason, source)
           select '+4930' || (1000000 + g * 5), 'asked', 'import' from generate_series(1, 4000) g"""
    )
    made = (await campaigns.forecast(world.db, campaign.id)).forecast
    assert any(each.name == "sample" and each.value == 1000 for each in made.assumptions)
    (skipped,) = made.skipped
    assert skipped.contacts == pytest.approx(4000, rel=0.2)
    assert made.contacts + skipped.contacts == pytest.approx(20000)
    assert (await campaigns.forecast(world.db, campaign.id)).forecast == made, "the same question has the same answer"


async def test_a_start_keeps_what_is_expected_and_others_in_progress_share_the_line(world: World) -> None:
    first = await world.campaign(3)
    assert (await campaigns.forecast(world.db, first.id)).compared is not None
    draft = await world.campaign(3, first=10, start=False)
    found = await campaigns.forecast(world.db, draft.id)
    assert found.compared is None
    assert any(each.name == "equal_share" for each in found.forecast.assumptions)


async def test_a_pilot_is_told_to_pause_by_itself(world: World) -> None:
    campaign = await world.campaign(5, pilot_size=2)
    loop = await world.loop()
    await world.tick(loop)
    found = (await campaigns.forecast(world.db, campaign.id)).forecast
    assert "pilot, 1 contacts from now" in found.held
    assert found.contacts == pytest.approx(1)


async def test_settings_that_are_not_saved_are_foreseen_with_the_contacts_of_a_campaign(world: World) -> None:
    campaign = await world.campaign(20, start=False, concurrency=1)
    saved = campaigns.settings_of(campaign)
    slow = await campaigns.forecast_unsaved(world.db, saved, campaign_id=campaign.id)
    fast = await campaigns.forecast_unsaved(world.db, saved.changed({"concurrency": 10}), campaign_id=campaign.id)
    assert minutes(fast) < minutes(slow) / 5
    assert slow == (await campaigns.forecast(world.db, campaign.id)).forecast
    with pytest.raises(InvalidCampaign, match="max_retries"):
        await campaigns.forecast_unsaved(world.db, saved.changed({"max_retries": 99, "retry_delay_min": 1}), contacts=10)
    assert await world.value("select count(*) from campaign_forecasts") == 0
