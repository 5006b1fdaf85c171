"""The fields of a campaign, shared by the steps of a new one and by Settings. Values are as the API takes them.

Nothing here is inside a form: each field is checked as it is typed, and what was typed stays whatever the answer is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as field_of
from datetime import datetime, time
from typing import Any

import streamlit as st

from dashboard.parts import week
from dashboard.rows import Campaign, Choice
from dashboard.times import zone, zones
from dashboard.words import WEEKDAYS, capital, md

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Remarks:
    """What is said beside the fields, by field. `problems`: why it can't be saved; `warnings`: what will really happen with what is."""

    problems: Mapping[str, str] = field_of(default_factory=dict)
    warnings: Mapping[str, str] = field_of(default_factory=dict)


ALL_WEEK = [1, 2, 3, 4, 5, 6, 7]
DEFAULTS: Values = {
    "concurrency": 1,
    "max_retries": 0,
    "retry_delay_min": None,
    "throttle_delay_ms": None,
    "start_time": None,
    "end_time": None,
    "timezone": None,
    "weekdays": ALL_WEEK,
    "scheduled_start": None,
    "retry_on_voicemail": False,
    "retry_on_dropped": True,
    "local_hours": True,
    "ring_timeout_s": 30,
    "max_per_24h": 3,
    "max_per_7d": 7,
    "pilot_size": None,
}


def values_of(campaign: Campaign) -> Values:
    """The settings of a campaign that exists."""
    return {name: getattr(campaign, name) for name in ("name", "agent_id", "phone_number_id", *DEFAULTS)}


def as_sent(campaign: Campaign) -> Values:
    """The same as the fields give them when nothing is typed."""
    times = {name: value and f"{value:%H:%M}" for name, value in (("start_time", campaign.start_time), ("end_time", campaign.end_time))}
    at = campaign.scheduled_start
    start = at and at.astimezone(zone(campaign.timezone)).isoformat()
    return values_of(campaign) | times | {"scheduled_start": start, "weekdays": sorted(campaign.weekdays)}


def basics(values: Values, agents: Sequence[Choice], numbers: Sequence[Choice], key: str, remarks: Remarks) -> Values:
    """Name, agent and phone number."""
    name = st.text_input(
        "Campaign name",
        values.get("name", ""),
        max_chars=200,
        key=f"{key}_name",
        persist_state="page",
        help="What people call it.",
        live=True,
    )
    remark(remarks, "name")
    agent = _choice("Agent", agents, values.get("agent_id"), f"{key}_agent", "The voice agent that speaks.")
    remark(remarks, "agent_id")
    number = _choice("Phone number", numbers, values.get("phone_number_id"), f"{key}_number", "The number the call comes from.")
    remark(remarks, "phone_number_id")
    return {"name": (name or "").strip(), "agent_id": agent, "phone_number_id": number}


def missing_basics(values: Values) -> dict[str, str]:
    """What is still to be filled in of name, agent and phone number."""
    asked = {
        "name": "Give the campaign a name.",
        "agent_id": "Choose the agent that speaks.",
        "phone_number_id": "Choose the number to call from.",
    }
    return {field: text for field, text in asked.items() if not values.get(field)}


def call_settings(values: Values, key: str, remarks: Remarks) -> Values:
    """How fast, how often and when to call."""
    with st.container(border=True):
        st.markdown("**How fast, and how often**")
        pace = _pace(values, key, remarks)
    with st.container(border=True):
        st.markdown("**When**")
        when = _when(values, key, remarks)
    with st.expander("More: who is called again, the callee's own hours, limits", icon=":material/tune:"):
        more = _more(values, key, remarks)
    return {**pace, **when, **more}


def missing_settings(values: Values) -> dict[str, str]:
    """What the settings lack; the API checks all the rest."""
    found = {}
    if values["max_retries"] and values["retry_delay_min"] is None:
        found["retry_delay_min"] = "Say how many minutes to wait before a further try: it is required once there are retries."
    if not values["weekdays"]:
        found["weekdays"] = "Choose at least one day."
    return found


