"""The checker: a good history passes, and each broken promise is found."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.simulation import oracle
from tests.simulation.by_hand import NOON, Story, number, without
from tests.simulation.checker import CHECKS, check, promises, sentence
from tests.simulation.history import (
    Answer,
    ConversationEnded,
    PostBegan,
    StreamRefused,
    SuppressionCommitted,
    SuppressionLifted,
    Verb,
)

BERLIN: dict[str, Any] = {"timezone": "Europe/Berlin"}


def broken(story: Story) -> set[str]:
    """Which promises the story breaks."""
    return {each.promise for each in check(story.history())}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# ------------------------------------------------------------- good histories


def test_a_good_history_passes() -> None:
    story = Story().campaign(people=4, max_retries=1, retry_delay_min=10, retry_on_voicemail=True)
    story.look_at_counts()
    story.rings_out(1, 10).later(seconds=2)
    story.reaches(2, 11).later(seconds=2)
    story.reaches(3, 12, "message_left", "voicemail", message_delivered=True).later(seconds=2)
    story.reaches(4, 13, "opted_out", opted_out=True).later(minutes=10)
    story.reaches(5, 10).later(minutes=1)
    story.reaches(6, 12, "no_message", "voicemail")
    assert check(story.history()) == []
    assert [each.after for each in story.contacts.values()] == ["completed", "completed", "failed", "completed"]


def test_a_good_history_of_stops_passes() -> None:
    story = Story().campaign(people=3)
    story.planned(1, 10).later(seconds=0.1).flipped(1).posted(1)
    story.asked(Verb.PAUSE, campaign_id=1).becomes("paused", reason="paused by ada")
    story.later(seconds=0.5).accepted(1).returned(1).hung_up(1).moved(1, "ended", "canceled", by_us=True)
    story.answered(Verb.PAUSE).ended(1, "withdrawn")
    story.later(minutes=5).verb(Verb.RESUME, campaign_id=1, then="in_progress")
    story.reaches(2, 10).later(seconds=2).rings_out(3, 11)
    story.later(seconds=2).verb(Verb.CANCEL, campaign_id=1, then="cancelled")
    assert check(story.history()) == []


def test_a_call_that_nobody_could_know_of_is_lost_and_called_again() -> None:
    story = Story().campaign(max_retries=0)
    story.planned(1, 10).flipped(1).posted(1).later(seconds=10).returned(1, Answer.LOST).call(1, "unknown")
    story.later(seconds=60).looked(1).later(seconds=60).looked(1).ended(1, "lost")
    story.later(minutes=1).reaches(2, 10)
    assert check(story.history()) == []


def test_violations_tell_when_what_and_how() -> None:
    story = Story().campaign(start_time=time(15), end_time=time(16), **BERLIN).rings_out(1, 10)
    (violation,) = check(story.history())
    assert str(violation) == (
        "Wed 2030-05-15 12:00:00.110000  window_is_open: dialed outside the window 15:00:00 to 16:00:00 Europe/Berlin"
        " on (1, 2, 3, 4, 5, 6, 7) (call 1, campaign 1, contact 10)"
    )


# ------------------------------------------------------------- calls at the carrier


def test_two_calls_of_one_contact_at_once() -> None:
    story = Story().campaign().dialed(1, 10).later(seconds=5).moved(1, "ringing")
    story.ended(1, "no_answer", after="pending", not_before=None)  # on record; at the carrier it rings on
    story.later(seconds=5).dialed(2, 10).later(seconds=5).moved(1, "ended", "no_answer").moved(2, "ended", "busy").ended(2, "busy")
    assert broken(story) >= {"contact_is_in_one_call", "number_is_in_one_call"}


def test_two_calls_to_one_number_at_once_from_two_campaigns() -> None:
    story = Story().campaign(1).campaign(2)
    story.contact(20, number=number(10))
    story.dialed(1, 10).later(seconds=5).dialed(2, 20).later(seconds=5)
    story.moved(1, "ended", "busy").ended(1, "busy").moved(2, "ended", "busy").ended(2, "busy")
    assert broken(story) == {"number_is_in_one_call"}


def test_a_second_request_for_one_attempt() -> None:
    story = Story().campaign().planned(1, 10).flipped(1).posted(1).later(seconds=1).posted(1).accepted(1).returned(1)
    story.moved(1, "ended", "busy").ended(1, "busy")
    assert broken(story) == {"one_post_each"}


def test_a_request_without_a_flip() -> None:
    story = Story().campaign().planned(1, 10).posted(1).returned(1, Answer.THROTTLED).ended(1, "withdrawn")
    story.later(minutes=1).rings_out(2, 10)
    assert broken(story) == {"only_the_flipped_is_posted"}


def test_a_request_for_an_attempt_that_was_withdrawn() -> None:
    story = Story().campaign().planned(1, 10).flipped(1).later(seconds=1).ended(1, "withdrawn").posted(1).returned(1, Answer.NOTHING_SENT)
    story.later(minutes=1).rings_out(2, 10)
    assert broken(story) == {"only_the_flipped_is_posted"}


def test_a_request_by_another_process() -> None:
    story = Story().campaign().dialed(1, 10).moved(1, "ended", "busy").ended(1, "busy")
    story.events = [replace(each, process="two") if isinstance(each, PostBegan) else each for each in story.events]
    assert broken(story) == {"only_the_flipped_is_posted"}


def test_a_request_that_no_row_tells_of() -> None:
    story = Story().campaign().rings_out(1, 10)
    story.note(PostBegan, process="one", post_id=9, call_id=9, to=number(9), caller="+49301234", ring_timeout_s=30)
    assert broken(story) == {"posts_have_rows"}


def test_a_request_to_another_number() -> None:
    story = Story().campaign().rings_out(1, 10)
    story.events = [replace(each, to=number(99)) if isinstance(each, PostBegan) else each for each in story.events]
    assert broken(story) == {"posts_have_rows"}


def test_a_call_that_was_told_of_and_is_in_no_row() -> None:
    story = Story().campaign().rings_out(1, 10)
    story.calls[1]["carrier_call_id"] = None
    assert broken(story) == {"accepted_is_known"}


def test_a_second_call_of_one_attempt_goes_on() -> None:
    story = Story().campaign().dialed(1, 10).later(seconds=1).accepted(1, "CA99")
    story.calls[1]["carrier_call_id"] = "CA99"
    story.later(seconds=1).moved(1, "ringing").moved(1, "ended", "no_answer").ended(1, "no_answer")
    assert broken(story) >= {"one_call_per_attempt_goes_on", "calls_end_at_the_carrier"}


def test_a_call_that_never_ends_at_the_carrier() -> None:
    story = Story().campaign().dialed(1, 10).later(seconds=1).moved(1, "ringing").later(seconds=60).ended(1, "carrier_failure")
    assert broken(story) == {"calls_end_at_the_carrier"}


def pause_while_a_request_is_on_its_way(wait_s: float) -> Story:
    story = Story().campaign().planned(1, 10).later(seconds=0.1).flipped(1).posted(1)
    story.asked(Verb.PAUSE, campaign_id=1).becomes("paused", reason="paused by ada")
    return story.later(seconds=wait_s).answered(Verb.PAUSE).later(seconds=1)


def taken_back(story: Story) -> Story:
    story.returned(1).later(seconds=1).hung_up(1).moved(1, "ended", "canceled", by_us=True).ended(1, "withdrawn")
    return story.later(minutes=1).verb(Verb.CANCEL, campaign_id=1, then="cancelled")


@pytest.mark.parametrize("verb", [Verb.PAUSE, Verb.CANCEL])
def test_a_dial_after_the_answer_of_a_stop(verb: Verb) -> None:
    story = Story().campaign().verb(verb, campaign_id=1, then={Verb.PAUSE: "paused", Verb.CANCEL: "cancelled"}[verb])
    story.rings_out(1, 10)
    assert broken(story) == {"nothing_starts_after_pause_or_cancel", "campaign_runs"}


def test_a_request_that_is_accepted_after_a_pause_was_answered_too_soon() -> None:
    assert broken(taken_back(pause_while_a_request_is_on_its_way(1.0).accepted(1))) == {"nothing_starts_after_pause_or_cancel"}


def test_a_request_that_outlasts_a_pause_s_patience_may_be_accepted_and_is_taken_back() -> None:
    assert broken(taken_back(pause_while_a_request_is_on_its_way(5.0).accepted(1))) == set()


def test_a_call_that_outlasted_a_pause_s_patience_is_talked_on() -> None:
    story = pause_while_a_request_is_on_its_way(5.0).accepted(1).returned(1).moved(1, "answered").talked(1)
    story.moved(1, "ended", "answered").ended(1, "person")
    assert "nothing_starts_after_pause_or_cancel" in broken(story)


def test_a_pause_that_is_answered_before_what_it_forbids_is_taken_back() -> None:
    story = Story().campaign().planned(1, 10).later(seconds=0.1).flipped(1).posted(1)
    story.asked(Verb.PAUSE, campaign_id=1).becomes("paused", reason="paused by ada")
    story.later(seconds=0.1).accepted(1).later(seconds=0.1).answered(Verb.PAUSE).later(seconds=1)
    assert broken(taken_back(story)) == {"what_a_stop_forbids_is_taken_back"}


def test_a_dial_after_a_suppression() -> None:
    story = Story().campaign().suppress(number(10)).later(seconds=5).rings_out(1, 10)
    assert broken(story) == {"nothing_starts_after_suppression", "suppressed_is_not_dialed"}


def test_a_dial_between_a_suppression_s_commit_and_its_answer() -> None:
    story = Story().campaign().asked(Verb.SUPPRESS, number=number(10))
    story.note(SuppressionCommitted, suppression_id=1, number=number(10), source="operator")
    story.later(seconds=0.1).dialed(1, 10).hung_up(1).moved(1, "ended", "canceled", by_us=True).ended(1, "withdrawn", after="skipped")
    assert broken(story.answered(Verb.SUPPRESS)) == {"suppressed_is_not_dialed"}


def test_a_dial_once_the_entry_was_lifted_before_the_suppression_was_answered() -> None:
    story = Story().campaign().asked(Verb.SUPPRESS, number=number(10))
    story.note(SuppressionCommitted, suppression_id=1, number=number(10), source="operator")
    lifted(story.later(seconds=0.1)).later(seconds=0.1).answered(Verb.SUPPRESS)
    assert broken(story.later(seconds=1).reaches(1, 10)) == set()


def test_an_answered_call_with_nobody_on_the_line() -> None:
    story = Story().campaign().dialed(1, 10).later(seconds=1).moved(1, "answered")
    story.note(StreamRefused, process="one", call_id=1, carrier_call_id="CA1", why="unknown")
    assert broken(story.moved(1, "ended", "answered").ended(1, "dropped")) == {"who_answers_is_served"}


# ------------------------------------------------------------- gates and pacing


def test_a_dial_before_the_start() -> None:
    story = Story()
    story.edit(local_hours=False).becomes("draft").add(10).rings_out(1, 10)
    assert broken(story) == {"campaign_runs"}


def test_a_dial_before_the_scheduled_start() -> None:
    assert broken(Story().campaign(scheduled_start=NOON + timedelta(hours=1)).rings_out(1, 10)) == {"scheduled_start_has_passed"}


@pytest.mark.parametrize(
    ("now", "start", "end", "weekdays", "zone"),
    [
        ("2030-05-15T06:59:50", time(9), time(17), oracle.EVERY_DAY, "Europe/Berlin"),  # a day's window, just before it opens
        ("2030-05-15T15:00:00", time(9), time(17), oracle.EVERY_DAY, "Europe/Berlin"),  # ... as it has closed
        ("2030-05-16T00:00:00", time(20), time(2), oracle.EVERY_DAY, "Europe/Berlin"),  # an overnight one, at its end
        ("2030-05-15T12:00:00", time(9), time(17), (1, 2, 4, 5), "Europe/Berlin"),  # a Wednesday
        ("2030-05-17T23:00:00", time(20), time(2), (6,), "Europe/Berlin"),  # one in the morning of Saturday: Friday's night
        ("2030-03-31T07:00:00", time(8), time(9), oracle.EVERY_DAY, "Europe/Berlin"),  # nine o'clock since tonight
        ("2030-10-27T07:00:00", time(9), time(17), oracle.EVERY_DAY, "Europe/Berlin"),  # still eight, since tonight
        ("2030-05-15T12:00:00", time(9), time(17), oracle.EVERY_DAY, "Nowhere/Land"),  # a zone that there is not
    ],
)
def test_a_dial_outside_the_window(now: str, start: time, end: time, weekdays: tuple[int, ...], zone: str) -> None:
    story = Story(now=at(now)).campaign(start_time=start, end_time=end, weekdays=weekdays, timezone=zone).rings_out(1, 10)
    assert broken(story) == {"window_is_open"}


@pytest.mark.parametrize(
    ("now", "start", "end", "weekdays"),
    [
        ("2030-05-15T07:00:00", time(9), time(17), (3,)),
        ("2030-05-15T22:59:00", time(20), time(2), (3,)),
        ("2030-05-18T23:30:00", time(20), time(2), (6,)),  # half past one on Sunday: Saturday's night
        ("2030-03-31T06:30:00", time(8), time(9), oracle.EVERY_DAY),
        ("2030-10-27T07:30:00", time(8), time(9), oracle.EVERY_DAY),
        ("2030-10-27T00:40:00", time(2, 30), time(3), oracle.EVERY_DAY),  # the first half past two
        ("2030-10-27T01:40:00", time(2, 30), time(3), oracle.EVERY_DAY),  # the second
        ("2030-05-15T03:00:00", time(9), time(9), (3,)),  # all day
    ],
)
def test_dials_inside_the_window_pass(now: str, start: time, end: time, weekdays: tuple[int, ...]) -> None:
    story = Story(now=at(now)).campaign(start_time=start, end_time=end, weekdays=weekdays, **BERLIN).rings_out(1, 10)
    assert broken(story) == set()


@pytest.mark.parametrize(
    ("now", "to", "zone"),
    [
        ("2030-05-15T05:59:30", number(10), None),  # Berlin sleeps until six UTC
        ("2030-05-15T19:00:00", number(10), None),
        ("2030-05-15T12:00:00", number(10), "America/Los_Angeles"),
        ("2030-05-15T11:00:00", "+12125550100", None),  # seven in New York
        ("2030-05-15T12:00:00", "+8821612340001", None),  # a satellite's number, anywhere
        ("2030-05-15T12:00:00", number(10), "Nowhere/Land"),
    ],
)
def test_a_dial_outside_the_callee_s_hours(now: str, to: str, zone: str | None) -> None:
    story = Story(now=at(now)).campaign(who={"number": to, "zone": zone}, local_hours=True).rings_out(1, 10)
    assert broken(story) == {"callee_hours_fit"}


def test_dials_over_the_cap_of_a_day_and_of_a_week() -> None:
    story = Story().campaign(max_retries=9, retry_delay_min=1, max_per_24h=2, max_per_7d=3)
    for call_id in (1, 2):
        story.rings_out(call_id, 10).later(minutes=5)
    assert broken(story.rings_out(3, 10).later(days=2)) >= {"caps_hold"}
    assert len([each for each in check(story.history()) if each.promise == "caps_hold"]) == 1
    story.rings_out(4, 10)
    assert len([each for each in check(story.history()) if each.promise == "caps_hold"]) == 2


def test_caps_count_the_tries_of_all_campaigns() -> None:
    story = Story().campaign(1).campaign(2, max_per_24h=1)
    story.contact(20, number=number(10))
    assert broken(story.rings_out(1, 10).later(hours=23).rings_out(2, 20)) == {"caps_hold"}


def test_more_tries_than_there_are() -> None:
    story = Story().campaign(max_retries=1, retry_delay_min=1, people=2).rings_out(1, 10).later(minutes=2).rings_out(2, 10)
    story.contact(10, after="pending", not_before=None)
    assert broken(story.later(minutes=2).rings_out(3, 10).reaches(4, 11)) == {"a_try_is_left"}


def test_a_dial_without_a_variable() -> None:
    assert broken(Story().campaign(agent_id=2).rings_out(1, 10)) == {"variables_are_there"}


def test_a_retry_before_its_delay() -> None:
    story = Story().campaign(max_retries=1, retry_delay_min=10).rings_out(1, 10).later(minutes=9).rings_out(2, 10)
    assert broken(story) == {"retry_waits"}


def test_a_pilot_that_goes_too_far() -> None:
    story = Story().campaign(people=3, pilot_size=1).rings_out(1, 10).later(seconds=2).rings_out(2, 11)
    story.becomes("paused", reason="the pilot is done", pilot_done=True).later(minutes=1)
    story.verb(Verb.RESUME, campaign_id=1).becomes("in_progress", pilot_done=True).rings_out(3, 12)
    violations = check(story.history())
    assert [(each.promise, each.ids["call"]) for each in violations] == [("pilot_is_kept", 2)]


def two_starts(apart_s: float, story: Story, **settings: Any) -> Story:
    story.campaign(people=2, **settings).dialed(1, 10).later(seconds=apart_s - 0.11).dialed(2, 11).later(seconds=2)
    story.moved(1, "ended", "busy").ended(1, "busy")
    return story.moved(2, "ended", "busy").ended(2, "busy")


def test_more_calls_per_second_than_the_account_takes() -> None:
    assert broken(two_starts(0.9, Story())) == {"account_rate_holds"}
    assert broken(two_starts(1.0, Story())) == set()


def test_more_calls_per_second_than_the_number_takes() -> None:
    assert broken(two_starts(4.9, Story(line_rate=0.2))) == {"number_rate_holds"}


def test_less_than_the_throttle_delay_between_two_calls() -> None:
    assert broken(two_starts(1.2, Story(), throttle_delay_ms=1500)) == {"throttle_holds"}


def test_more_calls_at_once_than_the_campaign_s_concurrency() -> None:
    assert broken(two_starts(1.2, Story(), concurrency=1)) == {"campaign_concurrency_holds"}


def test_more_calls_at_once_than_the_number_s_concurrency() -> None:
    assert broken(two_starts(1.2, Story(line_concurrency=1))) == {"number_concurrency_holds"}


def test_more_calls_at_once_than_the_process_may_hold() -> None:
    assert broken(two_starts(1.2, Story(holds=1))) == {"process_concurrency_holds"}


def test_a_claim_while_the_carrier_has_asked_us_to_wait() -> None:
    story = Story(calls_per_second=100).campaign().planned(1, 10).flipped(1).posted(1).returned(1, Answer.THROTTLED).ended(1, "withdrawn")
    assert broken(story.later(seconds=0.5).rings_out(2, 10)) == {"throttled_backs_off"}


def test_a_fresh_contact_before_a_due_retry() -> None:
    story = Story().campaign(people=2, max_retries=1, retry_delay_min=10).rings_out(1, 10).later(minutes=11).reaches(2, 11)
    assert broken(story.reaches(3, 10)) == {"retries_go_first"}


# ------------------------------------------------------------- ends and outcomes


def test_an_attempt_that_goes_back() -> None:
    story = Story().campaign().dialed(1, 10).later(seconds=1).moved(1, "answered").call(1, "ringing").call(1, "answered").talked(1)
    assert broken(story.moved(1, "ended", "answered").ended(1, "person")) == {"calls_move_forward"}


def test_an_attempt_that_never_ends() -> None:
    story = Story().campaign().dialed(1, 10).later(seconds=1).moved(1, "ended", "no_answer")
    assert broken(story) == {"attempts_end", "nobody_is_stuck"}


def test_times_that_are_out_of_order() -> None:
    story = Story().campaign().rings_out(1, 10)
    story.calls[1]["ended_at"] = story.calls[1]["requested_at"] - timedelta(seconds=1)
    assert broken(story) == {"times_are_in_order"}


def test_a_contact_that_stays_in_progress() -> None:
    story = Story().campaign(people=2).dialed(1, 10).moved(1, "ended", "busy").call(1, "ended", outcome="busy", ended_at=NOON)
    assert broken(story.later(seconds=2).reaches(2, 11)) >= {"contact_follows_attempt", "contact_follows_the_table", "nobody_is_stuck"}


@pytest.mark.parametrize(
    ("tell", "outcome"),
    [
        (lambda story: story.moved(1, "answered").talked(1).moved(1, "ended", "answered"), "no_answer"),
        (lambda story: story.moved(1, "answered").moved(1, "ended", "answered"), "no_answer"),
        (lambda story: story.moved(1, "answered").talked(1, "message_left", "voicemail").moved(1, "ended", "answered"), "person"),
        (lambda story: story.moved(1, "ended", "busy"), "no_answer"),
        (lambda story: story.moved(1, "ended", "no_answer"), "lost"),
        (lambda story: story.hung_up(1).moved(1, "ended", "canceled", by_us=True), "carrier_failure"),
    ],
)
def test_an_outcome_that_is_not_what_happened(tell: Callable[[Story], Story], outcome: str) -> None:
    story = tell(Story().campaign(people=2).dialed(1, 10).later(minutes=3)).ended(1, outcome)
    assert "outcome_is_true" in broken(story)


def test_what_nothing_told_of_may_be_lost_and_evidence_that_comes_later_corrects_it() -> None:
    story = Story().campaign().planned(1, 10).flipped(1).posted(1).accepted(1).later(seconds=10).returned(1, Answer.LOST).call(1, "unknown")
    story.moved(1, "ended", "no_answer", told=False)
    story.later(seconds=60).looked(1).later(seconds=60).looked(1).ended(1, "lost").later(minutes=1).reaches(2, 10)
    assert broken(story) == set()
    assert broken(story.told(1, "ended", "no_answer")) >= {"outcome_is_true"}


@pytest.mark.parametrize(
    "wrong", [{"after": "failed"}, {"after": "completed"}, {"tries": 0}, {"tries": 2}, {"not_before": NOON}, {"callback": True}]
)
def test_a_contact_that_becomes_what_the_table_does_not_say(wrong: dict[str, object]) -> None:
    story = Story().campaign(people=2, max_retries=1, retry_delay_min=10).rings_out(1, 10, **wrong)
    assert "contact_follows_the_table" in broken(story)


def test_a_try_that_is_not_counted() -> None:
    story = Story().campaign().rings_out(1, 10)
    story.contact(10, tries=0)
    assert broken(story) == {"tries_are_counted"}


@pytest.mark.parametrize(("first_s", "second_s"), [(5, 60), (60, 30)])
def test_an_attempt_that_is_given_up_too_early(first_s: float, second_s: float) -> None:
    story = Story().campaign(people=2).planned(1, 10).flipped(1).posted(1).returned(1, Answer.SERVER_ERROR).call(1, "unknown")
    story.later(seconds=first_s).looked(1).later(seconds=second_s).looked(1).ended(1, "lost").later(minutes=1)
    assert broken(story.reaches(2, 10).reaches(3, 11)) == {"lost_only_after_looking"}


def test_an_attempt_that_is_given_up_though_it_was_found() -> None:
    story = Story().campaign().planned(1, 10).flipped(1).posted(1).accepted(1).returned(1, Answer.LOST).call(1, "unknown")
    story.later(seconds=60).looked(1, "CA1 ringing").later(seconds=60).looked(1)
    story.moved(1, "ended", "no_answer", told=False).ended(1, "lost")
    assert broken(story) >= {"lost_only_after_looking", "outcome_is_true"}


def test_a_report_that_is_kept_twice_and_one_that_is_not_kept() -> None:
    story = Story().campaign().rings_out(1, 10)
    events = story.history().final.call_events
    for kept in ([*events, events[0]], events[1:]):
        assert {each.promise for each in check(story.history(call_events=kept))} == {"webhooks_are_kept_once"}


def test_a_result_that_is_not_kept() -> None:
    story = Story().campaign().reaches(1, 10)
    story.calls[1]["conversation_ended_at"] = None
    assert broken(story) >= {"results_are_kept"}


def test_a_result_from_who_does_not_hold_the_call_any_more() -> None:
    story = Story().campaign().dialed(1, 10).later(seconds=5).moved(1, "answered").call(1, "answered", fence=2)
    story.talked(1).moved(1, "ended", "answered").ended(1, "person")
    assert broken(story) == {"results_are_kept"}


# ------------------------------------------------------------- campaigns and contacts


def test_a_campaign_that_goes_on_after_its_end() -> None:
    story = Story().campaign().reaches(1, 10).later(minutes=1).becomes("paused", reason="paused by ada")
    assert broken(story) == {"campaigns_move_legally"}


def test_a_contact_that_is_called_again_after_its_end() -> None:
    story = Story().campaign(people=2).reaches(1, 10).later(seconds=1)
    assert broken(story.contact(10, after="pending").rings_out(2, 10).reaches(3, 11)) >= {"contacts_move_legally"}


def test_an_edit_while_the_campaign_runs() -> None:
    assert broken(Story().campaign().verb(Verb.EDIT, campaign_id=1).rings_out(1, 10)) == {"verbs_keep_to_their_table"}


def test_a_contact_s_skip_in_a_cancelled_campaign() -> None:
    story = Story().campaign().verb(Verb.CANCEL, campaign_id=1, then="cancelled")
    story.asked(Verb.SKIP, contact_id=10).contact(10, after="skipped").answered(Verb.SKIP)
    assert broken(story) == {"verbs_keep_to_their_table"}


def test_a_pause_that_does_not_pause() -> None:
    assert "stops_stop" in broken(Story().campaign().verb(Verb.PAUSE, campaign_id=1).rings_out(1, 10))


def test_a_pause_that_does_not_say_why() -> None:
    assert broken(Story().campaign().becomes("paused")) == {"pauses_have_reasons"}


def test_a_campaign_that_goes_on_though_the_carrier_refuses_us() -> None:
    story = Story().campaign(people=2).planned(1, 10).flipped(1).posted(1).returned(1, Answer.OUR_FAULT)
    story.calls[1]["end_reason"] = "our_fault"
    assert broken(story.ended(1, "withdrawn").later(seconds=1).reaches(2, 10).reaches(3, 11)) == {"our_fault_pauses"}


def test_a_campaign_that_is_completed_too_early() -> None:
    story = Story().campaign(people=2).reaches(1, 10).becomes("completed")
    assert broken(story) == {"completed_exactly_at_the_end"}


def test_a_campaign_that_is_completed_too_late() -> None:
    story = without(Story().campaign())
    story.status[1] = replace(story.status[1], after="paused")
    story.reaches(1, 10)
    story.status[1] = replace(story.status[1], after="in_progress")
    assert broken(story.later(minutes=1).becomes("completed")) == {"completed_exactly_at_the_end"}


def test_a_lost_contact() -> None:
    assert broken(Story().campaign(people=2).reaches(1, 10)) == {"nobody_is_stuck"}


def test_counts_that_drift() -> None:
    story = Story().campaign().look_at_counts(pending=2).reaches(1, 10)
    assert broken(story) == {"counts_hold"}
    kept = [{"campaign_id": 1} | story.counts() | {"completed": 0}]
    assert {each.promise for each in check(Story().campaign().reaches(1, 10).history(campaign_counts=kept))} == {"counts_hold"}


def test_a_contact_that_is_skipped_without_cause() -> None:
    story = Story().campaign().contact(10, after="skipped", reason="no idea").completed_if_done()
    assert broken(story) == {"skipped_for_a_reason"}


def lifted(story: Story) -> Story:
    """The number of the first contact is taken off the list again."""
    story.note(SuppressionLifted, suppression_id=1, number=number(10))
    return story


def test_who_was_suppressed_at_the_last_look_may_be_skipped_and_who_was_not_may_not() -> None:
    story = Story().campaign().planned(1, 10).asked(Verb.SUPPRESS, number=number(10))
    story.note(SuppressionCommitted, suppression_id=1, number=number(10), source="operator")
    assert broken(lifted(story).ended(1, "withdrawn", after="skipped")) == set()
    story = Story().campaign()
    story.note(SuppressionCommitted, suppression_id=1, number=number(10), source="operator")
    assert broken(lifted(story).contact(10, after="skipped").completed_if_done()) == {"skipped_for_a_reason"}


@pytest.mark.parametrize("settings", [{"agent_id": 2}, {"local_hours": True, "start_time": time(22), "end_time": time(23), **BERLIN}])
def test_who_can_never_be_called_may_be_skipped(settings: dict[str, Any]) -> None:
    assert broken(Story().campaign(**settings).contact(10, after="skipped").completed_if_done()) == set()


def test_a_contact_that_fails_with_tries_left() -> None:
    story = Story().campaign(max_retries=1, retry_delay_min=1).contact(10, after="failed").completed_if_done()
    assert broken(story) == {"failed_for_a_reason"}


def test_an_opt_out_that_nobody_hears() -> None:
    story = without(Story().campaign().reaches(1, 10, "opted_out", opted_out=True), SuppressionCommitted)
    assert broken(story) == {"opt_outs_are_heard"}
    assert any(isinstance(each, ConversationEnded) for each in story.events)


def test_an_opt_out_that_another_campaign_ignores() -> None:
    story = Story().campaign(1).campaign(2)
    story.contact(20, number=number(10))
    story.reaches(1, 10, "opted_out", opted_out=True).later(minutes=1).reaches(2, 20)
    assert broken(story) == {"suppressed_is_not_dialed"}


# ------------------------------------------------------------- the promises in words


def test_every_promise_is_a_sentence_of_the_page() -> None:
    assert all(sentence(each).endswith(".") for each in CHECKS.values())
    page = Path(__file__).parents[2] / "docs" / "simulation.md"
    assert promises() in page.read_text(encoding="utf-8"), "write there what `python -m tests.simulation.checker` prints"
