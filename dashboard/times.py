"""Times and durations as people read them; a time of day always names its zone."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones


def zone(*names: str | None) -> tzinfo:
    """The first of `names` that is an IANA zone; UTC where none is."""
    for name in names:
        if name:
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a name such as "Europe" is a folder
                continue
    return UTC


def zones() -> list[str]:
    """IANA zones for a list to choose from: cities, then UTC."""
    return [*sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix/", "right/"))), "UTC"]


def moment(at: datetime | None, there: tzinfo) -> str:
    """`at` to the minute, with its zone: Mon 3 Nov 2025, 14:05 CET. A dash for None."""
    return "-" if at is None else f"{at.astimezone(there):%a} {at.astimezone(there).day} {at.astimezone(there):%b %Y, %H:%M %Z}"


def clock(at: datetime, there: tzinfo) -> str:
    """`at` to the second, with its zone: 14:05:09 CET."""
    return f"{at.astimezone(there):%H:%M:%S %Z}"


def duration(ms: float | None) -> str:
    """Minutes and seconds: 1:05 min; seconds below a minute: 42 s. A dash for None."""
    if ms is None:
        return "-"
    seconds = round(ms / 1000)
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60}:{seconds % 60:02d} min"


def offset(ms: int) -> str:
    """A place in a recording: 0:07."""
    return f"{ms // 60000}:{ms // 1000 % 60:02d}"