def _pace(values: Values, key: str, remarks: Remarks) -> Values:
    with st.grid(min_column_width=165):
        concurrency = st.number_input(
            "Concurrency",
            1,
            1000,
            values["concurrency"],
            key=f"{key}_concurrency",
            persist_state="page",
            help="Calls at the same time.",
        )
        throttle = st.number_input(
            "Throttle delay (ms)", 0, 86_400_000, values["throttle_delay_ms"], step=100, key=f"{key}_throttle", persist_state="page",
            placeholder="None",
            help="Milliseconds between the starts of two calls. Empty: none.",
        )  # fmt: skip
        retries = st.number_input(
            "Max retries",
            0,
            20,
            values["max_retries"],
            key=f"{key}_retries",
            persist_state="page",
            help="Further tries when a contact does not answer.",
        )
        delay = st.number_input(
            "Retry delay (minutes)", 1, 43200, values["retry_delay_min"], key=f"{key}_retry_delay", persist_state="page",
            disabled=not retries,
            placeholder="Required" if retries else "No retries", help="Minutes before a further try.",
        )  # fmt: skip
    for field in ("concurrency", "throttle_delay_ms", "max_retries", "retry_delay_min"):  # a field is too narrow for a sentence
        remark(remarks, field)
    return {
        "concurrency": concurrency,
        "throttle_delay_ms": throttle,
        "max_retries": retries,
        "retry_delay_min": delay if retries else None,
    }


def _when(values: Values, key: str, remarks: Remarks) -> Values:
    names = zones()
    chosen = values["timezone"] or st.context.timezone
    index = names.index(chosen) if chosen in names else names.index("UTC")
    zone_name = st.selectbox(
        "Time zone", names, index, key=f"{key}_zone", persist_state="page", help="Of the hours, the weekdays and the scheduled start."
    )
    remark(remarks, "timezone")
    days = st.pills(
        "Weekdays",
        ALL_WEEK,
        selection_mode="multi",
        default=list(values["weekdays"]),
        format_func=WEEKDAYS.__getitem__,
        key=f"{key}_days",
        persist_state="page",
    )
    remark(remarks, "weekdays")
    start = end = None
    if st.toggle("Only at certain hours", values["start_time"] is not None, key=f"{key}_windowed", persist_state="page"):
        with st.container(horizontal=True):
            start = st.time_input("Start hour", values["start_time"] or time(9), key=f"{key}_start", persist_state="page", width=160)
            end = st.time_input("End hour", values["end_time"] or time(17), key=f"{key}_end", persist_state="page", width=160)
        remark(remarks, "start_time")
        remark(remarks, "end_time")
    st.caption(md(window_in_words(start, end, sorted(days or []), zone_name)))
    local = bool(st.session_state.get(f"{key}_local", values["local_hours"]))  # its box is drawn further down
    week.draw(start, end, sorted(days or []), zone_name, local_hours=local)
    scheduled = _scheduled(values, key, zone_name)
    remark(remarks, "scheduled_start")
    return {
        "timezone": zone_name,
        "weekdays": sorted(days or []),
        "start_time": start and f"{start:%H:%M}",
        "end_time": end and f"{end:%H:%M}",
        "scheduled_start": scheduled,
    }


def _scheduled(values: Values, key: str, zone_name: str) -> str | None:
    """The scheduled start as RFC 3339 with its zone; None for at once."""
    there = zone(zone_name)
    known: datetime | None = values["scheduled_start"]
    if not st.toggle(
        "Start later",
        known is not None,
        key=f"{key}_later",
        persist_state="page",
        help="Nothing is called before this time, once you have pressed Start.",
    ):
        return None
    shown = known.astimezone(there).replace(tzinfo=None) if known else datetime.now(there).replace(tzinfo=None, second=0, microsecond=0)
    at = st.datetime_input(f"Scheduled start ({zone_name})", shown, key=f"{key}_at", persist_state="page", width=280)
    return None if at is None else at.replace(tzinfo=there).isoformat()


