"""The dialer's rules by their properties: hours, outcomes, tries, gates, pacing."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent_runtime.calls import EndReason, Who
from dialer.calling_hours import UnknownZone, Window, local_hours, window, zone
from dialer.campaign_settings import CampaignSettings, InvalidCampaign, check
from dialer.gates import Seen, Verdict, deciding, frequency_cap, live_attempt, open_until
from dialer.lifecycle import ContactStatus
from dialer.pacing import back_off, breaker_trips
from dialer.retries import Outcome, RetryRules, Tries, after, outcome_of_carrier, outcome_of_conversation

NOW = datetime(2030, 5, 15, 12, tzinfo=UTC)
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kolkata", "UTC"]
instants = st.integers(-500_000, 500_000).map(lambda minutes: NOW + timedelta(minutes=minutes))
windows = st.builds(
    Window,
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.sampled_from(ZONES).map(ZoneInfo),
    st.frozensets(st.integers(1, 7), min_size=1),
)
# Berlin: the clock skips 02:00-03:00 on 31 March 2030, and repeats it on 27 October 2030 (a Sunday both times).
BERLIN = ZoneInfo("Europe/Berlin")
changes = st.sampled_from([datetime(2030, 3, 31, 1, tzinfo=UTC), datetime(2030, 10, 27, 1, tzinfo=UTC)])
near_changes = st.builds(lambda change, minutes: change + timedelta(minutes=minutes), changes, st.integers(-4000, 4000))


@settings(max_examples=500)
@example(Window(time(0), time(0), BERLIN, frozenset({7})), datetime(2030, 3, 30, 22, 59, tzinfo=UTC))
@given(windows, instants | near_changes)
def test_the_next_opening_is_open_and_nothing_before_it_is(hours: Window, at: datetime) -> None:
    opens = hours.next_opening(at)
    assert opens >= at
    assert hours.is_open(opens)
    if opens > at:
        between = (opens - at) / 50
        assert not any(hours.is_open(at + between * part) for part in range(50))
        assert not hours.is_open(opens - timedelta(seconds=1))


@given(windows, instants | near_changes)
def test_a_window_is_open_exactly_while_the_wall_clock_is_in_it(hours: Window, at: datetime) -> None:
    local = at.astimezone(hours.zone)
    minute, start, end = (t.hour * 60 + t.minute for t in (local.time(), hours.start, hours.end))
    length = (end - start) % 1440 or 1440
    since_start = (minute - start) % 1440 if start != end else minute
    began = local.date() if start == end else (local - timedelta(minutes=since_start)).date()
    assert hours.is_open(at) == (since_start < length and began.isoweekday() in hours.weekdays)


@given(windows, instants | near_changes, st.floats(0, 59.999), st.floats(0, 1))
def test_hours_that_are_open_stay_so_as_long_as_is_said(hours: Window, minute: datetime, seconds: float, part: float) -> None:
    at = minute + timedelta(seconds=seconds)
    until = open_until(hours, at)
    assert at < until
    later = min(at + (until - at) * part, until - timedelta(microseconds=1))
    assert hours.is_open(later) == hours.is_open(at)


def test_hours_that_end_within_a_minute_are_looked_at_each_time() -> None:
    assert open_until(Window(time(9), time(17, 0, 30), BERLIN), NOW) == NOW


def test_the_same_start_and_end_means_all_day_of_each_weekday() -> None:
    all_day = window(time(9), time(9), "Europe/Berlin", [3])
    assert all_day is not None
    assert all_day.is_open(datetime(2030, 5, 15, 0, 0, tzinfo=BERLIN))
    assert all_day.is_open(datetime(2030, 5, 15, 23, 59, tzinfo=BERLIN))
    assert not all_day.is_open(datetime(2030, 5, 16, 0, 0, tzinfo=BERLIN))


def test_an_overnight_window_belongs_to_the_day_on_which_it_starts_and_says_so() -> None:
    night = window(time(20), time(2), "Europe/Berlin", [5])
    assert night is not None
    assert night.is_open(datetime(2030, 5, 17, 23, tzinfo=BERLIN))  # Friday
    assert night.is_open(datetime(2030, 5, 18, 1, 59, tzinfo=BERLIN))
    assert not night.is_open(datetime(2030, 5, 17, 1, 59, tzinfo=BERLIN))
    assert not night.is_open(datetime(2030, 5, 18, 20, tzinfo=BERLIN))
    assert "overnight" in night.words()


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ([1, 2, 3, 4, 5], "09:00 to 17:00 on Monday to Friday, Europe/Berlin"),
        ([6, 7], "09:00 to 17:00 on Saturday and Sunday, Europe/Berlin"),
        ([1, 3, 5], "09:00 to 17:00 on Monday, Wednesday and Friday, Europe/Berlin"),
        ([4], "09:00 to 17:00 on Thursday, Europe/Berlin"),
        ([1, 2, 3, 4, 5, 6, 7], "09:00 to 17:00, Europe/Berlin"),
    ],
)
def test_a_window_is_told_in_words_with_its_days(days: list[int], words: str) -> None:
    told = window(time(9), time(17), "Europe/Berlin", days)
    assert told is not None
    assert told.words() == words


@pytest.mark.parametrize(("start", "opens"), [(time(20), datetime(2030, 5, 15, 20, tzinfo=BERLIN)), (time(22), None)])
def test_a_callee_whom_the_campaigns_hours_never_fit_is_not_waited_for(start: time, opens: datetime | None) -> None:
    evening = Window(start, time(23), BERLIN)
    found = local_hours("+493012345678", None, datetime(2030, 5, 15, 7, tzinfo=BERLIN), evening)
    assert (found.known, found.open, found.opens) == (True, False, opens)


def test_a_window_that_the_clock_skips_opens_the_next_day() -> None:
    gap = Window(time(2, 15), time(2, 45), BERLIN)
    assert gap.next_opening(datetime(2030, 3, 31, 0, 0, tzinfo=BERLIN)) == datetime(2030, 4, 1, 2, 15, tzinfo=BERLIN)


def test_a_window_whose_start_the_clock_skips_opens_at_the_jump() -> None:
    cut = Window(time(2, 30), time(4), BERLIN)
    assert cut.next_opening(datetime(2030, 3, 31, 0, 0, tzinfo=BERLIN)) == datetime(2030, 3, 31, 3, 0, tzinfo=BERLIN)


@pytest.mark.parametrize("name", ["Mars/Olympus", "Europe", "", "../etc/passwd", "Europe/Berlin\0"])
def test_an_unknown_zone_is_an_error_and_never_open(name: str) -> None:
    with pytest.raises(UnknownZone):
        zone(name)
    assert not local_hours("+493012345678", name or "x", NOW).open


@pytest.mark.parametrize(
    ("number", "own_zone", "hour", "is_open"),
    [
        ("+493012345678", None, 7, True),  # 9:00 in Berlin
        ("+493012345678", None, 5, False),  # 7:00
        ("+493012345678", None, 19, False),  # 21:00
        ("+12125551234", None, 11, False),  # 7:00 in New York
        ("+12125551234", None, 12, True),
        ("+12125551234", "Europe/Berlin", 11, True),  # the contact's own zone goes before the number's
        ("+61412345678", None, 0, False),  # a mobile of all Australia: 10:00 in Sydney, 7:00 on Christmas Island
        ("+61412345678", None, 2, True),
        ("+18005551234", None, 20, False),  # toll-free, Newfoundland to Guam
        ("+18005551234", None, 22, True),
    ],
)
def test_a_callee_is_called_between_8_and_21_where_the_callee_is(number: str, own_zone: str | None, hour: int, is_open: bool) -> None:
    found = local_hours(number, own_zone, NOW.replace(hour=hour))
    assert (found.known, found.open) == (True, is_open)
    assert found.opens is not None
    assert local_hours(number, own_zone, found.opens).open


def test_a_number_that_tells_no_zone_is_not_called() -> None:
    found = local_hours("+88212345678", None, NOW)
    assert (found.known, found.open) == (False, False)


# The table of outcomes.


@pytest.mark.parametrize("reason", EndReason)
@pytest.mark.parametrize("who", Who)
def test_every_end_of_a_conversation_has_an_outcome(reason: EndReason, who: Who) -> None:
    outcome = outcome_of_conversation(reason.value, who.value)
    machine = who in (Who.VOICEMAIL, Who.SCREENING, Who.MENU)
    said = reason in (EndReason.DECLINED, EndReason.OPTED_OUT, EndReason.WRONG_PERSON, EndReason.CALLBACK)
    if machine and not said:
        assert outcome in (Outcome.VOICEMAIL_MESSAGE, Outcome.VOICEMAIL_NO_MESSAGE)
    if who is Who.HUMAN and reason in (EndReason.LINE_LOST, EndReason.FAILED):
        assert outcome is Outcome.DROPPED
    if who is Who.HUMAN and reason in (EndReason.GOODBYE, EndReason.HUNG_UP, EndReason.TIME_LIMIT, EndReason.SILENCE):
        assert outcome is Outcome.PERSON


def test_a_delivered_message_is_one_however_the_call_ended() -> None:
    assert outcome_of_conversation("line_lost", "voicemail", message_delivered=True) is Outcome.VOICEMAIL_MESSAGE


rules = st.builds(
    lambda retries, delay, voicemail, dropped: RetryRules(retries, delay if retries else None, voicemail, dropped),
    st.integers(0, 5),
    st.integers(1, 1000),
    st.booleans(),
    st.booleans(),
)
tries = st.builds(Tries, st.integers(0, 6), st.integers(0, 3), st.integers(0, 1))


@given(st.sampled_from(Outcome), rules, tries)
def test_a_contact_is_called_again_only_while_it_has_tries(outcome: Outcome, given_rules: RetryRules, made: Tries) -> None:
    then = after(outcome, given_rules, made, now=NOW)
    counted = outcome not in (Outcome.LOST, Outcome.WITHDRAWN)
    assert then.tries.made == made.made + counted
    if then.status is ContactStatus.PENDING and outcome not in (Outcome.CALLBACK, Outcome.LOST, Outcome.WITHDRAWN):
        assert then.tries.left(given_rules)
        assert then.not_before == NOW + timedelta(minutes=given_rules.retry_delay_min or 1)
    if then.status is ContactStatus.FAILED:
        assert then.reason


@pytest.mark.parametrize(
    ("outcome", "ends_as"),
    [
        (Outcome.PERSON, "completed"),
        (Outcome.CALLBACK, "pending"),
        (Outcome.VOICEMAIL_MESSAGE, "completed"),
        (Outcome.VOICEMAIL_NO_MESSAGE, "failed"),
        (Outcome.DROPPED, "failed"),
        (Outcome.NO_ANSWER, "failed"),
        (Outcome.BUSY, "failed"),
        (Outcome.CARRIER_FAILURE, "failed"),
        (Outcome.REFUSED, "failed"),
        (Outcome.LOST, "failed"),
        (Outcome.WITHDRAWN, "pending"),
    ],
)
def test_what_a_contact_is_at_the_end(outcome: Outcome, ends_as: str) -> None:
    last = Tries(made=0, lost=1)
    assert after(outcome, RetryRules(0, None, True, True), last, now=NOW).status == ends_as


@pytest.mark.parametrize("outcome", [Outcome.PERSON, Outcome.REFUSED])
def test_some_outcomes_are_final_however_many_tries_are_left(outcome: Outcome) -> None:
    assert after(outcome, RetryRules(5, 10, True, True), Tries(0), now=NOW).status != "pending"


def test_voicemail_and_dropped_calls_are_tried_again_as_the_campaign_says() -> None:
    for outcome, voicemail, dropped, again in [
        (Outcome.VOICEMAIL_MESSAGE, False, True, False),
        (Outcome.VOICEMAIL_MESSAGE, True, False, True),
        (Outcome.VOICEMAIL_NO_MESSAGE, False, True, False),
        (Outcome.VOICEMAIL_NO_MESSAGE, True, False, True),
        (Outcome.DROPPED, True, False, False),
        (Outcome.DROPPED, False, True, True),
    ]:
        then = after(outcome, RetryRules(2, 5, voicemail, dropped), Tries(0), now=NOW)
        assert (then.status == "pending") is again, outcome


def test_a_callback_is_due_at_its_time_also_beyond_max_retries() -> None:
    at = NOW + timedelta(days=2)
    then = after(Outcome.CALLBACK, RetryRules(0, None, False, False), Tries(5), now=NOW, callback_at=at)
    assert (then.status, then.not_before, then.callback) == ("pending", at, True)


@pytest.mark.parametrize("outcome", [Outcome.WITHDRAWN, Outcome.LOST])
def test_a_callback_whose_call_was_never_made_is_still_owed(outcome: Outcome) -> None:
    then = after(outcome, RetryRules(0, None, False, False), Tries(1), now=NOW, callback=True)
    assert (then.status, then.callback) == ("pending", True)


def test_an_answered_call_without_a_conversation_was_dropped() -> None:
    assert outcome_of_carrier("answered", answered=False) is Outcome.DROPPED
    assert outcome_of_carrier("failed", answered=True) is Outcome.DROPPED
    assert outcome_of_carrier("a new word", answered=False) is Outcome.CARRIER_FAILURE


# Gates and pacing.


@given(st.lists(st.integers(0, 8 * 24 * 60).map(lambda minutes: NOW - timedelta(minutes=minutes))), st.integers(1, 5), st.integers(5, 10))
def test_a_capped_number_may_be_called_when_the_cap_says_so_and_not_before(made: list[datetime], per_24h: int, per_7d: int) -> None:
    seen = frequency_cap(made, per_24h, per_7d, NOW)
    if seen.verdict is Verdict.CALL:
        assert sum(1 for at in made if at > NOW - timedelta(hours=24)) < per_24h
        assert sum(1 for at in made if at > NOW - timedelta(days=7)) < per_7d
        return
    assert seen.look_again_at is not None
    assert seen.look_again_at > NOW
    assert frequency_cap(made, per_24h, per_7d, seen.look_again_at).verdict is Verdict.CALL
    assert frequency_cap(made, per_24h, per_7d, seen.look_again_at - timedelta(seconds=1)).verdict is Verdict.WAIT


def test_what_never_passes_is_told_before_what_only_waits() -> None:
    skip = Seen("suppression", Verdict.SKIP, "")
    assert deciding([live_attempt(True, NOW), skip]) is skip
    assert deciding([live_attempt(False, NOW)]) is None


@given(st.integers(0, 100), st.floats(0, 10_000) | st.none())
def test_a_back_off_grows_and_is_never_shorter_than_the_carrier_asked(before: int, named: float | None) -> None:
    pause = back_off(before, named)
    assert back_off(before + 1, named) >= pause
    assert timedelta(seconds=1) <= pause <= timedelta(hours=1)
    assert pause >= timedelta(seconds=min(named or 0, 3600))


def test_the_breaker_needs_enough_requests_and_a_large_share() -> None:
    assert breaker_trips(9, 9) is None
    assert breaker_trips(4, 10) is None
    assert breaker_trips(5, 10) is not None


# Settings.


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": "  "}),
        ("concurrency", {"concurrency": 0}),
        ("concurrency", {"concurrency": -3}),
        ("concurrency", {"concurrency": 10**9}),
        ("max_retries", {"max_retries": 21, "retry_delay_min": 5}),
        ("retry_delay_min", {"max_retries": 1}),
        ("retry_delay_min", {"retry_delay_min": 0}),
        ("throttle_delay_ms", {"throttle_delay_ms": -1}),
        ("timezone", {"start_time": "09:00", "end_time": "17:00"}),
        ("timezone", {"timezone": "Mars/Olympus"}),
        ("timezone", {"weekdays": [1, 2]}),
        ("end_time", {"start_time": "09:00", "timezone": "UTC"}),
        ("start_time", {"end_time": "09:00", "timezone": "UTC"}),
        ("weekdays", {"weekdays": []}),
        ("weekdays", {"weekdays": [0, 8], "timezone": "UTC"}),
        ("weekdays", {"weekdays": [1, 1], "timezone": "UTC"}),
        ("scheduled_start", {"scheduled_start": "2030-05-15T11:59:00Z"}),
        ("scheduled_start", {"scheduled_start": "2030-06-15T11:59:00"}),
        ("ring_timeout_s", {"ring_timeout_s": 1}),
        ("max_per_7d", {"max_per_24h": 5, "max_per_7d": 4}),
        ("pilot_size", {"pilot_size": 0}),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_with_what_to_do(field: str, changes: dict[str, object]) -> None:
    raw = {"name": "x", "agent_id": 1, "phone_number_id": 1} | changes
    problems = check(CampaignSettings.from_dict(raw), now=NOW)
    assert list(problems) == [field]


def test_settings_of_the_wrong_type_are_named() -> None:
    for raw, field in [
        ({"concurrency": "many"}, "concurrency"),
        ({"weekdays": ["Monday"]}, "weekdays"),
        ({"colour": "red"}, "colour"),
        ({"name": None}, "name"),
        ({"start_time": "nine"}, "start_time"),
    ]:
        with pytest.raises(InvalidCampaign) as caught:
            CampaignSettings.from_dict({"name": "x", "agent_id": 1, "phone_number_id": 1} | raw)
        assert list(caught.value.problems) == [field]


def test_a_newcomers_settings_are_all_well() -> None:
    assert check(CampaignSettings(name="x", agent_id=1, phone_number_id=1), now=NOW) == {}
