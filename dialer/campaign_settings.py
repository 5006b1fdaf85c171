"""The settings of a campaign, checked as a whole before anything is kept. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, time
from typing import Any, Self

import msgspec

from dialer.calling_hours import UnknownZone, zone

LARGEST_ID = 2**63 - 1
LAST_YEAR = 9000  # with room for zones and windows before the calendar ends
_ID = re.compile(r"-?[0-9]{1,40}")


class InvalidCampaign(ValueError):
    """The settings can't be used. `problems`: field -> what is wrong and what to do."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in problems.items()))
        self.problems = dict(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSettings:
    """What an operator sets. `start_time` and `end_time`: wall clock of `timezone` (IANA name); the same time twice means all day, an end
    before the start goes over midnight. `weekdays`: ISO, Monday is 1. `scheduled_start` has a zone."""

    name: str
    agent_id: int
    phone_number_id: int
    concurrency: int = 1
    max_retries: int = 0
    retry_delay_min: int | None = None
    throttle_delay_ms: int | None = None
    start_time: time | None = None
    end_time: time | None = None
    timezone: str | None = None
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    scheduled_start: datetime | None = None
    retry_on_voicemail: bool = False
    retry_on_dropped: bool = True
    local_hours: bool = True
    ring_timeout_s: int = 30
    max_per_24h: int = 3
    max_per_7d: int = 7
    pilot_size: int | None = None

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """The settings in `raw` (JSON values: times as "09:00", the scheduled start as RFC 3339), types checked, sense not (see `check`).

        Raises:
            InvalidCampaign: an unknown field, a missing one, or a value of the wrong type.
        """
        names = {field.name for field in fields(cls)}
        problems = {name: "is not a setting of a campaign: leave it out" for name in raw if name not in names}
        problems |= {name: "is required" for name in ("name", "agent_id", "phone_number_id") if raw.get(name) in (None, "")}
        given = {name: value for name, value in raw.items() if name in names}
        for name in ("agent_id", "phone_number_id"):
            if isinstance(given.get(name), str) and not _ID.fullmatch(given[name]) and name not in problems:
                problems[name] = f"{given[name]!r} is not an id: use that of one that exists"
        for name in ("start_time", "end_time"):
            if isinstance(given.get(name), str):
                given[name] = _wall_clock(given[name])
            if isinstance(given.get(name), time) and given[name].tzinfo is not None:
                problems[name] = "has a zone of its own: use the wall clock of the campaign's time zone, such as 09:00"
        if not problems:
            try:
                return msgspec.convert(given, cls, strict=False)
            except msgspec.ValidationError as error:
                problems = _located(str(error))
        raise InvalidCampaign(problems)

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """These settings with `changes` (as in `from_dict`) laid over them.

        Raises:
            InvalidCampaign: as `from_dict`.
        """
        current: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        return type(self).from_dict(current | dict(changes))

    def renamed(self, name: str) -> Self:
        return replace(self, name=name)


def _wall_clock(text: str) -> time | str:
    """ "09:00" or "09:00:30" as a time of day; what is none stays as it is, for the conversion to name it."""
    try:
        return time.fromisoformat(text)
    except ValueError:
        return text


def _located(message: str) -> dict[str, str]:
    """msgspec's "Expected `int`, got `str` - at `$.concurrency`" as field -> message."""
    text, _, place = message.partition(" - at `$.")
    return {place.rstrip("`").split("[")[0] or "settings": text[:1].lower() + text[1:]}


_LIMITS: Mapping[str, tuple[int, int, str]] = {
    "concurrency": (1, 1000, "calls at the same time"),
    "max_retries": (0, 20, "further tries"),
    "retry_delay_min": (1, 43200, "minutes"),
    "throttle_delay_ms": (0, 86_400_000, "milliseconds"),
    "ring_timeout_s": (5, 120, "seconds"),
    "max_per_24h": (1, 100, "tries per number in 24 hours"),
    "max_per_7d": (1, 500, "tries per number in 7 days"),
    "pilot_size": (1, 1_000_000, "contacts"),
}


def no_such(thing: str, thing_id: int) -> str:
    return f"there is no {thing} {thing_id}: choose one that exists"


def check(settings: CampaignSettings, *, now: datetime, keeps_start: bool = False) -> dict[str, str]:
    """Field -> what is wrong with it and what to do; empty where all is well.

    `keeps_start`: an edit that leaves the scheduled start as it was, which may by now lie in the past.
    """
    problems: dict[str, str] = {}
    for field, thing in (("agent_id", "agent"), ("phone_number_id", "phone number")):
        if not 0 < getattr(settings, field) <= LARGEST_ID:
            problems[field] = no_such(thing, getattr(settings, field))
    for field, (least, most, unit) in _LIMITS.items():
        value = getattr(settings, field)
        if value is not None and not least <= value <= most:
            problems[field] = f"{value} is out of range: use {least} to {most} {unit}"
    if not settings.name.strip():
        problems["name"] = "is empty: give the campaign a name that people will recognise"
    elif len(settings.name) > 200:
        problems["name"] = "is longer than 200 characters: shorten it"
    if settings.max_retries > 0 and settings.retry_delay_min is None:
        problems["retry_delay_min"] = "is required once max_retries is above 0: say how many minutes to wait before a further try"
    if settings.max_per_7d < settings.max_per_24h and not problems.keys() & {"max_per_7d", "max_per_24h"}:
        problems["max_per_7d"] = f"is below max_per_24h ({settings.max_per_24h}): raise it, or lower the other"
    return problems | _check_times(settings, now, keeps_start)


def _check_times(settings: CampaignSettings, now: datetime, keeps_start: bool) -> dict[str, str]:
    problems: dict[str, str] = {}
    if (settings.start_time is None) != (settings.end_time is None):
        missing = "start_time" if settings.start_time is None else "end_time"
        problems[missing] = "is missing: a calling window has a start and an end"
    if settings.start_time is not None and settings.timezone is None:
        problems["timezone"] = "is required with a calling window: use a name such as Europe/Berlin"
    if settings.timezone is not None:
        try:
            zone(settings.timezone)
        except UnknownZone as error:
            problems["timezone"] = str(error)
    days = settings.weekdays
    if not days:
        problems["weekdays"] = "is empty: name at least one day (1 is Monday, 7 is Sunday)"
    elif len(set(days)) != len(days) or not set(days) <= set(range(1, 8)):
        problems["weekdays"] = "must be different numbers from 1 (Monday) to 7 (Sunday)"
    elif len(days) < 7 and settings.timezone is None:
        problems["timezone"] = "is required where not every weekday is a calling day: use a name such as Europe/Berlin"
    if settings.scheduled_start is not None:
        if settings.scheduled_start.tzinfo is None:
            problems["scheduled_start"] = "has no zone: use a time such as 2030-01-31T09:00:00+01:00"
        elif settings.scheduled_start.year > LAST_YEAR:
            problems["scheduled_start"] = f"lies after the year {LAST_YEAR}: choose an earlier time"
        elif settings.scheduled_start <= now and not keeps_start:
            problems["scheduled_start"] = "lies in the past: choose a later time, or leave it out to begin at once"
    return problems
