"""The gates before every dial: each looks at one value and says call, wait (until when) or never. Pure.

What can never pass by waiting is skipped, so that no campaign waits for it. Gates fail closed: what is not known is not called.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache

from dialer.calling_hours import UnknownZone, Window, local_hours, window
from dialer.lifecycle import CampaignStatus, shown
from dialer.retries import RetryRules, Tries
from dialer.rows import CampaignRules, ContactFacts


class Verdict(StrEnum):
    CALL = "call"
    WAIT = "wait"
    SKIP = "skip"  # the contact will not be called, for a reason that waiting does not change
    FAIL = "fail"  # its tries are used up


@dataclass(frozen=True, slots=True)
class Seen:
    """One gate's verdict, the value that it saw, for people to read, and when to look again where it says wait
    (None: when something changes)."""

    gate: str
    verdict: Verdict
    value: str
    look_again_at: datetime | None = None


LOOK_AGAIN_AT_A_LIVE_NUMBER = timedelta(seconds=15)
_ANY_TIME = datetime.min.replace(tzinfo=UTC)  # what waits for a change may pass at any time
_DAY, _WEEK = timedelta(hours=24), timedelta(days=7)


def deciding(seen: Sequence[Seen]) -> Seen | None:
    """The verdict that decides, None where all say "call": the first that is never to pass, else the one that waits longest."""
    against = [each for each in seen if each.verdict is not Verdict.CALL]
    for each in against:
        if each.verdict is not Verdict.WAIT:
            return each
    return max(against, key=lambda each: each.look_again_at or _ANY_TIME, default=None)


def campaign_gates(campaign: CampaignRules, now: datetime) -> list[Seen]:
    """Whether the campaign may call anyone now: status, scheduled start, window with its weekdays."""
    return [_status(campaign), _scheduled_start(campaign, now), _window(campaign, now)]


def time_gates(campaign: CampaignRules, now: datetime) -> list[Seen]:
    """The gates that decide between Pending and In Progress."""
    return [_scheduled_start(campaign, now), _window(campaign, now)]


def open_until(hours: Window | None, now: datetime) -> datetime:
    """How long gates of time that are open at `now` are sure to stay so, with the campaign's `hours`: to the end of the minute, for all
    hours, the callees' and those of clock changes among them, begin and end with one. Where the campaign's do not: for no time."""
    if hours is not None and any(clock.second or clock.microsecond for clock in (hours.start, hours.end)):
        return now
    return now.replace(second=0, microsecond=0) + timedelta(minutes=1)


def contact_gates(campaign: CampaignRules, contact: ContactFacts, now: datetime) -> list[Seen]:
    """Whether this contact may be called now, by everything but the campaign and the pacing."""
    return [
        variables(contact),
        suppression(contact.suppressed),
        max_tries(campaign, contact),
        callee_hours(campaign.local_hours, contact.number, contact.zone, now, _window_if_known(campaign)),
        live_attempt(contact.live, now),
        frequency_cap(contact.tries_7d, campaign.max_per_24h, campaign.max_per_7d, now),
    ]


def _status(campaign: CampaignRules) -> Seen:
    runs = campaign.status in (CampaignStatus.PENDING, CampaignStatus.IN_PROGRESS)
    return Seen("campaign_status", Verdict.CALL if runs else Verdict.WAIT, f"the campaign is {shown(campaign.status)}")


def _scheduled_start(campaign: CampaignRules, now: datetime) -> Seen:
    start = campaign.scheduled_start
    if start is None:
        return Seen("scheduled_start", Verdict.CALL, "no scheduled start")
    value = f"the campaign starts at {start:%Y-%m-%d %H:%M %Z}"
    return Seen("scheduled_start", Verdict.CALL, value) if now >= start else Seen("scheduled_start", Verdict.WAIT, value, start)


def campaign_window(campaign: CampaignRules) -> Window | None:
    """Raises UnknownZone."""
    return window(campaign.start_time, campaign.end_time, campaign.timezone, campaign.weekdays)


def _window_if_known(campaign: CampaignRules) -> Window | None:
    try:
        return campaign_window(campaign)
    except UnknownZone:  # the campaign's own gate stays closed
        return None


def _window(campaign: CampaignRules, now: datetime) -> Seen:
    return _window_at(now, campaign.start_time, campaign.end_time, campaign.timezone, tuple(campaign.weekdays))


@lru_cache(maxsize=1024)
def _window_at(now: datetime, start: time | None, end: time | None, zone: str | None, weekdays: tuple[int, ...]) -> Seen:
    """In one tick, many campaigns have the same hours."""
    try:
        hours = window(start, end, zone, weekdays)
    except UnknownZone as error:
        return Seen("window", Verdict.WAIT, f"closed, for {error}")
    if hours is None:
        return Seen("window", Verdict.CALL, "calls at any time")
    value = f"{now.astimezone(hours.zone):%A %H:%M} of {hours.words()}"
    return Seen("window", Verdict.CALL, value) if hours.is_open(now) else Seen("window", Verdict.WAIT, value, hours.next_opening(now))


def variables(contact: ContactFacts) -> Seen:
    if not contact.missing:
        return Seen("variables", Verdict.CALL, "all there")
    names = ", ".join(contact.missing)
    return Seen("variables", Verdict.SKIP, f"the agent's texts need {names}, which this contact does not have")


def suppression(suppressed: bool) -> Seen:
    if suppressed:
        return Seen("suppression", Verdict.SKIP, "the number is on the do-not-call list")
    return Seen("suppression", Verdict.CALL, "not on the do-not-call list")


def max_tries(campaign: CampaignRules, contact: ContactFacts) -> Seen:
    tries = Tries(contact.tries, contact.extra_tries, contact.lost_tries)
    rules = RetryRules(campaign.max_retries, campaign.retry_delay_min, campaign.retry_on_voicemail, campaign.retry_on_dropped)
    value = f"{contact.tries} tries made"
    if contact.callback or tries.left(rules):
        return Seen("max_tries", Verdict.CALL, value)
    return Seen("max_tries", Verdict.FAIL, f"{value}: none left")


def callee_hours(respected: bool, number: str, zone: str | None, now: datetime, campaign: Window | None = None) -> Seen:
    """`zone`: the contact's own, where it is known (IANA). `campaign`: its hours; a callee whom they never fit is not waited for."""
    if not respected:
        return Seen("local_hours", Verdict.CALL, "local hours are off")
    found = local_hours(number, zone, now, campaign)
    if not found.known:
        return Seen("local_hours", Verdict.SKIP, f"the callee's local time is not known: {found.value}")
    if found.open:
        return Seen("local_hours", Verdict.CALL, found.value)
    return Seen("local_hours", Verdict.WAIT if found.opens else Verdict.SKIP, found.value, found.opens)


def live_attempt(live: bool, now: datetime) -> Seen:
    if live:
        return Seen("live_attempt", Verdict.WAIT, "the number is in another call", now + LOOK_AGAIN_AT_A_LIVE_NUMBER)
    return Seen("live_attempt", Verdict.CALL, "the number is in no call")


def frequency_cap(tries: Sequence[datetime], per_24h: int, per_7d: int, now: datetime) -> Seen:
    """`tries`: when the number was called in the last seven days, by any campaign, in any order."""
    newest = sorted(tries, reverse=True)
    waits = [
        newest[most - 1] + span
        for most, span in ((per_24h, _DAY), (per_7d, _WEEK))
        if len(newest) >= most and newest[most - 1] + span > now
    ]
    value = f"{sum(1 for at in newest if at > now - _DAY)} tries in 24 hours, {len(newest)} in 7 days"
    return Seen("frequency_cap", Verdict.WAIT, value, max(waits)) if waits else Seen("frequency_cap", Verdict.CALL, value)
