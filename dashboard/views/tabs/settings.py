"""Settings: all fields; to be changed in Draft and Paused, otherwise shown with the reason."""

import streamlit as st

from dashboard import drafts
from dashboard.commands import CommandRefused, commands
from dashboard.data import data
from dashboard.errands import begun as sent
from dashboard.errands import errand
from dashboard.parts import campaign_form as form
from dashboard.parts import week
from dashboard.parts.forecast import forecast_of_unsaved
from dashboard.parts.frame import Person, say_and_rerun
from dashboard.parts.warnings import warnings_by_field
from dashboard.rows import Campaign
from dashboard.times import moment, zone
from dashboard.words import CAMPAIGN_STATUS, capital, md, word

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
    begun = _begun_at(campaign)
    key = f"edit_{campaign.id}_{begun.version}"
    drafts.typed_in(f"editing_{campaign.id}", f"{key}_")
    if (saved := sent(_saving(key))) is not None:
        saved.result()
        _go_on(campaign.id)
    problems = st.session_state.get(f"{key}_problems", {})
    meanwhile = st.container()
    remarks = form.Remarks(problems, warnings_by_field(campaign.id))
    with st.container(width=760):
        values = form.basics(form.values_of(campaign), data().agents(), data().phone_numbers(), key, remarks)
        values |= form.call_settings(form.values_of(campaign), key, remarks)
        forecast_of_unsaved(campaign, values, key)
        if begun.version == campaign.version and st.button("Save settings", type="primary", icon=":material/save:"):
            _save(campaign, values, values, key)
    if begun.version != campaign.version:
        with meanwhile:
            _changed_meanwhile(begun, campaign, values, key)


def _changed_meanwhile(begun: Campaign, now: Campaign, values: form.Values, key: str) -> None:
    """Somebody else has saved since: what they changed, and the two ways on. Nothing that was typed is lost before one is chosen."""
    changes = [f"- **{md(name)}**: {md(old)} became {md(new)}" for name, (old, new) in differences(begun, now).items()]
    told = "Somebody else has changed this campaign since you opened it:\n" + "\n".join(changes)
    st.warning(told if changes else "Somebody else has saved this campaign since you opened it.", icon=":material/group:")
    mine = {name: value for name, value in values.items() if value != form.as_sent(begun)[name]}
    with st.container(horizontal=True):
        label = "Save what I changed, and keep the rest of theirs"
        if st.button(label, type="primary", icon=":material/merge:", disabled=not mine):
            _save(now, values, mine, key)
        st.button("Show theirs, and drop mine", on_click=_begin_again, args=(now.id,), icon=":material/refresh:")


def differences(begun: Campaign, now: Campaign) -> dict[str, tuple[str, str]]:
    """The settings that are not the same in both, as they are shown: before, and now."""
    before, after = _settings(begun, _hours(begun)), _settings(now, _hours(now))
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}


def _hours(campaign: Campaign) -> str:
    return form.window_in_words(campaign.start_time, campaign.end_time, campaign.weekdays, campaign.timezone or "no time zone set")


def _begun_at(campaign: Campaign) -> Campaign:
    """What the fields were filled from: what is typed stays when somebody else saves meanwhile, and is not saved over it."""
    begun: Campaign = st.session_state.get(f"editing_{campaign.id}", campaign)
    if f"edit_{campaign.id}_{begun.version}_name" not in st.session_state:  # the fields are not on the page yet: nothing was typed
        begun = campaign
    st.session_state[f"editing_{campaign.id}"] = begun
    return begun


def _begin_again(campaign_id: int) -> None:
    st.session_state.pop(f"editing_{campaign_id}", None)


def _save(campaign: Campaign, values: form.Values, changes: form.Values, key: str) -> None:
    """Saves `changes` over the campaign as it was read. `values`: of all fields."""
    problems = form.missing_basics(values) | form.missing_settings(values)
    if not problems:
        try:
            api = commands()
            errand(_saving(key), (changes, campaign.version)).send(lambda _once: api.edit_campaign(campaign.id, changes, campaign.version))
        except CommandRefused as refused:
            problems = refused.problems
            if not problems:
                st.error(md(str(refused)), icon=":material/error:")
                return
    st.session_state[f"{key}_problems"] = problems
    if problems:
        st.rerun()
    _go_on(campaign.id)


def _go_on(campaign_id: int) -> None:
    """After the settings were saved, in this run of the page or in one before: from here on the fields are those of the next version."""
    _begin_again(campaign_id)
    say_and_rerun("Settings saved")


def _saving(key: str) -> str:
    return f"saving_{key}"


def _read(campaign: Campaign) -> None:
    there = zone(campaign.timezone, st.context.timezone)
    standing = commands().standing(campaign.id)
    hours = str(standing["hours"])
    shown = _settings(campaign, capital(hours)) | {
        "Created": moment(campaign.created_at, there) + (f" by {campaign.created_by}" if campaign.created_by else ""),
        "Started": moment(campaign.started_at, there),
        "Ended": moment(campaign.ended_at, there),
    }
    st.table({f"**{name}**": md(value) for name, value in shown.items()}, border="horizontal", alt="Settings of this campaign")
    for field in standing["warnings"]:
        form.remark(form.Remarks(warnings=standing["warnings"]), field)
    week.draw(campaign.start_time, campaign.end_time, campaign.weekdays, str(there), local_hours=campaign.local_hours)


def _settings(campaign: Campaign, hours: str) -> dict[str, str]:
    """Each setting by its name, in words. `hours`: the window's."""
    there = zone(campaign.timezone, st.context.timezone)
    return {
        "Name": campaign.name,
        "Agent": campaign.agent_name,
        "Phone number": f"{campaign.phone_number} {campaign.phone_number_label}".strip(),
        "Concurrency": str(campaign.concurrency),
        "Max retries": str(campaign.max_retries),
        "Retry delay": "-" if campaign.retry_delay_min is None else f"{campaign.retry_delay_min} minutes",
        "Throttle delay": "None" if campaign.throttle_delay_ms is None else f"{campaign.throttle_delay_ms} ms",
        "Hours": hours,
        "Scheduled start": "None" if campaign.scheduled_start is None else moment(campaign.scheduled_start, there),
        "Call again after a voicemail": _yes(campaign.retry_on_voicemail),
        "Call again after a lost call": _yes(campaign.retry_on_dropped),
        "Callee's own hours (8:00 to 21:00)": "Respected" if campaign.local_hours else "Not respected",
        "Ring for": f"{campaign.ring_timeout_s} seconds",
        "Tries per number": f"{campaign.max_per_24h} in 24 hours, {campaign.max_per_7d} in 7 days",
        "Start small": "No pause" if campaign.pilot_size is None else f"Pause after {campaign.pilot_size:,} contacts",
    }


def _yes(value: bool) -> str:
    return "Yes" if value else "No"
