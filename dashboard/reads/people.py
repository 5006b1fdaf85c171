"""Accounts, tokens and the audit log, as the settings page reads them. For admins only: who asks is checked by the page."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.data import EXPORT_PAGE, PAGE_SIZE
from dashboard.source import escaped, source
from db.queries import load


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in, unless `disabled_at`; `last_signed_in`: None where that is long ago, or never was."""

    id: int
    name: str
    role: str
    created_at: datetime
    disabled_at: datetime | None
    last_signed_in: datetime | None


@dataclass(frozen=True, slots=True)
class Token:
    """A program's token; its secret is nowhere."""

    id: int
    name: str
    role: str
    created_at: datetime
    last_used_at: datetime | None
    created_by: str | None


@dataclass(frozen=True, slots=True)
class AuditLine:
    """Who did what to which; `named`: the present name of `subject`, None where it is gone or has none."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    named: str | None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which lines to show: part of the actor's name, some actions, from `since` until before `until`."""

    actor: str = ""
    actions: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


_queries = load("dashboard_people", sys.modules[__name__])


def accounts(after_id: int | None) -> list[Account]:
    """One page of accounts that follows `after_id`; one more than PAGE_SIZE where there is a next page."""
    return source().many(_queries.accounts, after_id=after_id, page_size=PAGE_SIZE + 1)


def tokens(after_id: int | None) -> list[Token]:
    """One page of tokens that follows `after_id`; one more than PAGE_SIZE where there is a next page."""
    return source().many(_queries.tokens, after_id=after_id, page_size=PAGE_SIZE + 1)


def audit_lines(wanted: AuditFilter, after_id: int | None, page_size: int = PAGE_SIZE + 1) -> list[AuditLine]:
    """One page of the audit log that follows `after_id`; one more than PAGE_SIZE where there is a next page."""
    return source().many(
        _queries.audit_lines,
        actor=escaped(wanted.actor),
        actions=list(wanted.actions) or None,
        since=wanted.since,
        until=wanted.until,
        after_id=after_id,
        page_size=page_size,
    )


def all_audit_lines(wanted: AuditFilter) -> Iterator[AuditLine]:
    """All lines of the filter, newest first, read a page at a time."""
    after_id: int | None = None
    while True:
        page = audit_lines(wanted, after_id, EXPORT_PAGE)
        yield from page
        if len(page) < EXPORT_PAGE:
            return
        after_id = page[-1].id
