"""The analytics in numbers: the table beside each plot, those by campaign, agent and number, and all of them as files."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard.parts.charts import FEW, hour_name
from dashboard.parts.export import neutral
from dashboard.reads.analytics import Figures, FirstWords, Hour, Line, Period, Try, percentile
from dashboard.words import OUTCOME, WEEKDAYS, word

Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of values under `headers`, which name the units. `name` is the file's."""

    name: str
    headers: tuple[str, ...]
    rows: list[tuple[Value, ...]]


def by_hour(hours: Sequence[Hour]) -> Table:
    """What the heat map shows."""
    return Table(
        "answers-by-hour",
        ("Weekday", "Hour", "Calls", "Answered", "Answered %", "Enough calls to tell"),
        [
            (
                WEEKDAYS[each.weekday],
                hour_name(each.hour),
                each.calls,
                each.answered,
                percent(each.answered, each.calls),
                _yes(each.calls >= FEW),
            )
            for each in hours
        ],
    )


def by_try(tries: Sequence[Try]) -> Table:
    """How each try ended, with every outcome by itself."""
    of_try: dict[int, int] = {}
    for each in tries:
        of_try[each.try_] = of_try.get(each.try_, 0) + each.calls
    rows: list[tuple[Value, ...]] = [
        (each.try_, word(OUTCOME, each.outcome).label, each.calls, percent(each.calls, of_try[each.try_])) for each in tries
    ]
    return Table("outcomes-by-try", ("Try", "Outcome", "Calls", "Of the try's calls %"), rows)


def goals(periods: Sequence[Period], step: str) -> Table:
    """Goals over time."""
    return Table(
        "goals-over-time",
        (step.capitalize(), "People reached", "Goal met", "Unclear", "Not met", "Goal met %"),
        [(str(each.day), each.people, each.met, each.unclear, each.not_met, percent(each.met, each.people)) for each in periods],
    )


def sentiments(periods: Sequence[Period], step: str) -> Table:
    """Sentiment over time."""
    return Table(
        "sentiment-over-time",
        (step.capitalize(), "People reached", "Positive", "Neutral", "Negative"),
        [(str(each.day), each.people, each.positive, each.neutral, each.negative) for each in periods],
    )


def durations(periods: Sequence[Period], step: str) -> Table:
    """Duration and voicemail over time."""
    return Table(
        "duration-and-voicemail-over-time",
        (step.capitalize(), "Calls", "Answered", "Average duration s", "Voicemail", "Voicemail % of answered"),
        [
            (str(each.day), each.calls, each.answered, _seconds(each), each.voicemails, percent(each.voicemails, each.answered))
            for each in periods
        ],
    )


def latencies(words: Sequence[FirstWords], step: str) -> Table:
    """How soon the agent spoke, over time."""
    rows: list[tuple[Value, ...]] = []
    for day in sorted({each.day for each in words}):
        of_day = [each for each in words if each.day == day]
        rows.append((str(day), sum(each.calls for each in of_day), percentile(of_day, 0.5), percentile(of_day, 0.95)))
    return Table("first-word-over-time", (step.capitalize(), "Calls", "Half within ms", "95% within ms"), rows)


def lines(thing: str, found: Sequence[Line]) -> Table:
    """All figures of each campaign, agent or number."""
    headers = ("Calls", "Answered %", "People reached", "Goal rate %", "Average s", "Voicemail %", "Opted out")
    rows: list[tuple[Value, ...]] = [
        (
            *(each.label, each.calls, percent(each.answered, each.calls), each.people, percent(each.met, each.people), _seconds(each)),
            *(percent(each.voicemails, each.answered), each.opted_out),
        )
        for each in found
    ]
    return Table(f"by-{thing}", (thing.capitalize(), *headers), rows)


def percent(part: int, whole: int) -> float | None:
    """`part` of `whole` in percent, to a tenth; None of nothing."""
    return round(part * 100 / whole, 1) if whole else None


def as_csv(table: Table) -> bytes:
    """The table as a file, in UTF-8 with a mark that spreadsheets know it by."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(table.headers)
    for row in table.rows:
        writer.writerow(["" if value is None else neutral(str(value)) for value in row])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def beside(table: Table, what: str) -> None:
    """The numbers of a plot, folded away until somebody wants them, and their file."""
    with st.expander(f"Numbers: {what}", icon=":material/table:"):
        draw(table, what)


def draw(table: Table, what: str) -> None:
    """The table, which a click on a header sorts, and its file."""
    columns = {header: [row[place] for row in table.rows] for place, header in enumerate(table.headers)}
    st.dataframe(columns, hide_index=True, alt=f"Table: {what}", key=f"table_{table.name}")
    st.download_button(
        f"Export {what} as CSV",
        data=lambda: as_csv(table),
        file_name=f"callwright-{table.name}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"export_{table.name}",
    )


def _seconds(figures: Figures) -> float | None:
    mean = figures.mean_duration_ms
    return None if mean is None else round(mean / 1000, 1)


def _yes(holds: bool) -> str:
    return "Yes" if holds else "No"
