"""When somebody wants to be called: "tomorrow at five", "in half an hour", "on Friday morning", and the same said back.

Only what people say on the phone, in English, as recognition writes it ("5", "5pm", "five p.m."). An hour without am or pm is
the one between 8:00 and 19:59 (five is 17:00), because nobody asks to be called at night without saying so.
"""

import re
from datetime import UTC, date, datetime, time, timedelta

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBERS = {word: value for value, word in enumerate(_HOURS)} | {
    "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "forty five": 45, "fifty": 50,
    "a couple of": 2, "a few": 3, "a": 1, "an": 1,
}  # fmt: skip

_COUNT = r"(\d{1,3}|" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + ")"
_HOUR = r"(?P<hour>\d{1,2}|" + "|".join(_HOURS[1:]) + ")"
_IN_A_WHILE = re.compile(rf"\b(?:in|after) (?:about |around |like )?(?:(half an) hour|{_COUNT} (and a half )?(minute|hour|day|week)s?)\b")
_CLOCK = re.compile(
    rf"\b(?P<lead>at |around |about |after |by |from |past )?(?P<quarter>half past |quarter past |quarter to )?{_HOUR}"
    r"(?:[: ](?P<minutes>[0-5]\d|fifteen|thirty|forty five))?(?P<oclock> ?o'?clock)?"
    r"(?: in the (?P<part>morning|afternoon|evening)| ?(?P<half_day>am|pm))?\b"
)
_NOON = re.compile(r"\b(?:noon|midday|lunch ?time)\b")
_WEEKDAY = rf"(?:{'|'.join(WEEKDAYS)})"
_MONTH = r"(?:january|february|march|april|may|june|july|august|september|october|november|december)"
_THIRD = r"(?:first|second|third)"  # which may also count something else
_ORDINAL = (
    r"(?:\d{1,2}(?:st|nd|rd|th)|(?:four|fif|six|seven|eigh|nin|ten|eleven|twelf|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen)th"
    rf"|twentieth|thirtieth|(?:twenty|thirty) (?:{_THIRD}|(?:four|fif|six|seven|eigh|nin)th))"
)
_DATE = (
    rf"{_MONTH} (?:the )?(?:{_ORDINAL}|{_THIRD}|\d{{1,2}})|(?:the )?(?:{_ORDINAL}|{_THIRD}|\d{{1,2}}) (?:of )?{_MONTH}"
    rf"|the {_ORDINAL}(?: of (?:the|this|next) month)?|the {_THIRD} of (?:the|this|next) month"
    rf"|(?:(?<=on )|(?<=by ))the {_THIRD}|the {_THIRD}$"
)
_DAY_WORDS = re.compile(
    rf"\b(?:{_DATE}|(?:the )?end of (?:the|this|next|a) (?:week|month)|in {_COUNT} (?:day|week)s?"
    rf"|(?:next |this )?{_WEEKDAY}|the day after tomorrow|tomorrow|today|tonight|next week|next month)"
    rf"(?: (?:or|and) (?:next )?{_WEEKDAY})?"
    rf"(?: (?:in the )?(?:morning|afternoon|evening))?(?: (?:at|around|after) {_HOUR}(?: ?(?:am|pm))?)?\b"
)
_USUAL = {
    "morning": time(10), "afternoon": time(15), "evening": time(18), "tonight": time(19), "after work": time(18), "after lunch": time(14),
}  # fmt: skip
_QUARTERS = {"half past ": 30, "quarter past ": 15, "quarter to ": -15}
_ANY_TIME = time(10)


def callback_time(line: str, now: datetime) -> datetime | None:
    """The moment that `line` names, later than `now` and in its zone; None where it names none. `now` must have a zone."""
    plain = _plain(line)
    soon = _IN_A_WHILE.search(plain)
    if soon:
        return _shift(now, _duration(soon))
    day, clock = _day(plain, now.date()), _clock(plain)
    if clock is None and (day is None or day == now.date()):
        return None
    found = _at(day or now.date(), clock or _ANY_TIME, now)
    if found <= now and day is None:
        found = _at(now.date() + timedelta(days=1), clock or _ANY_TIME, now)
    return found if found > now else None


