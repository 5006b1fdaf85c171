"""Who of a campaign's pending contacts will be called, from when on, and who will not and why: as the gates see them. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor, log2
from zoneinfo import ZoneInfo

from dialer.calling_hours import Window, callee_zones, zone
from dialer.campaign_settings import CampaignSettings
from dialer.forecast import SkippedContacts
from dialer.forecast_flow import STEP_FIRST_S, STEP_SHARE, Cohort
from dialer.forecast_hours import Group, alike
from dialer.forecast_rows import ForecastContact
from dialer.gates import Seen, Verdict, callee_hours, frequency_cap, suppression, variables
from dialer.retries import RetryRules, Tries

ANY_TIME: Group = frozenset()


@dataclass(frozen=True, slots=True)
class Sorted:
    """Pending contacts, sorted: those to call by what they have in common, and those that will be skipped by the reason."""

    cohorts: tuple[Cohort, ...]
    skipped: tuple[SkippedContacts, ...]


def sort_contacts(
    contacts: Iterable[ForecastContact], settings: CampaignSettings, hours: Window | None, now: datetime, *, each_counts: float = 1.0
) -> Sorted:
    """`hours`: the campaign's; `each_counts`: how many pending contacts each of `contacts` stands for."""
    begin = max(now, settings.scheduled_start or now)
    opens = hours.next_opening(begin) if hours is not None else begin
    rules = RetryRules(settings.max_retries, settings.retry_delay_min, settings.retry_on_voicemail, settings.retry_on_dropped)
    clocks: dict[tuple[timedelta | None, ...], ZoneInfo] = {}
    groups: dict[Group, Group] = {ANY_TIME: ANY_TIME}
    called: Counter[Cohort] = Counter()
    skipped: Counter[tuple[str, str]] = Counter()
    for contact in contacts:
        against = _never(contact, settings, rules, hours, opens)
        if against is not None:
            skipped[against.gate, _reason(against)] += 1
            continue
        zones = frozenset(callee_zones(contact.number, contact.zone)) if settings.local_hours else ANY_TIME
        if zones not in groups:
            groups[zones] = alike(zones, begin, clocks)
        called[_cohort(contact, settings, groups[zones], now)] += 1
    return Sorted(
        tuple(_of(cohort, count * each_counts) for cohort, count in called.items()),
        tuple(SkippedContacts(gate, reason, round(count * each_counts)) for (gate, reason), count in skipped.most_common()),
    )


def unknown_contacts(count: int, settings: CampaignSettings) -> tuple[Cohort, ...]:
    """Contacts of whom only the number is known: fresh ones in the campaign's time zone."""
    group = frozenset({zone(settings.timezone)}) if settings.local_hours and settings.timezone else ANY_TIME
    return (Cohort(group, float(count), 1 + settings.max_retries),) if count else ()


def _never(contact: ForecastContact, settings: CampaignSettings, rules: RetryRules, hours: Window | None, opens: datetime) -> Seen | None:
    """The gate that will not let the contact pass, whatever the time."""
    seen = [
        variables(contact),
        suppression(contact.suppressed),
        callee_hours(settings.local_hours, contact.number, contact.zone, opens, hours),
    ]
    if not contact.callback and not Tries(contact.tries, contact.extra_tries).left(rules):
        seen.append(Seen("max_tries", Verdict.FAIL, f"{contact.tries} tries made: none left"))
    return next((each for each in seen if each.verdict in (Verdict.SKIP, Verdict.FAIL)), None)


def _reason(against: Seen) -> str:
    """In words that all contacts held back for the same reason share: a callee's own clock is left out."""
    if against.gate != "local_hours":
        return against.value
    if against.value.startswith("the callee's local time"):
        return "the callee's local time is not known: add a column named timezone, or numbers with a country code that tell it"
    return "no hour of the campaign's window lies between 8:00 and 21:00 where the callee is"


def _cohort(contact: ForecastContact, settings: CampaignSettings, group: Group, now: datetime) -> Cohort:
    """What the contact has in common with others."""
    capped = frequency_cap(contact.tries_7d, settings.max_per_24h, settings.max_per_7d, max(now, contact.not_before or now))
    due_at = capped.look_again_at or contact.not_before
    waits_for = "frequency_cap" if capped.look_again_at else "callback" if contact.callback else "retry_delay"
    left = max(1, 1 + settings.max_retries + contact.extra_tries - contact.tries)
    made = 0 if contact.not_before is None else max(1, contact.tries)
    due_at = _in_steps(due_at, now) if due_at is not None and due_at > now else None
    return Cohort(group, 1.0, left, made, due_at, waits_for if due_at else "retry_delay")


def _in_steps(at: datetime, now: datetime) -> datetime:
    """Contacts that are due at nearly the same time are due together: as far ahead as they are, to 2 %, as the model's own steps."""
    ahead_s = (at - now).total_seconds()
    step_s = STEP_FIRST_S * 2 ** floor(log2(max(1.0, ahead_s * STEP_SHARE / STEP_FIRST_S)))
    return now + timedelta(seconds=round(ahead_s / step_s) * step_s)


def _of(cohort: Cohort, contacts: float) -> Cohort:
    return Cohort(cohort.group, contacts, cohort.left, cohort.made, cohort.due_at, cohort.waits_for)