def _more(values: Values, key: str, remarks: Remarks) -> Values:
    voicemail = st.checkbox(
        "Call again after a voicemail", values["retry_on_voicemail"], key=f"{key}_again_voicemail", persist_state="page"
    )
    dropped = st.checkbox(
        "Call again when a call with a person was lost", values["retry_on_dropped"], key=f"{key}_again_dropped", persist_state="page"
    )
    local = st.checkbox(
        "Respect the callee's own hours: 8:00 to 21:00 where they live", values["local_hours"], key=f"{key}_local", persist_state="page",
        help="From the contact's time zone, or from the number. Where it can't be known, the contact is skipped.",
    )  # fmt: skip
    with st.grid(min_column_width=165):
        ring = st.number_input("Ring for (seconds)", 5, 120, values["ring_timeout_s"], key=f"{key}_ring", persist_state="page")
        day = st.number_input(
            "Tries per number in 24 hours",
            1,
            100,
            values["max_per_24h"],
            key=f"{key}_day",
            persist_state="page",
            help="Over all campaigns.",
        )
        week = st.number_input(
            "Tries per number in 7 days", 1, 500, values["max_per_7d"], key=f"{key}_week", persist_state="page", help="Over all campaigns."
        )
        pilot = st.number_input(
            "Start small: pause after (contacts)", 1, 1_000_000, values["pilot_size"], key=f"{key}_pilot", persist_state="page",
            placeholder="No pause",
            help="Calls the first contacts, then pauses by itself so that you can look before it goes on.",
        )  # fmt: skip
    for field in ("ring_timeout_s", "max_per_24h", "max_per_7d", "pilot_size"):
        remark(remarks, field)
    return {
        "retry_on_voicemail": voicemail,
        "retry_on_dropped": dropped,
        "local_hours": local,
        "ring_timeout_s": ring,
        "max_per_24h": day,
        "max_per_7d": week,
        "pilot_size": pilot,
    }


def window_in_words(start: time | None, end: time | None, days: Sequence[int], zone_name: str) -> str:
    """When calls may be made: Mon, Tue, 09:00 to 17:00 (Europe/Berlin)."""
    if not days:
        return "No day is chosen, so nothing would be called."
    on = "every day" if list(days) == ALL_WEEK else "on " + ", ".join(WEEKDAYS[day] for day in days)
    if start is None or end is None:
        return f"Calls are made {on}, at any hour ({zone_name})."
    if start == end:
        return f"Calls are made {on}, all day ({zone_name})."
    if end < start:
        night = f"from {start:%H:%M} over midnight to {end:%H:%M}"
        return f"Calls are made {on}, {night} ({zone_name}). A night belongs to the day on which it starts."
    return f"Calls are made {on}, from {start:%H:%M} to {end:%H:%M} ({zone_name})."


def _choice(label: str, choices: Sequence[Choice], chosen: int | None, key: str, meaning: str) -> int | None:
    labels = {choice.id: choice.label for choice in choices}
    ids = list(labels)
    index = ids.index(chosen) if chosen in labels else 0 if len(ids) == 1 else None
    picked: int | None = st.selectbox(
        label, ids, index, format_func=labels.__getitem__, key=key, persist_state="page", help=meaning, placeholder="Choose one"
    )
    return picked


def remark(remarks: Remarks, field: str) -> None:
    """What is said about one field, if anything."""
    for said, look in ((remarks.problems, ":red[:material/error: {}]"), (remarks.warnings, ":orange[:material/warning:] {}")):
        if field in said:
            text = said[field]
            st.markdown(look.format(md(capital(text))))
