"""Settings: all fields; to be changed in Draft and Paused, otherwise shown with the reason."""

import streamlit as st

from dashboard.commands import CommandRefused, commands
from dashboard.data import data
from dashboard.parts import campaign_form as form
from dashboard.parts import week
from dashboard.parts.forecast import forecast_of_unsaved
from dashboard.parts.frame import Person, say_and_rerun
from dashboard.rows import Campaign
from dashboard.times import moment, zone
from dashboard.words import CAMPAIGN_STATUS, md, word

CLOSED = ("completed", "cancelled")


def show(person: Person, campaign: Campaign) -> None:
    if person.may_operate and campaign.status in ("draft", "paused"):
        _edit(campaign)
        return
    status = word(CAMPAIGN_STATUS, campaign.status).label
    if not person.may_operate:
        st.info("Your role can look at the settings, not change them.", icon=":material/lock:")
    elif campaign.status in CLOSED:
        st.info(
            f"A campaign that is {status} is closed for good. **Duplicate** above makes a new Draft with these settings.",
            icon=":material/lock:",
        )
    else:
        st.info(
            f"Settings can't be changed while the campaign is {status}. **Pause** it first, or **Duplicate** it.", icon=":material/lock:"
        )
    _read(campaign)


def _edit(campaign: Campaign) -> None:
    version = _begun_at(campaign)
    key = f"edit_{campaign.id}_{version}"
    problems = st.session_state.get(f"{key}_problems", {})
    if version != campaign.version:
        st.warning(
            "Somebody else has changed this campaign since you opened it. Yours can't be saved over theirs.", icon=":material/group:"
        )
        st.button("Show theirs, and drop mine", on_click=_begin_again, args=(campaign.id,), icon=":material/refresh:")
    remarks = form.Remarks(problems, commands().standing(campaign.id)["warnings"])
    with st.container(width=760):
        values = form.basics(form.values_of(campaign), data().agents(), data().phone_numbers(), key, remarks)
        values |= form.call_settings(form.values_of(campaign), key, remarks)
        forecast_of_unsaved(campaign, values, key)
        if st.button("Save settings", type="primary", icon=":material/save:"):
            _save(campaign.id, version, values, key)


def _begun_at(campaign: Campaign) -> int:
    """The version that the fields were filled from: what is typed stays when somebody else saves meanwhile, and is not saved over it."""
    begun: int = st.session_state.get(f"editing_{campaign.id}", campaign.version)
    if f"edit_{campaign.id}_{begun}_name" not in st.session_state:  # the fields are not on the page yet: nothing was typed
        begun = campaign.version
    st.session_state[f"editing_{campaign.id}"] = begun
    return begun


def _begin_again(campaign_id: int) -> None:
    st.session_state.pop(f"editing_{campaign_id}", None)


def _save(campaign_id: int, version: int, values: form.Values, key: str) -> None:
    problems = form.missing_basics(values) | form.missing_settings(values)
    if not problems:
        try:
            commands().edit_campaign(campaign_id, values, version)
        except CommandRefused as refused:
            problems = refused.problems
            if not problems:
                st.error(md(str(refused)), icon=":material/error:")
                return
    st.session_state[f"{key}_problems"] = problems
    if problems:
        st.rerun()
    _begin_again(campaign_id)
    say_and_rerun("Settings saved")


def _read(campaign: Campaign) -> None:
    there = zone(campaign.timezone, st.context.timezone)
    standing = commands().standing(campaign.id)
    hours = str(standing["hours"])
    shown = {
        "Name": campaign.name,
        "Agent": campaign.agent_name,
        "Phone number": f"{campaign.phone_number} {campaign.phone_number_label}".strip(),
        "Concurrency": str(campaign.concurrency),
        "Max retries": str(campaign.max_retries),
        "Retry delay": "-" if campaign.retry_delay_min is None else f"{campaign.retry_delay_min} minutes",
        "Throttle delay": "None" if campaign.throttle_delay_ms is None else f"{campaign.throttle_delay_ms} ms",
        "Hours": hours[:1].upper() + hours[1:],
        "Scheduled start": "None" if campaign.scheduled_start is None else moment(campaign.scheduled_start, there),
        "Call again after a voicemail": _yes(campaign.retry_on_voicemail),
        "Call again after a lost call": _yes(campaign.retry_on_dropped),
        "Callee's own hours (8:00 to 21:00)": "Respected" if campaign.local_hours else "Not respected",
        "Ring for": f"{campaign.ring_timeout_s} seconds",
        "Tries per number": f"{campaign.max_per_24h} in 24 hours, {campaign.max_per_7d} in 7 days",
        "Start small": "No pause" if campaign.pilot_size is None else f"Pause after {campaign.pilot_size:,} contacts",
        "Created": moment(campaign.created_at, there) + (f" by {campaign.created_by}" if campaign.created_by else ""),
        "Started": moment(campaign.started_at, there),
        "Ended": moment(campaign.ended_at, there),
    }
    st.table({f"**{name}**": md(value) for name, value in shown.items()}, border="horizontal", alt="Settings of this campaign")
    for field in standing["warnings"]:
        form.remark(form.Remarks(warnings=standing["warnings"]), field)
    zone_name = campaign.timezone or "UTC"
    week.draw(campaign.start_time, campaign.end_time, campaign.weekdays, zone_name, local_hours=campaign.local_hours)


def _yes(value: bool) -> str:
    return "Yes" if value else "No"
