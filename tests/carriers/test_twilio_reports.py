"""Status callbacks in our words."""

from datetime import UTC, datetime

import pytest

from dialer.carrier import CarrierReport
from dialer.lifecycle import CallState
from mediaserver.carriers.twilio.reports import NotUnderstood, read_report

COMPLETED = {
    "CallSid": "CA1",
    "AccountSid": "AC1",
    "From": "+15005550006",
    "To": "+12025550123",
    "CallStatus": "completed",
    "Direction": "outbound-api",
    "CallDuration": "17",
    "Duration": "1",
    "SipResponseCode": "200",
    "Timestamp": "Tue, 24 Nov 2026 10:00:00 +0000",
    "CallbackSource": "call-progress-events",
    "SequenceNumber": "3",
}


def test_a_callback_is_read_whole() -> None:
    assert read_report(COMPLETED) == CarrierReport(
        carrier_call_id="CA1",
        state=CallState.ENDED,
        key="CA1:call-progress-events:3",
        at=datetime(2026, 11, 24, 10, tzinfo=UTC),
        outcome="answered",
        code="200",
        duration_s=17,
    )


@pytest.mark.parametrize(
    ("status", "state", "outcome"),
    [
        ("queued", CallState.REQUESTED, None),
        ("initiated", CallState.REQUESTED, None),
        ("ringing", CallState.RINGING, None),
        ("in-progress", CallState.ANSWERED, None),
        ("busy", CallState.ENDED, "busy"),
        ("no-answer", CallState.ENDED, "no_answer"),
        ("failed", CallState.ENDED, "failed"),
        ("canceled", CallState.ENDED, "canceled"),
    ],
)
def test_each_status_is_a_state_of_ours(status: str, state: CallState, outcome: str | None) -> None:
    report = read_report(COMPLETED | {"CallStatus": status})
    assert (report.state, report.outcome) == (state, outcome)


def test_a_doubled_callback_has_the_same_key_and_another_one_has_another() -> None:
    keys = {read_report(COMPLETED | change).key for change in ({}, {"Timestamp": ""}, {"SequenceNumber": "4"}, {"CallSid": "CA2"})}
    assert len(keys) == 3


def test_callbacks_without_a_sequence_are_told_by_their_status() -> None:
    plain = {"CallSid": "CA1", "CallStatus": "ringing"}
    assert read_report(plain).key != read_report(plain | {"CallStatus": "completed"}).key


@pytest.mark.parametrize("verdict", ["human", "machine_start", "machine_end_beep", "fax", "unknown"])
def test_a_verdict_on_who_picked_up_comes_with_or_without_a_status(verdict: str) -> None:
    alone = read_report({"CallSid": "CA1", "AnsweredBy": verdict, "MachineDetectionDuration": "2100"})
    assert (alone.state, alone.answered_by) == (CallState.ANSWERED, verdict)
    assert read_report(COMPLETED | {"AnsweredBy": verdict}).answered_by == verdict


@pytest.mark.parametrize(
    "change", [{"Timestamp": "yesterday"}, {"CallDuration": "long"}, {"CallDuration": "٣"}, {"CallDuration": "9" * 40}]
)
def test_a_time_that_can_not_be_read_does_not_lose_the_report(change: dict[str, str]) -> None:
    report = read_report(COMPLETED | change)
    assert report.state is CallState.ENDED
    assert None in (report.at, report.duration_s)


@pytest.mark.parametrize("fields", [{}, {"CallStatus": "ringing"}, {"CallSid": "CA1"}, {"CallSid": "CA1", "CallStatus": "parked"}])
def test_what_says_nothing_is_not_guessed(fields: dict[str, str]) -> None:
    with pytest.raises(NotUnderstood):
        read_report(fields)
