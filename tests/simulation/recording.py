"""Writes the history, and knows from it how the world stands: what the operators and the scheduler go by."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, time
from typing import Any

from asyncpg import Record

from dialer.campaign_settings import CampaignSettings
from tests.simulation import history as h
from tests.simulation.virtual_time import OWNER, VirtualLoop

Row = Mapping[str, Any]

OVER = ("completed", "cancelled")
_CALL = (
    "state",
    "process_id",
    "fence",
    "outcome",
    "end_reason",
    "carrier_call_id",
    "cancel_wanted",
    "callback_at",
)
_CONTACT = ("status", "tries", "lost_tries", "extra_tries", "not_before", "callback", "blocked_by", "status_reason")


class Recorder:
    """`news`: counts what changed for somebody; `campaigns`, `contacts` and `calls`: rows by id as the last commit left them."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.events: list[h.Event] = []
        self.news = 0
        self.campaigns: dict[int, Row] = {}
        self.contacts: dict[int, Row] = {}
        self.calls: dict[int, Row] = {}
        self.suppressions: dict[int, Row] = {}
        self.status_changed = asyncio.Event()
        self.hints: list[Callable[[], None]] = []

    def note(self, kind: type[h.Event], process: str | None = None, **what: Any) -> None:
        """`process`: the one in whose name this runs, unless it is said."""
        if process is None:
            owner = OWNER.get()
            process = owner.id if owner is not None else ""
        self.events.append(kind(turn=len(self.events), at=self._loop.now(), process=process, **what))

    def committed(self, changes: Sequence[Record], process: str) -> None:
        """What a commit of that process changed."""
        for change in changes:
            old, new = change["old"], change["new"]
            match change["thing"]:
                case "campaigns":
                    self._campaign(old, new, process)
                case "contacts":
                    self._contact(old, new, process)
                case "calls":
                    self._call(old, new, process)
                case "suppressions":
                    self._suppression(old, new, process)

    @property
    def live(self) -> int:
        """Attempts that have not ended, as the database has it."""
        return sum(1 for call in self.calls.values() if call["state"] != "ended")

    def over(self) -> bool:
        """Whether every campaign has come to its end."""
        return all(campaign["status"] in OVER for campaign in self.campaigns.values())

    def due(self, after: datetime) -> list[datetime]:
        """When contacts and campaigns that run may go on, as their rows say."""
        running = {campaign_id for campaign_id, campaign in self.campaigns.items() if campaign["status"] in ("pending", "in_progress")}
        found = [_at(self.campaigns[each]["scheduled_start"]) for each in running]
        found += [_at(each["due_at"]) for each in self.contacts.values() if each["campaign_id"] in running and each["status"] == "pending"]
        return [each for each in found if each is not None and each > after]

    def _campaign(self, old: Row | None, new: Row, process: str) -> None:
        self.campaigns[new["id"]] = new
        after = settings_of(new)
        if old is None or settings_of(old) != after:
            self.note(h.SettingsCommitted, process, campaign_id=new["id"], settings=after)
        if old is None or (old["status"], old["pilot_done"]) != (new["status"], new["pilot_done"]):
            self.note(
                h.CampaignCommitted,
                process,
                campaign_id=new["id"],
                before=old and old["status"],
                after=new["status"],
                reason=new["status_reason"],
                pilot_done=new["pilot_done"],
            )
            self._told()

    def _contact(self, old: Row | None, new: Row | None, process: str) -> None:
        row = new or old
        assert row is not None
        if new is None:
            self.contacts.pop(row["id"], None)
        else:
            self.contacts[row["id"]] = new
        if old is not None and new is not None and all(old[name] == new[name] for name in _CONTACT):
            return
        if old is None or new is None or old["status"] != new["status"]:
            self.news += 1
        variables = dict(row["variables"])
        self.note(
            h.ContactCommitted,
            process,
            contact_id=row["id"],
            campaign_id=row["campaign_id"],
            number=row["number"],
            zone=variables.get("timezone") or None,
            variables=variables,
            before=old and old["status"],
            after=new and new["status"],
            reason=row["status_reason"],
            tries=row["tries"],
            lost_tries=row["lost_tries"],
            extra_tries=row["extra_tries"],
            not_before=_at(row["not_before"]),
            callback=row["callback"],
            blocked_by=row["blocked_by"],
        )

    def _call(self, old: Row | None, new: Row, process: str) -> None:
        self.calls[new["id"]] = new
        if old is not None and all(old[name] == new[name] for name in _CALL):
            return
        self.note(
            h.CallCommitted,
            process,
            call_id=new["id"],
            campaign_id=new["campaign_id"],
            contact_id=new["contact_id"],
            number=new["number"],
            before=old and old["state"],
            after=new["state"],
            holder=new["process_id"],
            fence=new["fence"],
            lease_until=_at(new["lease_until"]),
            carrier_call_id=new["carrier_call_id"],
            outcome=new["outcome"],
            end_reason=new["end_reason"],
            callback_at=_at(new["callback_at"]),
            cancel_wanted=new["cancel_wanted"],
        )
        self.news += 1
        if new["state"] == "ended":
            self._told()

    def _suppression(self, old: Row | None, new: Row, process: str) -> None:
        self.suppressions[new["id"]] = new
        if old is None:
            self.note(h.SuppressionCommitted, process, suppression_id=new["id"], number=new["number"], source=new["source"])
        elif old["removed_at"] is None and new["removed_at"] is not None:
            self.note(h.SuppressionLifted, process, suppression_id=new["id"], number=new["number"])

    def _told(self) -> None:
        """Something that others may want to know: the database would notify them."""
        self.news += 1
        self.status_changed.set()
        for hint in self.hints:
            hint()


def settings_of(row: Row) -> CampaignSettings:
    """The settings in a campaign's row."""
    values = {each.name: row[each.name] for each in fields(CampaignSettings)}
    clocks = {name: values[name] and time.fromisoformat(values[name]) for name in ("start_time", "end_time")}
    start = {"scheduled_start": _at(values["scheduled_start"]), "weekdays": tuple(values["weekdays"])}
    return CampaignSettings(**values | clocks | start)


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None


class IntoHistory(logging.Handler):
    """The dialer's log lines, into the story."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(logging.INFO)
        self._recorder = recorder

    def emit(self, record: logging.LogRecord) -> None:
        error = f" [{type(record.exc_info[1]).__name__}: {record.exc_info[1]}]" if record.exc_info and record.exc_info[1] else ""
        self._recorder.note(h.Logged, level=record.levelname, message=f"{record.getMessage()}{error}")
