"""What the statements about keeping and deleting return."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """For how many days things are kept, each 1 to `LONGEST_DAYS`; None: for ever. Recordings, transcripts and timelines: since the end of
    their call; contacts (names and variables): since the end of their campaign; lines of the audit log: since they were written."""

    recordings_days: int | None = None
    transcripts_days: int | None = None
    contacts_days: int | None = None
    timelines_days: int | None = None
    audit_log_days: int | None = None


@dataclass(frozen=True, slots=True)
class Kept(Limits):
    """The limits as they are. `looked_at`: when a process last looked for what is due."""

    changed_at: datetime | None = None
    changed_by: str = ""
    looked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What some limits would delete now. Counting stops one after the number that was asked for; of calls that were answered
    `..._looked_at` have been looked at, and those counted among them have a recording or a transcript."""

    recordings_looked_at: int
    recordings: int
    transcripts_looked_at: int
    transcripts: int
    contacts: int
    timelines: int
    audit_lines: int


@dataclass(frozen=True, slots=True)
class Bite:
    """What one statement did: rows that were due, and how many of them had anything to lose."""

    looked_at: int
    removed: int


@dataclass(frozen=True, slots=True)
class PeopleBite:
    """The same for a page of a campaign. `last`: where the next page goes on, None where there was none; `left_alone`: rows that somebody
    else holds, for the next pass."""

    looked_at: int
    last: str | int | None
    removed: int
    left_alone: int


@dataclass(frozen=True, slots=True)
class DeletedOnDay:
    """What was deleted on a day of UTC."""

    day: date
    recordings: int
    transcripts: int
    contacts: int
    timelines: int
    audit_lines: int


@dataclass(frozen=True, slots=True)
class DeletedRecording:
    """A call whose recording is deleted since `at`. `recording`: where it lay below the data directory, None where no result named it."""

    id: int
    at: datetime
    recording: str | None


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a machine keeps recordings: how many deleted ones it could not remove, and why."""

    host: str
    folder: str
    told_at: datetime
    waiting: int
    problem: str


@dataclass(frozen=True, slots=True)
class KeptOfPerson:
    """What is kept of whoever has a number. `live`: calls in progress; `pending`: contacts that are still to be called."""

    live: int
    calls: int
    recordings: int
    transcripts: int
    contacts: int
    pending: int
