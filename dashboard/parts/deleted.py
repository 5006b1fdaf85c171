"""What stands in the place of something that was deleted: what it was, when it went, and why."""

from datetime import datetime, tzinfo

from dashboard.times import moment
from dashboard.words import plural


def why_deleted(thing: str, at: datetime, kept_days: int | None, kept: str, there: tzinfo) -> str:
    """A sentence: The recording was deleted on Mon 3 Nov 2025, 14:05 CET: recordings are kept for 30 days. `thing` begins it; `kept` is
    what is kept so long; without `kept_days` the person was erased."""
    why = "everything kept of this person was erased" if kept_days is None else f"{kept} are kept for {plural(kept_days, 'day')}"
    return f"{thing} deleted on {moment(at, there)}: {why}."
