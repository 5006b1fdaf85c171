"""The sections of the analytics: each says in a sentence what its plot shows, draws it, and has its numbers beside it."""

from collections.abc import Sequence
from datetime import date

import streamlit as st

from dashboard.parts import analytics_tables as tables
from dashboard.parts import charts
from dashboard.parts.charts import FEW, GOALS, SENTIMENTS, hour_name
from dashboard.reads.analytics import FirstWords, Hour, Period, Step, Try, percentile, total

LETTERS = "#4b5763"
DAY_NAMES = {1: "Monday", 2: "Tuesday", 3: "Wednesday", 4: "Thursday", 5: "Friday", 6: "Saturday", 7: "Sunday"}


def when_people_answer(hours: Sequence[Hour]) -> None:
    """The heat map of the week."""
    st.header("When people answer")
    said = best_and_worst(hours)
    st.markdown(said)
    draw(charts.heat_map(hours), f"Share of calls answered by weekday and hour. {said}")
    tables.beside(tables.by_hour(hours), "answers by hour")


def what_each_try_brings(tries: Sequence[Try]) -> None:
    """The flow of outcomes from try to try."""
    st.header("What each try brings")
    said = reached_by_try(tries)
    st.markdown(said)
    draw(charts.flow(tries), f"How each try ended. {said}")
    tables.beside(tables.by_try(tries), "outcomes by try")


def goals_and_sentiment(periods: Sequence[Period], step: Step) -> None:
    """Both over time, side by side where there is room."""
    left, right = st.columns(2, gap="large")
    people = sum(period.people for period in periods)
    with left:
        st.header("Goals")
        if not any(period.met + period.unclear + period.not_met for period in periods):
            st.info("No goal is known yet: it is told from what a person said.", icon=":material/flag:")
        else:
            said = f"The goal was met with {total(periods).met:,} of {people:,} people."
            st.markdown(said)
            draw(charts.shares_over_time(periods, GOALS, step), f"Goals by {step}. {said}")
            tables.beside(tables.goals(periods, step), f"goals by {step}")
    with right:
        st.header("Sentiment")
        if not any(period.positive + period.neutral + period.negative for period in periods):
            st.info("No sentiment is known yet: it is told from what a person said.", icon=":material/mood:")
        else:
            said = " · ".join(f"{share.label} {sum(getattr(period, share.field) for period in periods):,}" for share in SENTIMENTS)
            st.markdown(said)
            draw(charts.shares_over_time(periods, SENTIMENTS, step), f"Sentiment by {step}. {said}")
            tables.beside(tables.sentiments(periods, step), f"sentiment by {step}")


def duration_and_voicemail(periods: Sequence[Period], step: Step) -> None:
    """Both over time, with one table."""
    timed: list[tuple[date, str, float]] = [
        (each.day, "Average duration", each.mean_duration_ms / 1000) for each in periods if each.mean_duration_ms is not None
    ]
    boxes: list[tuple[date, str, float]] = [(each.day, "Voicemail", each.voicemails / each.answered) for each in periods if each.answered]
    st.header("Duration and voicemail")
    if not timed or not boxes:
        st.info("No call was answered in these days.", icon=":material/phone_missed:")
        return
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("Average duration of answered calls, in seconds.")
        draw(charts.line(timed, "Seconds", step), f"Average duration of answered calls by {step}, in seconds.")
    with right:
        st.markdown("Answered calls in which a mailbox picked up.")
        draw(
            charts.line(boxes, "Of answered calls", step, format_=".0%"),
            alt=f"Share of answered calls that a mailbox picked up, by {step}.",
        )
    tables.beside(tables.durations(periods, step), f"duration and voicemail by {step}")


def first_words(words: Sequence[FirstWords], step: Step) -> None:
    """How soon the agent spoke: the median and the slow end."""
    st.header("How soon the agent speaks")
    half, most = percentile(words, 0.5), percentile(words, 0.95)
    if half is None:
        st.info("The agent has not spoken in these days.", icon=":material/graphic_eq:")
        return
    said = f"From the answer to the agent's first sound: half of the calls within {half:,} ms, 95% within {most:,} ms."
    st.markdown(said)
    table = tables.latencies(words, step)
    values = [
        (day, name, float(percentile([each for each in words if each.day == day], share) or 0))
        for name, share in (("Half of the calls", 0.5), ("95% of the calls", 0.95))
        for day in sorted({each.day for each in words})
    ]
    draw(charts.line(values, "Milliseconds", step), f"First word by {step}. {said}")
    tables.beside(table, f"first words by {step}")


def draw(chart: charts.Plot, alt: str) -> None:
    """The plot, with `alt` as its words for who can't see it. On a light page Streamlit's letters would be too pale."""
    if st.context.theme.type == "light":
        chart = chart.configure_axis(labelColor=LETTERS, titleColor=LETTERS).configure_legend(labelColor=LETTERS, titleColor=LETTERS)
    st.altair_chart(chart, alt=alt)


def best_and_worst(hours: Sequence[Hour]) -> str:
    """The hours in which most and fewest calls were answered, of those with enough calls to tell."""
    known = sorted((each for each in hours if each.calls >= FEW), key=lambda each: each.answered / each.calls)
    gray = f"Gray: fewer than {FEW} calls, too few to tell."
    if not known:
        return f"No hour of the week has {FEW} calls yet, so there is no telling when people answer. {gray}"
    best, worst = known[-1], known[0]
    if best is worst:
        return f"Only {_hour(best)} has enough calls to tell. {gray}"
    return f"Most are answered on {_hour(best)}, fewest on {_hour(worst)}. {gray}"


def reached_by_try(tries: Sequence[Try]) -> str:
    """How many of each try's calls reached a person."""
    shares = charts.outcome_shares(tries)
    whole = {str(row["try"]): row["of"] for row in shares}
    people = {str(row["try"]): row["share"] for row in shares if row["outcome"] == "Talked to a person"}
    said = (f"{name}: {people.get(name, 0) * 100:.0f}% of {calls:,} calls" for name, calls in whole.items())
    return f"Talked to a person in {'; '.join(said)}."


def _hour(each: Hour) -> str:
    return f"{DAY_NAMES[each.weekday]} at {hour_name(each.hour)} ({each.answered * 100 / each.calls:.0f}% of {each.calls:,} calls)"
