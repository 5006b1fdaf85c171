"""What the queries of forecasts return: frozen rows."""

from dataclasses import dataclass
from datetime import datetime

from dialer.rows import ContactFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastLine:
    """The limits of a number, its carrier account and the living processes; `on_*`: other campaigns in progress there."""

    account_calls_per_second: float
    number_calls_per_second: float | None
    number_concurrency: int | None
    process_concurrency: int | None
    on_account: int
    on_number: int
    on_processes: int
    backed_off_until: datetime | None
    rehearsal: bool
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastContact(ContactFacts):
    """A pending contact with what decides on whether it is called, and `not_before` when."""

    not_before: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastOutcome:
    """So many calls ended like this; `mean_s`: how long they kept their slot."""

    outcome: str
    calls: int
    mean_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptForecast:
    """What was expected when the campaign started. `buckets`: start and end (seconds since 1970), calls, contacts reached."""

    made_at: datetime
    finishes_at: datetime | None
    earliest_at: datetime | None
    latest_at: datetime | None
    contacts: float
    calls: float
    reached: float
    buckets: list[list[float]]
