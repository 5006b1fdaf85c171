"""What the soak holds against each other, the network's journal and the record: each fault that it looks for is found, and nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from benchmarks.soak.kills import Contact, Findings, compare
from mediaserver.carriers.simulated.journal import CallJournal

NUMBER = "+12125550100"
FIRST = CallJournal("CA1", NUMBER, "busy", "2026-03-02T17:00:00+00:00", ended_at="2026-03-02T17:00:09+00:00", status="busy")
SECOND = CallJournal("CA2", NUMBER, "busy", "2026-03-02T17:01:10+00:00", ended_at="2026-03-02T17:01:19+00:00", status="busy")
THIRD = CallJournal("CA3", NUMBER, "busy", "2026-03-02T17:03:10+00:00", ended_at="2026-03-02T17:03:19+00:00", status="busy")


def call(sid: str | None, outcome: str | None = "busy", state: str = "ended") -> Mapping[str, Any]:
    return {"carrier_call_id": sid, "outcome": outcome, "state": state}


TWICE_TRIED = Contact(NUMBER, "failed", 2, (call("CA1"), call("CA2")))


def test_a_contact_with_the_calls_that_its_history_allows_is_nothing_to_tell() -> None:
    refused = Contact("+12125550101", "failed", 1, (call(None, "refused"),))
    withdrawn = Contact(NUMBER, "failed", 2, (call("CA1"), call("CA2", "withdrawn"), call(None, "withdrawn"), call("CA3")))
    assert compare([TWICE_TRIED, refused], [FIRST, SECOND], 1) == Findings((), (), (), ())
    assert compare([withdrawn], [FIRST, SECOND, THIRD], 1) == Findings((), (), (), ())


@pytest.mark.parametrize(
    ("contact", "journal"),
    [
        (TWICE_TRIED, [FIRST, SECOND, THIRD]),
        (replace(TWICE_TRIED, calls=(call("CA1"), call("CA2"), call("CA3")), tries=3), [FIRST, SECOND, THIRD]),
        (TWICE_TRIED, [FIRST, msgspec.structs.replace(SECOND, placed_at="2026-03-02T17:00:08+00:00")]),
        (TWICE_TRIED, [msgspec.structs.replace(FIRST, ended_at=None), SECOND]),
    ],
    ids=["a call that the record does not know", "more than may be tried", "two at once", "one that never ended before the next"],
)
def test_whoever_is_called_twice_is_found(contact: Contact, journal: list[CallJournal]) -> None:
    assert compare([contact], journal, 1).called_twice == (NUMBER,)


@pytest.mark.parametrize(
    "contact", [replace(TWICE_TRIED, status="in_progress"), replace(TWICE_TRIED, calls=(call("CA1"), call("CA2", None, "unknown")))]
)
def test_whoever_is_stuck_is_found(contact: Contact) -> None:
    assert compare([contact], [FIRST, SECOND], 1).stuck == (NUMBER,)


def test_tries_that_are_not_the_calls_that_count_are_found() -> None:
    assert compare([replace(TWICE_TRIED, tries=1)], [FIRST, SECOND], 1).miscounted == (NUMBER,)
    assert compare([TWICE_TRIED], [FIRST], 1).miscounted == (NUMBER,)


def test_a_call_that_nobody_hung_up_is_found() -> None:
    assert compare([TWICE_TRIED], [FIRST, msgspec.structs.replace(SECOND, status="in-progress")], 1).left_on_the_line == (NUMBER,)
