"""/retention, /erasures: how long things are kept, what that deletes, and erasing a person."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from dialer import erasure, retention
from dialer.phone_numbers import read_number
from dialer.retention import LONGEST_DAYS
from mediaserver.api.models import Answer, Body, YesNo
from mediaserver.api.routes import Asked, Route
from mediaserver.identity import Role
from mediaserver.recordings import RecordingFolder


def _whole_days(value: object) -> object:
    if value is None or (type(value) is int and 1 <= value <= LONGEST_DAYS):
        return value
    raise ValueError(f"use whole days, 1 to {LONGEST_DAYS}, or null: kept for ever")


Days = Annotated[int | None, BeforeValidator(_whole_days)]


class RetentionChange(Body):
    """Days that things are kept for, null: for ever. What is left out stays as it is. Recordings, transcripts and timelines count from the
    end of their call, contacts (names and variables) from that of their campaign, the audit log from each line."""

    recordings_days: Days = None
    transcripts_days: Days = None
    contacts_days: Days = None
    timelines_days: Days = None
    audit_log_days: Days = None

    def changes(self) -> dict[str, int | None]:
        """What was sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class DeletedAnswer(Answer):
    """How many of each. `timelines`: of calls; `contacts`: names and variables."""

    recordings: int
    transcripts: int
    contacts: int
    timelines: int
    audit_lines: int


class PreviewAnswer(DeletedAnswer):
    """`at_least`: of which of these there are more; counting stops at 10,000 calls or lines."""

    at_least: list[str]


class DayAnswer(DeletedAnswer):
    """What was deleted on a day of UTC."""

    day: date


class FolderAnswer(Answer):
    """Where a machine keeps recordings. `waiting`: files of deleted recordings that it could not remove, `problem` says why."""

    host: str
    folder: str
    told_at: datetime
    waiting: int
    problem: str


class RetentionAnswer(Answer):
    """`looked_at`: when a process last looked for what is due; `days`: on which something was deleted, the last 30, newest first."""

    recordings_days: int | None
    transcripts_days: int | None
    contacts_days: int | None
    timelines_days: int | None
    audit_log_days: int | None
    changed_at: datetime | None
    changed_by: str
    looked_at: datetime | None
    days: list[DayAnswer]
    folders: list[FolderAnswer]


class NewErasure(Body):
    """`phone_number`: with country code. `dry_run`: only say what would go."""

    phone_number: str = Field(max_length=100)
    dry_run: YesNo = False


class ErasureAnswer(Answer):
    """What went: calls that lost name, variables and words; recordings and transcripts of these; contacts, and how many of them were still
    to be called and are skipped. `files_waiting`: recordings whose file could not be deleted on this machine yet."""

    calls: int
    recordings: int
    transcripts: int
    contacts: int
    skipped: int
    dry_run: bool
    files_waiting: int


async def get_retention(asked: Asked[None, None]) -> RetentionAnswer:
    """How long things are kept, and what was deleted lately."""
    return await _answer(asked, await retention.kept(asked.database))


async def change_retention(asked: Asked[None, RetentionChange]) -> RetentionAnswer:
    """Changes how long things are kept. What is due then is deleted within a minute, and can't be brought back."""
    return await _answer(asked, await retention.change(asked.database, asked.body.changes(), actor=asked.actor))


async def preview_retention(asked: Asked[None, RetentionChange]) -> PreviewAnswer:
    """What would be deleted at once, were it changed so. Changes nothing."""
    counted, at_least = await retention.preview(asked.database, asked.body.changes())
    return PreviewAnswer(**DeletedAnswer.of(counted).model_dump(), at_least=sorted(at_least))


async def erase_person(asked: Asked[None, NewErasure]) -> ErasureAnswer:
    """Erases what was said, recorded and noted of whoever has a number, over all campaigns. An entry on the do-not-call list stays,
    without its reason."""
    database, dry_run = asked.database, asked.body.dry_run
    erased = await erasure.erase(database, read_number(asked.body.phone_number), actor=asked.actor, dry_run=dry_run)
    waiting = 0 if dry_run else (await RecordingFolder(database, asked.house.data_dir).run_once()).waiting
    counts = {name: getattr(erased, name) for name in erased.__dataclass_fields__}
    return ErasureAnswer(**counts, dry_run=dry_run, files_waiting=waiting)


async def _answer(asked: Asked[None, RetentionChange] | Asked[None, None], kept: retention.Kept) -> RetentionAnswer:
    values = {name: getattr(kept, name) for name in kept.__dataclass_fields__}
    days = [DayAnswer.of(each) for each in await retention.last_days(asked.database)]
    folders = [FolderAnswer.of(each) for each in await retention.folders(asked.database)]
    return RetentionAnswer(**values, days=days, folders=folders)


ROUTES = (
    Route("GET", "/retention", get_retention, Role.ADMIN),
    Route("PATCH", "/retention", change_retention, Role.ADMIN),
    Route("POST", "/retention/preview", preview_retention, Role.ADMIN),
    Route("POST", "/erasures", erase_person, Role.ADMIN),
)
