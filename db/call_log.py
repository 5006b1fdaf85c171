"""The call log: which calls of a campaign fit, a page at a time, and how many there are. The same for the API and for the dashboard."""

from dataclasses import asdict, dataclass
from datetime import datetime

from db.database import Pool
from db.queries import load

COUNTED = 10_000  # calls that a count goes up to where it is not kept

_queries = load("call_log")


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls of a log to show; None leaves a field open.

    `number`: E.164. `since`, `until`: when the call was planned, the latter excluded. `words`: of the transcript of a call that has ended,
    all of them; "a phrase" in quotes, `or` between two, and `-` before one that must not occur.
    """

    outcome: str | None = None
    who: str | None = None
    goal: str | None = None
    sentiment: str | None = None
    contact_id: int | None = None
    number: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """`at_least`: there are more, counting stopped here."""

    calls: int
    at_least: bool


async def find(pool: Pool, campaign_id: int, wanted: CallFilter, before: int | None, most: int) -> list[int]:
    """Ids of at most `most` calls that fit, newest first; `before`: the last call of the page before, None for the first page."""
    page = {"campaign_id": campaign_id, "before": before, "most": most}
    if wanted.contact_id is not None or wanted.number is not None:
        found = _queries.find_of_callee(pool, **page, **asdict(wanted))
    elif wanted.words is not None:
        found = _queries.find_with_words(pool, **page, **_result(wanted), **_time(wanted), words=wanted.words)
    else:
        found = _queries.find_by_result(pool, **page, **_result(wanted), **_time(wanted))
    return [row["id"] async for row in found]


async def count(pool: Pool, campaign_id: int, wanted: CallFilter) -> Counted:
    """How many calls fit: exactly where it is known by their results alone, else up to `COUNTED`."""
    asked = {"campaign_id": campaign_id, "most": COUNTED + 1}
    if wanted.contact_id is not None or wanted.number is not None:
        calls = len(await find(pool, campaign_id, wanted, None, COUNTED + 1))
    elif wanted.words is not None:
        calls = await _queries.count_with_words(pool, **asked, **_result(wanted), **_time(wanted), words=wanted.words)
    elif wanted.since is not None or wanted.until is not None:
        calls = await _queries.count_by_result_and_time(pool, **asked, **_result(wanted), **_time(wanted))
    else:
        return Counted(await _queries.count_by_result(pool, campaign_id=campaign_id, **_result(wanted)), at_least=False)
    return Counted(min(calls, COUNTED), at_least=calls > COUNTED)


async def has_words(pool: Pool, words: str) -> bool:
    """Whether there is a word in `words` that can be searched for."""
    found: bool = await _queries.has_words(pool, words=words)
    return found


def _result(wanted: CallFilter) -> dict[str, str | None]:
    return {"outcome": wanted.outcome, "who": wanted.who, "goal": wanted.goal, "sentiment": wanted.sentiment}


def _time(wanted: CallFilter) -> dict[str, datetime | None]:
    return {"since": wanted.since, "until": wanted.until}
