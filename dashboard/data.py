"""What the campaigns' and calls' pages read from the database. Nothing here writes: commands go through `dashboard.commands`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard import rows
from dashboard.source import Source, escaped, source
from db import call_log
from db.call_log import CallFilter, Counted
from db.database import Database
from db.queries import load
from db.rows import CallEventRow, TurnRow

__all__ = ["CallFilter", "CampaignFilter", "Counted", "Data", "data"]

PAGE_SIZE = 25
EXPORT_PAGE = 1000
EVENTS_SHOWN = 500
IMPORTS_SHOWN = 20
COUNTED_AT_MOST = 10_000  # contacts that a search finds are counted up to here
WAITING_COUNTED = 2000  # contacts that wait for the same thing are counted up to here


@dataclass(frozen=True, slots=True)
class CampaignFilter:
    """Which campaigns to list, and in which order."""

    statuses: tuple[str, ...] = ()
    search: str = ""
    by_name: bool = False


class Data:
    """The reads of these pages, each in a statement or two."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._queries = load("dashboard", rows)
        self._call_log = load("call_log")

    def campaigns(self, wanted: CampaignFilter, after: rows.CampaignLine | None = None) -> list[rows.CampaignLine]:
        """One page of campaigns that follows `after`; one more than PAGE_SIZE where there is a next page."""
        found: list[rows.CampaignLine] = self._many(
            "campaigns_page",
            statuses=list(wanted.statuses) or None,
            search=escaped(wanted.search),
            by_name=wanted.by_name,
            after_id=after.id if after else None,
            after_name=after.name if after else None,
            page_size=PAGE_SIZE + 1,
        )
        return found

    def any_campaign(self) -> bool:
        """Whether there is any campaign at all."""
        return bool(self._one("any_campaign"))

    def campaign(self, campaign_id: int) -> rows.Campaign | None:
        """The campaign, or None where there is none of that id."""
        found: rows.Campaign | None = self._one("campaign", campaign_id=campaign_id)
        return found

    def call_figures(self, campaign_id: int) -> rows.CallFigures:
        """What came of the campaign's calls so far."""
        found: rows.CallFigures = self._one("call_figures", campaign_id=campaign_id)
        return found

    def outcomes(self, campaign_id: int) -> list[rows.Tally]:
        """How many calls ended how, most frequent first."""
        return self._many("outcomes", campaign_id=campaign_id)

    def outcomes_over_time(self, campaign_id: int, zone: str) -> list[rows.OutcomeSpan]:
        """The same by when calls were dialed, on the wall clock of `zone`, an IANA name."""
        return self._many("outcomes_over_time", campaign_id=campaign_id, zone=zone)

    def imports(self, campaign_id: int) -> list[rows.Import]:
        """Files of contacts, newest first, IMPORTS_SHOWN at most."""
        return self._many("imports", campaign_id=campaign_id, most=IMPORTS_SHOWN)

    def running_calls(self, campaign_id: int) -> list[rows.RunningCall]:
        """Calls that have not ended, oldest first, PAGE_SIZE at most."""
        return self._many("running_calls", campaign_id=campaign_id, page_size=PAGE_SIZE)

    def waiting(self, campaign_id: int) -> list[rows.Waiting]:
        """Why pending contacts are not being called, most frequent reason first."""
        return self._many("waiting", campaign_id=campaign_id, most=WAITING_COUNTED)

    def contacts(
        self, campaign_id: int, status: str | None, search: str, after_id: int | None, *, masked: bool = False
    ) -> list[rows.ContactLine]:
        """One page of contacts that follows `after_id`; one more than PAGE_SIZE where there is a next page. `masked`: of numbers, only
        what a masked one shows is searched."""
        return self._many(
            "contacts_page",
            campaign_id=campaign_id,
            status=status,
            search=search,
            masked=masked,
            after_id=after_id,
            page_size=PAGE_SIZE + 1,
        )

    def count_contacts(self, campaign_id: int, status: str, search: str) -> int:
        """How many contacts of that status a search finds; one more than COUNTED_AT_MOST where there are more. For those who see
        numbers."""
        return int(self._one("count_contacts", campaign_id=campaign_id, status=status, search=search, most=COUNTED_AT_MOST + 1))

    def verdicts(self, contact_id: int) -> list[rows.Verdict]:
        """Each change of a gate's verdict on the contact, newest first, 50 at most."""
        return self._many("verdicts", contact_id=contact_id)

    def calls(self, campaign_id: int, wanted: CallFilter, after_id: int | None) -> list[rows.CallLine]:
        """One page of the call log that follows `after_id`; one more than PAGE_SIZE where there is a next page."""
        return self._call_rows("call_lines", campaign_id, wanted, after_id, PAGE_SIZE + 1)

    def count_calls(self, campaign_id: int, wanted: CallFilter) -> Counted:
        """How many calls of the campaign's log fit the filter."""

        async def counted(database: Database) -> Counted:
            return await call_log.count(database.pool, campaign_id, wanted)

        return self._source.run(counted)

    def can_search(self, words: str) -> bool:
        """Whether there is a word in `words` that transcripts can be searched for."""

        async def found(database: Database) -> bool:
            return await call_log.has_words(database.pool, words)

        return self._source.run(found)

    def calls_of_contact(self, campaign_id: int, contact_id: int) -> list[rows.CallLine]:
        """The contact's calls, newest first, PAGE_SIZE at most."""
        return self._call_rows("call_lines", campaign_id, CallFilter(contact_id=contact_id), None, PAGE_SIZE)

    def call_filters(self, campaign_id: int) -> rows.CallFilters:
        """The values that occur in the campaign's calls."""
        found: rows.CallFilters = self._one("call_filters", campaign_id=campaign_id)
        return found

    def exported_calls(self, campaign_id: int, wanted: CallFilter) -> Iterator[rows.ExportedCall]:
        """All calls of the filter, newest first, read a page at a time."""
        after_id: int | None = None
        while True:
            page: list[rows.ExportedCall] = self._call_rows("exported_calls", campaign_id, wanted, after_id, EXPORT_PAGE)
            yield from page
            if len(page) < EXPORT_PAGE:
                return
            after_id = page[-1].id

    def call(self, call_id: int) -> rows.Call | None:
        """The call, or None where there is none of that id."""
        found: rows.Call | None = self._one("call", call_id=call_id)
        return found

    def turns(self, call_id: int) -> list[TurnRow]:
        """The transcript in order."""
        return self._source.many(self._call_log.list_turns, call_id=call_id)

    def events(self, call_id: int) -> list[CallEventRow]:
        """The timeline in the order in which it was told, EVENTS_SHOWN at most."""
        return self._source.many(self._call_log.list_events, call_id=call_id, after=0, at_most=EVENTS_SHOWN)

    def agents(self) -> list[rows.Choice]:
        """Agents to choose from, by name."""
        return self._many("agents")

    def phone_numbers(self) -> list[rows.Choice]:
        """Numbers to call from."""
        return self._many("phone_numbers")

    def _many(self, name: str, **values: Any) -> list[Any]:
        return self._source.many(getattr(self._queries, name), **values)

    def _one(self, name: str, **values: Any) -> Any:
        return self._source.one(getattr(self._queries, name), **values)

    def _call_rows(self, name: str, campaign_id: int, wanted: CallFilter, after_id: int | None, most: int) -> list[Any]:
        async def found(database: Database) -> list[Any]:
            ids = await call_log.find(database.pool, campaign_id, wanted, after_id, most)
            return [row async for row in getattr(self._queries, name)(database.pool, ids=ids)]

        return self._source.run(found)


@st.cache_resource(show_spinner=False)
def data() -> Data:
    """The reads of this process."""
    return Data(source())
