"""What people read is what was meant: times with zones, files without formulas, text without markup."""

import csv
import io
from datetime import UTC, datetime, time

import pytest

from dashboard.data import CallFilter, data
from dashboard.parts.add_contact import parse_variables
from dashboard.parts.campaign_form import window_in_words
from dashboard.parts.export import call_log, neutral
from dashboard.times import duration, moment, zone
from dashboard.words import md, plural
from tests.dashboard.conftest import Dashboard
from tests.dashboard.seed import House


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("=1+2", "'=1+2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+14155550123", "'+14155550123"),
        ("-cmd|x", "'-cmd|x"),
        ("-0.48", "-0.48"),
        ("Ada", "Ada"),
    ],
)
def test_a_cell_that_looks_like_a_formula_is_kept_as_text(text: str, kept: str) -> None:
    assert neutral(text) == kept


async def test_the_export_holds_each_call_of_the_filter_with_times_and_transcript(dashboard: Dashboard, house: House) -> None:
    held = call_log(data().exported_calls(house.campaigns["in_progress"], CallFilter(outcome="person")), zone("Europe/Berlin"))
    lines = list(csv.DictReader(io.StringIO(held.decode("utf-8-sig"))))
    assert len(lines) == 12
    assert {line["outcome"] for line in lines} == {"person"}
    talked = next(line for line in lines if line["call_id"] == str(house.talked))
    assert "callee: Monday is fine" in talked["transcript"]
    assert talked["planned_at"][-6:] in ("+01:00", "+02:00")
    assert talked["phone_number"].startswith("'+1")


def test_a_moment_names_its_zone() -> None:
    assert moment(datetime(2025, 7, 1, 12, 0, tzinfo=UTC), zone("Europe/Berlin")) == "Tue 1 Jul 2025, 14:00 CEST"
    assert moment(datetime(2025, 1, 1, 12, 0, tzinfo=UTC), zone("no/zone", "America/New_York")) == "Wed 1 Jan 2025, 07:00 EST"
    assert moment(None, UTC) == "-"


def test_durations_are_read_at_a_glance() -> None:
    assert [duration(ms) for ms in (None, 400, 42_000, 65_000)] == ["-", "0 s", "42 s", "1:05 min"]


def test_names_are_shown_literally_whatever_signs_they_hold() -> None:
    assert md("**O'Neil** <script> [x](y) :red[z] $1") == "\\*\\*O'Neil\\*\\* \\<script\\> \\[x\\]\\(y\\) \\:red\\[z\\] \\$1"
    assert plural(1, "try", "tries") == "1 try"
    assert plural(2000, "contact") == "2,000 contacts"


def test_a_window_over_midnight_is_said_in_words() -> None:
    assert "over midnight" in window_in_words(time(20), time(2), [5, 6], "Europe/Berlin")
    assert window_in_words(time(9), time(17), [1, 2], "UTC") == "Calls are made on Mon, Tue, from 09:00 to 17:00 (UTC)."
    assert "nothing would be called" in window_in_words(None, None, [], "UTC")


def test_variables_by_hand_are_name_and_value() -> None:
    assert parse_variables("appointment_date = Monday at ten\n\nplan=a=b") == ({"appointment_date": "Monday at ten", "plan": "a=b"}, "")
    assert parse_variables("no sign here") == ({}, "no sign here")