def day_words(line: str) -> str:
    """The day, with the time where there is one, in the words of `line` ("Thursday afternoon"); empty where it names no day."""
    found = _DAY_WORDS.search(_plain(line))
    return re.sub(rf"\b(?:{_WEEKDAY}|{_MONTH})\b", lambda match: match.group().capitalize(), found.group()) if found else ""


def say_time(moment: datetime, now: datetime) -> str:
    """`moment` as it is said on the phone: "tomorrow at five PM", "on Friday at ten AM"."""
    days = (moment.date() - now.date()).days
    weekday = WEEKDAYS[moment.weekday()].capitalize()
    this_week = {0: "today", 1: "tomorrow"}.get(days, f"on {weekday}")
    day = this_week if days < 7 else f"on {weekday}, {moment:%B} {moment.day}"
    minutes = "" if moment.minute == 0 else f" {moment.minute:02}"
    return f"{day} at {_HOURS[moment.hour % 12 or 12]}{minutes} {'AM' if moment.hour < 12 else 'PM'}"


def _duration(soon: re.Match[str]) -> timedelta:
    half, count, and_half, unit = soon.groups()
    if half:
        return timedelta(minutes=30)
    return timedelta(**{f"{unit}s": _number(count) + (0.5 if and_half else 0)})


def _number(spoken: str) -> int:
    return int(spoken) if spoken.isdigit() else _NUMBERS[spoken]


def _day(plain: str, today: date) -> date | None:
    if "day after tomorrow" in plain:
        return today + timedelta(days=2)
    if re.search(r"\btomorrow\b", plain):
        return today + timedelta(days=1)
    weekday = re.search(rf"\b({_WEEKDAY})s?\b", plain)
    if weekday:
        return today + timedelta(days=(WEEKDAYS.index(weekday.group(1)) - today.weekday() - 1) % 7 + 1)
    if re.search(r"\bnext week\b", plain):
        return today + timedelta(days=7)
    if re.search(r"\b(?:today|tonight|this (?:morning|afternoon|evening))\b", plain):
        return today
    return None


def _clock(plain: str) -> time | None:
    if _NOON.search(plain):
        return time(12)
    for match in _CLOCK.finditer(plain):
        found = _read_clock(match, plain)
        if found is not None:
            return found
    return next((usual for words, usual in _USUAL.items() if re.search(rf"\b{words}\b", plain)), None)


def _read_clock(match: re.Match[str], plain: str) -> time | None:
    """The time that `match` is; None when the number is something else ("one moment", "two people")."""
    if not any(match[name] for name in ("lead", "quarter", "minutes", "oclock", "part", "half_day")):
        return None
    hour = _number(match["hour"])
    if hour > 23:
        return None
    minute = _number(match["minutes"]) if match["minutes"] else 0
    whole = _hour_of_24(hour, match, plain) * 60 + minute + _QUARTERS.get(match["quarter"] or "", 0)
    return time(whole // 60 % 24, whole % 60)


def _hour_of_24(hour: int, match: re.Match[str], plain: str) -> int:
    """By am or pm, by the part of the day, else between 8:00 and 19:59."""
    if hour > 12 or hour == 0:
        return hour
    if match["half_day"] == "am" or re.search(r"\bmorning\b", plain):
        return hour % 12
    if match["half_day"] == "pm" or re.search(r"\b(?:afternoon|evening|tonight)\b", plain) or hour < 8:
        return hour % 12 + 12
    return hour


def _at(day: date, clock: time, now: datetime) -> datetime:
    """`clock` on `day` in the zone of `now`; a time that the change to summer time skips is moved behind it."""
    return datetime.combine(day, clock, now.tzinfo).astimezone(UTC).astimezone(now.tzinfo)


def _shift(now: datetime, by: timedelta) -> datetime:
    """`now` and `by`, at the next full minute; counted in real hours, across a change of the clocks."""
    later = now.astimezone(UTC) + by
    if later.second or later.microsecond:
        later = later.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return later.astimezone(now.tzinfo)


def _plain(line: str) -> str:
    straight = re.sub(r"\b([ap])\.? ?m\b\.?", r"\1m", line.lower().replace("’", "'"))
    return " ".join(re.sub(r"[^a-z0-9': ]", " ", straight.replace("-", " ")).split())
